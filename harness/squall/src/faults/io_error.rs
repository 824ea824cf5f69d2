//! A disk answers with errors.
//!
//! At its edges: a read or write that is refused does nothing at all. Opening a file that is there goes well,
//! making one is a write. Syncs, renames and removals are not touched (for syncs: `fail_sync`), and what was
//! written before stays.

use super::{Inject, Kind, Target, parts, parts::Operations};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::disk::DiskFault;
use std::fmt;

/// Reads or writes of these nodes' files fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoError {
    /// Who.
    pub node: Target,
    /// Which.
    pub on: Operations,
}

impl Kind for IoError {
    const KEY: &'static str = "io_error";
    const ABOUT: &'static str = "Makes reads and writes of a node's disk fail, with nothing done; `on: reads` or `on: writes` only one of them; syncs go well";
    const EXAMPLE: &'static str =
        "{ at: 500ms, io_error: { node: broker-1, on: writes }, for: 300ms }";
    const OUTAGE: &'static str = "Stands for a bad sector, a lost path to a volume";
    const FELT: &'static str = "a read or a write failed";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "io_error", &["on"])?;
        let on = parts::operations(reader, &mut fields);
        Some(Self { node, on: on? })
    }
}

impl Inject for IoError {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let (reads, writes) = match self.on {
            Operations::Reads => (true, false),
            Operations::Writes => (false, true),
            Operations::Both => (true, true),
        };
        storm.break_disks(&self.node, act, |_| DiskFault::IoErrors { reads, writes })
    }
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {:?}", self.node, self.on)
    }
}
