//! Faults that waited for a condition begin, or have waited for too long.

use super::base::Nemesis;
use crate::{
    plan::Start,
    scenario::Condition,
    schedule::{Action, Reached},
};
use squall_probe::sim;
use std::collections::BTreeSet;

impl Nemesis<'_> {
    /// Faults whose condition is met begin.
    pub(super) fn pull_triggers(&mut self) {
        if !self.triggers.wait_for_conditions() {
            return;
        }
        let (acked, delivered, applied) = self.recorder.borrow().reached();
        let passed = sim::with(sim::World::take_fired);
        let seen = self.triggers.signals().into_iter().map(|signal| {
            let count = self.seen(&signal);
            (signal, count)
        });
        let seen = seen.collect();
        let (begun, over) = self.occurrences.steps();
        let reached = Reached { acked, delivered, applied, passed, seen, begun, over };
        let now = self.now();
        let pulled = self.triggers.pull(now, &reached);
        for index in pulled.met {
            let delay = match &self.plan.faults[index].start {
                Start::When { delay, .. } => *delay,
                Start::At(_) => 0,
            };
            self.agenda.schedule(now + delay, Action::Begin(index));
        }
        for (index, condition) in pulled.missed {
            let line = self.plan.faults[index].line;
            let near =
                reached.nearest(&condition, |point| sim::with(|world| world.passages(point)));
            self.occurrences.gave_up(format!(
                "line {line}: the trigger never fired: when {condition} ({near})"
            ));
        }
    }

    /// How often a signal was seen: from the first fault on, or, where no fault would begin before one was seen, from
    /// the start of the run.
    fn seen(&self, signal: &str) -> u64 {
        if let Some(kind) = signal.strip_suffix("_felt") {
            let steps: BTreeSet<u16> = self
                .plan
                .faults
                .iter()
                .filter(|planned| planned.fault.kind.key == kind)
                .map(|planned| planned.step)
                .collect();
            return sim::with(|world| steps.into_iter().map(|step| world.felt(step)).sum());
        }
        let name = sim::with(|world| world.intern(signal));
        let waits = |start: &Start| match start {
            Start::At(_) => false,
            Start::When { condition, .. } => matches!(
                condition,
                Condition::Signal { .. } | Condition::Began(_) | Condition::Over(_)
            ),
        };
        let from_start = self.plan.faults.iter().all(|planned| waits(&planned.start));
        self.recorder.borrow().signals.count_of(signal, name, from_start)
    }
}
