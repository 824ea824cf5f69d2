//! A new version is rolled out.
//!
//! At its edges: for each node as `stop`; the next is asked `every` later whether or not the one before is back.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// These nodes are stopped and started again, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollingRestart {
    /// Who.
    pub node: Target,
    /// From one to the next.
    pub every: Duration,
    /// Whoever has not ended after this is killed.
    pub grace: Duration,
    /// It starts again so long after it has ended.
    pub down: Duration,
}

impl Kind for RollingRestart {
    const KEY: &'static str = "rolling_restart";
    const ABOUT: &'static str = "Stops the nodes one after the other, `every` 800ms, as `stop` does, each with a `grace` of 500ms, and starts it again `down` (200ms) later";
    const EXAMPLE: &'static str = "{ at: 500ms, rolling_restart: { node: brokers, every: 300ms } }";
    const OUTAGE: &'static str = "Stands for a rolling deployment";
    const FELT: &'static str = "a node was asked to stop";
    const LASTS: bool = false;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) =
            parts::node_and(reader, node, "rolling_restart", &["every", "grace", "down"])?;
        let every = parts::time(reader, &mut fields, "every", Duration::from_millis(800));
        let grace = parts::time(reader, &mut fields, "grace", Duration::from_millis(500));
        let down = parts::time(reader, &mut fields, "down", Duration::from_millis(200));
        Some(Self { node, every: every?, grace: grace?, down: down? })
    }
}

impl Inject for RollingRestart {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let nodes = storm.nodes(&self.node, act);
        if nodes.is_empty() {
            return Began::NoTarget;
        }
        for (node, turn) in nodes.iter().zip(0..) {
            let after = parts::us(self.every).saturating_mul(turn);
            storm.stop_later(after, *node, parts::us(self.grace), parts::us(self.down), act);
        }
        Began::On(nodes)
    }
}

impl fmt::Display for RollingRestart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, every {:?}, down {:?}", self.node, self.every, self.down)
    }
}
