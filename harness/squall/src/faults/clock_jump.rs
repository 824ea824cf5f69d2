//! A clock jumps.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::Hindrance;
use std::{fmt, time::Duration};

/// These nodes' wall clocks jump, and are right again when everything is healed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockJump {
    /// Who.
    pub node: Target,
    /// So far.
    pub by: Duration,
    /// Back rather than ahead.
    pub behind: bool,
}

impl Kind for ClockJump {
    const KEY: &'static str = "clock_jump";
    const ABOUT: &'static str = "Lets a node's wall clock jump ahead `by` (30s), or back with `direction: behind`, until everything is healed";
    const EXAMPLE: &'static str = "{ at: 500ms, clock_jump: { node: any broker, by: 1m } }";
    const OUTAGE: &'static str =
        "Stands for a time service that steps, a leap second, a restored snapshot";
    const FELT: &'static str = "the node read its wall clock while it was wrong";
    const LASTS: bool = false;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "clock_jump", &["by", "direction"])?;
        let by = parts::time(reader, &mut fields, "by", Duration::from_millis(30000));
        let behind = parts::behind(reader, &mut fields);
        Some(Self { node, by: by?, behind: behind? })
    }
}

impl Inject for ClockJump {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let (by, sign) = (parts::us(self.by), if self.behind { -1 } else { 1 });
        let offset_us = sign * i64::try_from(by).unwrap_or(i64::MAX);
        let since = storm.now();
        storm.hinder(&self.node, act, |_| Hindrance::Clock { offset_us, drift: 0, since })
    }
}

impl fmt::Display for ClockJump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.behind { "back" } else { "ahead" };
        write!(f, "{}, {direction} by {:?}", self.node, self.by)
    }
}
