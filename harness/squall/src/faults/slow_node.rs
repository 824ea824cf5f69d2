//! A machine has no CPU left for us.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::Hindrance;
use std::fmt;

/// These nodes run in one of so many steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowNode {
    /// Who.
    pub node: Target,
    /// In one of so many steps it runs.
    pub one_in: u32,
}

impl Kind for SlowNode {
    const KEY: &'static str = "slow_node";
    const ABOUT: &'static str =
        "Starves a node of CPU: its tasks run in one of `one_in` steps of the simulation (10)";
    const EXAMPLE: &'static str =
        "{ at: 500ms, slow_node: { node: broker-1, one_in: 20 }, for: 400ms }";
    const OUTAGE: &'static str =
        "Stands for a noisy neighbour, a throttled container, a runaway process";
    const FELT: &'static str = "a task of it was due and had to wait";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "slow_node", &["one_in"])?;
        let one_in = parts::number(reader, &mut fields, "one_in", (2, 1000), 10);
        Some(Self { node, one_in: one_in? })
    }
}

impl Inject for SlowNode {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let one_in = u64::from(self.one_in);
        storm.hinder(&self.node, act, |_| Hindrance::Starved { one_in })
    }
}

impl fmt::Display for SlowNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, one step in {}", self.node, self.one_in)
    }
}
