//! Connections end late.
//!
//! At its edges: what was sent before the end arrives as it would have, and can be answered to nobody. An end that is being
//! held back when it is over comes as late as that. If the node crashes meanwhile, its peer never hears of an end.

use super::{Inject, Kind, Target, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::sim::Hindrance;
use std::{fmt, time::Duration};

/// Connections that these nodes close stay half open for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowClose {
    /// Who.
    pub node: Target,
    /// For so long.
    pub by: Duration,
}

impl Kind for SlowClose {
    const KEY: &'static str = "slow_close";
    const ABOUT: &'static str = "Holds back the end of each connection that a node closes `by` (2s): until then its peer has it half open";
    const EXAMPLE: &'static str =
        "{ at: 500ms, slow_close: { node: producers, by: 300ms }, for: 500ms }";
    const OUTAGE: &'static str = "Stands for sockets that linger, a proxy that drains, a lost FIN";
    const FELT: &'static str = "a connection was closed late";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (node, mut fields) = parts::node_and(reader, node, "slow_close", &["by"])?;
        let by = parts::time(reader, &mut fields, "by", Duration::from_millis(2000));
        Some(Self { node, by: by? })
    }
}

impl Inject for SlowClose {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let ms = parts::ms(self.by);
        storm.hinder(&self.node, act, |_| Hindrance::SlowClose { ms })
    }
}

impl fmt::Display for SlowClose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, by {:?}", self.node, self.by)
    }
}
