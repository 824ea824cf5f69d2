//! A machine has no CPU left for us.
//!
//! At its edges: it begins and ends between two polls of its tasks, never within one. Timers that come due fire in
//! the next step in which its tasks run. It is the machine's: a process that is started again is starved as well.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, NodeState},
    parameters::{node, number},
};

pub(super) const SLOW_NODE: FaultKind = FaultKind {
    key: "slow_node",
    does: "Starves a node of CPU: its tasks run in one of `one_in` steps of the simulation",
    stands_for: "a noisy neighbour, a throttled container, a runaway process",
    felt_when: "a task of it was due and had to wait",
    lasts: true,
    params: &[
        node(),
        number("one_in", (2, 1_000), "10", "it runs in one of this many steps of the simulation"),
    ],
    says: "{node}, one step in {one_in}",
    example: "{ at: 500ms, slow_node: { node: broker-1, one_in: 20 }, for: 400ms }",
    injection: |given| Injection::Nodes {
        nodes: given.node(),
        state: NodeState::Starved { one_in: given.number("one_in") },
    },
};
