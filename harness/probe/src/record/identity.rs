//! Names, nodes, events and their places: what records are about.

#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};
use std::fmt;

/// A name (of a consumer group, a fault point, a kind of message) interned for the length of a run.
///
/// The numbers are handed out in the order of first use, so they are a function of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub struct Name(pub u16);

/// A node of the system under test: its index in the plan's list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub struct EventId(pub u64);

/// A place in the log: the offset is dense within the partition and starts at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
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
