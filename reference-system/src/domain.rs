//! Orders, and what the services do when one is placed.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The services; each is a consumer group of the topic of placed orders.
pub const GROUPS: &[&str] = &["inventory", "payment", "shipping", "loyalty"];

/// Payloads above this are refused, in bytes.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// An order, as it stands in an event's payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number: the event's id.
    pub id: u64,
    /// Who ordered: the event's key, by which order is kept.
    pub customer: u32,
    /// What.
    pub item: u32,
    /// How many.
    pub quantity: u32,
    /// For how much, in cents.
    pub cents: u64,
    /// Whatever else a real order would carry.
    pub remark: Vec<u8>,
}

/// What a service does for an order. It lands in the service's ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// inventory: takes items off the stock.
    Reserve {
        /// Which.
        item: u32,
        /// How many.
        quantity: u32,
    },
    /// payment: charges the customer.
    Charge {
        /// How much.
        cents: u64,
    },
    /// shipping: makes a shipment.
    Ship {
        /// To whom.
        customer: u32,
    },
    /// loyalty: gives points.
    Reward {
        /// To whom.
        customer: u32,
        /// How many.
        points: u64,
    },
}

impl Order {
    /// The order of this number by this customer; the rest follows from them.
    #[must_use]
    pub fn placed(id: u64, customer: u32, size: usize) -> Self {
        let quantity = u32::try_from(id % 5).unwrap_or(0) + 1;
        Self {
            id,
            customer,
            item: customer % 97,
            quantity,
            cents: u64::from(quantity) * (199 + id % 1_000),
            remark: vec![b'.'; size.saturating_sub(16)],
        }
    }

    /// As a payload.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        // Plain data into memory: it has no way to fail.
        postcard::to_stdvec(self).unwrap_or_default().into()
    }

    /// From a payload; `None` if it is not one, or one of nothing.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        postcard::from_bytes(payload).ok().filter(|order: &Self| order.quantity > 0)
    }

    /// What `service` does for it.
    #[must_use]
    pub fn effect(&self, service: &str) -> Effect {
        match service {
            "inventory" => Effect::Reserve { item: self.item, quantity: self.quantity },
            "payment" => Effect::Charge { cents: self.cents },
            "shipping" => Effect::Ship { customer: self.customer },
            _ => Effect::Reward { customer: self.customer, points: self.cents / 100 },
        }
    }
}

/// What is wrong with a payload that no service can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is no order.
    Garbled,
    /// It is an order of nothing.
    Void,
    /// It is larger than a broker takes.
    Oversized,
}

impl Flaw {
    /// A payload with this flaw; the order would have had this number, customer and size.
    #[must_use]
    pub fn payload(self, id: u64, customer: u32, size: usize) -> Bytes {
        match self {
            Self::Garbled => vec![0xff; size.max(16)].into(),
            Self::Void => Order { quantity: 0, ..Order::placed(id, customer, size) }.encode(),
            Self::Oversized => vec![0xff; MAX_PAYLOAD + 1].into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_survive_the_wire_and_poison_does_not_pass_for_one() {
        let order = Order::placed(17, 4, 100);
        assert_eq!(Order::decode(&order.encode()), Some(order));
        for flaw in [Flaw::Garbled, Flaw::Void, Flaw::Oversized] {
            assert_eq!(Order::decode(&flaw.payload(17, 4, 100)), None);
        }
    }
}
