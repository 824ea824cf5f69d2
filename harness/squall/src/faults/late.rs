//! Messages come when nobody waits for them any more.
//!
//! At its edges: as with `reorder`. A message whose receiver has closed the connection by then is felt too: that nobody
//! waits any more is what the fault is for.

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

/// These messages arrive much later than their senders think.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Late {
    /// Which.
    pub messages: Messages,
    /// At least so late, in milliseconds.
    pub min_ms: u32,
    /// At most so late, in milliseconds.
    pub max_ms: u32,
}

impl Kind for Late {
    const KEY: &'static str = "late";
    const ABOUT: &'static str =
        "Delays a share of messages by `by` (2s..4s), beyond any timeout; later ones overtake them";
    const EXAMPLE: &'static str =
        "{ at: 500ms, late: { messages: 30%, on: publish_ack, by: 400ms..600ms }, for: 500ms }";
    const OUTAGE: &'static str =
        "Stands for a queue that stalls and then delivers, a phone that was offline";
    const FELT: &'static str = "a message came late, whether or not anybody still listened";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (messages, mut fields) = Messages::read(reader, node, &["by"])?;
        let (min_ms, max_ms) = messages::read_delay(reader, &mut fields, (2_000, 4_000))?;
        Some(Self { messages, min_ms, max_ms })
    }
}

impl Inject for Late {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        self.messages.begin(Tampering::Reordered, (self.min_ms, self.max_ms), storm, act)
    }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, by {}ms..{}ms", self.messages, self.min_ms, self.max_ms)
    }
}
