//! Which faults were felt: what was injected and never felt proves nothing. Faults are named by their steps.

use super::World;
use crate::{EventId, Phase, What};
use std::collections::BTreeMap;

/// How often each fault was felt.
#[derive(Debug, Default)]
pub(super) struct Felt {
    by_step: BTreeMap<u16, u64>,
    /// Publishes that faults changed, and that nobody has answered or seen yet.
    changed: BTreeMap<EventId, Vec<u16>>,
}

impl World {
    /// A fault was felt.
    pub fn feel(&mut self, fault: u16) {
        *self.felt.by_step.entry(fault).or_default() += 1;
    }

    /// A fault was felt; how often does not matter.
    pub(super) fn feel_once(&mut self, fault: u16) {
        self.felt.by_step.entry(fault).or_insert(1);
    }

    /// How often a fault was felt.
    #[must_use]
    pub fn felt(&self, fault: u16) -> u64 {
        self.felt.by_step.get(&fault).copied().unwrap_or(0)
    }

    pub(super) fn felt_by_step(&self) -> BTreeMap<u16, u64> {
        self.felt.by_step.clone()
    }

    /// A fault changed a publish: it is felt when somebody answers it or sees it.
    pub fn feel_when_seen(&mut self, event: EventId, fault: u16) {
        self.felt.changed.entry(event).or_default().push(fault);
    }

    /// A record says that a publish was answered or seen.
    pub(super) fn feel_seen(&mut self, what: What) {
        if !self.felt.changed.is_empty()
            && let What::Publish { phase: Phase::Ok | Phase::Fail, event, .. }
            | What::Append { event, .. }
            | What::Deliver { event, .. } = what
        {
            for fault in self.felt.changed.remove(&event).into_iter().flatten() {
                self.feel(fault);
            }
        }
    }
}
