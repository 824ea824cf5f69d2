//! Effects that were taken back with the disk on which they had landed: it went back in time, or was emptied.
//!
//! Where that disk was the only copy, the effect is there no more, and whoever sees to it that nothing is lost makes it
//! again. It is there once then.

use super::{
    evidence::{Evidence, Proof},
    variants::{Variants, heard},
};
use squall_probe::{Name, NodeId, Record, What};
use std::collections::BTreeMap;

/// The moments to which disks may go back.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// Faults that began on nodes: which, where, when, and the place of the record.
    began: Vec<(u16, NodeId, u64, u64)>,
}

impl Snapshots {
    pub(super) const HEARS: Variants = heard![FaultBegan, WentBack];

    /// Takes the next record in. If it says that a disk went back, the place of the record with which that disk's snapshot
    /// was taken.
    #[inline(always)]
    pub(super) fn record(&mut self, index: u64, record: &Record) -> Option<u64> {
        match record.what {
            What::FaultBegan { fault, target } => {
                self.began.push((fault, target, record.at, index));
                None
            }
            What::WentBack { fault, to } => {
                let mut began = self.began.iter().rev();
                let taken = began.find(|(f, n, at, _)| (*f, *n, *at) == (fault, record.node, to));
                // An emptied disk is as it was in the beginning.
                taken.map(|(.., index)| *index).or((to == 0).then_some(0))
            }
            _ => None,
        }
    }
}

/// The generations that each node was told of, by group and partition: it keeps older ones out.
#[derive(Debug, Default)]
pub(super) struct Fences {
    told: BTreeMap<(NodeId, Name, u32), Vec<(u64, Proof)>>,
}

impl Fences {
    pub(super) const HEARS: Variants = heard![Assign];

    /// Takes the next record in.
    #[inline(always)]
    pub(super) fn record(&mut self, evidence: &Evidence) {
        if let What::Assign { group, partition, generation, .. } = evidence.record.what {
            let told = self.told.entry((evidence.record.node, group, partition)).or_default();
            told.push((generation, evidence.proof()));
        }
    }

    /// A node has forgotten that a generation is over: it was told so, and each record of that is undone.
    pub(super) fn are_gone(
        &self,
        place: (NodeId, Name, u32),
        generation: u64,
        undone: impl Fn(Proof) -> bool,
    ) -> bool {
        let told = self.told.get(&place).into_iter().flatten();
        let mut newer = told.filter(|(told, _)| *told > generation).peekable();
        newer.peek().is_some() && newer.all(|(_, proof)| undone(*proof))
    }
}

/// What was taken back so far.
#[derive(Debug, Default)]
pub(super) struct TakenBack {
    snapshots: Snapshots,
    /// Nodes, and from which place of the history to which what they told has been undone.
    windows: Vec<(NodeId, u64, u64)>,
}

impl TakenBack {
    pub(super) const HEARS: Variants = Snapshots::HEARS;

    /// Takes the next record in.
    #[inline(always)]
    pub(super) fn record(&mut self, evidence: &Evidence) {
        let Evidence { index, record } = evidence;
        if let Some(from) = self.snapshots.record(*index, record) {
            self.windows.push((record.node, from, *index));
        }
    }

    /// What is known of an effect, unless it has been undone since.
    #[inline(always)]
    pub(super) fn stands(&self, known: Option<Proof>) -> Option<Proof> {
        known.filter(|proof| !self.has(*proof))
    }

    /// Whether what this record told has been undone since.
    pub(super) fn has(&self, proof: Proof) -> bool {
        self.windows
            .iter()
            .any(|(node, from, to)| *node == proof.node && (*from..*to).contains(&proof.index()))
    }
}
