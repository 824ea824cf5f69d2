//! A process is stopped, politely.
//!
//! At its edges: the node is asked, and its power stays on: what it wrote stays, synced or not. If its software
//! returns within `grace`, its destructors run, and what they write counts. If not, it is killed (SIGKILL): its
//! destructors change nothing, what it had in its own buffers is gone, and its kernel closes its connections, so
//! its peers hear the end of them. It is started again `down` after it ended.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// These nodes are asked to stop, and are started again a while after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Who.
    pub node: Target,
    /// Whoever has not ended after this is killed.
    pub grace: Duration,
    /// It starts again so long after it has ended.
    pub down: Duration,
}

impl Kind for Stop {
    const KEY: &'static str = "stop";
    const ABOUT: &'static str = "Asks a node to stop; it has `grace` (2s) to finish what is under way and is killed after that, its files as it wrote them; it is started again `down` (200ms) later";
    const EXAMPLE: &'static str =
        "{ at: 500ms, stop: { node: any consumer, grace: 1s, down: 100ms } }";
    const OUTAGE: &'static str = "Stands for a deployment, a drained machine";
    const FELT: &'static str = "a node was asked to stop";
    const LASTS: bool = false;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "stop", &["grace", "down"])?;
        let grace = parts::time(reader, &mut fields, "grace", Duration::from_millis(2000));
        let down = parts::time(reader, &mut fields, "down", Duration::from_millis(200));
        Some(Self { node, grace: grace?, down: down? })
    }
}

impl Inject for Stop {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let nodes = storm.nodes(&self.node, act);
        if nodes.is_empty() {
            return Began::NoTarget;
        }
        for node in &nodes {
            storm.stop_later(0, *node, parts::us(self.grace), parts::us(self.down), act);
        }
        Began::On(nodes)
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, grace {:?}, down {:?}", self.node, self.grace, self.down)
    }
}
