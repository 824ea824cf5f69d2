//! The power fails between a write and its sync.
//!
//! At its edges: the power fails before the first, second or third sync (drawn) that finds anything unsynced on the
//! disk, of a file or a directory. No content that was not synced stays; renames and the like are kept or undone,
//! each as often as not. All else as in `crash`: the call that it strikes in never comes back to anyone who could
//! tell. It strikes once, and waits if nothing is unsynced.

use super::kind::FaultKind;
use crate::{
    injection::{DiskState, Injection},
    parameters::node,
};

/// It strikes at one of this many syncs: always the next one would be the same one of a system that syncs in turns.
const SYNCS: u64 = 3;

pub(super) const LOSE_UNSYNCED: FaultKind = FaultKind {
    key: "lose_unsynced",
    does: "Cuts a node's power just before one of its next three syncs, as `crash` does: no content that it had not synced stays",
    stands_for: "a power failure at the worst moment; drives whose caches lie",
    felt_when: "the power failed with something unsynced",
    lasts: true,
    params: &[node()],
    says: "{node}",
    example: "{ at: 500ms, lose_unsynced: broker-1, restart_after: 100ms }",
    injection: |given| Injection::Disks {
        nodes: given.node(),
        state: DiskState::LostUnsynced(SYNCS),
    },
};
