//! Connections break.
//!
//! At its edges: both ends can send nothing more from the moment of it. What had arrived is read first, as on Linux (and
//! what comes before its reader looks), and then the reset is met; what was sent behind it is lost, and nobody is told how
//! far the other had read. Connections that are being made are not touched.

use super::{Inject, Kind, Links};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Open connections over these links are reset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset(pub Links);

impl Kind for Reset {
    const KEY: &'static str = "reset";
    const ABOUT: &'static str = "Resets the open connections over links, at both ends; what had arrived can still be read, and new ones can be made at once";
    const EXAMPLE: &'static str = "{ every: 300ms, reset: { isolate: broker-1 } }";
    const OUTAGE: &'static str =
        "Stands for a firewall that forgets, a load balancer that restarts";
    const FELT: &'static str = "an end of a connection met the reset";
    const LASTS: bool = false;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        Links::read(reader, node).map(Self)
    }
}

impl Inject for Reset {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.reset_links(&self.0, act)
    }
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
