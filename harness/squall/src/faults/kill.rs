//! A process is killed (SIGKILL), and its machine lives.
//!
//! At its edges: nothing of its software runs any more, destructors neither, and what it had in its own buffers is gone.
//! What it had written is as it wrote it, synced or not: the machine keeps its page cache. Its kernel closes its connections,
//! so its peers hear the end of them. It is started again `down` later, as a supervisor does. `crash` cuts the power in
//! place of that: a system that survives the one may lose by the other what it had not synced.

use super::kind::FaultKind;
use crate::{
    injection::Injection,
    parameters::{node, time},
};
use std::time::Duration;

pub(super) const KILL: FaultKind = FaultKind {
    key: "kill",
    does: "Kills a node's process; its machine lives, so that what it wrote stays, synced or not, and its peers hear that its connections end; it is started again `down` later",
    stands_for: "a process that dies: out of memory, a panic, kill -9",
    felt_when: "a node's process was killed",
    lasts: false,
    params: &[node(), time("down", "200ms", "it is started again this long after it was killed")],
    says: "{node}, down {down}",
    example: "{ at: 500ms, kill: { node: leader, down: 300ms } }",
    injection: |given| Injection::Stop {
        nodes: given.node(),
        every: Duration::ZERO,
        grace: Duration::ZERO,
        down: given.time("down"),
    },
};
