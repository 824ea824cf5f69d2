//! Names of the numbers that every system's runs have over time, without its saying anything. Who reads them off a
//! history is `series`.

use squall_reports::MetricKind::{self, Counter, Gauge, Histogram};

/// Whether a node runs, as Prometheus itself would say.
pub(crate) const UP: &str = "up";
pub(crate) const STARTS: &str = "squall_starts";
pub(crate) const FAULT: &str = "squall_fault";
pub(crate) const PUBLISHES: &str = "squall_publishes";
pub(crate) const APPENDS: &str = "squall_appends";
pub(crate) const DELIVERIES: &str = "squall_deliveries";
pub(crate) const EFFECTS: &str = "squall_effects";
pub(crate) const EFFECT_LATENCY: &str = "squall_effect_latency_seconds";
pub(crate) const LAG: &str = "squall_lag";
pub(crate) const DEAD_LETTERS: &str = "squall_dead_letters";
pub(crate) const LEADER: &str = "squall_leader";
pub(crate) const BREAKER_STATE: &str = "squall_breaker_state";
pub(crate) const CALLS: &str = "squall_calls";
pub(crate) const ATTEMPTS: &str = "squall_attempts";
pub(crate) const BUFFERED: &str = "squall_buffered";
pub(crate) const SIGNALS: &str = "squall_signals";

/// Their names, what their values are, and what they mean.
pub(crate) const BUILT_IN: &[(&str, MetricKind, &str)] = &[
    (UP, Gauge, "1 while the node runs and would answer a scrape, else 0"),
    (STARTS, Counter, "how often the node has started"),
    (FAULT, Gauge, "how many occurrences of a step's fault act (labels fault and line)"),
    (PUBLISHES, Counter, "publishes of this client (label phase: invoke, ok, fail, info)"),
    (APPENDS, Counter, "events that this replica made visible in its log"),
    (DELIVERIES, Counter, "events handed to a consumer here (label group)"),
    (EFFECTS, Counter, "effects that became durable here (label group)"),
    (EFFECT_LATENCY, Histogram, "from when a publish was due to a group's effect (label group)"),
    (
        LAG,
        Gauge,
        "events that exist and that a group has not handled, or messages that a queue holds (label group)",
    ),
    (DEAD_LETTERS, Gauge, "events in a group's dead-letter queue (label group)"),
    (LEADER, Gauge, "1 while the replica believes that it leads, else 0"),
    (
        BREAKER_STATE,
        Gauge,
        "this node's breaker before a dependency: 0 closed, 1 half open, 2 open (label dependency)",
    ),
    (CALLS, Counter, "calls behind a breaker (labels dependency and phase)"),
    (ATTEMPTS, Counter, "attempts under a retry policy (labels policy and phase)"),
    (BUFFERED, Gauge, "how much waits in a buffer that has a bound (label buffer)"),
    (SIGNALS, Counter, "how often the system's own signal was seen here (label signal)"),
];
