//! Messages get lost.
//!
//! At its edges: a message whose connection is broken or cut, or whose receiver has closed it, would not have arrived:
//! that it was drawn is not felt.

use super::{Inject, Kind, messages::Messages};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::Tampering;
use std::fmt;

/// These messages never arrive, though their connection lives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lose {
    /// Which.
    pub messages: Messages,
}

impl Kind for Lose {
    const KEY: &'static str = "lose";
    const ABOUT: &'static str = "Drops a share of messages; the connections live on";
    const EXAMPLE: &'static str =
        "{ at: 500ms, lose: { messages: 30%, on: publish_ack }, for: 600ms }";
    const OUTAGE: &'static str = "Stands for overloaded proxies and queues that shed";
    const FELT: &'static str = "a message was dropped that would have arrived";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (messages, _) = Messages::read(reader, node, &[])?;
        Some(Self { messages })
    }
}

impl Inject for Lose {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        self.messages.begin(Tampering::Lost, (0, 0), storm, act)
    }
}

impl fmt::Display for Lose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.messages.fmt(f)
    }
}
