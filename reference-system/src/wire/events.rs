//! Events as they are published, stored and delivered.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The topic's partitions.
pub const PARTITIONS: u32 = 4;

/// Where an event stands in the topic: partition and offset.
pub type Place = (u32, u64);

/// A record of a partition, as it is published and delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventData {
    /// Unique among all events.
    pub id: u64,
    /// Events of one key keep their order: they go to one partition.
    pub key: u32,
    /// An encoded [`crate::domain::Message`], or something that no service can act on.
    pub payload: Bytes,
}

impl EventData {
    /// A hash of what it says, and of whom.
    #[must_use]
    pub fn content(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.key.to_le_bytes());
        hasher.update(&self.payload);
        hasher.finalize()
    }
}

/// An event and where it stands: partition, offset, event.
pub type PlacedEvent = (u32, u64, EventData);

/// Events of one producer for one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    pub partition: u32,
    /// The sequence number of the first event; the others follow.
    pub first_sequence: u64,
    pub events: Vec<EventData>,
}

/// Where a new consumer group begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// With the first event.
    Earliest,
    /// With this offset of each partition.
    Offset(u64),
    /// With the first event of each partition that was appended at this time or later, in milliseconds since
    /// the Unix epoch.
    Time(u64),
}
