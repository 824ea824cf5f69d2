//! A record: what happened, where and when.

use super::{identity::NodeId, what::What};
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

/// One line of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub struct Record {
    /// Virtual time in microseconds since the start of the run.
    pub at: u64,
    /// Where it happened.
    pub node: NodeId,
    /// What happened.
    pub what: What,
}
