//! What the messages about consumer groups have in common.

use super::events::Place;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Who acts in a consumer group, and under which generation it believes to own its partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub group: Arc<str>,
    pub member: Arc<str>,
    pub generation: u64,
}

/// An event on its way into a dead-letter queue or out of it: where it stands, and how often it had been in the queue when
/// it was delivered. A request that comes late, or twice, is known by that number.
pub type Letter = (Place, u32);

/// An event that has been in a group's dead-letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buried {
    /// Where it stands, and how often it has been in the queue.
    pub letter: Letter,
    /// It still is, or is on its way out: it is seen to.
    pub waits: bool,
}

/// Why an event is in a dead-letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reason {
    /// Nobody will ever understand it.
    Poison,
    /// The attempts at a call that it needs were spent; it can be redriven.
    Exhausted,
}
