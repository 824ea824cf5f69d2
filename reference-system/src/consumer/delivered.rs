//! An event as a member has it.

use crate::{
    domain::{Effect, Happening, Message},
    wire::{
        EventData,
        events::PlacedEvent,
        gateway::Payment,
        groups::{Claim, Letter},
        store::Item,
    },
};
use squall_probe::{EventId, Position, What, name, record};

/// An event that was delivered, and what it says.
pub(super) struct Delivered {
    pub(super) partition: u32,
    pub(super) offset: u64,
    /// How often it had been in the dead-letter queue.
    pub(super) buried: u32,
    pub(super) event: EventData,
    pub(super) message: Message,
}

impl Delivered {
    pub(super) fn letter(&self) -> Letter {
        ((self.partition, self.offset), self.buried)
    }

    /// An effect for the store; with the one that is the last for this event it is `done`.
    pub(super) fn item(&self, effect: Effect, done: bool) -> Item {
        let (partition, offset, event) = (self.partition, self.offset, self.event.id);
        Item { partition, offset, event, effect, done }
    }

    /// The payment for its order. The order's number is the key: whoever repeats the payment uses the same.
    pub(super) fn payment(&self) -> Payment {
        let order = &self.message.order;
        Payment { key: order.id, order: order.id, cents: order.cents }
    }

    pub(super) fn is(&self, happening: Happening, orchestrated: bool) -> bool {
        self.message.happening == happening && self.message.order.is_orchestrated() == orchestrated
    }
}

/// Records that a member of a group was handed these events.
pub(super) fn tell_delivery(claim: &Claim, events: &[PlacedEvent]) {
    if events.is_empty() {
        return;
    }
    let (group, generation) = (name(&claim.group), claim.generation);
    for (partition, offset, event) in events {
        record(What::Deliver {
            group,
            position: Position::new(*partition, *offset),
            event: EventId(event.id),
            generation,
            content: event.content(),
        });
    }
}
