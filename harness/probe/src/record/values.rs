//! What the fields of a record can say: phases of an operation, changes of a node, states of a breaker, …

use super::identity::Name;
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

/// The phase of an operation, as in Jepsen's histories.
///
/// An operation is invoked once and then ends as `Ok`, `Fail` or `Info`. `Info` is not final: when the
/// outcome becomes known later (the producer went on asking), an `Ok` or `Fail` may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub enum SagaChange {
    /// The step took effect, where its effect lands.
    Done,
    /// The step's compensation took effect, where it lands.
    Undone,
}

/// The state of a circuit breaker (Nygard, Release It!, 2007).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// Calls are rejected without being made.
    Open,
    /// A few calls go through, to see.
    HalfOpen,
}

/// What part of a node's state a [`What::State`](crate::What::State) record speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
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
    /// A queue: `position` counts the messages that it holds, available, leased or held back; dead letters are not
    /// among them. `digest` is the sum of [`mix`](crate::mix) over their numbers. In the end it must be empty.
    Queue {
        /// The queue.
        queue: Name,
    },
}

/// Why a message of a queue is available again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub enum Requeued {
    /// Its lease ended before it was acknowledged (SQS: visibility timeout; Pub/Sub: acknowledgement deadline).
    LeaseEnded,
    /// Its consumer refused it, or gave the lease back.
    Refused,
    /// The connection to its consumer ended.
    Disconnected,
}

/// Why a message left its queue without having been acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub enum Removed {
    /// It is in the dead-letter queue: its deliveries are spent, or its consumer refused it for good.
    DeadLettered,
    /// Its time to live is over, and it is gone.
    Expired,
    /// Its time to live is over, and it is in the dead-letter queue.
    ExpiredToDeadLetters,
    /// Its consumer refused it for good, and it is gone.
    Refused,
    /// Somebody had the queue emptied: one record for each message.
    Purged,
    /// The queue was full, and made room.
    Overflowed,
}

/// A phase of the run itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
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
