//! What one service has done: its effects, what it remembers of them, and who may add to them.

use super::marks::Marks;
use crate::wire::store::Item;
use squall_probe::{clock, mix};
use std::collections::BTreeMap;

/// One service's ledger.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// The newest generation that has claimed each partition.
    fences: BTreeMap<u32, u64>,
    pub(super) marks: Box<dyn Marks>,
    /// How many events are done.
    pub(super) effects: u64,
    /// A hash of the set of events that are done, each as often as it was: their order does not matter.
    pub(super) digest: u64,
}

impl Ledger {
    pub(super) fn new(marks: Box<dyn Marks>) -> Self {
        Self { fences: BTreeMap::new(), marks, effects: 0, digest: 0 }
    }

    /// Nobody of a newer generation has claimed any of these partitions.
    pub(crate) fn is_newest(&self, partitions: &[u32], generation: u64) -> bool {
        let newest = |partition| self.fences.get(partition).copied().unwrap_or(0);
        partitions.iter().all(|partition| newest(partition) <= generation)
    }

    /// The partitions of all these effects were last claimed by this generation.
    pub(crate) fn is_owner(&self, items: &[Item], generation: u64) -> bool {
        items.iter().all(|item| self.fences.get(&item.partition) == Some(&generation))
    }

    pub(super) fn claim(&mut self, partitions: &[u32], generation: u64) {
        self.fences.extend(partitions.iter().map(|partition| (*partition, generation)));
    }

    /// Takes in effects; `marked` if they are to be recognised when they come again.
    pub(super) fn add(&mut self, items: &[Item], marked: bool) {
        for item in items.iter().filter(|item| item.done) {
            self.effects += 1;
            self.digest = self.digest.wrapping_add(mix(item.event));
        }
        if marked {
            self.marks.add(items, clock::since_epoch());
        }
    }
}
