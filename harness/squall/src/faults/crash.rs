//! A machine loses power.
//!
//! At its edges: its disk dies first, then its code: from that moment on nothing that its code still does,
//! destructors included, reaches its disk, the network, the history or a fault point. Frames that it had sent, or
//! given to the network, arrive with their latency, and then its peers hear nothing, neither an end nor a reset,
//! until it is back and answers what it does not know with a reset; what was on its way to it is lost. Of what each
//! file had unsynced, half of the time nothing is left; else all of it, or what came first, or any of its pages and
//! writes, one of them torn, also under the file's old length. Files made, renamed or removed since their directory
//! was synced are so or not, each as often as not; what is kept of a rename can be an empty file. If its process
//! was down already, its machine loses power all the same.

use super::{Inject, Kind, Target};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// These nodes lose power, all at once, and with it what they had not synced to disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash(pub Target);

impl Kind for Crash {
    const KEY: &'static str = "crash";
    const ABOUT: &'static str = "Cuts a node's power, first its disk's: unsynced data is lost, in whole or in any part, frames on the wire arrive, and peers then hear nothing; it comes back after `restart_after`, or when everything is healed";
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
