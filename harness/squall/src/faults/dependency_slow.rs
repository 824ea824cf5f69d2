//! A dependency is slow.
//!
//! At its edges: what is on the wire or waits when it ends comes as late as it would have, and what follows it waits behind.

use super::{Inject, Kind, Target, messages, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::Tampering;
use std::{fmt, time::Duration};

/// What these nodes answer comes late, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencySlow {
    /// Who.
    pub node: Target,
    /// So late.
    pub by: Duration,
}

impl Kind for DependencySlow {
    const KEY: &'static str = "dependency_slow";
    const ABOUT: &'static str = "Delays all that a node sends `by` (500ms), in order";
    const EXAMPLE: &'static str =
        "{ at: 500ms, dependency_slow: { node: gateways, by: 100ms }, for: 300ms }";
    const OUTAGE: &'static str =
        "Stands for an overloaded payment provider, a database under a long query";
    const FELT: &'static str = "an answer came late, whether or not anybody still listened";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "dependency_slow", &["by"])?;
        let by = parts::time(reader, &mut fields, "by", Duration::from_millis(500));
        Some(Self { node, by: by? })
    }
}

impl Inject for DependencySlow {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let ms = u32::try_from(parts::ms(self.by)).unwrap_or(u32::MAX);
        storm.tamper_from(&self.node, act, messages::tamper(Tampering::Delayed, 1.0, (ms, ms)))
    }
}

impl fmt::Display for DependencySlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, by {:?}", self.node, self.by)
    }
}
