//! Faults that act on single frames.

use crate::{
    record::{Name, NodeId, Tampering},
    sim::occurrence::OccurrenceId,
};
use std::collections::BTreeSet;

/// A fault that acts on single frames.
#[derive(Clone, Debug)]
pub struct MessageFault {
    /// Which occurrence.
    pub id: OccurrenceId,
    /// Its own draw, from which those of the frames follow.
    pub draw: u64,
    /// What it does.
    pub tampering: Tampering,
    /// The share of frames that it acts on, 0 to 1.
    pub share: f64,
    /// The kinds of message it acts on; all if empty.
    pub kinds: Vec<Name>,
    /// The directions it acts on; all if `None`.
    pub links: Option<BTreeSet<(NodeId, NodeId)>>,
    /// How late a late copy comes, in milliseconds, from and to.
    pub delay_ms: (u32, u32),
    /// Of frames that are overtaken: it is felt only where a later one is read first.
    pub by_order: bool,
}
