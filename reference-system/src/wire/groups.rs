//! What the messages about consumer groups have in common.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Who acts in a consumer group, and under which generation it believes to own its partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub group: Arc<str>,
    pub member: Arc<str>,
    pub generation: u64,
}

/// Why an event is in a dead-letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reason {
    /// Nobody will ever understand it.
    Poison,
    /// The attempts at a call that it needs were spent; it can be redriven.
    Exhausted,
}
