//! Effects that were taken back with the disk on which they had landed: it went back in time, or was emptied.
//!
//! Where that disk was the only copy, the effect is there no more, and whoever sees to it that nothing is lost makes it
//! again. It is there once then.

use super::evidence::{Evidence, Proof};
use squall_probe::{NodeId, What};

/// What was taken back so far.
#[derive(Debug, Default)]
pub(super) struct TakenBack {
    /// Faults that began on nodes: which, where, when, and the place of the record.
    began: Vec<(u16, NodeId, u64, u64)>,
    /// Nodes, and from which place of the history to which what they told has been undone.
    windows: Vec<(NodeId, u64, u64)>,
}

impl TakenBack {
    /// Takes the next record in.
    #[inline(always)]
    pub(super) fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::FaultBegan { fault, target } => {
                self.began.push((fault, target, evidence.record.at, evidence.index));
            }
            What::WentBack { fault, to } => {
                let node = evidence.record.node;
                let began = self.began.iter().rev();
                let taken = began.map(|(f, n, at, index)| ((*f, *n, *at), *index));
                let snapshot = taken.clone().find(|(of, _)| *of == (fault, node, to));
                // An emptied disk is as it was in the beginning.
                let from = snapshot.map_or((to == 0).then_some(0), |(_, index)| Some(index));
                self.windows.extend(from.map(|from| (node, from, evidence.index)));
            }
            _ => {}
        }
    }

    /// Whether what this record told has been undone since.
    pub(super) fn has(&self, proof: Proof) -> bool {
        self.windows
            .iter()
            .any(|(node, from, to)| *node == proof.node && (*from..*to).contains(&proof.index()))
    }
}
