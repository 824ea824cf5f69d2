//! A node that dies again and again.
//!
//! At its edges: each time as `crash`. A turn that finds the node without power is left out; if another fault keeps it
//! down, too, whichever is over first brings it back.

use super::{Inject, Kind, Target};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// These nodes crash, come back, and crash again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashLoop {
    /// Who.
    pub node: Target,
    /// How often.
    pub times: u32,
    /// How long it is up in between.
    pub up: Duration,
    /// How long it is down each time.
    pub down: Duration,
}

impl Kind for CrashLoop {
    const KEY: &'static str = "crash_loop";
    const ABOUT: &'static str =
        "Crashes a node `times` times, as `crash` does, `down` long each, `up` long in between";
    const EXAMPLE: &'static str =
        "{ at: 300ms, crash_loop: { node: broker-1, times: 3, up: 200ms, down: 100ms } }";
    const OUTAGE: &'static str =
        "Stands for a bad deployment under a supervisor that never gives up";
    const FELT: &'static str = "a node went down, each time";
    const LASTS: bool = false;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let mut fields = reader.fields(node, "crash_loop", &["node", "times", "up", "down"])?;
        let span = fields.span;
        let target = match fields.take("node") {
            Some((_, node)) => Target::read(reader, node),
            None => {
                let label = "such as node: any broker";
                reader.tell("squall::missing", span, "whose crash loop?", label);
                None
            }
        };
        let times = match fields.take("times") {
            Some((_, node)) => reader.number(node, "a number", 1, 1_000),
            None => Some(5),
        };
        let up = match fields.take("up") {
            Some((_, node)) => reader.positive(node, "a time"),
            None => Some(Duration::from_millis(300)),
        };
        let down = match fields.take("down") {
            Some((_, node)) => reader.positive(node, "a time"),
            None => Some(Duration::from_millis(200)),
        };
        Some(Self { node: target?, times: times?, up: up?, down: down? })
    }
}

impl Inject for CrashLoop {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let nodes = storm.nodes(&self.node, act);
        if nodes.is_empty() {
            return Began::NoTarget;
        }
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let (up, down) = (micros(self.up), micros(self.down));
        for node in &nodes {
            for round in 0..u64::from(self.times) {
                let start = round * (up + down);
                storm.crash_later(start, *node, act);
                storm.restart_later(start + down, *node);
            }
        }
        Began::On(nodes)
    }
}

impl fmt::Display for CrashLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, times, up, down } = self;
        write!(f, "{node}, {times} times, up {up:?}, down {down:?}")
    }
}
