//! Faults of disks: those that fail for a while, those of which something is gone for good, and those that go back in
//! time.

use super::{Act, Action, Began, Nemesis};
use crate::{injection::Target, plan::Micros};
use squall_probe::{
    NodeId, What,
    sim::{
        self, derive,
        disk::{Disk, DiskFault},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// What a fault took from a disk for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Destroyed {
    /// Which fault of the plan.
    pub(super) index: usize,
    /// It shows only to who reads the damaged bytes; else to who starts on the disk.
    pub(super) latent: bool,
}

/// Copies of disks, all of one moment.
#[derive(Debug)]
struct Snapshots {
    taken: Micros,
    disks: Vec<(NodeId, Disk)>,
}

/// Nodes whose disks were emptied or damaged, and by which faults.
#[derive(Debug, Default)]
pub(super) struct Disks {
    destroyed: BTreeMap<NodeId, Vec<Destroyed>>,
    /// By which fault of the plan they were taken, and will be put back.
    snapshots: BTreeMap<usize, Snapshots>,
    /// Faults of the plan by which all nodes went back to one moment.
    all_went_back: BTreeSet<usize>,
}

impl Disks {
    fn destroy(&mut self, node: NodeId, destroyed: Destroyed) {
        self.destroyed.entry(node).or_default().push(destroyed);
    }

    /// Nothing was destroyed.
    pub(super) fn are_whole(&self) -> bool {
        self.destroyed.is_empty()
    }

    /// What was destroyed of a node's disk, and not of all others in the same moment: who all remember the same have
    /// forgotten nothing that another knows.
    pub(super) fn destroyed(&self, node: NodeId) -> impl Iterator<Item = &Destroyed> {
        let all = self.destroyed.get(&node).into_iter().flatten();
        all.filter(|destroyed| !self.all_went_back.contains(&destroyed.index))
    }
}

impl Nemesis<'_> {
    /// Disks begin to fail. `how` gets a draw of the fault's own.
    pub(super) fn break_disks(
        &self,
        target: &Target,
        act: &mut Act,
        how: impl Fn(u64) -> DiskFault,
    ) -> Began {
        let nodes = self.nodes(target, act);
        for node in &nodes {
            let kind = how(derive(act.draw, "disk", &[u64::from(node.0)]));
            sim::with(|world| world.disk(*node).begin(act.id, kind));
        }
        Began::on(nodes)
    }

    /// The disk of a node that is down is replaced by an empty one.
    pub(super) fn wipe(&mut self, node: NodeId, act: &Act) {
        self.disks.destroy(node, Destroyed { index: act.index, latent: false });
        sim::with(|world| world.disk(node).wipe());
    }

    /// Snapshots are taken of disks, which will be as they are now when `age` has passed.
    pub(super) fn take_snapshots(&mut self, target: &Target, age: Micros, act: &mut Act) -> Began {
        let nodes = self.nodes(target, act);
        if nodes.is_empty() {
            return Began::NoTarget;
        }
        let taken = self.now();
        let number = u64::try_from(act.index).expect("a plan has few faults");
        let snapshot = |node: &NodeId| (*node, sim::with(|world| world.snapshot(*node, number)));
        let disks = nodes.iter().map(snapshot).collect();
        self.disks.snapshots.insert(act.index, Snapshots { taken, disks });
        self.agenda.schedule(taken + age, Action::GoBack(act.index));
        Began::On(nodes)
    }

    /// Machines lose their power, all in one moment, and their disks are as they were when the snapshots were taken.
    pub(super) fn go_back(&mut self, index: usize) {
        let plan = self.plan;
        let planned = &plan.faults[index];
        let Some(Snapshots { taken, disks }) = self.disks.snapshots.remove(&index) else { return };
        if disks.len() == self.simulator.ids().count() {
            self.disks.all_went_back.insert(index);
        }
        for (node, _) in &disks {
            if !sim::with(|world| world.is_dark(*node)) {
                self.cut_power(*node);
            }
        }
        for (node, snapshot) in disks {
            if sim::with(|world| world.disk(node).go_back(snapshot)) {
                self.feel(index);
                self.disks.destroy(node, Destroyed { index, latent: false });
            }
            self.record(node, What::WentBack { fault: planned.step, to: taken });
            if let Some(after) = planned.restart_after {
                self.restart_later(after, node);
            }
        }
        self.recorder.borrow_mut().went_back();
    }

    /// What nodes have on disk is damaged. They must have something.
    pub(super) fn damage_disks(
        &mut self,
        target: &Target,
        act: &mut Act,
        how: impl Fn(&mut Disk, u16, u64) -> bool,
    ) -> Began {
        let mut nodes = self.nodes(target, act);
        nodes.retain(|node| {
            let draw = derive(act.draw, "disk", &[u64::from(node.0)]);
            sim::with(|world| how(world.disk(*node), act.id.step, draw))
        });
        for node in &nodes {
            self.disks.destroy(*node, Destroyed { index: act.index, latent: true });
        }
        Began::on(nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_destroyed_of_a_disk_is_told_unless_all_disks_went_back_together() {
        let mut disks = Disks::default();
        assert!(disks.are_whole());
        let wiped = Destroyed { index: 0, latent: false };
        let went_back = Destroyed { index: 1, latent: false };
        let rotten = Destroyed { index: 2, latent: true };
        for node in [NodeId(1), NodeId(2)] {
            disks.destroy(node, went_back);
        }
        disks.destroy(NodeId(1), wiped);
        disks.destroy(NodeId(2), rotten);
        assert!(!disks.are_whole());
        let of = |disks: &Disks, node| disks.destroyed(NodeId(node)).copied().collect::<Vec<_>>();
        assert_eq!(of(&disks, 1), [went_back, wiped]);
        // Who all remember the same have forgotten nothing that another knows.
        disks.all_went_back.insert(1);
        assert_eq!(of(&disks, 1), [wiped]);
        assert_eq!(of(&disks, 2), [rotten]);
        assert_eq!(of(&disks, 3), []);
    }
}
