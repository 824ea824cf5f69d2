//! The power fails in the middle of a write.
//!
//! At its edges: of the file that is written all stays that was written before, synced or not, and of this write a
//! part, never all of it: a prefix, or of one that spans several pages of 4 KiB as often any of them. What other
//! files have unsynced is lost or not, as in `crash`, as is all else. It strikes once.

use super::kind::FaultKind;
use crate::{
    injection::{DiskState, Injection},
    parameters::node,
};

pub(super) const TORN_WRITE: FaultKind = FaultKind {
    key: "torn_write",
    does: "Cuts a node's power in the middle of its next write, as `crash` does: of that file all before it is on disk, and of it a part",
    stands_for: "a power failure while a sector is written",
    felt_when: "a write was torn",
    lasts: true,
    params: &[node()],
    says: "{node}",
    example: "{ at: 500ms, torn_write: broker-1, restart_after: 100ms }",
    injection: |given| Injection::Disks { nodes: given.node(), state: DiskState::TornWrite },
};
