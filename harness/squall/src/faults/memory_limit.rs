//! Memory is short.
//!
//! At its edges: it is looked at whenever the node takes in, reserves or gives back something: who holds too much
//! when it begins is killed then. A supervisor starts the process 250 ms later, twice as long each time up to 4 s,
//! with empty queues and under the same limit.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, NodeState},
    parameters::{node, size},
};

pub(super) const MEMORY_LIMIT: FaultKind = FaultKind {
    key: "memory_limit",
    does: "Kills a node's process when its queued frames and reservations exceed `bytes`; a supervisor starts it again",
    stands_for: "a container's memory limit, the kernel's out-of-memory killer",
    felt_when: "the node was killed",
    lasts: true,
    params: &[
        node(),
        size("bytes", "64KiB", "in frames that wait to be sent, and what the system reserves"),
    ],
    says: "{node}, {bytes}",
    example: "{ at: 500ms, memory_limit: { node: broker-1, bytes: 4B }, for: 300ms }",
    injection: |given| Injection::Nodes {
        nodes: given.node(),
        state: NodeState::Memory(given.bytes("bytes")),
    },
};
