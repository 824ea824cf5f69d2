//! A partition's log.

use crate::wire::{EventData, Start};
use squall_probe::mix;

/// A partition's log.
#[derive(Debug, Default)]
pub(crate) struct Partition {
    events: Vec<EventData>,
    /// When each was appended, in milliseconds since the Unix epoch.
    times: Vec<u64>,
    /// A hash of all events in their order.
    digest: u64,
}

impl Partition {
    /// Appends an event whose [`EventData::content`] is `content`, and returns its offset.
    pub(super) fn append(&mut self, event: &EventData, content: u32, at_ms: u64) -> u64 {
        let offset = self.end();
        self.events.push(event.clone());
        // Clocks of leaders differ; time in the log does not go back.
        self.times.push(at_ms.max(self.times.last().copied().unwrap_or(0)));
        self.digest = mix(mix(self.digest ^ event.id) ^ u64::from(content));
        offset
    }

    /// The offset that the next event will have.
    pub(crate) fn end(&self) -> u64 {
        self.events.len() as u64
    }

    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    /// The events from this offset on; `None` if it is behind the end.
    pub(super) fn events_from(&self, offset: u64) -> Option<&[EventData]> {
        self.events.get(usize::try_from(offset).ok()?..)
    }

    /// When the event at this offset was appended.
    pub(super) fn time(&self, offset: u64) -> Option<u64> {
        self.times.get(usize::try_from(offset).ok()?).copied()
    }

    /// The offset with which a group begins.
    pub(super) fn start(&self, start: Start) -> u64 {
        match start {
            Start::Earliest => 0,
            Start::Offset(offset) => offset.min(self.end()),
            Start::Time(at) => self.times.partition_point(|time| *time < at) as u64,
        }
    }
}
