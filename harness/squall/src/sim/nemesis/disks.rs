//! Faults of disks: those that fail for a while, and those of which something is gone for good.

use super::{Act, Began, Nemesis};
use crate::injection::Target;
use squall_probe::{
    NodeId,
    sim::{
        self,
        disk::{Disk, DiskFault},
    },
};
use std::collections::BTreeMap;

/// What a fault took from a disk for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Destroyed {
    /// Which fault of the plan.
    pub(super) index: usize,
    /// It shows only to who reads the damaged bytes; else to who starts on the disk.
    pub(super) latent: bool,
}

/// Nodes whose disks were emptied or damaged, and by which faults.
#[derive(Debug, Default)]
pub(super) struct Disks {
    destroyed: BTreeMap<NodeId, Vec<Destroyed>>,
}

impl Disks {
    fn destroy(&mut self, node: NodeId, destroyed: Destroyed) {
        self.destroyed.entry(node).or_default().push(destroyed);
    }

    /// Nothing was destroyed.
    pub(super) fn are_whole(&self) -> bool {
        self.destroyed.is_empty()
    }

    /// What was destroyed of a node's disk.
    pub(super) fn destroyed(&self, node: NodeId) -> &[Destroyed] {
        self.destroyed.get(&node).map_or(&[], Vec::as_slice)
    }
}

impl Nemesis<'_> {
    /// Disks begin to fail. `how` gets a draw of the fault's own.
    pub fn break_disks(
        &self,
        target: &Target,
        act: &mut Act,
        how: impl Fn(u64) -> DiskFault,
    ) -> Began {
        let nodes = self.nodes(target, act);
        for node in &nodes {
            let kind = how(act.draw ^ u64::from(node.0));
            sim::with(|world| world.disk(*node).begin(act.id, kind));
        }
        Began::on(nodes)
    }

    /// The disk of a node that is down is replaced by an empty one.
    pub fn wipe(&mut self, node: NodeId, act: &Act) {
        self.disks.destroy(node, Destroyed { index: act.index, latent: false });
        sim::with(|world| world.disk(node).wipe());
    }

    /// What nodes have on disk is damaged. They must have something.
    pub fn damage_disks(
        &mut self,
        target: &Target,
        act: &mut Act,
        how: impl Fn(&mut Disk, u16, u64) -> bool,
    ) -> Began {
        let mut nodes = self.nodes(target, act);
        nodes.retain(|node| {
            let draw = act.draw ^ u64::from(node.0);
            sim::with(|world| how(world.disk(*node), act.id.step, draw))
        });
        for node in &nodes {
            self.disks.destroy(*node, Destroyed { index: act.index, latent: true });
        }
        Began::on(nodes)
    }
}
