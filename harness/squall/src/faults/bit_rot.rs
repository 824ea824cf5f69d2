//! What was written is not what is read.
//!
//! At its edges: a file with content on the platter is chosen by its size, so large ones are hit more often; its
//! bits turn over there and in what is read from memory. What is written over them later is whole. A node that has
//! nothing on disk is no target; one that is down is.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Bits of these nodes' files turn over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BitRot {
    /// Who.
    pub node: Target,
    /// How many.
    pub bits: u32,
}

impl Kind for BitRot {
    const KEY: &'static str = "bit_rot";
    const ABOUT: &'static str = "Turns over `bits` (1) bits of a file of a node, on its disk and in what is read from now on, until they are written over";
    const EXAMPLE: &'static str = "{ at: 2s, bit_rot: any broker }";
    const OUTAGE: &'static str = "Stands for a decaying medium, a faulty controller or memory";
    const FELT: &'static str = "a damaged byte was read";
    const LASTS: bool = false;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "bit_rot", &["bits"])?;
        let bits = parts::number(reader, &mut fields, "bits", (1, 10000), 1);
        Some(Self { node, bits: bits? })
    }
}

impl Inject for BitRot {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let bits = self.bits;
        storm.damage_disks(&self.node, act, |disk, fault, draw| disk.rot(fault, draw, bits))
    }
}

impl fmt::Display for BitRot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} bits", self.node, self.bits)
    }
}
