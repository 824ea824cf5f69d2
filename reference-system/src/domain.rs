//! Orders, what follows from them, and what the services do about it.
//!
//! An order is fulfilled as a saga: stock is reserved, the customer charged, the goods shipped; if the card is
//! declined or the address cannot be reached, what was done is undone. Orders of odd numbers are led through it
//! by an orchestrator (the group `fulfilment`); for the others the services follow each other's events.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A service; each is a consumer group of the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Reserves items, and puts them back.
    Inventory,
    /// Charges customers, and gives money back.
    Payment,
    /// Ships what was paid for.
    Shipping,
    /// Gives points for what was paid for.
    Loyalty,
    /// Leads every second order through its saga.
    Fulfilment,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Inventory, Self::Payment, Self::Shipping, Self::Loyalty, Self::Fulfilment];

    /// The name of its consumer group.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inventory => "inventory",
            Self::Payment => "payment",
            Self::Shipping => "shipping",
            Self::Loyalty => "loyalty",
            Self::Fulfilment => "fulfilment",
        }
    }

    /// Whether it calls the payment gateway.
    #[must_use]
    pub const fn calls_gateway(self) -> bool {
        matches!(self, Self::Payment | Self::Fulfilment)
    }
}

/// The services' consumer groups.
pub const GROUPS: &[&str] = &[
    Service::Inventory.name(),
    Service::Payment.name(),
    Service::Shipping.name(),
    Service::Loyalty.name(),
    Service::Fulfilment.name(),
];

/// The steps of the saga.
pub const SAGA: &[&str] = &["reserve", "charge", "ship"];

/// Payloads above this are refused, in bytes.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// Some of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Goods {
    /// The item's number.
    pub item: u32,
    /// A correct order has at least one.
    pub quantity: u32,
}

/// An order, as it stands in an event's payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number: the event's id.
    pub id: u64,
    /// Who ordered: the event's key, by which order is kept.
    pub customer: u32,
    /// What was ordered.
    pub goods: Goods,
    /// The price of all of it, in cents.
    pub cents: u64,
    /// Whatever else a real order would carry.
    pub remark: Bytes,
}

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happening {
    /// It was placed.
    Placed,
    /// The customer was charged.
    Paid,
    /// The customer's card was declined.
    Declined,
    /// It was paid, and there is no way to ship it.
    Unshippable,
}

/// What a payload says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What happened.
    pub happening: Happening,
    /// To which order.
    pub order: Order,
}

/// What a service does for an order. It lands in the service's ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Effect {
    /// Nothing, but it has been seen to.
    Nothing,
    /// Takes goods off the stock.
    Reserve(Goods),
    /// Puts them back: the compensation of a reservation.
    Release(Goods),
    /// Makes a shipment of what was reserved.
    Ship(Goods),
    /// Gives points.
    Reward {
        /// The customer who gets them.
        customer: u32,
        /// One for each whole unit of the currency.
        points: u64,
    },
}

impl Effect {
    /// Tells the effects of one event in one ledger apart.
    #[must_use]
    pub fn kind(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Reserve(_) => 1,
            Self::Release(_) => 2,
            Self::Ship(_) => 3,
            Self::Reward { .. } => 4,
        }
    }
}

impl Order {
    /// The order of this number by this customer; the rest follows from them.
    #[must_use]
    pub fn placed(id: u64, customer: u32, size: usize) -> Self {
        let quantity = (id % 5) as u32 + 1;
        Self {
            id,
            customer,
            goods: Goods { item: customer % 97, quantity },
            cents: u64::from(quantity) * (199 + id % 1_000),
            remark: vec![b'.'; size.saturating_sub(16)].into(),
        }
    }

    /// An orchestrator leads it; otherwise services follow each other's events.
    #[must_use]
    pub fn is_orchestrated(&self) -> bool {
        self.id % 2 == 1
    }

    /// Whether there is a way to its address.
    #[must_use]
    pub fn is_shippable(&self) -> bool {
        self.id % 17 != 5
    }

    /// Takes its items off the stock.
    #[must_use]
    pub fn reserve(&self) -> Effect {
        Effect::Reserve(self.goods)
    }

    /// Puts them back.
    #[must_use]
    pub fn release(&self) -> Effect {
        Effect::Release(self.goods)
    }

    /// Ships them.
    #[must_use]
    pub fn ship(&self) -> Effect {
        Effect::Ship(self.goods)
    }

    /// Rewards the customer.
    #[must_use]
    pub fn reward(&self) -> Effect {
        Effect::Reward { customer: self.customer, points: self.cents / 100 }
    }
}

/// Whether a card is declined: a customer's bank answers the same each time.
#[must_use]
pub fn is_declined(order: u64) -> bool {
    order % 11 == 3
}

/// An event that follows from an order has this id, times what happened, plus the order's number.
const FOLLOWING: u64 = 1_000_000_000;

/// The number of the order that an event of this id is about.
#[must_use]
pub fn order_of(event: u64) -> u64 {
    event % FOLLOWING
}

impl Message {
    /// That an order was placed.
    #[must_use]
    pub fn placed(order: Order) -> Self {
        Self { happening: Happening::Placed, order }
    }

    /// What follows from it, and the id of the event that says so.
    #[must_use]
    pub fn follow(&self, happening: Happening) -> (u64, Self) {
        let kind = match happening {
            Happening::Placed => 0,
            Happening::Paid => 1,
            Happening::Declined => 2,
            Happening::Unshippable => 3,
        };
        let order = Order { remark: Bytes::new(), ..self.order.clone() };
        (kind * FOLLOWING + order.id, Self { happening, order })
    }

    /// As a payload.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        postcard::to_stdvec(self).expect("plain data is written to memory").into()
    }

    /// From a payload; `None` if it is none, or of an order of nothing.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        postcard::from_bytes(payload).ok().filter(|message: &Self| message.order.goods.quantity > 0)
    }
}

/// What is wrong with a payload that no service can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is no message.
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
            Self::Void => {
                let order = Order::placed(id, customer, size);
                let goods = Goods { quantity: 0, ..order.goods };
                Message::placed(Order { goods, ..order }).encode()
            }
            Self::Oversized => vec![0xff; MAX_PAYLOAD + 1].into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_wire_and_poison_does_not_pass_for_one() {
        let message = Message::placed(Order::placed(17, 4, 100));
        assert_eq!(Message::decode(&message.encode()), Some(message));
        for flaw in [Flaw::Garbled, Flaw::Void, Flaw::Oversized] {
            assert_eq!(Message::decode(&flaw.payload(17, 4, 100)), None);
        }
    }

    #[test]
    fn what_follows_has_an_id_of_its_own() {
        let message = Message::placed(Order::placed(17, 4, 100));
        let ids = [Happening::Paid, Happening::Declined, Happening::Unshippable]
            .map(|happening| message.follow(happening).0);
        assert_eq!(ids, [1_000_000_017, 2_000_000_017, 3_000_000_017]);
    }
}
