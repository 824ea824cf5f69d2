//! Disks that were emptied or damaged, and copies to which they go back.

use crate::plan::Micros;
use squall_probe::{NodeId, sim::disk::Disk};
use std::collections::{BTreeMap, BTreeSet};

/// What a fault took from a disk for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim::nemesis) struct Destroyed {
    /// Which fault of the plan.
    pub(in crate::sim::nemesis) index: usize,
    /// It shows only to who reads the damaged bytes; else to who starts on the disk.
    pub(in crate::sim::nemesis) latent: bool,
}

/// Copies of disks, all of one moment.
#[derive(Debug)]
pub(in crate::sim::nemesis) struct Snapshots {
    pub(in crate::sim::nemesis) taken: Micros,
    pub(in crate::sim::nemesis) disks: Vec<(NodeId, Disk)>,
}

/// Nodes whose disks were emptied or damaged, and by which faults.
#[derive(Debug, Default)]
pub(in crate::sim::nemesis) struct Disks {
    destroyed: BTreeMap<NodeId, Vec<Destroyed>>,
    /// By which fault of the plan they were taken, and will be put back.
    snapshots: BTreeMap<usize, Snapshots>,
    /// Faults of the plan by which all nodes went back to one moment.
    all_went_back: BTreeSet<usize>,
    /// Some disks went back and others did not.
    some_went_back: bool,
}

impl Disks {
    pub(in crate::sim::nemesis) fn destroy(&mut self, node: NodeId, destroyed: Destroyed) {
        self.destroyed.entry(node).or_default().push(destroyed);
    }

    /// A fault of the plan took snapshots, which will be put back.
    pub(in crate::sim::nemesis) fn keep_snapshots(&mut self, index: usize, snapshots: Snapshots) {
        self.snapshots.insert(index, snapshots);
    }

    /// Those that a fault of the plan took, to be put back.
    pub(in crate::sim::nemesis) fn take_snapshots(&mut self, index: usize) -> Option<Snapshots> {
        self.snapshots.remove(&index)
    }

    /// All nodes went back to one moment, by a fault of the plan.
    pub(in crate::sim::nemesis) fn all_went_back(&mut self, index: usize) {
        self.all_went_back.insert(index);
    }

    /// Some nodes went back by a fault, and others did not: they may remember what those have forgotten.
    pub(in crate::sim::nemesis) fn some_went_back(&mut self) {
        self.some_went_back = true;
    }

    /// Nothing was destroyed.
    pub(in crate::sim::nemesis) fn are_whole(&self) -> bool {
        self.destroyed.is_empty()
    }

    /// What was destroyed of a node's disk, and not of all others in the same moment: who all remember the same have
    /// forgotten nothing that another knows. Unless one of them went back by another fault, too, to another moment.
    pub(in crate::sim::nemesis) fn destroyed(
        &self,
        node: NodeId,
    ) -> impl Iterator<Item = &Destroyed> {
        let all = self.destroyed.get(&node).into_iter().flatten();
        all.filter(|destroyed| {
            self.some_went_back || !self.all_went_back.contains(&destroyed.index)
        })
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
        disks.all_went_back(1);
        assert_eq!(of(&disks, 1), [wiped]);
        assert_eq!(of(&disks, 2), [rotten]);
        assert_eq!(of(&disks, 3), []);
        // One of them has another past now.
        disks.some_went_back();
        assert_eq!(of(&disks, 1), [went_back, wiped]);
    }
}
