//! Connections are short.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::Hindrance;
use std::fmt;

/// These nodes can have so many connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionLimit {
    /// Who.
    pub node: Target,
    /// How many.
    pub most: u32,
}

impl Kind for ConnectionLimit {
    const KEY: &'static str = "connection_limit";
    const ABOUT: &'static str =
        "Lets a node have `most` (4) connections: more are refused, and it can make no more";
    const EXAMPLE: &'static str =
        "{ at: 500ms, connection_limit: { node: broker-1, most: 0 }, for: 300ms }";
    const OUTAGE: &'static str =
        "Stands for a limit of file descriptors, a proxy's pool, conntrack";
    const FELT: &'static str = "a connection was refused";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "connection_limit", &["most"])?;
        let most = parts::number(reader, &mut fields, "most", (0, 100000), 4);
        Some(Self { node, most: most? })
    }
}

impl Inject for ConnectionLimit {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let most = self.most as usize;
        storm.hinder(&self.node, act, |_| Hindrance::Connections { most })
    }
}

impl fmt::Display for ConnectionLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} at most", self.node, self.most)
    }
}
