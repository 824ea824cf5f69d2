//! Faults that waited for a condition begin, or have waited for too long.

use super::base::Nemesis;
use crate::schedule::{Action, Reached};
use squall_probe::sim;

impl Nemesis<'_> {
    /// Faults whose condition is met begin.
    pub(super) fn pull_triggers(&mut self) {
        if !self.triggers.wait_for_conditions() {
            return;
        }
        let (acked, delivered, applied) = self.recorder.borrow().reached();
        let passed = sim::with(sim::World::take_fired);
        let felt = |step| sim::with(|world| world.felt(step));
        let seen = self.triggers.seen(self.plan, felt, |signal, from_start| {
            let name = sim::with(|world| world.intern(signal));
            self.recorder.borrow().signals.count_of(signal, Some(name), from_start)
        });
        let (begun, over) = self.occurrences.steps();
        let reached = Reached { acked, delivered, applied, passed, seen, begun, over };
        let now = self.now();
        let pulled = self.triggers.pull(now, &reached);
        for index in pulled.met {
            let delay = self.plan.faults[index].start.delay();
            self.agenda.schedule(now + delay, Action::Begin(index));
        }
        for (index, condition) in pulled.missed {
            let near =
                reached.nearest(&condition, |point| sim::with(|world| world.passages(point)));
            self.occurrences.never_fired(&self.plan.faults[index], &condition, &near);
        }
    }
}
