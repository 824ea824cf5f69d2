//! A machine reboots without warning.
//!
//! At its edges: as `crash`, and its power is back 50 ms later.

use super::{Inject, Kind, Target};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How long a reboot takes, in microseconds.
const REBOOT: u64 = 50_000;

/// These nodes lose power and come back at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart(pub Target);

impl Kind for Restart {
    const KEY: &'static str = "restart";
    const ABOUT: &'static str = "Cuts a node's power for 50 ms, as `crash` does: it is back before anyone has missed it, without what it had not synced";
    const EXAMPLE: &'static str = "{ between: 400ms..800ms, restart: leader }";
    const OUTAGE: &'static str = "Stands for a reboot, a kernel panic, a rescheduled container";
    const FELT: &'static str = "a node went down";
    const LASTS: bool = false;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        Target::read(reader, node).map(Self)
    }
}

impl Inject for Restart {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.cut_power_of(&self.0, act, |_| Some(REBOOT))
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
