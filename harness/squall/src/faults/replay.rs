//! Old messages come again.
//!
//! At its edges: one of the last sixteen messages of the connection comes behind the one that was drawn, at once.

use super::{Inject, Kind, messages::Messages};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::Tampering;
use std::fmt;

/// With these messages comes an older one of the same connection, again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// Which.
    pub messages: Messages,
}

impl Kind for Replay {
    const KEY: &'static str = "replay";
    const ABOUT: &'static str =
        "Sends an old message of the same connection again, behind a share of messages";
    const EXAMPLE: &'static str =
        "{ at: 500ms, replay: { messages: 20%, on: publish }, for: 500ms }";
    const OUTAGE: &'static str =
        "Stands for a queue that is rewound, a cache that answers with yesterday's news";
    const FELT: &'static str = "an old message was read again";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (messages, _) = Messages::read(reader, node, &[])?;
        Some(Self { messages })
    }
}

impl Inject for Replay {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        self.messages.begin(Tampering::Replayed, (0, 0), storm, act)
    }
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.messages.fmt(f)
    }
}
