//! Mistakes that producers can make.

use super::known::{Known, every_client};
use crate::producer::{Outcome, policy::NextStep};
use std::time::Duration;
use tokio::sync::Semaphore;

pub(super) const KNOWN: &[Known] = &[
    Known {
        id: "producer-retries-blindly",
        about: "a retry carries a fresh sequence number, as Kafka's without enable.idempotence",
        breaks: &["no_duplicate_append"],
        make: |p| p.producer.retry = |numbering, turn, _| numbering.renewed(turn),
    },
    Known {
        id: "timeout-is-failure",
        about: "a publish that timed out is reported as failed, though it may be in the log",
        breaks: &["no_phantom"],
        make: |p| p.producer.overdue = || Some(Outcome::Fail("no answer in time".to_owned())),
    },
    Known {
        id: "sticks-to-dead-leader",
        about: "clients never look the leader up again",
        breaks: &["recovers_within", "no_loss", "drains", "available"],
        make: |p| every_client(p, |client| client.looks_up_leader = |found| !found),
    },
    Known {
        id: "no-request-timeout",
        about: "a client waits for ever for an answer that got lost (before KIP-19)",
        breaks: &[
            "drains",
            "recovers_within",
            "no_loss",
            "saga_atomicity",
            "conserved",
            "available",
        ],
        make: |p| every_client(p, |client| client.patience = |_| Duration::from_secs(3600)),
    },
    Known {
        id: "unbounded-producer-queue",
        about: "a producer takes in whatever it is given while brokers are away (librdkafka with its queue limits lifted)",
        breaks: &["bounded_memory"],
        make: |p| {
            (p.producer.queue, p.producer.buffer) =
                (Semaphore::MAX_PERMITS, Semaphore::MAX_PERMITS);
        },
    },
    Known {
        id: "gives-up-batch",
        about: "a batch is given up after some attempts and its sequence numbers are not taken back: all that follows is \
         out of sequence, for ever (Kafka's OutOfOrderSequenceException before KIP-360)",
        breaks: &["progress", "converges"],
        make: |p| {
            p.producer.attempt = give_up;
            p.producer.out_of_sequence = |_, _| None;
        },
    },
    Known {
        id: "sequence-is-sacred",
        about: "a producer whose sequence numbers brokers have forgotten repeats its batch for ever \
         (UNKNOWN_PRODUCER_ID before KIP-360)",
        breaks: &["progress", "converges"],
        make: |p| p.producer.out_of_sequence = |_, _| None,
    },
    Known {
        id: "wedged-after-outage",
        about: "a producer whose attempts are spent stops asking and never begins again, like a client in a fatal state \
         that nobody replaces",
        breaks: &["progress", "converges", "drains", "recovers_within"],
        make: |p| p.producer.attempt = wedge,
    },
];

/// Attempts at one batch.
const ATTEMPTS: u32 = 8;

/// A batch is given up after some attempts; its sequence numbers are not taken back.
fn give_up(attempt: u32) -> NextStep {
    if attempt > ATTEMPTS { NextStep::GiveUp } else { NextStep::Send }
}

/// After some attempts nothing is sent any more.
fn wedge(attempt: u32) -> NextStep {
    if attempt > ATTEMPTS { NextStep::Rest } else { NextStep::Send }
}
