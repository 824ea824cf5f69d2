//! The power fails in the middle of a write.
//!
//! At its edges: of the file that is written all stays that was written before, synced or not, and of this write a
//! part, never all of it: a prefix, or of one that spans several pages of 4 KiB as often any of them. What other
//! files have unsynced is lost or not, as in `crash`, as is all else. It strikes once.

use super::{Inject, Kind, Target};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::disk::DiskFault;
use std::fmt;

/// Of the next write to these nodes' disks only a prefix is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TornWrite(pub Target);

impl Kind for TornWrite {
    const KEY: &'static str = "torn_write";
    const ABOUT: &'static str = "Cuts a node's power in the middle of its next write, as `crash` does: of that file all before it is on disk, and of it a part";
    const EXAMPLE: &'static str = "{ at: 500ms, torn_write: broker-1, restart_after: 100ms }";
    const OUTAGE: &'static str = "Stands for a power failure while a sector is written";
    const FELT: &'static str = "a write was torn";
    const LASTS: bool = true;
    const CRASHES: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        Target::read(reader, node).map(Self)
    }
}

impl Inject for TornWrite {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.break_disks(&self.0, act, |draw| DiskFault::TornWrite { draw })
    }
}

impl fmt::Display for TornWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
