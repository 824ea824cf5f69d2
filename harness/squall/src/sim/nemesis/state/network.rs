//! What is wrong with links.

use super::links::LinkTable;
use crate::{
    plan::Plan,
    schedule::{Flapping, between_zones},
};
use squall_probe::sim::OccurrenceId;
use std::collections::BTreeMap;

/// What is wrong with links.
#[derive(Debug)]
pub(in crate::sim::nemesis) struct NetworkFaults {
    pub(in crate::sim::nemesis) links: LinkTable,
    /// By the index of the fault in the plan.
    flapping: BTreeMap<usize, Flapping>,
}

impl NetworkFaults {
    pub(in crate::sim::nemesis) fn new(plan: &Plan) -> Self {
        let (min_ms, max_ms) = (plan.network.min_ms, plan.network.max_ms);
        let links = LinkTable::new(min_ms, max_ms, &between_zones(plan));
        Self { links, flapping: BTreeMap::new() }
    }

    /// An occurrence is over.
    pub(in crate::sim::nemesis) fn end(&mut self, index: usize, id: OccurrenceId) {
        self.flapping.remove(&index);
        self.links.end(id);
    }

    /// Links begin to be cut and healed by turns, by a fault of the plan.
    pub(in crate::sim::nemesis) fn begin_flapping(&mut self, index: usize, flapping: Flapping) {
        self.flapping.insert(index, flapping);
    }

    /// What a fault of the plan makes flap, unless that is over.
    pub(in crate::sim::nemesis) fn flapping(&self, index: usize) -> Option<&Flapping> {
        self.flapping.get(&index)
    }
}
