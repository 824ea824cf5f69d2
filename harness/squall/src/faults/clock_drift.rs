//! A clock runs fast, or slow.
//!
//! At its edges: it begins with the right time and goes wrong from there; timers and timeouts go on as they were. It
//! is the machine's: a process that is started again has it. When it ends the clock is right again at once, which is
//! a jump of its own.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, NodeState},
    parameters::{Choice, choice, node, time},
};

const DIRECTIONS: Choice = Choice {
    what: "direction",
    unknown: "squall::bad_value",
    words: &[("ahead", "gains"), ("behind", "loses")],
};

pub(super) const CLOCK_DRIFT: FaultKind = FaultKind {
    key: "clock_drift",
    does: "Lets a node's wall clock gain `by` in each second, or lose it with `direction: behind`",
    stands_for: "a bad oscillator, a virtual machine short of ticks",
    felt_when: "the node read its wall clock while it was wrong",
    lasts: true,
    params: &[
        node(),
        time("by", "100ms", "by how much in each second"),
        choice("direction", &DIRECTIONS, "ahead", "which way it is wrong"),
    ],
    says: "{node}, {direction} {by} a second",
    example: "{ at: 500ms, clock_drift: { node: all, by: 50ms }, for: 400ms }",
    injection: |given| {
        let by = given.micros_ahead();
        Injection::Nodes {
            nodes: given.node(),
            state: NodeState::Clock { offset_us: 0, drift_us: by },
        }
    },
};
