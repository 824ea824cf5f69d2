//! A machine stands still, and does not know.
//!
//! At its edges: it begins and ends between two polls of its tasks, never within one. What arrives meanwhile waits,
//! and timers that came due fire when it goes on. A pause ends with its process: one that is killed and started again
//! is not paused.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, NodeState},
    parameters::node,
};

pub(super) const PAUSE: FaultKind = FaultKind {
    key: "pause",
    does: "Stops a node's tasks; when it goes on, its clock has jumped, and it still believes that it leads",
    stands_for: "a long garbage collection, a virtual machine that migrates, a stopped process",
    felt_when: "a task of it was due and did not run",
    lasts: true,
    params: &[node()],
    says: "{node}",
    example: "{ at: 500ms, pause: broker-1, for: 400ms }",
    injection: |given| Injection::Nodes { nodes: given.node(), state: NodeState::Paused },
};
