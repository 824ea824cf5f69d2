//! What each customer's last order came to: the projection itself, without how it is kept up.

use crate::{
    domain::{Happening, Message},
    wire::EventData,
};
use serde::{Deserialize, Serialize};
use squall_probe::mix;
use std::collections::BTreeMap;

/// What becomes of an event that is older than what the projection says of its customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Late {
    /// It does not change what is known from newer ones.
    PassedOver,
    /// It overwrites that.
    TakenIn,
}

/// What is known of a customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Customer {
    /// The offset behind the event that said so.
    version: u64,
    /// The order that it was about.
    order: u64,
    /// 0 placed, 1 paid, 2 declined, 3 unshippable.
    status: u8,
    /// How much was paid in all, in cents.
    spent: u64,
}

/// The projection, as it stands in a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Projection {
    customers: BTreeMap<u32, Customer>,
    /// The number of events taken in.
    pub(super) events: u64,
}

impl Projection {
    /// Takes in an event. Customers have one key each, and so one partition: offsets say what is newer.
    pub(super) fn take(&mut self, offset: u64, event: &EventData, late: Late) {
        self.events += 1;
        let Some(message) = Message::decode(&event.payload) else { return };
        let customer = self.customers.entry(event.key).or_default();
        if message.happening == Happening::Paid {
            customer.spent += message.order.cents;
        }
        if offset < customer.version && late == Late::PassedOver {
            return;
        }
        customer.version = offset + 1;
        customer.order = message.order.id;
        customer.status = match message.happening {
            Happening::Placed => 0,
            Happening::Paid => 1,
            Happening::Declined => 2,
            Happening::Unshippable => 3,
        };
    }

    /// A hash of all that is known of customers.
    pub(super) fn digest(&self) -> u64 {
        self.customers.iter().fold(0, |digest, (customer, known)| {
            let said = [known.version, known.order, u64::from(known.status), known.spent];
            said.into_iter()
                .fold(mix(digest ^ u64::from(*customer)), |digest, value| mix(digest ^ value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Order;

    fn event(id: u64, customer: u32) -> EventData {
        let payload = Message::placed(Order::placed(id, customer, 10)).encode();
        EventData { id, key: customer, payload }
    }

    #[test]
    fn the_order_in_which_events_are_taken_in_does_not_matter() {
        let (mut forwards, mut backwards) = (Projection::default(), Projection::default());
        for offset in 0..20 {
            forwards.take(offset, &event(offset, 1), Late::PassedOver);
            backwards.take(19 - offset, &event(19 - offset, 1), Late::PassedOver);
        }
        assert_eq!(forwards, backwards);
        assert_eq!(forwards.customers[&1].order, 19);
    }
}
