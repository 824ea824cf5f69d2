//! A new version is rolled out.
//!
//! At its edges: for each node as `stop`; the next is asked `every` later whether or not the one before is back.

use super::kind::FaultKind;
use crate::{
    injection::Injection,
    parameters::{node, time},
};

pub(super) const ROLLING_RESTART: FaultKind = FaultKind {
    key: "rolling_restart",
    does: "Stops the nodes one after the other, `every` so often, as `stop` does, each with a `grace`, and starts it again `down` later",
    stands_for: "a rolling deployment",
    felt_when: "a node was asked to stop",
    lasts: false,
    params: &[
        node(),
        time("every", "800ms", "from one node to the next"),
        time("grace", "500ms", "whoever has not ended after this is killed"),
        time("down", "200ms", "it is started again this long after it has ended"),
    ],
    says: "{node}, every {every}, down {down}",
    example: "{ at: 500ms, rolling_restart: { node: brokers, every: 300ms } }",
    injection: |given| Injection::Stop {
        nodes: given.node(),
        every: given.time("every"),
        grace: given.time("grace"),
        down: given.time("down"),
    },
};
