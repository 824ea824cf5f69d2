//! Occurrences of faults begin, and end.

use super::base::Nemesis;
use crate::{
    plan::Micros,
    schedule::{Act, Action, Began, id_of},
};
use squall_probe::{NodeId, What, sim};

impl Nemesis<'_> {
    /// An occurrence begins, or waits for its target until `limit`.
    pub(super) fn begin_fault(&mut self, index: usize, limit: Option<Micros>) {
        let plan = self.plan;
        let planned = &plan.faults[index];
        let mut act = Act::new(index, planned);
        let now = self.now();
        match self.inject(&planned.fault.injection(), &mut act) {
            Began::On(nodes) => {
                self.occurrences.began(index, planned);
                for target in nodes {
                    self.record(NodeId::HARNESS, What::FaultBegan { fault: planned.step, target });
                }
                if let Some(lasts) = planned.lasts.filter(|_| planned.fault.kind.lasts) {
                    self.agenda.schedule(now + lasts, Action::Heal(index));
                }
            }
            Began::NoTarget => {
                if !self.triggers.defer(index, limit, now) {
                    self.occurrences.never_found(planned);
                }
            }
        }
    }

    /// An occurrence is over: what it began, in whichever room, ends.
    pub(super) fn heal_fault(&mut self, index: usize) {
        let plan = self.plan;
        let planned = &plan.faults[index];
        if !self.occurrences.ended(index, planned.step) {
            return;
        }
        let id = id_of(planned);
        self.network.end(index, id);
        self.clients.borrow_mut().stop_poisoning(id);
        sim::with(|world| world.end(id));
        self.record(NodeId::HARNESS, What::FaultHealed { fault: planned.step });
    }
}
