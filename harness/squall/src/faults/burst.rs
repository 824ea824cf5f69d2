//! Many events at once.

use super::{Inject, Kind, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// So many events in one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burst {
    /// How many.
    pub events: u32,
    /// In so long.
    pub within: Duration,
}

impl Kind for Burst {
    const KEY: &'static str = "burst";
    const ABOUT: &'static str =
        "Publishes `events` (200) events `within` 10ms, beside the workload's";
    const EXAMPLE: &'static str = "{ at: 300ms, burst: { events: 30 } }";
    const OUTAGE: &'static str = "Stands for a batch job, a backlog that is flushed, a cron minute";
    const FELT: &'static str = "an event was published beside the workload";
    const LASTS: bool = false;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let mut fields = reader.fields(node, "burst", &["events", "within"])?;
        let events = parts::number(reader, &mut fields, "events", (1, 100000), 200);
        let within = parts::time(reader, &mut fields, "within", Duration::from_millis(10));
        Some(Self { events: events?, within: within? })
    }
}

impl Inject for Burst {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.add_events(self.events, parts::us(self.within), act);
        Began::On(vec![squall_probe::NodeId::HARNESS])
    }
}

impl fmt::Display for Burst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events within {:?}", self.events, self.within)
    }
}
