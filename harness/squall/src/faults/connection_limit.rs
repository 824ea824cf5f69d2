//! Connections are short.
//!
//! At its edges: connections that are open stay open, be they more than `most`; those that are being made count as
//! well. It is the machine's: a process that is started again has it.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, NodeState},
    parameters::{node, number},
};

pub(super) const CONNECTION_LIMIT: FaultKind = FaultKind {
    key: "connection_limit",
    does: "Lets a node have `most` connections: more are refused, and it can make no more",
    stands_for: "a limit of file descriptors, a proxy's pool, conntrack",
    felt_when: "a connection was refused",
    lasts: true,
    params: &[node(), number("most", (0, 100_000), "4", "how many connections it can have")],
    says: "{node}, {most} at most",
    example: "{ at: 10ms, connection_limit: { node: broker-1, most: 0 }, for: 300ms }",
    injection: |given| Injection::Nodes {
        nodes: given.node(),
        state: NodeState::Connections(given.number("most")),
    },
};
