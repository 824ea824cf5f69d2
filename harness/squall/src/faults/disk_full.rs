//! A disk has no space left.
//!
//! At its edges: of the first write a part still fits (its caller is told how much), and no byte of any later one,
//! whether it would grow the file or not. No file can be made or made longer. Syncs, reads, renames, removals and
//! making a file shorter go well, and nothing that is there is lost.

use super::{Inject, Kind, Target};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::disk::DiskFault;
use std::fmt;

/// Writes to these nodes' disks fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskFull(pub Target);

impl Kind for DiskFull {
    const KEY: &'static str = "disk_full";
    const ABOUT: &'static str = "Makes writes to a node's disk fail with \"no space left\", after a part of the first; what is there stays, and syncs go well";
    const EXAMPLE: &'static str = "{ at: 500ms, disk_full: broker-1, for: 300ms }";
    const OUTAGE: &'static str = "Stands for logs that nobody rotates";
    const FELT: &'static str = "a write was refused";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        Target::read(reader, node).map(Self)
    }
}

impl Inject for DiskFull {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.break_disks(&self.0, act, |draw| DiskFault::Full { draw: Some(draw) })
    }
}

impl fmt::Display for DiskFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
