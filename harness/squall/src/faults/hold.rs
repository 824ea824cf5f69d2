//! A link stalls, and then delivers everything.

use super::{Inject, Kind, Links};
use crate::{
    scenario::{Node, Reader},
    sim::{Act, Began, Effect, Storm},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Nothing gets through these links until they are released; then all of it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold(pub Links);

impl Kind for Hold {
    const KEY: &'static str = "hold";
    const ABOUT: &'static str =
        "Stalls links, in both directions: nothing is lost, and everything arrives at once when they are released";
    const EXAMPLE: &'static str = "{ at: 500ms, hold: { isolate: brokers }, for: 400ms }";
    const OUTAGE: &'static str = "Stands for a congested link, a virtual machine's network paused during migration";
    const FELT: &'static str = "somebody sent something that was held";
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
