//! Load grows.

use super::{Inject, Kind, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// The rate grows to so many times the workload's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ramp {
    /// To so many times the rate.
    pub factor: u32,
    /// How long.
    pub lasting: Duration,
}

impl Kind for Ramp {
    const KEY: &'static str = "ramp";
    const ABOUT: &'static str =
        "Lets the rate grow to `factor` (5) times the workload's `lasting` 2s, and then fall back";
    const EXAMPLE: &'static str = "{ at: 300ms, ramp: { factor: 4, lasting: 400ms } }";
    const OUTAGE: &'static str = "Stands for a morning, a queue of others that empties itself";
    const FELT: &'static str = "an event was published beside the workload";
    const LASTS: bool = false;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let mut fields = reader.fields(node, "ramp", &["factor", "lasting"])?;
        let factor = parts::number(reader, &mut fields, "factor", (2, 100), 5);
        let lasting = parts::time(reader, &mut fields, "lasting", Duration::from_millis(2000));
        Some(Self { factor: factor?, lasting: lasting? })
    }
}

impl Inject for Ramp {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let most = f64::from(self.factor - 1);
        storm.add_load(0.0, most, parts::us(self.lasting), act);
        Began::On(vec![squall_probe::NodeId::HARNESS])
    }
}

impl fmt::Display for Ramp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "to {} times within {:?}", self.factor, self.lasting)
    }
}
