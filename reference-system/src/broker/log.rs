//! The replicated log on disk: omnipaxos' storage over a [`Journal`].
//!
//! omnipaxos calls its storage synchronously and takes an error for the end of the world, so writes
//! gather in memory and [`LogStore::flush`] makes them durable, once for everything that one turn of the
//! broker has done, before any message leaves it. An error there ends the broker, which then recovers
//! from what is on disk: fail-stop, as in Kafka and etcd.

use crate::{
    journal::{self, Care, Journal},
    wire::{log::Entry, peers::Copied},
};
use omnipaxos::{
    ballot_leader_election::Ballot,
    storage::{NoSnapshot, StopSign, Storage, StorageOp, StorageResult},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// One change of the log, as the journal holds it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Change {
    /// Entries from this index on replace what was there.
    Entries(u64, Vec<Entry>),
    /// The ballot that this broker promises to follow.
    Promise(Ballot),
    /// The ballot in which it has accepted the log.
    Accepted(Ballot),
    /// The length of the part of the log that is decided.
    Decided(u64),
    /// How often a peer's log had been synced when it was heard of last.
    Heard(u64, u64),
    /// This log is older than it should be, as others have said.
    Old,
}

/// Whether others rely on a change once they hear of it. That something was decided can be learnt again, and what was heard
/// matters only with what was done about it.
pub(super) fn others_rely_on(change: &Change) -> bool {
    !matches!(change, Change::Decided(_) | Change::Heard(..))
}

/// The newest promise of any of them: the broker may have made it too.
pub(super) fn newest_promise(copies: &[Copied]) -> Option<Ballot> {
    copies.iter().filter_map(|copied| copied.promise).max()
}

/// The log, in memory and on disk.
#[derive(Debug)]
pub(crate) struct LogStore {
    directory: PathBuf,
    journal: Journal,
    entries: Vec<Entry>,
    promise: Option<Ballot>,
    accepted: Option<Ballot>,
    decided: usize,
    /// How often the log of each peer had been synced, as it has told.
    heard: BTreeMap<u64, u64>,
    /// Peers whose numbers there are newer than what is written.
    unwritten: BTreeSet<u64>,
    buffer: Vec<u8>,
    /// Others have said that it is older than it should be.
    old: bool,
    /// Something is in the buffer that others will rely on.
    urgent: bool,
    must_be_synced: fn(&Change) -> bool,
}

/// The file.
const LOG: &str = "log";

impl LogStore {
    /// Recovers the log in `directory`.
    pub(super) fn open(
        directory: &Path,
        care: &Care,
        must_be_synced: fn(&Change) -> bool,
    ) -> io::Result<Self> {
        let (journal, records) = Journal::open(directory, LOG, care)?;
        let mut log = Self {
            directory: directory.to_owned(),
            journal,
            entries: Vec::new(),
            promise: None,
            accepted: None,
            decided: 0,
            heard: BTreeMap::new(),
            unwritten: BTreeSet::new(),
            buffer: Vec::new(),
            old: false,
            urgent: false,
            must_be_synced,
        };
        for record in records {
            let changes: Vec<Change> = postcard::from_bytes(&record)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            for change in changes {
                log.apply(change)?;
            }
        }
        log.decided = log.decided.min(log.entries.len());
        Ok(log)
    }

    fn apply(&mut self, change: Change) -> io::Result<()> {
        match change {
            Change::Entries(from, entries) => {
                let gap = "the log has a gap: a record of it is missing";
                let from = usize::try_from(from).ok().filter(|from| *from <= self.entries.len());
                let from = from.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, gap))?;
                self.entries.truncate(from);
                self.entries.extend(entries);
            }
            Change::Promise(ballot) => self.promise = Some(ballot),
            Change::Accepted(ballot) => self.accepted = Some(ballot),
            Change::Decided(index) => {
                self.decided = usize::try_from(index).map_err(io::Error::other)?;
            }
            Change::Heard(peer, age) => {
                self.heard.insert(peer, age);
            }
            Change::Old => self.old = true,
        }
        Ok(())
    }

    fn write(&mut self, changes: Vec<Change>) -> io::Result<()> {
        self.urgent |= changes.iter().any(self.must_be_synced);
        let record = postcard::to_stdvec(&changes).map_err(io::Error::other)?;
        journal::frame(&mut self.buffer, &record);
        for change in changes {
            self.apply(change)?;
        }
        Ok(())
    }

    /// A peer's log had been synced so often when it sent what is just being taken in. Whatever is relied on because of
    /// it becomes durable together with this; if it is a promise to follow, at once.
    pub(super) fn hear(&mut self, peer: u64, age: u64, promises: bool) {
        let known = self.heard.entry(peer).or_default();
        if age > *known {
            *known = age;
            self.unwritten.insert(peer);
            self.urgent |= promises;
        }
    }

    /// Promises to follow this ballot, if it is newer than what was promised, and makes that durable. Whether it is.
    pub(super) fn promise_newer(&mut self, ballot: Option<Ballot>) -> io::Result<bool> {
        let Some(newer) = ballot.filter(|_| ballot > self.promise) else { return Ok(false) };
        self.write(vec![Change::Promise(newer)])?;
        self.flush()?;
        Ok(true)
    }

    /// The ballot that this broker has promised to follow.
    pub(super) fn promise(&self) -> Option<Ballot> {
        self.promise
    }

    /// How often the log of each peer had been synced when it was heard of last.
    pub(super) fn heard(&self) -> &BTreeMap<u64, u64> {
        &self.heard
    }

    /// Makes everything durable that others may rely on.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() && !self.urgent {
            return Ok(());
        }
        if self.urgent && !self.unwritten.is_empty() {
            let peers = std::mem::take(&mut self.unwritten);
            let heard = peers.into_iter().map(|peer| Change::Heard(peer, self.heard[&peer]));
            let heard = heard.collect();
            self.write(heard)?;
        }
        self.journal.append(&self.buffer)?;
        self.buffer.clear();
        if self.urgent {
            self.journal.sync()?;
        }
        self.urgent = false;
        Ok(())
    }

    /// The ballot in which the log was accepted.
    pub(super) fn accepted(&self) -> Option<Ballot> {
        self.accepted
    }

    /// How often it has been synced in all its lives.
    pub(super) fn age(&self) -> u64 {
        self.journal.age()
    }

    /// That number, as it was found on disk.
    pub(super) fn found_age(&self) -> u64 {
        self.journal.found_age()
    }

    /// All that is known.
    pub(super) fn copied(&self) -> Copied {
        Copied {
            promise: self.promise,
            accepted: self.accepted,
            decided: self.decided as u64,
            entries: self.entries.clone(),
        }
    }

    /// It is older than it should be, and remains so until another takes its place: starting on it makes it no younger.
    pub(super) fn is_old(&self) -> bool {
        self.old
    }

    /// Remembers that.
    pub(super) fn found_old(&mut self) -> io::Result<()> {
        self.write(vec![Change::Old])?;
        self.urgent = true;
        self.flush()
    }

    /// Whether there is no log in `directory`.
    pub(super) fn is_missing(directory: &Path) -> bool {
        Journal::is_missing(directory, LOG)
    }

    /// The log is not to be believed any more: when it is opened again, another must take its place.
    pub(super) fn give_up(&self) -> io::Result<()> {
        Journal::condemn(&self.directory, LOG)
    }

    /// Puts a copy of another broker's log in the place of what was there.
    pub(super) fn replace(directory: &Path, copied: Copied, age: u64) -> io::Result<()> {
        let mut changes = vec![Change::Entries(0, copied.entries), Change::Decided(copied.decided)];
        changes.extend(copied.promise.map(Change::Promise));
        changes.extend(copied.accepted.map(Change::Accepted));
        let record = postcard::to_stdvec(&changes).map_err(io::Error::other)?;
        // An old log that the crash leaves behind must not vote.
        Journal::condemn(directory, LOG)?;
        Journal::replace(directory, LOG, &record, age)
    }

    /// The entries of these indices, as far as they exist.
    pub(crate) fn slice(&self, from: usize, to: usize) -> Vec<Entry> {
        let to = to.min(self.entries.len());
        self.entries[from.min(to)..to].to_vec()
    }
}

/// A handle on the log that omnipaxos and the broker share.
#[derive(Clone, Debug)]
pub(crate) struct SharedLog(Arc<Mutex<LogStore>>);

impl SharedLog {
    pub(super) fn new(log: LogStore) -> Self {
        Self(Arc::new(Mutex::new(log)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, LogStore> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage<Entry> for SharedLog {
    fn write_atomically(&mut self, ops: Vec<StorageOp<Entry>>) -> StorageResult<()> {
        let mut log = self.lock();
        let mut length = log.entries.len();
        let mut changes = Vec::with_capacity(ops.len());
        for op in ops {
            let change = match op {
                StorageOp::AppendEntry(entry) => Change::Entries(length as u64, vec![entry]),
                StorageOp::AppendEntries(entries) => Change::Entries(length as u64, entries),
                StorageOp::AppendOnPrefix(from, entries) => Change::Entries(from as u64, entries),
                StorageOp::SetPromise(ballot) => Change::Promise(ballot),
                StorageOp::SetAcceptedRound(ballot) => Change::Accepted(ballot),
                StorageOp::SetDecidedIndex(index) => Change::Decided(index as u64),
                // Neither snapshots nor reconfiguration are used.
                StorageOp::SetCompactedIdx(_)
                | StorageOp::Trim(_)
                | StorageOp::SetStopsign(_)
                | StorageOp::SetSnapshot(_) => continue,
            };
            if let Change::Entries(from, entries) = &change {
                length = usize::try_from(*from).expect("it was one above") + entries.len();
            }
            changes.push(change);
        }
        Ok(log.write(changes)?)
    }

    fn append_entry(&mut self, entry: Entry) -> StorageResult<()> {
        self.append_entries(vec![entry])
    }

    fn append_entries(&mut self, entries: Vec<Entry>) -> StorageResult<()> {
        let mut log = self.lock();
        let from = log.entries.len() as u64;
        Ok(log.write(vec![Change::Entries(from, entries)])?)
    }

    fn append_on_prefix(&mut self, from: usize, entries: Vec<Entry>) -> StorageResult<()> {
        Ok(self.lock().write(vec![Change::Entries(from as u64, entries)])?)
    }

    fn set_promise(&mut self, ballot: Ballot) -> StorageResult<()> {
        Ok(self.lock().write(vec![Change::Promise(ballot)])?)
    }

    fn set_decided_idx(&mut self, index: usize) -> StorageResult<()> {
        Ok(self.lock().write(vec![Change::Decided(index as u64)])?)
    }

    fn get_decided_idx(&self) -> StorageResult<usize> {
        Ok(self.lock().decided)
    }

    fn set_accepted_round(&mut self, ballot: Ballot) -> StorageResult<()> {
        Ok(self.lock().write(vec![Change::Accepted(ballot)])?)
    }

    fn get_accepted_round(&self) -> StorageResult<Option<Ballot>> {
        Ok(self.lock().accepted)
    }

    fn get_entries(&self, from: usize, to: usize) -> StorageResult<Vec<Entry>> {
        Ok(self.lock().slice(from, to))
    }

    fn get_log_len(&self) -> StorageResult<usize> {
        Ok(self.lock().entries.len())
    }

    fn get_suffix(&self, from: usize) -> StorageResult<Vec<Entry>> {
        let log = self.lock();
        Ok(log.slice(from, log.entries.len()))
    }

    fn get_promise(&self) -> StorageResult<Option<Ballot>> {
        Ok(self.lock().promise)
    }

    fn set_stopsign(&mut self, _: Option<StopSign>) -> StorageResult<()> {
        Ok(())
    }

    fn get_stopsign(&self) -> StorageResult<Option<StopSign>> {
        Ok(None)
    }

    fn trim(&mut self, _: usize) -> StorageResult<()> {
        Ok(())
    }

    fn set_compacted_idx(&mut self, _: usize) -> StorageResult<()> {
        Ok(())
    }

    fn get_compacted_idx(&self) -> StorageResult<usize> {
        Ok(0)
    }

    fn set_snapshot(&mut self, _: Option<NoSnapshot>) -> StorageResult<()> {
        Ok(())
    }

    fn get_snapshot(&self) -> StorageResult<Option<NoSnapshot>> {
        Ok(None)
    }
}
