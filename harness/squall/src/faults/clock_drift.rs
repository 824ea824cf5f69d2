//! A clock runs fast, or slow.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::Hindrance;
use std::{fmt, time::Duration};

/// These nodes' wall clocks drift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockDrift {
    /// Who.
    pub node: Target,
    /// By so much in each second.
    pub by: Duration,
    /// It runs slow rather than fast.
    pub behind: bool,
}

impl Kind for ClockDrift {
    const KEY: &'static str = "clock_drift";
    const ABOUT: &'static str = "Lets a node's wall clock gain `by` (100ms) in each second, or lose it with `direction: behind`";
    const EXAMPLE: &'static str = "{ at: 500ms, clock_drift: { node: all, by: 50ms }, for: 400ms }";
    const OUTAGE: &'static str = "Stands for a bad oscillator, a virtual machine short of ticks";
    const FELT: &'static str = "the node read its wall clock while it was wrong";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) =
            parts::node_and(reader, node, "clock_drift", &["by", "direction"])?;
        let by = parts::time(reader, &mut fields, "by", Duration::from_millis(100));
        let behind = parts::behind(reader, &mut fields);
        Some(Self { node, by: by?, behind: behind? })
    }
}

impl Inject for ClockDrift {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let (by, sign) = (parts::us(self.by), if self.behind { -1 } else { 1 });
        let drift = sign * i64::try_from(by).unwrap_or(i64::MAX);
        let since = storm.now();
        storm.hinder(&self.node, act, |_| Hindrance::Clock { offset_us: 0, drift, since })
    }
}

impl fmt::Display for ClockDrift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.behind { "loses" } else { "gains" };
        write!(f, "{}, {direction} {:?} a second", self.node, self.by)
    }
}
