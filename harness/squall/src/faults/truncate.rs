//! A file loses its end.
//!
//! At its edges: a file with content on the platter is chosen by its size; it loses at least one byte and at most
//! `bytes`, there and in what is read, together with what was unsynced in it. Who has it open can write behind its
//! end: what is missing reads as zeros then. A node that has nothing on disk is no target; one that is down is.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A file of these nodes becomes shorter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truncate {
    /// Who.
    pub node: Target,
    /// At most by so many bytes.
    pub bytes: u32,
}

impl Kind for Truncate {
    const KEY: &'static str = "truncate";
    const ABOUT: &'static str =
        "Cuts off the end of a file of a node, up to `bytes` (4KiB), and what it had unsynced";
    const EXAMPLE: &'static str = "{ at: 2s, truncate: any broker }";
    const OUTAGE: &'static str =
        "Stands for a file system that replays too little, a copy that was cut short";
    const FELT: &'static str = "the missing bytes were looked for";
    const LASTS: bool = false;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "truncate", &["bytes"])?;
        let bytes = parts::size(reader, &mut fields, "bytes", 4 << 10);
        Some(Self { node, bytes: bytes? })
    }
}

impl Inject for Truncate {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let bytes = self.bytes;
        storm.damage_disks(&self.node, act, |disk, fault, draw| disk.truncate(fault, draw, bytes))
    }
}

impl fmt::Display for Truncate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, up to {} bytes", self.node, self.bytes)
    }
}
