//! Who runs, who was asked to stop, and how patient each supervisor is.

use crate::plan::Micros;
use squall_probe::NodeId;
use std::collections::BTreeMap;

/// A node whose software ended by itself is started again after this, doubling up to [`EXIT_BACKOFF_CAP`], as its
/// supervisor would. In microseconds.
const EXIT_BACKOFF: Micros = 250_000;
/// See [`EXIT_BACKOFF`].
const EXIT_BACKOFF_CAP: Micros = 4_000_000;

/// When a node whose process has ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Comeback {
    pub(crate) after: Micros,
    /// It was asked to stop: when it is back, that fault is over. Else its supervisor starts it.
    pub(crate) part_of_fault: bool,
}

/// Who runs, who was asked to stop, and how patient each node's supervisor is.
#[derive(Debug)]
pub(crate) struct Nodes {
    up: Vec<bool>,
    backoff: Vec<Micros>,
    /// Nodes that were asked to stop, and after how long they are started again.
    stopping: BTreeMap<NodeId, Micros>,
}

impl Nodes {
    /// `count` nodes, all up.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            up: vec![true; count],
            backoff: vec![EXIT_BACKOFF; count],
            stopping: BTreeMap::new(),
        }
    }

    /// By id, whether each is up.
    pub(crate) fn up(&self) -> &[bool] {
        &self.up
    }

    /// Whether `node` is up.
    pub(crate) fn is_up(&self, node: NodeId) -> bool {
        self.up[node.index()]
    }

    pub(crate) fn set_up(&mut self, node: NodeId, up: bool) {
        self.up[node.index()] = up;
    }

    /// `node` is asked to stop, and will be started again `down` after it ended.
    pub(crate) fn asked_to_stop(&mut self, node: NodeId, down: Micros) {
        self.stopping.insert(node, down);
    }

    /// Whether `node` was asked to stop and has not ended.
    pub(crate) fn is_stopping(&self, node: NodeId) -> bool {
        self.stopping.contains_key(&node)
    }

    /// The machine of `node` loses its power: it does not matter any more that it was asked to stop.
    pub(crate) fn lost_power(&mut self, node: NodeId) {
        self.stopping.remove(&node);
    }

    /// The process of `node` has ended.
    pub(crate) fn ended(&mut self, node: NodeId) -> Comeback {
        if let Some(after) = self.stopping.remove(&node) {
            return Comeback { after, part_of_fault: true };
        }
        let backoff = &mut self.backoff[node.index()];
        let after = *backoff;
        *backoff = (*backoff * 2).min(EXIT_BACKOFF_CAP);
        Comeback { after, part_of_fault: false }
    }

    /// From here on supervisors are as patient as at first.
    pub(crate) fn forgive(&mut self) {
        self.backoff.fill(EXIT_BACKOFF);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId(1);

    #[test]
    fn a_supervisor_waits_twice_as_long_each_time_up_to_a_cap() {
        let mut nodes = Nodes::new(2);
        let waits: Vec<Micros> = (0..6).map(|_| nodes.ended(NODE).after).collect();
        assert_eq!(waits, [250_000, 500_000, 1_000_000, 2_000_000, 4_000_000, 4_000_000]);
        assert_eq!(nodes.ended(NodeId(0)).after, EXIT_BACKOFF, "each node has its own");
        nodes.forgive();
        assert_eq!(nodes.ended(NODE).after, EXIT_BACKOFF);
    }

    #[test]
    fn who_was_asked_to_stop_comes_back_when_its_fault_says_and_no_supervisor_loses_patience() {
        let mut nodes = Nodes::new(2);
        nodes.asked_to_stop(NODE, 7_000);
        assert_eq!(nodes.ended(NODE), Comeback { after: 7_000, part_of_fault: true });
        assert_eq!(nodes.ended(NODE), Comeback { after: EXIT_BACKOFF, part_of_fault: false });
    }
}
