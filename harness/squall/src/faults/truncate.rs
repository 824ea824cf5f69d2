//! A file loses its end.
//!
//! At its edges: a file with content on the platter is chosen by its size; it loses at least one byte and at most
//! `bytes`, there and in what is read, together with what was unsynced in it. Who has it open can write behind its
//! end: what is missing reads as zeros then. A node that has nothing on disk is no target; one that is down is.

use super::kind::FaultKind;
use crate::{
    injection::{Damage, Injection},
    parameters::{node, size},
};

pub(super) const TRUNCATE: FaultKind = FaultKind {
    key: "truncate",
    does: "Cuts off the end of a file of a node, up to `bytes`, and what it had unsynced",
    stands_for: "a file system that replays too little, a copy that was cut short",
    felt_when: "the missing bytes were looked for",
    lasts: false,
    params: &[node(), size("bytes", "4KiB", "how much a file loses at most")],
    says: "{node}, up to {bytes}",
    example: "{ at: 2s, truncate: any broker }",
    injection: |given| Injection::Damage {
        nodes: given.node(),
        damage: Damage::Truncated(given.bytes("bytes")),
    },
};
