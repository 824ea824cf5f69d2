//! Whom faults act on, and how often they were felt: each fault by its index in the plan.

use squall_probe::NodeId;
use std::collections::BTreeMap;

/// What a fault does to a node.
pub(super) type On = (usize, NodeId);

/// How often faults were felt.
#[derive(Debug, Default)]
pub(super) struct Felt(BTreeMap<usize, u64>);

impl Felt {
    /// A fault was felt.
    pub(super) fn add(&mut self, fault: usize, times: u64) {
        if times > 0 {
            *self.0.entry(fault).or_default() += times;
        }
    }

    /// All of it, since the last call.
    pub(super) fn take(&mut self) -> BTreeMap<usize, u64> {
        std::mem::take(&mut self.0)
    }
}

/// The nodes on which a fault acts.
pub(super) fn nodes_of<'a>(all: impl IntoIterator<Item = &'a On>, fault: usize) -> Vec<NodeId> {
    all.into_iter().filter(|(of, _)| *of == fault).map(|(_, node)| *node).collect()
}
