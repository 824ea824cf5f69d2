//! Memory is short.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::Hindrance;
use std::fmt;

/// These nodes are killed when they hold more than so many bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryLimit {
    /// Who.
    pub node: Target,
    /// In frames that wait to be sent, and what the system reserves.
    pub bytes: u32,
}

impl Kind for MemoryLimit {
    const KEY: &'static str = "memory_limit";
    const ABOUT: &'static str = "Kills a node's process when its queued frames and reservations exceed `bytes` (64KiB); a supervisor starts it again";
    const EXAMPLE: &'static str =
        "{ at: 500ms, memory_limit: { node: broker-1, bytes: 4B }, for: 300ms }";
    const OUTAGE: &'static str =
        "Stands for a container's memory limit, the kernel's out-of-memory killer";
    const FELT: &'static str = "the node was killed";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "memory_limit", &["bytes"])?;
        let bytes = parts::size(reader, &mut fields, "bytes", 64 << 10);
        Some(Self { node, bytes: bytes? })
    }
}

impl Inject for MemoryLimit {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let most = u64::from(self.bytes);
        storm.hinder(&self.node, act, |_| Hindrance::Memory { most })
    }
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} bytes", self.node, self.bytes)
    }
}
