//! A machine loses power.

use super::{Inject, Kind, Target};
use crate::{
    scenario::{Node, Reader},
    sim::{Act, Began, Storm},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// These nodes lose power, all at once, and with it what they had not synced to disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash(pub Target);

impl Kind for Crash {
    const KEY: &'static str = "crash";
    const ABOUT: &'static str =
        "Cuts a node's power: peers hear nothing of it, unsynced data is lost; it comes back after \
         `restart_after`, or when everything is healed";
    const EXAMPLE: &'static str = "{ at: 500ms, crash: broker-1, restart_after: 200ms }";
    const OUTAGE: &'static str = "Stands for a machine that dies";
    const FELT: &'static str = "a node went down";
    const LASTS: bool = false;
    const CRASHES: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        Target::read(reader, node).map(Self)
    }
}

impl Inject for Crash {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.cut_power_of(&self.0, act, |act| act.restart_after)
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
