//! What a system promises beside what every event system must hold.

use std::time::Duration;

/// A retry policy, which `retry_policy` judges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// As in [`squall_probe::What::Attempt`].
    pub name: &'static str,
    /// The wait before the second attempt.
    pub first: Duration,
    /// How many times the wait before it each wait is.
    pub factor: f64,
    /// But not longer than this.
    pub cap: Duration,
    /// Up to this share of a wait is added to it at random.
    pub jitter: f64,
    /// The most attempts at one request, if there is a limit.
    pub attempts: Option<u32>,
}

/// A circuit breaker, which `breaker` judges. Each process has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// The dependency behind it, as in [`squall_probe::What::Call`].
    pub dependency: &'static str,
    /// How many failures in a row open it.
    pub failures: u32,
    /// How long after it opened it is half open.
    pub cooldown: Duration,
    /// How many calls it lets through at a time while it is half open.
    pub probes: u32,
}

/// What a system promises beside what every event system must hold. Each promise is judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Promises {
    /// All events of a producer's key stand in one partition, so that they have an order.
    pub key_has_one_partition: bool,
    /// Poison ends in a dead-letter queue, and so does what cannot be handled in time; nothing else.
    pub dead_letters: bool,
    /// The steps of a saga: all are done, or those that were done are undone.
    pub saga: Vec<&'static str>,
    /// How requests are repeated.
    pub retries: Vec<RetryPolicy>,
    /// What stands before dependencies.
    pub breakers: Vec<BreakerPolicy>,
    /// Buffers, as in [`squall_probe::What::Buffered`], with their bounds.
    pub buffers: Vec<(&'static str, u64)>,
    /// The most that a node holds in queues of frames and in what it reserves, by role, in bytes. It covers
    /// queues that nobody has declared as buffers.
    pub memory: Vec<(&'static str, u64)>,
    /// After how many failures in a row clients take a server out of rotation. They ask it again only when a
    /// check has found it well.
    pub rotation: Option<u32>,
}
