//! Occurrences of faults: which act now, which have begun, which never will.

use super::{Action, Nemesis, OccurrenceId};
use crate::{
    plan::{Micros, PlannedFault},
    stream::Stream,
};
use squall_probe::{NodeId, What, sim};
use std::collections::BTreeSet;

/// One occurrence of a fault, for the code that injects it.
#[derive(Debug)]
pub(super) struct Act {
    /// Which fault of the plan.
    pub(super) index: usize,
    /// Which it is: what it begins ends with it.
    pub(super) id: OccurrenceId,
    /// A crashed node comes back after this.
    pub(super) restart_after: Option<Micros>,
    /// The draw of this occurrence, in the plan.
    pub(super) draw: u64,
    /// Draws that follow from it.
    pub(super) stream: Stream,
}

impl Act {
    fn new(index: usize, planned: &PlannedFault) -> Self {
        Self {
            index,
            id: id_of(planned),
            restart_after: planned.restart_after,
            draw: planned.draw,
            stream: Stream::new(planned.draw, "act", &[]),
        }
    }
}

/// How beginning a fault went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Began {
    /// It acts on these nodes.
    On(Vec<NodeId>),
    /// Whom it should hit does not exist now.
    NoTarget,
}

impl Began {
    /// On these nodes, if there are any.
    pub(super) fn on(nodes: Vec<NodeId>) -> Self {
        if nodes.is_empty() { Self::NoTarget } else { Self::On(nodes) }
    }
}

/// The identity of a planned fault: what tables of the simulation know it by.
pub(super) fn id_of(planned: &PlannedFault) -> OccurrenceId {
    OccurrenceId { step: planned.step, occurrence: planned.occurrence }
}

/// What became of the plan's faults, by their index in it.
#[derive(Debug, Default)]
pub(super) struct Occurrences {
    /// Those that last, and are not over.
    active: BTreeSet<usize>,
    begun: u64,
    begun_steps: BTreeSet<u16>,
    unfired: Vec<String>,
}

impl Occurrences {
    fn began(&mut self, planned: &PlannedFault) {
        self.begun += 1;
        self.begun_steps.insert(planned.step);
    }

    /// It has begun and is not over.
    pub(super) fn is_active(&self, index: usize) -> bool {
        self.active.contains(&index)
    }

    /// It never began, for the reason that is told.
    pub(super) fn gave_up(&mut self, why: String) {
        self.unfired.push(why);
    }

    /// Those that last, and are not over.
    pub(super) fn active(&self) -> Vec<usize> {
        self.active.iter().copied().collect()
    }

    /// Why faults never began; how many occurrences did; of which steps.
    pub(super) fn into_parts(self) -> (Vec<String>, u64, BTreeSet<u16>) {
        (self.unfired, self.begun, self.begun_steps)
    }
}

impl Nemesis<'_> {
    /// An occurrence begins, or waits for its target until `limit`.
    pub(super) fn begin_fault(&mut self, index: usize, limit: Option<Micros>) {
        let plan = self.plan;
        let planned = &plan.faults[index];
        let mut act = Act::new(index, planned);
        let now = self.now();
        match self.inject(&planned.fault.injection(), &mut act) {
            Began::On(nodes) => {
                self.occurrences.began(planned);
                for target in nodes {
                    self.record(NodeId::HARNESS, What::FaultBegan { fault: planned.step, target });
                }
                if planned.fault.kind.lasts {
                    self.occurrences.active.insert(index);
                    if let Some(lasts) = planned.lasts {
                        self.agenda.schedule(now + lasts, Action::Heal(index));
                    }
                }
            }
            Began::NoTarget => {
                if !self.triggers.defer(index, limit, now) {
                    self.occurrences.gave_up(format!(
                        "line {}: the fault never found whom it should hit: {}",
                        planned.line, planned.fault
                    ));
                }
            }
        }
    }

    /// An occurrence is over: what it began, in whichever room, ends.
    pub(super) fn heal_fault(&mut self, index: usize) {
        if !self.occurrences.active.remove(&index) {
            return;
        }
        let plan = self.plan;
        let planned = &plan.faults[index];
        let id = id_of(planned);
        self.network.end(index, id);
        self.clients.borrow_mut().stop_poisoning(id);
        sim::with(|world| world.end(id));
        self.record(NodeId::HARNESS, What::FaultHealed { fault: planned.step });
    }
}
