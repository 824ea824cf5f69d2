//! A consumer does not keep up.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::Hindrance;
use std::{fmt, time::Duration};

/// These nodes take so long over each frame that they read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowConsumer {
    /// Who.
    pub node: Target,
    /// How long.
    pub by: Duration,
}

impl Kind for SlowConsumer {
    const KEY: &'static str = "slow_consumer";
    const ABOUT: &'static str = "Makes a node take `by` (50ms) over each message that it reads, so that work piles up before it";
    const EXAMPLE: &'static str =
        "{ at: 500ms, slow_consumer: { node: brokers, by: 30ms }, for: 300ms }";
    const OUTAGE: &'static str =
        "Stands for an expensive handler, a slow database behind it, a cold cache";
    const FELT: &'static str = "it had taken its time over a message";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "slow_consumer", &["by"])?;
        let by = parts::time(reader, &mut fields, "by", Duration::from_millis(50));
        Some(Self { node, by: by? })
    }
}

impl Inject for SlowConsumer {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let ms = parts::ms(self.by);
        storm.hinder(&self.node, act, |_| Hindrance::SlowReader { ms })
    }
}

impl fmt::Display for SlowConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {:?} a message", self.node, self.by)
    }
}
