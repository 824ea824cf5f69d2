//! A dependency is away.
//!
//! At its edges: connections that are open when it begins are reset as by `reset`. One whose first packet is on the wire is
//! made and ends at once. The node can still connect to others.

use super::{Inject, Kind, Target};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::Hindrance;
use std::fmt;

/// Nobody can connect to these nodes, and open connections are reset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyDown(pub Target);

impl Kind for DependencyDown {
    const KEY: &'static str = "dependency_down";
    const ABOUT: &'static str =
        "Refuses every connection to a node and resets those that are open; the node itself lives";
    const EXAMPLE: &'static str = "{ at: 500ms, dependency_down: gateways, for: 300ms }";
    const OUTAGE: &'static str =
        "Stands for a payment provider's outage, a load balancer without back ends";
    const FELT: &'static str = "a connection was refused, or one that was open met its reset";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        Target::read(reader, node).map(Self)
    }
}

impl Inject for DependencyDown {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.hinder(&self.0, act, |_| Hindrance::Unavailable)
    }
}

impl fmt::Display for DependencyDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
