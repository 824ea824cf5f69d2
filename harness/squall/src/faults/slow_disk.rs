//! A disk is slow.
//!
//! At its edges: the write or sync is done at once, and then the whole node stands still for as long, as it does in
//! a blocking call; several add up. What it sent before goes on its way. A node that loses power meanwhile has
//! written what it wrote and synced what it synced.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::disk::DiskFault;
use std::{fmt, time::Duration};

/// Writes and syncs of these nodes block them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowDisk {
    /// Who.
    pub node: Target,
    /// Each write and each sync takes so long.
    pub by: Duration,
}

impl Kind for SlowDisk {
    const KEY: &'static str = "slow_disk";
    const ABOUT: &'static str = "Makes each write and sync of a node's disk take `by` (20ms), and its caller, which is the node, wait after it is done";
    const EXAMPLE: &'static str =
        "{ at: 500ms, slow_disk: { node: broker-1, by: 50ms }, for: 300ms }";
    const OUTAGE: &'static str =
        "Stands for a degraded volume, a battery that relearns, a neighbour that fills the queue";
    const FELT: &'static str = "a write or a sync took long";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "slow_disk", &["by"])?;
        let by = parts::time(reader, &mut fields, "by", Duration::from_millis(20));
        Some(Self { node, by: by? })
    }
}

impl Inject for SlowDisk {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let ms = parts::ms(self.by);
        storm.break_disks(&self.node, act, |_| DiskFault::Slow { ms })
    }
}

impl fmt::Display for SlowDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, by {:?}", self.node, self.by)
    }
}
