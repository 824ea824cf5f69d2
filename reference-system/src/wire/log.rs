//! The entries of the replicated log: brokers send them to each other and keep them on disk.

use super::{
    events::{Batch, EventData, Place, Start},
    groups::{Claim, Letter, Reason},
};
use omnipaxos::storage::NoSnapshot;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What an entry asks the state machine to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Append a producer's events.
    Publish {
        producer: Arc<str>,
        batches: Vec<Batch>,
        /// When, by the leader's clock, in milliseconds since the Unix epoch.
        at_ms: u64,
    },
    /// Append events that were not appended yet.
    Emit {
        /// The events and their partitions.
        events: Vec<(u32, EventData)>,
        /// When, by the leader's clock, in milliseconds since the Unix epoch.
        at_ms: u64,
    },
    /// A member comes.
    Join {
        group: Arc<str>,
        member: Arc<str>,
        /// Where the group begins, if it is new.
        start: Start,
    },
    /// A member leaves, or was silent for longer than a session.
    Expire { group: Arc<str>, member: Arc<str> },
    /// Events are done: the next offset of each partition.
    Commit { claim: Claim, offsets: Vec<Place> },
    /// Events go to the group's dead-letter queue.
    DeadLetter { claim: Claim, letters: Vec<Letter>, reason: Reason },
    /// Events are taken out of the group's dead-letter queue.
    Redrive {
        claim: Claim,
        /// Those that were taken before and are handled now.
        handled: Vec<Letter>,
        /// The largest number of events to take.
        limit: u32,
    },
}

/// An entry of the replicated log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry(pub Arc<Proposal>);

/// A command, and who proposed it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// The broker that proposed it: a number that it draws each time it starts.
    pub proposer: u64,
    /// Counts the proposals of this proposer, from 1.
    pub number: u64,
    pub command: Command,
}

impl omnipaxos::storage::Entry for Entry {
    type Snapshot = NoSnapshot;
}
