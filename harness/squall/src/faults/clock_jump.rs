//! A clock jumps.
//!
//! At its edges: who reads the wall clock (`squall_probe::clock`) sees it at once; timers and timeouts go on as they
//! were. It is the machine's: a process that is started again has it. When all is healed the clock is right again at
//! once, which is a jump of its own.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, NodeState},
    parameters::{Choice, choice, node, time},
};

const DIRECTIONS: Choice = Choice {
    what: "direction",
    unknown: "squall::bad_value",
    words: &[("ahead", "ahead"), ("behind", "back")],
};

pub(super) const CLOCK_JUMP: FaultKind = FaultKind {
    key: "clock_jump",
    does: "Lets a node's wall clock jump ahead `by` a time, or back with `direction: behind`, until everything is healed",
    stands_for: "a time service that steps, a leap second, a restored snapshot",
    felt_when: "the node read its wall clock while it was wrong",
    lasts: false,
    params: &[
        node(),
        time("by", "30s", "how far"),
        choice("direction", &DIRECTIONS, "ahead", "which way it is wrong"),
    ],
    says: "{node}, {direction} by {by}",
    example: "{ at: 500ms, clock_jump: { node: all, by: 1m } }",
    injection: |given| {
        let by = given.micros_ahead();
        Injection::Nodes {
            nodes: given.node(),
            state: NodeState::Clock { offset_us: by, drift_us: 0 },
        }
    },
};
