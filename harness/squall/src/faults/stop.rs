//! A process is stopped, politely.
//!
//! At its edges: the node is asked, and its power stays on: what it wrote stays, synced or not. If its software
//! returns within `grace`, its destructors run, and what they write counts. If not, it is killed (SIGKILL): its
//! destructors change nothing, what it had in its own buffers is gone, and its kernel closes its connections, so
//! its peers hear the end of them. It is started again `down` after it ended.

use super::kind::FaultKind;
use crate::{
    injection::Injection,
    parameters::{node, time},
};
use std::time::Duration;

pub(super) const STOP: FaultKind = FaultKind {
    key: "stop",
    does: "Asks a node to stop; it has `grace` to finish what is under way and is killed after that, its files as it wrote them; it is started again `down` later",
    stands_for: "a deployment, a drained machine",
    felt_when: "a node was asked to stop",
    lasts: false,
    params: &[
        node(),
        time("grace", "2s", "whoever has not ended after this is killed"),
        time("down", "200ms", "it is started again this long after it has ended"),
    ],
    says: "{node}, grace {grace}, down {down}",
    example: "{ at: 500ms, stop: { node: any consumer, grace: 1s, down: 100ms } }",
    injection: |given| Injection::Stop {
        nodes: given.node(),
        every: Duration::ZERO,
        grace: given.time("grace"),
        down: given.time("down"),
    },
};
