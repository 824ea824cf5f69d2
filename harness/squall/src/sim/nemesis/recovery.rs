//! How it ends: everything is healed, and the system must recover. Who is left out all the same, what could not have
//! been recovered, and what was still under way when the deadline passed.

use super::{base::Nemesis, state::Destroyed};
use crate::{
    outcome::{Destruction, Gone, destruction},
    stream::Stream,
};
use squall_probe::{Mark, NodeId, What, sim};
use std::collections::BTreeSet;

/// The share of runs in which only a core is healed.
const CORE_ONLY: f64 = 0.25;

impl Nemesis<'_> {
    /// The recovery phase begins: every fault ends and every node comes back, but for those that are left out.
    pub(in crate::sim) fn heal_all(&mut self) {
        // Who was brought down in the last step comes back, too.
        self.tend_brought_down();
        self.recovery.begin();
        for index in self.occurrences.active() {
            self.heal_fault(index);
        }
        self.agenda.clear();
        // Some faults do not end until here.
        sim::with(sim::World::unhinder_all);
        self.network.links.settle();
        self.recovery.leave_out(self.outside_the_core());
        for node in self.simulator.ids() {
            if self.recovery.left_out().contains(&node) {
                self.cut_power(node);
            } else {
                self.restart(node);
            }
        }
        self.nodes.forgive();
        self.mark(Mark::Healed);
        self.probe_clients();
    }

    /// Whether publishing works is seen only if somebody publishes.
    fn probe_clients(&mut self) {
        let down = self.recovery.left_out();
        let probes = self.clients.borrow_mut().probe(self.plan, self.now(), down);
        for event in probes {
            self.record(NodeId::HARNESS, What::Probe { event });
        }
    }

    /// Nodes that stay down after the healing.
    pub(in crate::sim) fn left_out(&self) -> &BTreeSet<NodeId> {
        self.recovery.left_out()
    }

    /// The system has not converged in time; what was injected may be why.
    pub(in crate::sim) fn miss_deadline(&mut self) {
        self.recovery.is_late(self.under_way());
        self.mark(Mark::DeadlinePassed);
    }

    /// In some runs only a core of the replicas is healed, and the others stay down: progress is required all the same
    /// (TigerBeetle's liveness mode). Not where disks were destroyed: who is needed then depends on what others still
    /// have.
    fn outside_the_core(&self) -> BTreeSet<NodeId> {
        if self.plan.faults.is_empty() || !self.disks.are_whole() {
            return BTreeSet::new();
        }
        let replicas: Vec<Vec<NodeId>> =
            self.replica_roles.iter().map(|role| self.nodes_of(role)).collect();
        outside_a_core(&replicas, &mut Stream::new(self.plan.seed, "core", &[]))
    }

    fn nodes_of(&self, role: &str) -> Vec<NodeId> {
        let nodes = self.simulator.ids().zip(&self.plan.nodes);
        nodes.filter(|(_, node)| node.role == role).map(|(id, _)| id).collect()
    }

    /// The disks that were destroyed, if nothing could bring back what they held.
    pub(super) fn destruction(&self) -> Option<Destruction> {
        destruction(self.plan, &self.replica_roles, |node| {
            let gone = self.disks.destroyed(node).map(|Destroyed { index, latent }| {
                let step = self.plan.faults[*index].step;
                let noticed = if *latent {
                    self.recorder.borrow().has_met(step, node)
                } else {
                    self.is_up(node)
                };
                Gone { by: *index, noticed }
            });
            gone.collect()
        })
    }
}

/// Of each group of replicas, those outside a random majority of it, in [`CORE_ONLY`] of all runs. Of a group of one or
/// two nobody can be spared.
fn outside_a_core(groups: &[Vec<NodeId>], stream: &mut Stream) -> BTreeSet<NodeId> {
    let mut outside = BTreeSet::new();
    if stream.share() >= CORE_ONLY {
        return outside;
    }
    for replicas in groups.iter().filter(|replicas| replicas.len() >= 3) {
        let core = stream.choose(replicas.len() / 2 + 1, replicas);
        outside.extend(replicas.iter().filter(|node| !core.contains(node)));
    }
    outside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(range: std::ops::Range<u16>) -> Vec<NodeId> {
        range.map(NodeId).collect()
    }

    #[test]
    fn a_majority_of_each_group_is_healed_and_in_a_quarter_of_runs_no_more() {
        let groups = [nodes(0..3), nodes(3..8), nodes(8..10)];
        let mut partly = 0;
        for seed in 0..1_000 {
            let outside = outside_a_core(&groups, &mut Stream::new(seed, "core", &[]));
            if outside.is_empty() {
                continue;
            }
            partly += 1;
            let left_out = |group: &[NodeId]| group.iter().filter(|n| outside.contains(n)).count();
            assert_eq!(groups.each_ref().map(|group| left_out(group)), [1, 2, 0]);
        }
        assert!((200..300).contains(&partly), "{partly}");
    }
}
