//! A consumer does not keep up.
//!
//! At its edges: it holds for what the node reads while it lasts. It is the machine's: a process that is started
//! again is as slow.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, NodeState},
    parameters::{node, time},
};

pub(super) const SLOW_CONSUMER: FaultKind = FaultKind {
    key: "slow_consumer",
    does: "Makes a node take `by` over each message that it reads, so that work piles up before it",
    stands_for: "an expensive handler, a slow database behind it, a cold cache",
    felt_when: "it had taken its time over a message",
    lasts: true,
    params: &[node(), time("by", "50ms", "how long it takes over each message")],
    says: "{node}, {by} a message",
    example: "{ at: 500ms, slow_consumer: { node: brokers, by: 30ms }, for: 300ms }",
    injection: |given| Injection::Nodes {
        nodes: given.node(),
        state: NodeState::SlowReader(given.time("by")),
    },
};
