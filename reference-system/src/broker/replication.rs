//! This broker's part in consensus: proposals in, decided entries out, messages to and from peers in between.

use super::{
    config::BrokerConfig,
    link::Link,
    log::{LogStore, SharedLog},
};
use crate::{
    Error,
    wire::{
        log::{Command, Entry, Proposal},
        peers::{Copied, PeerMessage},
    },
};
use omnipaxos::{
    ClusterConfig, OmniPaxos, OmniPaxosConfig, ServerConfig,
    ballot_leader_election::Ballot,
    messages::{
        Message,
        sequence_paxos::{AcceptSync, PaxosMessage, PaxosMsg},
    },
    util::LogSync,
};
use rand::RngExt as _;
use squall_probe::time::Instant;
use squall_probe::{What, record};
use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

/// Ticks of one election round; a leader that is silent for two is replaced.
const ELECTION_TICKS: u64 = 5;

/// Ticks after which a message of the protocol that got no answer is sent again.
const RESEND_TICKS: u64 = 10;

/// A follower asks again when its log has not moved for this time, while its leader's has.
const STUCK: Duration = Duration::from_secs(1);

/// A broker that has heard from a majority, and has been part of no round that accepts entries, for this time has promised
/// more than the leader of the others has. They are content with their leader, and nobody would ever make a new round.
const OUTSIDE: Duration = Duration::from_secs(2);

/// Who was heard within this time is there.
const LATELY: Duration = Duration::from_secs(1);

/// This broker as a replica.
pub(super) struct Replication {
    me: u64,
    /// How many others there are.
    peers: usize,
    consensus: OmniPaxos<Entry, SharedLog>,
    log: SharedLog,
    links: BTreeMap<u64, Link>,
    /// The newest connection of each peer; what an older one still brings is void.
    connections: BTreeMap<u64, u64>,
    /// Who I am as a proposer, in this life.
    proposer: u64,
    /// How often I have proposed.
    proposals: u64,
    /// The number of decided entries that were taken.
    taken: usize,
    /// When the last of them was, or when the log was last found to have none.
    moved: Instant,
    /// When each peer was last heard.
    heard: BTreeMap<u64, Instant>,
    /// When this broker was last part of a round that accepts entries.
    inside: Instant,
    overheard: fn(&mut Message<Entry>),
}

impl Replication {
    /// Recovers the log from disk.
    pub(super) fn open(config: &BrokerConfig) -> Result<Self, Error> {
        let policy = &config.policy;
        let log = LogStore::open(&config.data, &policy.care, policy.must_be_synced)?;
        let log = SharedLog::new(log);
        record(What::Rebuild);
        let consensus = OmniPaxosConfig {
            cluster_config: ClusterConfig {
                configuration_id: 1,
                nodes: (1..=config.brokers.len() as u64).collect(),
                flexible_quorum: None,
            },
            server_config: ServerConfig {
                pid: config.id,
                election_tick_timeout: ELECTION_TICKS,
                resend_message_tick_timeout: RESEND_TICKS,
                ..ServerConfig::default()
            },
        }
        .build(log.clone())
        .map_err(|error| format!("the cluster's configuration is wrong: {error}"))?;
        Ok(Self {
            me: config.id,
            peers: config.brokers.len() - 1,
            consensus,
            log,
            links: BTreeMap::new(),
            connections: BTreeMap::new(),
            proposer: squall_probe::rng("proposer").random(),
            proposals: 0,
            taken: 0,
            moved: Instant::now(),
            heard: BTreeMap::new(),
            inside: Instant::now(),
            overheard: policy.overheard,
        })
    }

    /// From now on messages to this peer go over this link.
    pub(super) fn connect(&mut self, peer: u64, link: Link) {
        self.links.insert(peer, link);
    }

    /// The ballot that I have promised to follow, as records call it.
    pub(super) fn term(&self) -> u64 {
        term_of(self.consensus.get_promise())
    }

    /// Who leads, as far as I know.
    pub(super) fn leader(&self) -> Option<u64> {
        self.consensus.get_current_leader().map(|(leader, _)| leader)
    }

    /// Whether I lead, and a majority has promised to follow.
    pub(super) fn leads(&self) -> bool {
        self.consensus.get_current_leader() == Some((self.me, true))
    }

    /// How often I have proposed.
    pub(super) fn proposals(&self) -> u64 {
        self.proposals
    }

    /// The number of decided entries that were taken, and of all in the log.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.taken, self.consensus.get_accepted_idx())
    }

    pub(super) fn log(&self) -> &SharedLog {
        &self.log
    }

    /// Proposes a command; its number among my proposals, unless the protocol refuses it.
    pub(super) fn propose(&mut self, command: Command) -> Option<u64> {
        self.proposals += 1;
        let number = self.proposals;
        let proposal = Proposal { proposer: self.proposer, number, command };
        self.consensus.append(Entry(Arc::new(proposal))).ok().map(|()| number)
    }

    /// The number of an entry among my proposals, if it is mine.
    pub(super) fn mine(&self, entry: &Entry) -> Option<u64> {
        (entry.0.proposer == self.proposer).then_some(entry.0.number)
    }

    /// Takes in what a peer says.
    ///
    /// # Errors
    /// The others have lost what was decided, and go on without it: their disks are older than they should be. So this
    /// broker must go on without it too, and take its log from them.
    pub(super) fn hear(
        &mut self,
        from: u64,
        connection: u64,
        message: PeerMessage,
    ) -> Result<(), Error> {
        match self.connections.insert(from, connection) {
            Some(newest) if connection < newest => {
                self.connections.insert(from, newest);
                return Ok(());
            }
            // What an older connection still brings is void: it may be the last word there was.
            Some(older) if older < connection => self.make_up(from),
            _ => {}
        }
        let PeerMessage::Consensus { mut message, age } = message else { return Ok(()) };
        self.heard.insert(from, Instant::now());
        let promises = matches!(msg_of(&message), Some(PaxosMsg::Promise(_)));
        self.log.lock().hear(from, age, promises);
        (self.overheard)(&mut message);
        let lost = match msg_of(&message) {
            Some(PaxosMsg::AcceptSync(sync)) if self.answers_an_older_promise(sync) => {
                return Ok(());
            }
            Some(PaxosMsg::AcceptSync(sync)) => self.loses_decided(sync.n, &sync.log_sync),
            Some(PaxosMsg::Promise(promise)) => {
                promise.log_sync.as_ref().and_then(|sync| self.loses_decided(promise.n, sync))
            }
            _ => None,
        };
        if let Some(lost) = lost {
            self.log.lock().give_up()?;
            return Err(format!("the others have lost what was decided: {lost}").into());
        }
        self.consensus.handle_incoming(message);
        Ok(())
    }

    /// A leader tells of a round again, in answer to an older promise than the newest: it would take back what the round
    /// has brought since. The answer to the newest is still to come.
    fn answers_an_older_promise(&self, sync: &AcceptSync<Entry>) -> bool {
        let begins = sync.log_sync.sync_idx;
        let ends = begins + sync.log_sync.suffix.len();
        sync.n == self.consensus.get_promise()
            && self.log.lock().accepted() >= Some(sync.n)
            && (begins < self.consensus.get_decided_idx()
                || ends < self.consensus.get_accepted_idx())
    }

    /// What is decided here and missing in the log with which a new round is to begin, if anything: a leader says which that
    /// is to its followers, and to who is about to lead one says it that knows more.
    fn loses_decided(&self, round: Ballot, sync: &LogSync<Entry>) -> Option<String> {
        let (decided, theirs) = (self.consensus.get_decided_idx(), sync.sync_idx);
        let begins = round == self.consensus.get_promise()
            && self.log.lock().accepted() < Some(round)
            && theirs < decided;
        begins.then(|| {
            format!("their log goes on from {theirs}, and {decided} entries are decided here")
        })
    }

    /// The peer has started again, and asks over this connection what is known of it. What its older connections still
    /// bring is void: if its disk has gone back in time, it does not know any more what it said there.
    pub(super) fn begins_anew(&mut self, peer: u64, connection: u64) {
        let newest = self.connections.entry(peer).or_default();
        *newest = connection.max(*newest);
    }

    /// Messages to this peer may be lost: makes up for them.
    pub(super) fn make_up(&mut self, peer: u64) {
        self.consensus.reconnected(peer);
    }

    pub(super) fn tick(&mut self, now: Instant) {
        self.consensus.tick();
        if matches!(self.consensus.get_current_leader(), Some((_, true))) {
            self.inside = now;
        } else if now - self.inside > OUTSIDE && self.hears_a_majority(now) {
            self.inside = now;
            self.consensus.try_become_leader();
        }
        for (peer, link) in &mut self.links {
            if link.take_overflow() {
                self.consensus.reconnected(*peer);
            }
        }
        if self.consensus.get_accepted_idx() == self.taken {
            self.moved = now;
        } else if now - self.moved > STUCK {
            // Accepted and not known to be decided for all that time: word of it was lost.
            self.moved = now;
            for peer in self.links.keys() {
                self.consensus.reconnected(*peer);
            }
        }
    }

    /// Begins a round of its own at once.
    #[cfg(test)]
    pub(super) fn stand(&mut self) {
        self.consensus.try_become_leader();
    }

    /// Most brokers, this one among them, are there.
    fn hears_a_majority(&self, now: Instant) -> bool {
        let there = self.heard.values().filter(|heard| now - **heard < LATELY).count() + 1;
        there * 2 > self.peers + 1
    }

    /// Makes durable whatever messages that leave from now on say.
    pub(super) fn flush(&self) -> io::Result<()> {
        self.log.lock().flush()
    }

    /// All that is known of the log.
    pub(super) fn copied(&self) -> Copied {
        self.log.lock().copied()
    }

    /// Sends what the protocol has to say. Whether a promise to follow a new leader was among it.
    pub(super) fn send(&mut self) -> bool {
        let mut promised = false;
        let age = self.log.lock().age();
        let mut messages = Vec::new();
        self.consensus.take_outgoing_messages(&mut messages);
        for message in messages {
            if let Some(PaxosMsg::Promise(promise)) = msg_of(&message) {
                record(What::Vote { term: term_of(promise.n) });
                promised = true;
            }
            if let Some(link) = self.links.get_mut(&message.get_receiver()) {
                link.send(PeerMessage::Consensus { message, age });
            }
        }
        promised
    }

    /// The entries that were decided since the last call, and how many were taken before.
    pub(super) fn take_decided(&mut self) -> (usize, Vec<Entry>) {
        let decided = self.consensus.get_decided_idx();
        if decided <= self.taken {
            return (self.taken, Vec::new());
        }
        self.moved = Instant::now();
        let before = std::mem::replace(&mut self.taken, decided);
        (before, self.log.lock().slice(before, decided))
    }
}

/// What a message says about the log.
fn msg_of(message: &Message<Entry>) -> Option<&PaxosMsg<Entry>> {
    match message {
        Message::SequencePaxos(PaxosMessage { msg, .. }) => Some(msg),
        Message::BLE(_) => None,
    }
}

/// A ballot as records call it.
fn term_of(ballot: Ballot) -> u64 {
    u64::from(ballot.n) << 16 | (ballot.pid & 0xffff)
}
