//! Load multiplies for a while.

use super::{Inject, Kind, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// So many times the workload's rate for so long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spike {
    /// So many times the rate.
    pub factor: u32,
    /// How long.
    pub lasting: Duration,
}

impl Kind for Spike {
    const KEY: &'static str = "spike";
    const ABOUT: &'static str = "Publishes at `factor` (5) times the workload's rate `lasting` 1s, beside the workload's events";
    const EXAMPLE: &'static str = "{ at: 300ms, spike: { factor: 3, lasting: 300ms } }";
    const OUTAGE: &'static str = "Stands for a campaign, a retry storm, the other site's users";
    const FELT: &'static str = "an event was published beside the workload";
    const LASTS: bool = false;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let mut fields = reader.fields(node, "spike", &["factor", "lasting"])?;
        let factor = parts::number(reader, &mut fields, "factor", (2, 100), 5);
        let lasting = parts::time(reader, &mut fields, "lasting", Duration::from_millis(1000));
        Some(Self { factor: factor?, lasting: lasting? })
    }
}

impl Inject for Spike {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let more = f64::from(self.factor - 1);
        storm.add_load(more, more, parts::us(self.lasting), act);
        Began::On(vec![squall_probe::NodeId::HARNESS])
    }
}

impl fmt::Display for Spike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} times for {:?}", self.factor, self.lasting)
    }
}
