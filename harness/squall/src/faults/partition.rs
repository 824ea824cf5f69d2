//! A cable is cut, a firewall rule goes wrong.
//!
//! At its edges: what is on the wire in a cut direction when the cut begins is lost; what has arrived is read. While it
//! lasts, what is sent in a cut direction is lost, and nobody is told; the other direction of a one-way cut carries on.
//! Who connects, or has its first packet on the wire when the cut begins, hears nothing and is connected after the
//! healing, as TCP repeats that packet; give it a timeout. When a link is whole again, every connection that the cut
//! touched is reset at both ends, after what had arrived has been read: TCP would have repeated what was lost, and the
//! simulator does not. (That a connection outlives a cut and delivers all of it late is `hold`.)

use super::{Inject, Kind, Links};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Effect, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Nothing gets through these links, and what was under way is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition(pub Links);

impl Kind for Partition {
    const KEY: &'static str = "partition";
    const ABOUT: &'static str = "Cuts links, both ways or one: what is on the wire or sent is lost, who connects hears nothing, and connections that were cut are reset when the links are healed";
    const EXAMPLE: &'static str = "{ at: 500ms, partition: { isolate: broker-1 }, for: 400ms }";
    const OUTAGE: &'static str = "Stands for a failed switch, a cut cable, a wrong firewall rule";
    const FELT: &'static str =
        "something on the wire or sent was lost, or somebody tried to connect";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        Links::read(reader, node).map(Self)
    }
}

impl Inject for Partition {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.disturb_links(Effect::Cut, &self.0, act)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
