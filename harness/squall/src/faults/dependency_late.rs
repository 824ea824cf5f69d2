//! A dependency does what it was asked, and its answer comes too late.

use super::{Inject, Kind, Target, messages, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::Tampering;
use std::{fmt, time::Duration};

/// A share of these nodes' answers comes after nobody waits for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DependencyLate {
    /// Who.
    pub node: Target,
    /// The share of answers, 0 to 1.
    pub share: f64,
    /// So late.
    pub by: Duration,
}

impl Kind for DependencyLate {
    const KEY: &'static str = "dependency_late";
    const ABOUT: &'static str = "Delays a `share` (50%) of what a node sends `by` (5s), beyond its callers' patience: it was done, and they do not know";
    const EXAMPLE: &'static str =
        "{ at: 500ms, dependency_late: { node: gateways, by: 600ms }, for: 300ms }";
    const OUTAGE: &'static str =
        "Stands for a charge that went through although its request timed out";
    const FELT: &'static str = "an answer came late, whether or not anybody still listened";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) =
            parts::node_and(reader, node, "dependency_late", &["share", "by"])?;
        let share = parts::share(reader, &mut fields, "share", 0.5);
        let by = parts::time(reader, &mut fields, "by", Duration::from_millis(5000));
        Some(Self { node, share: share?, by: by? })
    }
}

impl Inject for DependencyLate {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let ms = u32::try_from(parts::ms(self.by)).unwrap_or(u32::MAX);
        storm.tamper_from(
            &self.node,
            act,
            messages::tamper(Tampering::Reordered, self.share, (ms, ms)),
        )
    }
}

impl fmt::Display for DependencyLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}% by {:?}", self.node, self.share * 100.0, self.by)
    }
}
