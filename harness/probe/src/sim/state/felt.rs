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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Position;

    #[test]
    fn how_often_each_fault_was_felt() {
        let mut felt = Felt::default();
        felt.feel_once(1);
        felt.feel_once(1);
        felt.feel(2);
        felt.feel(2);
        felt.feel_once(2);
        assert_eq!(*felt.by_step(), [(1, 1), (2, 2)].into());
    }

    #[test]
    fn who_changed_a_publish_feels_that_it_is_answered_or_seen() {
        let publish = |phase| What::Publish { phase, event: EventId(7), key: 0, position: None };
        let (position, event) = (Position::new(0, 0), EventId(7));
        let seen = [
            (publish(Phase::Invoke), false),
            (publish(Phase::Info), false),
            (publish(Phase::Ok), true),
            (publish(Phase::Fail), true),
            (What::Append { position, event, key: 0, term: 1, content: 0 }, true),
            (What::Append { position, event: EventId(8), key: 0, term: 1, content: 0 }, false),
            (What::Poison { event }, false),
        ];
        for (what, sees) in seen {
            let mut felt = Felt::default();
            felt.feel_when_seen(event, 3);
            felt.feel_when_seen(event, 4);
            felt.see(what);
            felt.see(what);
            let expected = if sees { [(3, 1), (4, 1)].into() } else { BTreeMap::new() };
            assert_eq!(*felt.by_step(), expected, "{what:?}");
        }
    }
}
