//! A link stalls, and then delivers everything.
//!
//! At its edges: what is on the wire when it begins waits, as does all that is sent while it lasts, the first packet of a
//! new connection and the end of an old one included. When the link is released, all of it arrives at once, in order on
//! each connection. A link is held in both directions. If one of them is cut meanwhile, what is held in that one is lost.

use super::{Inject, Kind, Links};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Effect, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Nothing gets through these links until they are released; then all of it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold(pub Links);

impl Kind for Hold {
    const KEY: &'static str = "hold";
    const ABOUT: &'static str = "Stalls links, in both directions: what is on the wire or sent, connecting included, waits and arrives in order when they are released; nothing is lost or reset";
    const EXAMPLE: &'static str = "{ at: 500ms, hold: { isolate: brokers }, for: 400ms }";
    const OUTAGE: &'static str =
        "Stands for a congested link, a virtual machine's network paused during migration";
    const FELT: &'static str = "something that was held was released";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        Links::read(reader, node).map(Self)
    }
}

impl Inject for Hold {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.disturb_links(Effect::Hold, &self.0, act)
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
