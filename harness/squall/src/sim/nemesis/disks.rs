//! Faults of disks: those that fail for a while, those of which something is gone for good, and those that go back in
//! time.

use super::{
    base::Nemesis,
    state::{Destroyed, Snapshots},
};
use crate::{
    injection::Target,
    plan::Micros,
    schedule::{Act, Action, Began},
};
use squall_probe::{
    NodeId, What,
    sim::{
        self, derive,
        disk::{Disk, DiskFault},
    },
};

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
        // What replicas forget others know. What landed on another disk is there no more.
        if !self.replica_roles.contains(&self.plan.nodes[node.index()].role.as_str()) {
            self.record(node, What::WentBack { fault: act.id.step, to: 0 });
        }
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
        self.disks.keep_snapshots(act.index, Snapshots { taken, disks });
        self.agenda.schedule(taken + age, Action::GoBack(act.index));
        Began::On(nodes)
    }

    /// Machines lose their power, all in one moment, and their disks are as they were when the snapshots were taken.
    pub(super) fn go_back(&mut self, index: usize) {
        let plan = self.plan;
        let planned = &plan.faults[index];
        let Some(Snapshots { taken, disks }) = self.disks.take_snapshots(index) else { return };
        if disks.len() == self.simulator.ids().count() {
            self.disks.all_went_back(index);
        } else {
            self.disks.some_went_back();
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
