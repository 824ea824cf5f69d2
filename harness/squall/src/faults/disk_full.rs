//! A disk has no space left.
//!
//! At its edges: of the first write a part still fits (its caller is told how much), and no byte of any later one,
//! whether it would grow the file or not. No file can be made or made longer. Syncs, reads, renames, removals and
//! making a file shorter go well, and nothing that is there is lost.

use super::kind::FaultKind;
use crate::{
    injection::{DiskState, Injection},
    parameters::node,
};

pub(super) const DISK_FULL: FaultKind = FaultKind {
    key: "disk_full",
    does: "Makes writes to a node's disk fail with \"no space left\", after a part of the first; what is there stays, and syncs go well",
    stands_for: "logs that nobody rotates",
    felt_when: "a write was refused",
    lasts: true,
    params: &[node()],
    says: "{node}",
    example: "{ at: 500ms, disk_full: broker-1, for: 300ms }",
    injection: |given| Injection::Disks { nodes: given.node(), state: DiskState::Full },
};
