//! Occurrences of faults: which act now, which have begun, which never will.

use crate::{
    plan::{Micros, PlannedFault},
    scenario::Condition,
    stream::Stream,
};
use squall_probe::{NodeId, sim::OccurrenceId};
use std::collections::BTreeSet;

/// One occurrence of a fault, for the code that injects it.
#[derive(Debug)]
pub(crate) struct Act {
    /// Which fault of the plan.
    pub(crate) index: usize,
    /// Which it is: what it begins ends with it.
    pub(crate) id: OccurrenceId,
    /// A crashed node comes back after this.
    pub(crate) restart_after: Option<Micros>,
    /// The draw of this occurrence, in the plan.
    pub(crate) draw: u64,
    /// Draws that follow from it.
    pub(crate) stream: Stream,
}

impl Act {
    pub(crate) fn new(index: usize, planned: &PlannedFault) -> Self {
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
pub(crate) enum Began {
    /// It acts on these nodes.
    On(Vec<NodeId>),
    /// Whom it should hit does not exist now.
    NoTarget,
}

impl Began {
    /// On these nodes, if there are any.
    pub(crate) fn on(nodes: Vec<NodeId>) -> Self {
        if nodes.is_empty() { Self::NoTarget } else { Self::On(nodes) }
    }
}

/// The identity of a planned fault: what tables of the simulation know it by.
pub(crate) fn id_of(planned: &PlannedFault) -> OccurrenceId {
    OccurrenceId { step: planned.step, occurrence: planned.occurrence }
}

/// What became of the plan's faults, by their index in it.
#[derive(Debug, Default)]
pub(crate) struct Occurrences {
    /// Those that last, and are not over.
    active: BTreeSet<usize>,
    begun: u64,
    begun_steps: BTreeSet<u16>,
    /// Of which an occurrence is over, or has happened at once.
    over_steps: BTreeSet<u16>,
    unfired: Vec<String>,
}

impl Occurrences {
    /// It has begun; one that lasts is active until it is over.
    pub(crate) fn began(&mut self, index: usize, planned: &PlannedFault) {
        self.begun += 1;
        self.begun_steps.insert(planned.step);
        if planned.fault.kind.lasts {
            self.active.insert(index);
        } else {
            self.over_steps.insert(planned.step);
        }
    }

    /// Steps of which an occurrence has begun, and of which one is over.
    pub(crate) fn steps(&self) -> (BTreeSet<u16>, BTreeSet<u16>) {
        (self.begun_steps.clone(), self.over_steps.clone())
    }

    /// It is over; whether it was active.
    pub(crate) fn ended(&mut self, index: usize, step: u16) -> bool {
        let was_active = self.active.remove(&index);
        if was_active {
            self.over_steps.insert(step);
        }
        was_active
    }

    /// It never began: whom it should hit was not there until its limit.
    pub(crate) fn never_found(&mut self, planned: &PlannedFault) {
        self.unfired.push(format!(
            "line {}: the fault never found whom it should hit: {}",
            planned.line, planned.fault
        ));
    }

    /// It never began: its condition was not met until its limit, and came as near as is told.
    pub(crate) fn never_fired(
        &mut self,
        planned: &PlannedFault,
        condition: &Condition,
        near: &str,
    ) {
        self.unfired.push(format!(
            "line {}: the trigger never fired: when {condition} ({near})",
            planned.line
        ));
    }

    /// Those that last, and are not over.
    pub(crate) fn active(&self) -> Vec<usize> {
        self.active.iter().copied().collect()
    }

    /// Why faults never began; how many occurrences did; of which steps.
    pub(crate) fn into_parts(self) -> (Vec<String>, u64, BTreeSet<u16>) {
        (self.unfired, self.begun, self.begun_steps)
    }
}
