//! How far a run is in recovering.

use squall_probe::NodeId;
use std::collections::BTreeSet;

/// How far the run is in recovering.
#[derive(Debug, Default)]
pub(in crate::sim::nemesis) struct Recovery {
    healed: bool,
    /// Nodes that stay down after the healing.
    left_out: BTreeSet<NodeId>,
    late: Option<String>,
}

impl Recovery {
    /// Everything is healed.
    pub(in crate::sim::nemesis) fn has_begun(&self) -> bool {
        self.healed
    }

    /// It begins.
    pub(in crate::sim::nemesis) fn begin(&mut self) {
        self.healed = true;
    }

    /// Nodes that stay down after the healing.
    pub(in crate::sim::nemesis) fn left_out(&self) -> &BTreeSet<NodeId> {
        &self.left_out
    }

    pub(in crate::sim::nemesis) fn leave_out(&mut self, nodes: BTreeSet<NodeId>) {
        self.left_out = nodes;
    }

    /// The deadline passed while something that was injected went on.
    pub(in crate::sim::nemesis) fn is_late(&mut self, under_way: Option<String>) {
        self.late = under_way;
    }

    /// What of all that was injected had not come to its end when the deadline passed.
    pub(in crate::sim::nemesis) fn into_late(self) -> Option<String> {
        self.late
    }
}
