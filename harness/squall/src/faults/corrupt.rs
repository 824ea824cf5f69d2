//! Messages arrive damaged.

use super::{Inject, Kind, messages::Messages};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use squall_probe::Tampering;
use std::fmt;

/// Of these messages a bit is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Corrupt {
    /// Which.
    pub messages: Messages,
}

impl Kind for Corrupt {
    const KEY: &'static str = "corrupt";
    const ABOUT: &'static str = "Turns over a bit in a share of messages";
    const EXAMPLE: &'static str = "{ at: 500ms, corrupt: { messages: 30% }, for: 500ms }";
    const OUTAGE: &'static str =
        "Stands for a faulty network card or switch whose damage checksums do not see";
    const FELT: &'static str = "a damaged message was read";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let (messages, _) = Messages::read(reader, node, &[])?;
        Some(Self { messages })
    }
}

impl Inject for Corrupt {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        self.messages.begin(Tampering::Corrupted, (0, 0), storm, act)
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.messages.fmt(f)
    }
}
