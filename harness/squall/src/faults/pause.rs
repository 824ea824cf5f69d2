//! A machine stands still, and does not know.

use super::{Inject, Kind, Target};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::Hindrance;
use std::fmt;

/// Nothing runs on these nodes; when they wake, time has passed and they believe what they believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause(pub Target);

impl Kind for Pause {
    const KEY: &'static str = "pause";
    const ABOUT: &'static str = "Stops a node's tasks; when it goes on, its clock has jumped, and it still believes that it leads";
    const EXAMPLE: &'static str = "{ at: 500ms, pause: broker-1, for: 400ms }";
    const OUTAGE: &'static str =
        "Stands for a long garbage collection, a virtual machine that migrates, a stopped process";
    const FELT: &'static str = "a task of it was due and did not run";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        Target::read(reader, node).map(Self)
    }
}

impl Inject for Pause {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.hinder(&self.0, act, |_| Hindrance::Paused)
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
