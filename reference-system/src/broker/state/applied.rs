//! What a command has come to.

use crate::wire::{EventData, events::Place};

/// What a command has come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    Published(Vec<Published>),
    /// The sequence numbers leave a gap.
    OutOfOrder,
    Joined {
        rebalanced: bool,
    },
    Expired {
        rebalanced: bool,
    },
    /// The offsets that moved.
    Committed(Vec<Place>),
    /// The dead letters, new or not.
    DeadLettered(Vec<Moved>),
    /// What was taken out of the dead-letter queue, now or before.
    Redriven(Vec<Moved>),
    /// The member does not own the partition in this generation.
    Fenced,
}

/// A dead letter, going into the queue or out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) place: Place,
    pub(crate) event: EventData,
    /// How often it has been dead-lettered.
    pub(crate) times: u32,
    /// It moved just now, not before.
    pub(crate) new: bool,
}

/// One event of a publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) partition: u32,
    /// `None` where it was appended too long ago to be remembered.
    pub(crate) offset: Option<u64>,
    /// The event's id.
    pub(crate) event: u64,
    pub(crate) key: u32,
    /// The hash of [`EventData::content`].
    pub(crate) content: u32,
    /// It was appended just now, not before.
    pub(crate) new: bool,
}
