//! The power fails between a write and its sync.
//!
//! At its edges: the power fails before the first, second or third sync (drawn) that finds anything unsynced on the
//! disk, of a file or a directory. No content that was not synced stays; renames and the like are kept or undone,
//! each as often as not. All else as in `crash`: the call that it strikes in never comes back to anyone who could
//! tell. It strikes once, and waits if nothing is unsynced.

use super::{Inject, Kind, Target};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::disk::DiskFault;
use std::fmt;

/// It strikes at one of so many syncs.
const SYNCS: u64 = 3;

/// One of the next syncs of these nodes' disks comes too late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoseUnsynced(pub Target);

impl Kind for LoseUnsynced {
    const KEY: &'static str = "lose_unsynced";
    const ABOUT: &'static str = "Cuts a node's power just before one of its next three syncs, as `crash` does: no content that it had not synced stays";
    const EXAMPLE: &'static str = "{ at: 500ms, lose_unsynced: broker-1, restart_after: 100ms }";
    const OUTAGE: &'static str =
        "Stands for a power failure at the worst moment; drives whose caches lie";
    const FELT: &'static str = "the power failed with something unsynced";
    const LASTS: bool = true;
    const CRASHES: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        Target::read(reader, node).map(Self)
    }
}

impl Inject for LoseUnsynced {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        // Always the next one would be the same one of a system that syncs in turns.
        storm.break_disks(&self.0, act, |draw| DiskFault::LostUnsynced { after: draw % SYNCS })
    }
}

impl fmt::Display for LoseUnsynced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
