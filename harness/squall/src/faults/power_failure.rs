//! The power fails for many machines at once.
//!
//! At its edges: for each node as `crash`, all at one moment: frames that one of them had sent to another are lost.
//! A node that comes back earlier than others finds them silent.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// These nodes lose power in one moment, and come back one by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerFailure {
    /// Who.
    pub node: Target,
    /// Each comes back within so long.
    pub within: Duration,
}

impl Kind for PowerFailure {
    const KEY: &'static str = "power_failure";
    const ABOUT: &'static str = "Cuts the power of many nodes in one moment (`all`, `brokers`), as `crash` does; each comes back at a random time `within` (1s)";
    const EXAMPLE: &'static str = "{ at: 500ms, power_failure: { node: all, within: 300ms } }";
    const OUTAGE: &'static str = "Stands for a power failure of a rack or a site";
    const FELT: &'static str = "a node went down";
    const LASTS: bool = false;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "power_failure", &["within"])?;
        let within = parts::time(reader, &mut fields, "within", Duration::from_millis(1000));
        Some(Self { node, within: within? })
    }
}

impl Inject for PowerFailure {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let within = parts::us(self.within);
        storm.cut_power_of(&self.node, act, |act| Some(act.stream.between(1_000, within)))
    }
}

impl fmt::Display for PowerFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, back within {:?}", self.node, self.within)
    }
}
