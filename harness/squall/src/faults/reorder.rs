//! Messages overtake each other.
//!
//! At its edges: the message comes also when the fault is over, and the run waits for it. The end of its connection, if it
//! is closed meanwhile, comes behind it; with a reset or a crash it is gone. A message that nothing overtakes, such as the
//! only one of its kind, is just late, and not felt.

use super::{
    Inject, Kind,
    messages::{self, Messages},
};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm, Tamper},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::Tampering;
use std::fmt;

/// These messages arrive late, behind others that were sent after them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reorder {
    /// Which.
    pub messages: Messages,
    /// At least so late, in milliseconds.
    pub min_ms: u32,
    /// At most so late, in milliseconds.
    pub max_ms: u32,
}

impl Kind for Reorder {
    const KEY: &'static str = "reorder";
    const ABOUT: &'static str = "Delays a share of messages `by` (10ms..50ms), so that later ones overtake them; the end of their connection waits for them";
    const EXAMPLE: &'static str = "{ at: 500ms, reorder: { messages: 50%, by: 20ms..60ms } }";
    const OUTAGE: &'static str = "Stands for several paths, parallel workers, retried requests";
    const FELT: &'static str = "a message was read before one that was sent earlier";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (messages, mut fields) = Messages::read(reader, node, &["by"])?;
        let (min_ms, max_ms) = messages::read_delay(reader, &mut fields, (10, 50))?;
        Some(Self { messages, min_ms, max_ms })
    }
}

impl Inject for Reorder {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let delay_ms = (self.min_ms, self.max_ms);
        let how = messages::tamper(Tampering::Reordered, self.messages.share, delay_ms);
        self.messages.begin_to(Tamper { by_order: true, ..how }, storm, act)
    }
}

impl fmt::Display for Reorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, by {}ms..{}ms", self.messages, self.min_ms, self.max_ms)
    }
}
