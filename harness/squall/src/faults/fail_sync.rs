//! A disk fails to sync.
//!
//! At its edges: each sync of a file or directory fails while it lasts. What the file's sync should have saved no
//! later sync saves: in some occurrences the pages go on being read and any of them may have reached the disk
//! (ext4, XFS), in others the file reads as it was before (btrfs); which of the two follows from the occurrence's
//! draw. Who writes the data again and syncs it after the fault has it. A directory's changes stay unsynced, and a
//! later sync saves them.

use super::kind::FaultKind;
use crate::{
    injection::{DiskState, Injection},
    parameters::node,
};

pub(super) const FAIL_SYNC: FaultKind = FaultKind {
    key: "fail_sync",
    does: "Makes every sync of a node's disk fail; what it should have saved is on no disk, is still read or is not, and no later sync saves it unless it is written again",
    stands_for: "a dying disk; PostgreSQL's fsync surprise of 2018",
    felt_when: "a sync failed",
    lasts: true,
    params: &[node()],
    says: "{node}",
    example: "{ at: 500ms, fail_sync: broker-1, for: 300ms }",
    injection: |given| Injection::Disks { nodes: given.node(), state: DiskState::SyncFails },
};
