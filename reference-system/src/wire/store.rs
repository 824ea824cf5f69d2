//! What the store is asked and answers.

use super::groups::Claim;
use crate::domain::Effect;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One effect to be applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub partition: u32,
    pub offset: u64,
    /// The event's id.
    pub event: u64,
    pub effect: Effect,
    /// With it the event is done; otherwise it is a step on the way.
    pub done: bool,
}

/// What the store is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreRequest {
    /// From now on refuse older generations for these partitions.
    Fence { claim: Claim, partitions: Vec<u32> },
    /// Apply those that were not applied yet: effect and mark in one transaction.
    Apply { claim: Claim, items: Vec<Item> },
    /// Apply whether applied before or not, and do not mark. (Only `mistakes/` asks for this.)
    ApplyUnmarked { claim: Claim, items: Vec<Item> },
    /// Which of these events are done?
    Seen { group: Arc<str>, events: Vec<u64> },
    /// Mark these events as done. (Only `mistakes/` asks for this.)
    Mark { group: Arc<str>, events: Vec<u64> },
    /// Tell your state.
    Describe,
}

/// What the store answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreReply {
    /// Done, and durable.
    Done,
    /// A newer generation owns a partition of these.
    Fenced,
    /// Which were marked, in the order of the request.
    Seen(Vec<bool>),
    /// The store's state.
    Described {
        /// Group, number of effects, digest.
        groups: Vec<(String, u64, u64)>,
        /// Items that are reserved, and neither shipped nor put back.
        reserved: i64,
        /// How many orders were shipped.
        shipped: u64,
    },
}
