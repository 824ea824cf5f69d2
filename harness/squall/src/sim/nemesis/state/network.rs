//! What is wrong with links.

use super::links::LinkTable;
use crate::{
    plan::{Micros, Plan},
    schedule::Direction,
};
use squall_probe::{NodeId, sim::OccurrenceId};
use std::collections::{BTreeMap, BTreeSet};

/// Links that are cut and healed by turns.
#[derive(Clone, Debug)]
pub(in crate::sim::nemesis) struct Flapping {
    pub(in crate::sim::nemesis) directions: BTreeSet<Direction>,
    /// How long they are whole, and how long they are cut.
    pub(in crate::sim::nemesis) up: Micros,
    pub(in crate::sim::nemesis) down: Micros,
}

/// Directions between zones, and how long these always take, in milliseconds.
fn standing(plan: &Plan) -> BTreeMap<Direction, (u32, u32)> {
    let Some(latency) = plan.network.between_zones else { return BTreeMap::new() };
    let zones: Vec<(NodeId, &str)> = plan
        .nodes
        .iter()
        .enumerate()
        .filter_map(|(index, node)| Some((NodeId::of_index(index), node.zone.as_deref()?)))
        .collect();
    let pairs = zones.iter().flat_map(|a| zones.iter().map(move |b| (a, b)));
    pairs.filter(|(a, b)| a.1 != b.1).map(|(a, b)| ((a.0, b.0), latency)).collect()
}

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
        let links = LinkTable::new(min_ms, max_ms, &standing(plan));
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
