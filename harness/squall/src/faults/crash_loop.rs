//! A node that dies again and again.
//!
//! At its edges: each time as `crash`. A turn that finds the node without power is left out; if another fault keeps it
//! down, too, whichever is over first brings it back.

use super::kind::FaultKind;
use crate::{
    injection::Injection,
    parameters::{node, number, time},
};

pub(super) const CRASH_LOOP: FaultKind = FaultKind {
    key: "crash_loop",
    does: "Crashes a node `times` times, as `crash` does, `down` long each, `up` long in between",
    stands_for: "a bad deployment under a supervisor that never gives up",
    felt_when: "a node went down, each time",
    lasts: false,
    params: &[
        node(),
        number("times", (1, 1_000), "5", "how often it crashes"),
        time("up", "300ms", "how long it is up in between"),
        time("down", "200ms", "how long it is down each time"),
    ],
    says: "{node}, {times} times, up {up}, down {down}",
    example: "{ at: 300ms, crash_loop: { node: broker-1, times: 3, up: 200ms, down: 100ms } }",
    injection: |given| Injection::PowerLoop {
        nodes: given.node(),
        times: given.number("times"),
        up: given.time("up"),
        down: given.time("down"),
    },
};
