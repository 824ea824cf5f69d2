//! Faults that waited for a condition begin, or have waited for too long.

use super::{
    base::Nemesis,
    state::{Action, Reached},
};
use squall_probe::sim;

impl Nemesis<'_> {
    /// Faults whose condition is met begin.
    pub(super) fn pull_triggers(&mut self) {
        if !self.triggers.wait_for_conditions() {
            return;
        }
        let (acked, delivered, applied) = self.recorder.borrow().reached();
        let passed = sim::with(sim::World::take_fired);
        let reached = Reached { acked, delivered, applied, passed };
        let now = self.now();
        let pulled = self.triggers.pull(now, &reached);
        for index in pulled.met {
            self.agenda.schedule(now, Action::Begin(index));
        }
        for (index, condition) in pulled.missed {
            let line = self.plan.faults[index].line;
            self.occurrences
                .gave_up(format!("line {line}: the trigger never fired: when {condition}"));
        }
    }
}
