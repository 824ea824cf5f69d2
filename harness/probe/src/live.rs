//! Real processes whose records somebody gathers: what a simulation hears of its nodes, written down by each of them.
//!
//! A process that has [begun](begin) appends its records to a file of its own, with the time of the machine's monotonic clock,
//! which all processes of a machine share. A record is written before the code goes on: what
//! happens because of a record comes after it in time, in whatever process, and a process that is killed has written
//! all that it had to say. Keep the file in memory (tmpfs): it must outlive the process, not the machine.

use crate::record::{Name, NodeId, What};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write as _},
    path::Path,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Notify;

/// The variable that names the file.
pub const RECORDS: &str = "SQUALL_RECORDS";

/// The variable that says which node this is, by its number.
pub const NODE_ID: &str = "SQUALL_NODE_ID";

/// A part of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Part {
    /// From here on the number means this, in this file.
    Name(Name, String),
    /// Something happened.
    Record {
        /// When, in microseconds of the machine's monotonic clock.
        at: u64,
        /// Where.
        node: NodeId,
        /// What.
        what: What,
    },
    /// Something was said in words.
    Said {
        /// When, in microseconds of the machine's monotonic clock.
        at: u64,
        /// Where.
        node: NodeId,
        /// What.
        text: String,
    },
}

struct Tape {
    node: NodeId,
    file: File,
    names: BTreeMap<String, Name>,
    /// How often each fault point was passed.
    passed: BTreeMap<&'static str, u32>,
}

static TAPE: OnceLock<Mutex<Tape>> = OnceLock::new();
static STOPPING: AtomicBool = AtomicBool::new(false);
static STOP: Notify = Notify::const_new();

/// The whole parts at the begin of what was read of a file, and how many bytes they take. What makes no sense is passed over.
#[must_use]
pub fn parts(bytes: &[u8]) -> (Vec<Part>, usize) {
    let (mut parts, mut read) = (Vec::new(), 0);
    while let Some((length, rest)) = bytes[read..].split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some(part) = rest.get(..length) else { break };
        parts.extend(postcard::from_bytes(part));
        read += length + 4;
    }
    (parts, read)
}

/// The time of the machine's monotonic clock, in microseconds: the same for all processes of a machine.
#[must_use]
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or_default() * 1_000_000 + nanos.unwrap_or_default() / 1_000
}

/// Whether this process writes its records down.
#[must_use]
pub fn is_active() -> bool {
    TAPE.get().is_some()
}

/// From here on this process is a node whose records are appended to a file. Once for a process; what comes later is
/// ignored.
///
/// # Errors
/// The file cannot be opened.
pub fn begin(path: &Path, node: NodeId) -> io::Result<()> {
    let file = File::options().append(true).create(true).open(path)?;
    // Of names of an earlier life of the node the file may be full: they are told again, and mean the same there.
    let tape = Tape { node, file, names: BTreeMap::new(), passed: BTreeMap::new() };
    let _ = TAPE.set(Mutex::new(tape));
    Ok(())
}

/// As [`begin`], as the variables of the process say ([`RECORDS`], [`NODE_ID`]); nothing without them. For a program that
/// squall's live world starts, at the begin of its `main`.
///
/// # Errors
/// The file cannot be opened.
pub fn begin_as_told() -> io::Result<()> {
    let (Some(path), Some(node)) = (std::env::var_os(RECORDS), std::env::var(NODE_ID).ok()) else {
        return Ok(());
    };
    match node.parse() {
        Ok(node) => begin(Path::new(&path), NodeId(node)),
        Err(_) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{NODE_ID}: {node:?} is no number of a node"),
        )),
    }
}

fn with<R>(what: impl FnOnce(&mut Tape) -> R) -> Option<R> {
    let tape = TAPE.get()?;
    Some(what(&mut tape.lock().unwrap_or_else(PoisonError::into_inner)))
}

impl Tape {
    fn write(&mut self, part: &Part) {
        let Ok(bytes) = postcard::to_stdvec(part) else { return };
        let Ok(length) = u32::try_from(bytes.len()) else { return };
        // One write a part: nobody finds half of one. Nobody can be told that it failed.
        let _ = self.file.write_all(&[&length.to_le_bytes(), bytes.as_slice()].concat());
    }

    fn name(&mut self, text: &str) -> Name {
        if let Some(name) = self.names.get(text) {
            return *name;
        }
        let number = u16::try_from(self.names.len());
        let name = Name(number.expect("a run uses at most 65,536 names: name kinds of things"));
        self.names.insert(text.to_owned(), name);
        self.write(&Part::Name(name, text.to_owned()));
        name
    }

    fn record(&mut self, node: NodeId, what: What) {
        self.write(&Part::Record { at: now(), node, what });
    }
}

pub(crate) fn name(text: &str) -> Option<Name> {
    with(|tape| tape.name(text))
}

pub(crate) fn record(what: What) {
    with(|tape| tape.record(tape.node, what));
}

/// As [`record`](crate::record), of another node: what an observer was told of it.
pub fn record_at(node: NodeId, what: What) {
    with(|tape| tape.record(node, what));
}

pub(crate) fn signal(name: &str) {
    with(|tape| {
        let signal = tape.name(name);
        tape.record(tape.node, What::Signal { signal });
    });
}

pub(crate) fn say(text: &str) {
    with(|tape| {
        let part = Part::Said { at: now(), node: tape.node, text: text.to_owned() };
        tape.write(&part);
    });
}

pub(crate) fn point(name: &'static str) {
    with(|tape| {
        let point = tape.name(name);
        let hit = tape.passed.entry(name).or_default();
        *hit += 1;
        let hit = *hit;
        tape.record(tape.node, What::Point { point, hit });
    });
}

/// The node is asked to stop: [`stop_asked`](crate::stop_asked) returns.
pub fn ask_to_stop() {
    STOPPING.store(true, Ordering::SeqCst);
    STOP.notify_waiters();
}

pub(crate) async fn stop_asked() {
    loop {
        let asked = STOP.notified();
        if STOPPING.load(Ordering::SeqCst) {
            return;
        }
        asked.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{EventId, Position};

    #[test]
    fn what_was_written_is_read_and_what_has_no_end_yet_waits() {
        let folder = std::env::temp_dir().join(format!("squall-tape-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("records");
        let file = File::options().append(true).create(true).open(&path).unwrap();
        let mut tape =
            Tape { node: NodeId(3), file, names: BTreeMap::new(), passed: BTreeMap::new() };
        let group = tape.name("billing");
        assert_eq!(tape.name("billing"), group);
        let what = What::Apply {
            group,
            position: Position::new(0, 7),
            event: EventId(9),
            generation: 1,
            member: group,
        };
        tape.record(NodeId(3), what);
        let bytes = std::fs::read(&path).unwrap();
        let (all, read) = parts(&bytes);
        assert_eq!(read, bytes.len());
        assert_eq!(all[0], Part::Name(group, "billing".to_owned()));
        assert!(matches!(all[1], Part::Record { node: NodeId(3), what: told, .. } if told == what));
        for cut in 0..bytes.len() {
            let (some, read) = parts(&bytes[..cut]);
            assert!(some.len() < 2 && read <= cut, "{cut}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
