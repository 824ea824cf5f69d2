//! A clock is wrong.
//!
//! At its edges: who reads the wall clock (`squall_probe::clock`) sees it at once; timers and timeouts go on as they
//! were. It is the machine's: a process that is started again has it. When it ends the clock is right again at once,
//! which is a jump of its own.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, NodeState},
    parameters::{Choice, choice, node, time},
};

const DIRECTIONS: Choice = Choice {
    what: "direction",
    unknown: "squall::bad_value",
    words: &[("ahead", "ahead"), ("behind", "behind")],
};

pub(super) const CLOCK_OFFSET: FaultKind = FaultKind {
    key: "clock_offset",
    does: "Sets a node's wall clock `by` a time ahead of the others, or `direction: behind` them; timers go on as they were",
    stands_for: "a machine without a time service, a wrong time server",
    felt_when: "the node read its wall clock while it was wrong",
    lasts: true,
    params: &[
        node(),
        time("by", "5s", "by how much"),
        choice("direction", &DIRECTIONS, "ahead", "which way it is wrong"),
    ],
    says: "{node}, {by} {direction}",
    example: "{ at: 500ms, clock_offset: { node: all, by: 2s, direction: behind } }",
    injection: |given| {
        let by = given.micros_ahead();
        Injection::Nodes {
            nodes: given.node(),
            state: NodeState::Clock { offset_us: by, drift_us: 0 },
        }
    },
};
