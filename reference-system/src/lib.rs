//! A small but real event platform: producers, a replicated durable broker, consumer groups, and the
//! store in which their effects land. It runs on real TCP and a real disk, and, because it takes both
//! from `squall_probe`, under squall's simulation. It knows nothing of the harness.
//!
//! The domain is orders, each fulfilled as a saga by the inventory, payment, shipping and loyalty services, so
//! that effects can be counted: see [`domain`]. `README.md` follows an event from its publish to the projection,
//! file by file. Everything but [`mistakes`] is a correct system.

pub mod breaker;
pub mod broker;
mod calls;
pub mod client;
pub mod consumer;
pub mod domain;
pub mod gateway;
mod journal;
pub mod metrics;
pub mod mistakes;
pub mod policies;
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
    "broker.promised",
    "consumer.delivered",
    "consumer.effect_applied",
    "consumer.committing",
    "consumer.dead_lettering",
    "consumer.dead_lettered",
    "payment.charged",
    "orchestrator.reserved",
    "orchestrator.charged",
    "orchestrator.compensating",
    "store.synced",
];

/// Signals of its own.
pub const SIGNALS: &[&str] = &[
    "rejoined",
    "retries_exhausted",
    "backpressured",
    "degraded",
    "taken_out_of_rotation",
    "brought_back",
    "log_recovered",
    "snapshot_loaded",
    "tail_truncated",
];
