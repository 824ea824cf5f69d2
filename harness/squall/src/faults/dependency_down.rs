//! A dependency is away.
//!
//! At its edges: connections that are open when it begins are reset as by `reset`. One that is being made is
//! refused. The node can still connect to others.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, NodeState},
    parameters::node,
};

pub(super) const DEPENDENCY_DOWN: FaultKind = FaultKind {
    key: "dependency_down",
    does: "Refuses every connection to a node and resets those that are open; the node itself lives",
    stands_for: "a payment provider's outage, a load balancer without back ends",
    felt_when: "a connection was refused, or one that was open met its reset",
    lasts: true,
    params: &[node()],
    says: "{node}",
    example: "{ at: 500ms, dependency_down: gateways, for: 300ms }",
    injection: |given| Injection::Nodes { nodes: given.node(), state: NodeState::Unavailable },
};
