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

/// The places at which something may go wrong between two steps of which the first may happen alone, and what they are.
pub const POINTS: &[(&str, &str)] = &[
    ("producer.sending", "a producer is about to send a batch to the leader"),
    ("broker.appended", "the leader has put events into its log, and nobody else has them yet"),
    ("broker.acknowledging", "a publish is decided, and its producer has not been told"),
    ("broker.promised", "a broker has told its peers what it promises in their consensus"),
    ("consumer.delivered", "a member of a group was given events, and has done nothing with them"),
    ("consumer.effect_applied", "effects are durable, and the group's offset is not committed"),
    ("consumer.committing", "a member is about to commit how far its group is"),
    ("consumer.dead_lettering", "a member is about to put an event into the dead-letter queue"),
    (
        "consumer.dead_lettered",
        "an event is in the dead-letter queue, and its offset not committed",
    ),
    ("payment.charged", "a card was charged, and nobody has noted it"),
    ("orchestrator.reserved", "the orchestrator of a saga has reserved the goods, and not charged"),
    ("orchestrator.charged", "the orchestrator of a saga has charged, and not gone on"),
    ("orchestrator.compensating", "a saga is undone: the money went back, the goods did not"),
    ("store.synced", "the store has synced effects, and not answered"),
];

/// Signals of its own, and what they tell.
pub const SIGNALS: &[(&str, &str)] = &[
    ("rejoined", "a member that its group had lost joined it again"),
    ("retries_exhausted", "a call was repeated as often as its policy allows, and given up"),
    ("backpressured", "a consumer took as much as it may hold at once, and more was waiting"),
    ("degraded", "the loyalty service was behind, and went on without some points"),
    ("taken_out_of_rotation", "a client stopped asking a broker that had failed too often"),
    ("brought_back", "a client asks a broker again that it had taken out of rotation"),
    ("log_recovered", "a broker whose log was damaged or gone took a copy from others"),
    ("snapshot_loaded", "a projection began with its snapshot, not from the start"),
    ("tail_truncated", "a journal ended in the middle of a record, which was cut off"),
];
