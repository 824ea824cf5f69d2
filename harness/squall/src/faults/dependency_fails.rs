//! A dependency fails now and then.
//!
//! At its edges: the message is never sent, and its connection is reset as by `reset`, at both ends.

use super::{Inject, Kind, Target, messages, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::Tampering;
use std::fmt;

/// A share of the calls to these nodes fails before it is heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DependencyFails {
    /// Who.
    pub node: Target,
    /// The share of calls, 0 to 1.
    pub share: f64,
}

impl Kind for DependencyFails {
    const KEY: &'static str = "dependency_fails";
    const ABOUT: &'static str = "Lets a `share` (30%) of the calls to a node fail: the connection is reset before the call is heard";
    const EXAMPLE: &'static str =
        "{ at: 500ms, dependency_fails: { node: gateways, share: 50% }, for: 400ms }";
    const OUTAGE: &'static str =
        "Stands for a provider that sheds load, a deployment that drops connections";
    const FELT: &'static str = "the caller or the node met the reset";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "dependency_fails", &["share"])?;
        let share = parts::share(reader, &mut fields, "share", 0.3);
        Some(Self { node, share: share? })
    }
}

impl Inject for DependencyFails {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.tamper_to(&self.node, act, messages::tamper(Tampering::Reset, self.share, (0, 0)))
    }
}

impl fmt::Display for DependencyFails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}% of calls", self.node, self.share * 100.0)
    }
}
