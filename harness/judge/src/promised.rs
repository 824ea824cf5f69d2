//! The promises without which invariants are not judged: said once, for judging and for lists.

use crate::{
    invariant::Promised,
    promises::{Counts, DeadLetters, Deduplication, Delivery, Groups, Lease, Order},
};

pub(super) const LOG: Promised =
    Promised { words: "`storage` is a log", given: |promises| promises.is_log() };

pub(super) const LEADERS: Promised = Promised {
    words: "`storage` is a log, with `leader_terms`",
    given: |promises| promises.is_log() && promises.leader_terms,
};

pub(super) const COPIES_OR_GROUPS: Promised = Promised {
    words: "`storage` is a log, with `replicas` or `groups`",
    given: |promises| promises.is_log() && (promises.replicas || promises.groups != Groups::None),
};

pub(super) const LOG_OF_GROUPS: Promised = Promised {
    words: "`storage` is a log, with `groups`",
    given: |promises| promises.is_log() && promises.groups != Groups::None,
};

pub(super) const COMMITS: Promised = Promised {
    words: "`storage` is a log, with `groups`, and `delivery` is more than at most once",
    given: |promises| (LOG_OF_GROUPS.given)(promises) && promises.delivery != Delivery::AtMostOnce,
};

pub(super) const LOG_ONCE: Promised = Promised {
    words: "`storage` is a log, with `deduplication`",
    given: |promises| promises.is_log() && promises.deduplication != Deduplication::None,
};

pub(super) const LOG_ORDER: Promised = Promised {
    words: "`storage` is a log, with an `order`",
    given: |promises| promises.is_log() && promises.order != Order::None,
};

pub(super) const LOG_DEAD_LETTERS: Promised = Promised {
    words: "`storage` is a log, with `dead_letters`",
    given: |promises| promises.is_log() && promises.dead_letters != DeadLetters::None,
};

pub(super) const KEEPS: Promised = Promised {
    words: "`storage` is a log, and `delivery` is more than at most once; or it is a queue that is `durable`",
    given: |promises| {
        promises.keeps_messages() || promises.is_log() && promises.delivery != Delivery::AtMostOnce
    },
};

pub(super) const EFFECTIVELY_ONCE: Promised = Promised {
    words: "`delivery` is effectively once",
    given: |promises| promises.delivery == Delivery::EffectivelyOnce,
};

pub(super) const QUEUE: Promised =
    Promised { words: "`storage` is a queue", given: |promises| promises.queue().is_some() };

pub(super) const EXCLUSIVE: Promised = Promised {
    words: "`storage` is a queue with a `lease` that is `exclusive`",
    given: |promises| {
        promises.queue().is_some_and(|queue| queue.exclusive && queue.lease != Lease::None)
    },
};

pub(super) const LEASES: Promised = Promised {
    words: "`storage` is a queue with a `lease`",
    given: |promises| promises.queue().is_some_and(|queue| queue.lease != Lease::None),
};

pub(super) const FINAL: Promised = Promised {
    words: "`storage` is a queue with `final_acknowledgements`, or one with `delivery` at most once",
    given: |promises| {
        promises.queue().is_some_and(|queue| queue.final_acknowledgements)
            || (promises.queue().is_some() && promises.delivery == Delivery::AtMostOnce)
    },
};

pub(super) const COUNTS: Promised = Promised {
    words: "`storage` is a queue with `counts`",
    given: |promises| promises.queue().is_some_and(|queue| queue.counts != Counts::None),
};

pub(super) const QUEUE_ORDER: Promised = Promised {
    words: "`storage` is a queue, with an `order`",
    given: |promises| promises.queue().is_some() && promises.order != Order::None,
};

pub(super) const QUEUE_ONCE: Promised = Promised {
    words: "`storage` is a queue, with `deduplication`",
    given: |promises| promises.queue().is_some() && promises.deduplication != Deduplication::None,
};

pub(super) const TRANSACTIONS: Promised =
    Promised { words: "`transactions` is set", given: |promises| promises.transactions };

pub(super) const SAGA: Promised =
    Promised { words: "`saga` has steps", given: |promises| !promises.saga.is_empty() };

pub(super) const RETRIES: Promised =
    Promised { words: "`retries` has a policy", given: |promises| !promises.retries.is_empty() };

pub(super) const BREAKERS: Promised =
    Promised { words: "`breakers` has a policy", given: |promises| !promises.breakers.is_empty() };

pub(super) const BOUNDS: Promised = Promised {
    words: "`buffers` or `memory` has a bound",
    given: |promises| !promises.buffers.is_empty() || !promises.memory.is_empty(),
};

pub(super) const ROTATION: Promised =
    Promised { words: "`rotation` is set", given: |promises| promises.rotation.is_some() };
