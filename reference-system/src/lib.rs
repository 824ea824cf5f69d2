//! A small but real event platform: producers, a replicated durable broker, consumer groups, and the
//! store in which their effects land. It runs on real TCP and a real disk, and, because it takes both
//! from `squall_probe`, under squall's simulation. It knows nothing of the harness.
//!
//! The domain is orders: an order placed leads the inventory, payment, shipping and loyalty services to
//! act, so that effects can be counted.

pub mod broker;
pub mod client;
pub mod consumer;
pub mod defects;
pub mod domain;
mod journal;
pub mod producer;
mod retry;
pub mod store;
pub mod wire;

/// Why a node ended.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The places at which something may go wrong between two steps of which the first may happen alone.
pub const POINTS: &[&str] = &[
    "producer.sending",
    "broker.appended",
    "broker.acknowledging",
    "consumer.delivered",
    "consumer.effect_applied",
    "consumer.committing",
    "consumer.dead_lettering",
    "consumer.dead_lettered",
    "store.synced",
];

/// Signals of its own.
pub const SIGNALS: &[&str] = &["rejoined"];
