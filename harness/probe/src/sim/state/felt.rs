//! Which faults were felt: what was injected and never felt proves nothing. Faults are named by their steps.

use crate::record::{EventId, Phase, What};
use std::collections::BTreeMap;

/// How often each fault was felt.
#[derive(Debug, Default)]
pub(in crate::sim) struct Felt {
    by_step: BTreeMap<u16, u64>,
    /// Publishes that faults changed, and that nobody has answered or seen yet.
    changed: BTreeMap<EventId, Vec<u16>>,
}

impl Felt {
    pub(in crate::sim) fn feel(&mut self, fault: u16) {
        *self.by_step.entry(fault).or_default() += 1;
    }

    /// How often does not matter.
    pub(in crate::sim) fn feel_once(&mut self, fault: u16) {
        self.by_step.entry(fault).or_insert(1);
    }

    /// How often each fault was felt.
    pub(in crate::sim) fn by_step(&self) -> &BTreeMap<u16, u64> {
        &self.by_step
    }

    /// A fault changed a publish: it is felt when somebody answers it or sees it.
    pub(in crate::sim) fn feel_when_seen(&mut self, event: EventId, fault: u16) {
        self.changed.entry(event).or_default().push(fault);
    }

    /// A record says that a publish was answered or seen.
    pub(in crate::sim) fn see(&mut self, what: What) {
        if !self.changed.is_empty()
            && let What::Publish { phase: Phase::Ok | Phase::Fail, event, .. }
            | What::Append { event, .. }
            | What::Deliver { event, .. } = what
        {
            for fault in self.changed.remove(&event).into_iter().flatten() {
                self.feel(fault);
            }
        }
    }
}
