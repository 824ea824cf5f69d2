//! Connections end late.
//!
//! At its edges: what was sent before the end arrives as it would have, and can be answered to nobody. An end that is being
//! held back when it is over comes as late as that. If the node crashes meanwhile, its peer never hears of an end.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, NodeState},
    parameters::{node, time},
};

pub(super) const SLOW_CLOSE: FaultKind = FaultKind {
    key: "slow_close",
    does: "Holds back the end of each connection that a node closes `by` a time: until then its peer has it half open",
    stands_for: "sockets that linger, a proxy that drains, a lost FIN",
    felt_when: "a connection was closed late",
    lasts: true,
    params: &[node(), time("by", "2s", "how long a connection stays half open")],
    says: "{node}, by {by}",
    example: "{ at: 500ms, slow_close: { node: producers, by: 300ms }, for: 500ms }",
    injection: |given| Injection::Nodes {
        nodes: given.node(),
        state: NodeState::SlowClose(given.time("by")),
    },
};
