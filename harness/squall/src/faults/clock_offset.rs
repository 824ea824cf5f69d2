//! A clock is wrong.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::Hindrance;
use std::{fmt, time::Duration};

/// These nodes' wall clocks are wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockOffset {
    /// Who.
    pub node: Target,
    /// By so much.
    pub by: Duration,
    /// It is slow rather than fast.
    pub behind: bool,
}

impl Kind for ClockOffset {
    const KEY: &'static str = "clock_offset";
    const ABOUT: &'static str = "Sets a node's wall clock `by` (5s) ahead of the others, or `direction: behind` them; timers go on as they were";
    const EXAMPLE: &'static str =
        "{ at: 500ms, clock_offset: { node: all, by: 2s, direction: behind } }";
    const OUTAGE: &'static str = "Stands for a machine without a time service, a wrong time server";
    const FELT: &'static str = "the node read its wall clock while it was wrong";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) =
            parts::node_and(reader, node, "clock_offset", &["by", "direction"])?;
        let by = parts::time(reader, &mut fields, "by", Duration::from_millis(5000));
        let behind = parts::behind(reader, &mut fields);
        Some(Self { node, by: by?, behind: behind? })
    }
}

impl Inject for ClockOffset {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let (by, sign) = (parts::us(self.by), if self.behind { -1 } else { 1 });
        let offset_us = sign * i64::try_from(by).unwrap_or(i64::MAX);
        let since = storm.now();
        storm.hinder(&self.node, act, |_| Hindrance::Clock { offset_us, drift: 0, since })
    }
}

impl fmt::Display for ClockOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.behind { "behind" } else { "ahead" };
        write!(f, "{}, {:?} {direction}", self.node, self.by)
    }
}
