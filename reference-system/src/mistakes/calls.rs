//! Mistakes about calls: retries, breakers, idempotency keys, and answers that were given too early.

use super::{keys, known::Known};
use crate::{gateway::Keys, retry::Backoff};
use std::time::Duration;

pub(super) const KNOWN: &[Known] = &[
    Known {
        id: "retry-hot-loop",
        about: "retries without backoff",
        breaks: &["retry_policy"],
        make: |p| p.consumer.bank.backoff = hot_loop,
    },
    Known {
        id: "retry-no-jitter",
        about: "backoff without jitter: clients retry in step",
        breaks: &["retry_policy"],
        make: |p| p.consumer.bank.backoff = Backoff::without_jitter,
    },
    Known {
        id: "breaker-never-opens",
        about: "failures are counted for each call object, so that the threshold is never met",
        breaks: &["breaker"],
        make: |p| p.consumer.bank.breaker.failures = u32::MAX,
    },
    Known {
        id: "breaker-stuck-open",
        about: "half-open probes are never let through",
        breaks: &["recovers_within", "drains", "saga_atomicity", "conserved"],
        make: |p| p.consumer.bank.breaker.cooldown = Duration::MAX,
    },
    Known {
        id: "new-key-each-attempt",
        about: "each attempt at a payment carries a fresh idempotency key: the customer pays twice",
        breaks: &["saga_atomicity", "conserved"],
        make: |p| p.consumer.bank.keys = keys::new_key_each_attempt,
    },
    Known {
        id: "timeout-means-declined",
        about: "a payment that timed out is taken for declined, though the money is gone",
        breaks: &["saga_atomicity", "conserved"],
        make: |p| p.consumer.bank.unanswered = |count| Ok(vec![false; count]),
    },
    Known {
        id: "retry-drops-key",
        about: "a payment that is repeated on a new connection carries a fresh idempotency key: the key was the \
         connection's, not the payment's",
        breaks: &["saga_atomicity", "conserved"],
        make: |p| p.consumer.bank.keys = keys::new_key_each_connection,
    },
    Known {
        id: "gateway-forgets-keys",
        about: "the gateway keeps its idempotency keys in a cache that a restart empties",
        breaks: &["saga_atomicity", "eventual_consistency", "conserved"],
        make: |p| p.gateway.recovered = |_| Keys::default(),
    },
    Known {
        id: "gateway-answers-unsynced",
        about: "the gateway answers before its ledger is synced",
        breaks: &["saga_atomicity", "eventual_consistency", "durability", "conserved"],
        make: |p| p.gateway.care.never_synced = true,
    },
    Known {
        id: "store-answers-unsynced",
        about: "the store answers before its journal is synced (MySQL with innodb_flush_log_at_trx_commit=2)",
        breaks: &["eventual_consistency", "saga_atomicity", "no_loss", "durability", "conserved"],
        make: |p| p.store.care.never_synced = true,
    },
];

/// No backoff to speak of.
fn hot_loop(_: Duration, _: Duration, purpose: &str) -> Backoff {
    let wait = Duration::from_millis(1);
    Backoff::without_jitter(wait, wait, purpose)
}
