//! A disk answers with errors.
//!
//! At its edges: a read or write that is refused does nothing at all. Opening a file that is there goes well,
//! making one is a write. Syncs, renames and removals are not touched (for syncs: `fail_sync`), and what was
//! written before stays.

use super::kind::FaultKind;
use crate::{
    injection::{DiskState, Injection},
    parameters::{Choice, choice, node},
};

const OPERATIONS: Choice = Choice {
    what: "operation",
    unknown: "squall::bad_value",
    words: &[("reads", "Reads"), ("writes", "Writes"), ("both", "Both")],
};

pub(super) const IO_ERROR: FaultKind = FaultKind {
    key: "io_error",
    does: "Makes reads and writes of a node's disk fail, with nothing done, or only one of them (`on`); syncs go well",
    stands_for: "a bad sector, a lost path to a volume",
    felt_when: "a read or a write failed",
    lasts: true,
    params: &[node(), choice("on", &OPERATIONS, "both", "which operations fail")],
    says: "{node}, {on}",
    example: "{ at: 500ms, io_error: { node: broker-1, on: writes }, for: 300ms }",
    injection: |given| {
        let on = given.choice("on");
        let state = DiskState::Errors { reads: on != "writes", writes: on != "reads" };
        Injection::Disks { nodes: given.node(), state }
    },
};
