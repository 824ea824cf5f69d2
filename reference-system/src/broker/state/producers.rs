//! Producers' sequence numbers, by which repetitions are recognised (Kafka's idempotent producer, KIP-98).

use crate::wire::events::{Batch, PARTITIONS};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// The number of positions that are remembered for each producer and partition: a retry of anything older is
/// answered without its position.
pub(super) const REMEMBERED: usize = 1024;

/// One producer's sequence in one partition.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    next: u64,
    /// (sequence number, offset) of the last events.
    recent: VecDeque<(u64, u64)>,
}

impl Sequence {
    /// Whether an event of this number was not appended before.
    pub(super) fn is_new(&self, number: u64) -> bool {
        number >= self.next
    }

    pub(super) fn appended(&mut self, number: u64, offset: u64) {
        self.next = number + 1;
        self.recent.push_back((number, offset));
        if self.recent.len() > REMEMBERED {
            self.recent.pop_front();
        }
    }

    /// Where the event of this number stands; `None` if it is too old to be remembered.
    pub(super) fn offset_of(&self, number: u64) -> Option<u64> {
        let found = self.recent.iter().find(|(known, _)| *known == number);
        found.map(|(_, offset)| *offset)
    }
}

type Sequences = [Sequence; PARTITIONS as usize];

/// All producers' sequences.
#[derive(Debug, Default)]
pub(super) struct Producers(BTreeMap<Arc<str>, Sequences>);

impl Producers {
    /// Whether none of these batches leaves a gap behind what was appended. One that does refuses them all, so that
    /// a retry finds none half done.
    pub(super) fn are_in_order(&self, producer: &str, batches: &[Batch]) -> bool {
        let sequences = self.0.get(producer);
        batches.iter().all(|batch| {
            let next = |sequences: &Sequences| Some(sequences.get(batch.partition as usize)?.next);
            batch.partition < PARTITIONS
                && batch.first_sequence <= sequences.and_then(next).unwrap_or(0)
        })
    }

    pub(super) fn sequences(&mut self, producer: &Arc<str>) -> &mut Sequences {
        self.0.entry(producer.clone()).or_default()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
