//! A zone fails.
//!
//! At its edges: for each node of the zone as `crash`, all at one moment: frames that one of them had sent to
//! another are lost.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// The nodes of a zone lose power in one moment, and come back one by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneFailure {
    /// Who.
    pub node: Target,
    /// Each comes back within so long.
    pub within: Duration,
}

impl Kind for ZoneFailure {
    const KEY: &'static str = "zone_failure";
    const ABOUT: &'static str = "Cuts the power of all nodes of a zone (`zone east`, `any zone`; see the scenario's `zones`), as `crash` does; each comes back at a random time `within` (1s)";
    const EXAMPLE: &'static str = "{ at: 500ms, zone_failure: { node: any zone, within: 300ms } }";
    const OUTAGE: &'static str =
        "Stands for the loss of an availability zone: failures that come together";
    const FELT: &'static str = "a node went down";
    const LASTS: bool = false;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "zone_failure", &["within"])?;
        let within = parts::time(reader, &mut fields, "within", Duration::from_millis(1000));
        Some(Self { node, within: within? })
    }
}

impl Inject for ZoneFailure {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let within = parts::us(self.within);
        storm.cut_power_of(&self.node, act, |act| Some(act.stream.between(1_000, within)))
    }
}

impl fmt::Display for ZoneFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, back within {:?}", self.node, self.within)
    }
}
