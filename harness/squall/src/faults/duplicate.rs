//! Messages arrive twice.
//!
//! At its edges: the copy comes also when the fault is over, and the run waits for it. The end of the connection, if it is
//! closed meanwhile, comes behind the copy. With a reset, a crash, or a receiver that has closed, the copy is gone.

use super::{
    Inject, Kind,
    messages::{self, Messages},
};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::Tampering;
use std::fmt;

/// These messages arrive twice, the second time later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Duplicate {
    /// Which.
    pub messages: Messages,
    /// At least so late, in milliseconds.
    pub min_ms: u32,
    /// At most so late, in milliseconds.
    pub max_ms: u32,
}

impl Kind for Duplicate {
    const KEY: &'static str = "duplicate";
    const ABOUT: &'static str = "Delivers a share of messages a second time, `by` (10ms..50ms) later, on the same connection, whose end waits for it";
    const EXAMPLE: &'static str = "{ at: 500ms, duplicate: { messages: 50%, on: publish } }";
    const OUTAGE: &'static str =
        "Stands for retries below the application: proxies, queues, failing links";
    const FELT: &'static str = "a second copy was read";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (messages, mut fields) = Messages::read(reader, node, &["by"])?;
        let (min_ms, max_ms) = messages::read_delay(reader, &mut fields, (10, 50))?;
        Some(Self { messages, min_ms, max_ms })
    }
}

impl Inject for Duplicate {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        self.messages.begin(Tampering::Duplicated, (self.min_ms, self.max_ms), storm, act)
    }
}

impl fmt::Display for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, by {}ms..{}ms", self.messages, self.min_ms, self.max_ms)
    }
}
