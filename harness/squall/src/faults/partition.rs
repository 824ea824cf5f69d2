//! A cable is cut, a firewall rule goes wrong.

use super::{Inject, Kind, Links};
use crate::{
    scenario::{Node, Reader},
    sim::{Act, Began, Effect, Storm},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Nothing gets through these links, and what was under way is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition(pub Links);

impl Kind for Partition {
    const KEY: &'static str = "partition";
    const ABOUT: &'static str =
        "Cuts links: what is sent is lost, connections meet a reset when the links are healed";
    const EXAMPLE: &'static str = "{ at: 500ms, partition: { isolate: broker-1 }, for: 400ms }";
    const OUTAGE: &'static str = "Stands for a failed switch, a cut cable, a wrong firewall rule";
    const FELT: &'static str = "somebody sent something into the cut, or tried to connect";
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
