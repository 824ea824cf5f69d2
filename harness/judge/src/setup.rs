//! What is known beside the history.

use crate::{limits::Limits, promises::Promises};
use squall_probe::{Name, NodeId, StateOf};

/// What a judge may know beside the history.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The consumer groups, each of which must apply every event.
    pub groups: Vec<Name>,
    /// Their names, in the same order.
    pub group_names: Vec<String>,
    /// Nodes that hold replicas.
    pub replicas: Vec<NodeId>,
    /// Names of nodes, by id.
    pub nodes: Vec<String>,
    /// Limits of the liveness invariants.
    pub limits: Limits,
    /// What the system promises.
    pub promises: Promises,
    /// Names of the saga's steps, in the order of the promise.
    pub sagas: Vec<Name>,
    /// Names of the retry policies, in the order of the promises.
    pub policies: Vec<Name>,
    /// Names of the dependencies behind breakers, in the order of the promises.
    pub dependencies: Vec<Name>,
    /// The nodes that each of them is; none where that is not known.
    pub dependency_nodes: Vec<Vec<NodeId>>,
    /// Names of the buffers, in the order of the promises.
    pub buffers: Vec<Name>,
    /// The most that each node may hold, in bytes, by id; `None` where nothing is promised.
    pub memory: Vec<Option<u64>>,
    /// A fault of the plan makes timers late.
    pub stalls: bool,
    /// Clients are programs of somebody else's: they may give up a publish of which nobody knows whether it happened, and
    /// are asked for others.
    pub gives_up: bool,
}

impl Setup {
    pub(crate) fn group(&self, index: usize) -> &str {
        self.group_names.get(index).map_or("?", String::as_str)
    }

    pub(crate) fn group_index(&self, group: Name) -> Option<usize> {
        self.groups.iter().position(|known| *known == group)
    }

    pub(crate) fn node(&self, node: NodeId) -> &str {
        self.nodes.get(usize::from(node.0)).map_or("?", String::as_str)
    }

    /// What a state is the state of, in words.
    pub(crate) fn state(&self, of: StateOf) -> String {
        match of {
            StateOf::Replica { partition } => format!("partition {partition}"),
            StateOf::Projection { group } => {
                let group = self.group_index(group).map_or("?", |index| self.group(index));
                format!("the effects of {group}")
            }
            StateOf::Conserved { .. } => "what should not change".to_owned(),
            StateOf::View { .. } => "a view of the log".to_owned(),
            StateOf::Queue { queue } => {
                let queue = self.group_index(queue).map_or("?", |index| self.group(index));
                format!("what {queue} holds")
            }
        }
    }

    pub(crate) fn replica_index(&self, node: NodeId) -> Option<usize> {
        self.replicas.iter().position(|known| *known == node)
    }
}
