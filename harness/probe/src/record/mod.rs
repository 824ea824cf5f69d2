//! The vocabulary of a history: small plain values, one per thing that was seen to happen.
//!
//! A system under test emits the records that only it can know (a replica made an event visible, an
//! effect became durable); the harness emits the rest (what its clients asked for and were told, what
//! the faults did). Invariants see these records and nothing else.

mod what;

pub use what::What;

use serde::{Deserialize, Serialize};
use std::fmt;

/// A name (of a consumer group, a fault point, a kind of message) interned for the length of a run.
///
/// The numbers are handed out in the order of first use, so they are a function of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name(pub u16);

/// A node of the system under test: its index in the plan's list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u16);

impl NodeId {
    /// The harness itself: faults, phases of the run, the observer.
    pub const HARNESS: Self = Self(u16::MAX);

    /// The node at this place of the plan's list.
    ///
    /// # Panics
    /// There are not so many ids. A scenario may have some fifty nodes.
    #[must_use]
    pub const fn of_index(index: usize) -> Self {
        assert!(
            index < Self::HARNESS.0 as usize,
            "node ids are 16 bits, and the last is the harness's"
        );
        #[allow(clippy::cast_possible_truncation)] // Asserted.
        Self(index as u16)
    }

    /// Its place in the plan's list.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The identity of a published event, unique within a run. It is the idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(pub u64);

/// A place in the log: the offset is dense within the partition and starts at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The partition of the topic.
    pub partition: u32,
    /// The offset within the partition.
    pub offset: u64,
}

impl Position {
    /// The place `offset` of `partition`.
    #[must_use]
    pub const fn new(partition: u32, offset: u64) -> Self {
        Self { partition, offset }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.partition, self.offset)
    }
}

/// The phase of an operation, as in Jepsen's histories.
///
/// An operation is invoked once and then ends as `Ok`, `Fail` or `Info`. `Info` is not final: when the
/// outcome becomes known later (the producer went on asking), an `Ok` or `Fail` may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// The client asked.
    Invoke,
    /// It surely happened.
    Ok,
    /// It surely did not happen, and never will.
    Fail,
    /// Nobody knows: a timeout, a lost acknowledgement, a client that died while waiting.
    Info,
}

/// Why a node changed between running and not running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NodeChange {
    /// The node started, for the first time or again.
    Up,
    /// A fault killed it, with all that it had not synced to disk.
    Crashed,
    /// Its software ended by itself with an error (for example after a failed sync); its files stay.
    Exited,
    /// A task of it panicked.
    Panicked,
}

/// What a message-level fault did to one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tampering {
    /// The frame never arrives.
    Lost,
    /// The frame arrives twice.
    Duplicated,
    /// The frame arrives late, after frames that were sent behind it.
    Reordered,
    /// The frame and all behind it arrive late, in order.
    Delayed,
    /// The frame arrives with a wrong bit.
    Corrupted,
    /// The frame never arrives: its connection is reset in its place.
    Reset,
    /// With the frame arrives an older one of the same connection, again.
    Replayed,
}

/// What became of a saga, or of one of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SagaChange {
    /// The step took effect, where its effect lands.
    Done,
    /// The step's compensation took effect, where it lands.
    Undone,
}

/// The state of a circuit breaker (Nygard, Release It!, 2007).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// Calls are rejected without being made.
    Open,
    /// A few calls go through, to see.
    HalfOpen,
}

/// What part of a node's state a [`What::State`] record speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StateOf {
    /// A replica's copy of a partition: `position` is the end of its committed log, `digest` covers
    /// the events in their order.
    Replica {
        /// The partition.
        partition: u32,
    },
    /// What a consumer group's effects have added up to where they land: `position` counts the
    /// effects, `digest` covers the set of events (each as often as it took effect).
    Projection {
        /// The consumer group.
        group: Name,
    },
    /// Something that nothing should change the sum of: `position` is the sum now, `digest` what it
    /// was in the beginning.
    Conserved {
        /// What: money, stock.
        quantity: Name,
    },
    /// Another node's view of a topic, kept up by following it: `position` counts what it has taken in,
    /// `digest` covers what it says. All who have one must say the same.
    View {
        /// Of what.
        name: Name,
    },
}

/// A phase of the run itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mark {
    /// The workload has been offered in full; no operation will be invoked any more.
    WorkloadOffered,
    /// The last fault is over and everything is healed: liveness deadlines count from here.
    Healed,
    /// Everything is drained and converged: the run ends well.
    Converged,
    /// The deadline passed before the system had drained and converged.
    DeadlinePassed,
    /// After converging the system was watched for the settling time, and then looked at once more.
    Settled,
}

/// One line of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Virtual time in microseconds since the start of the run.
    pub at: u64,
    /// Where it happened.
    pub node: NodeId,
    /// What happened.
    pub what: What,
}

/// A digest of (event, multiplicity) sets and of event sequences, for [`What::State`].
///
/// `SplitMix64`'s finalizer (Steele, Lea, Flood 2014): fast, and every bit depends on every bit.
#[must_use]
pub const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
