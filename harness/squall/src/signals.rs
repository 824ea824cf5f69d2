//! Names of what must have been seen for a run to mean anything. Who counts them is `sim`.

/// A panic that did not end the run.
pub(crate) const PANIC_HANDLED: &str = "panic_handled";

/// Signals that the harness reads off any system's history, with their meaning.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("duplicate_delivered", "a consumer group was handed one event more than once"),
    (
        "redelivered_after_crash",
        "a consumer group was handed one event more than once, and between the two a node had crashed",
    ),
    ("leader_changed", "a second node, or the same again, began to lead"),
    ("publish_indeterminate", "a client had to leave open how its publish ended"),
    ("rebalanced", "a consumer group's partitions were dealt anew"),
    ("dead_lettered", "an event reached a dead-letter queue"),
    ("lease_ended", "a message of a queue was available again because its lease had ended"),
    (
        "acknowledgement_indeterminate",
        "a consumer had to leave open whether its acknowledgement of a message had arrived",
    ),
    ("deduplicated", "a queue took a publish for the repetition of another"),
    ("expired", "a message of a queue was gone because its time to live was over"),
    ("redriven", "an event was taken out of a dead-letter queue to be handled again"),
    ("breaker_opened", "a circuit breaker opened"),
    ("breaker_closed_again", "a circuit breaker that had opened closed again"),
    ("compensated", "a step of a saga was undone"),
    ("retried", "a client repeated a request"),
    (PANIC_HANDLED, "a task panicked, and its supervisor handled it"),
];
