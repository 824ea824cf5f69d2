//! What the store's journal is made of.

use crate::{
    domain::{Effect, order_of},
    wire::{groups::Claim, store::Item},
};
use serde::{Deserialize, Serialize};
use squall_probe::{EventId, Position, SagaChange, What, name};
use std::sync::Arc;

/// What becomes durable as a whole or not at all.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Transaction {
    /// These partitions belong to this generation.
    Fence { claim: Claim, partitions: Vec<u32> },
    /// Effects, and whether they are marked as applied.
    Effects { claim: Claim, items: Vec<Item>, marked: bool },
    /// Events that are marked as done.
    Marks { group: Arc<str>, events: Vec<u64> },
}

impl Transaction {
    /// What is to be recorded of it once it is durable.
    pub(super) fn tell(&self, landed: &mut Vec<What>) {
        match self {
            Self::Fence { claim, partitions } => {
                let (group, member) = (name(&claim.group), name(&claim.member));
                landed.extend(partitions.iter().map(|partition| What::Assign {
                    group,
                    partition: *partition,
                    generation: claim.generation,
                    member,
                }));
            }
            Self::Effects { claim, items, .. } => {
                let (group, generation, member) =
                    (name(&claim.group), claim.generation, name(&claim.member));
                for item in items {
                    let step = match item.effect {
                        Effect::Reserve(_) => Some(("reserve", SagaChange::Done)),
                        Effect::Release(_) => Some(("reserve", SagaChange::Undone)),
                        Effect::Ship(_) => Some(("ship", SagaChange::Done)),
                        Effect::Nothing | Effect::Reward { .. } => None,
                    };
                    if let Some((step, change)) = step {
                        let saga = EventId(order_of(item.event));
                        landed.push(What::Saga { saga, step: name(step), change });
                    }
                    if item.done {
                        let position = Position::new(item.partition, item.offset);
                        let event = EventId(item.event);
                        landed.push(What::Apply { group, position, event, generation, member });
                    }
                }
            }
            Self::Marks { .. } => {}
        }
    }
}
