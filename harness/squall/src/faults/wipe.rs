//! A machine is replaced, and comes with an empty disk.
//!
//! At its edges: as `crash`, and what is left on the disk is gone too, names included. What else is wrong with the
//! disk goes on: a new disk in a slow place is slow.

use super::{Inject, Kind, Target};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// These nodes lose power and everything on their disks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wipe(pub Target);

impl Kind for Wipe {
    const KEY: &'static str = "wipe";
    const ABOUT: &'static str =
        "Cuts a node's power, as `crash` does, and empties its disk: it comes back with nothing";
    const EXAMPLE: &'static str = "{ at: 2s, wipe: any broker, restart_after: 200ms }";
    const OUTAGE: &'static str =
        "Stands for a replaced machine, an ephemeral volume, a wrong delete";
    const FELT: &'static str = "a node went down";
    const LASTS: bool = false;
    const CRASHES: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        Target::read(reader, node).map(Self)
    }
}

impl Inject for Wipe {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let began = storm.cut_power_of(&self.0, act, |act| act.restart_after);
        if let Began::On(nodes) = &began {
            for node in nodes {
                storm.wipe(*node, act);
            }
        }
        began
    }
}

impl fmt::Display for Wipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
