//! A disk fails to sync.
//!
//! At its edges: each sync of a file or directory fails while it lasts. What the file's sync should have saved no
//! later sync saves: in some occurrences the pages go on being read and any of them may have reached the disk
//! (ext4, XFS), in others the file reads as it was before (btrfs); which of the two follows from the occurrence's
//! draw. Who writes the data again and syncs it after the fault has it. A directory's changes stay unsynced, and a
//! later sync saves them.

use super::{Inject, Kind, Target};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::disk::DiskFault;
use std::fmt;

/// Syncs of these nodes' disks fail, and what they should have saved is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailSync(pub Target);

impl Kind for FailSync {
    const KEY: &'static str = "fail_sync";
    const ABOUT: &'static str = "Makes every sync of a node's disk fail; what it should have saved is on no disk, is still read or is not, and no later sync saves it unless it is written again";
    const EXAMPLE: &'static str = "{ at: 500ms, fail_sync: broker-1, for: 300ms }";
    const OUTAGE: &'static str = "Stands for a dying disk; PostgreSQL's fsync surprise of 2018";
    const FELT: &'static str = "a sync failed";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        Target::read(reader, node).map(Self)
    }
}

impl Inject for FailSync {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.break_disks(&self.0, act, |draw| DiskFault::SyncFails { draw })
    }
}

impl fmt::Display for FailSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
