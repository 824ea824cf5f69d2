//! What the payment gateway is asked and answers.

use serde::{Deserialize, Serialize};

/// A payment for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The idempotency key: it tells a repetition from a new payment. Correct callers use the order's number.
    pub key: u64,
    pub order: u64,
    pub cents: u64,
}

/// What the payment gateway is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GatewayRequest {
    /// Charge those that were not charged yet.
    Charge(Vec<Payment>),
    /// Give back what was charged for these orders, if it was not given back yet.
    Refund(Vec<Payment>),
    /// Tell your state.
    Describe,
}

/// What the payment gateway answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GatewayReply {
    /// Which cards were charged, in the order of the request; the others were declined.
    Charged(Vec<bool>),
    /// Done.
    Refunded,
    /// What was charged and not given back.
    Described {
        cents: u64,
        /// The number of orders that it was charged for.
        orders: u64,
    },
}
