//! The kinds of queue: what each promises, and the mistakes that it can be told to make.

use squall::system::{
    Counts, DeadLetters, Deduplication, Defect, Delivery, Lease, Order, Promises, Storage,
    nats_jetstream, pub_sub, rabbitmq_queue, redis_list, redis_stream, sqs_fifo, sqs_standard,
    work_queue,
};
use std::time::Duration;

/// How long a lease lasts, where it ends by time. Shorter than anybody would have it, so that runs are.
const LEASE: Duration = Duration::from_secs(1);

/// How long deduplication ids are remembered, where they are.
const WINDOW: Duration = Duration::from_secs(60);

/// How long a message waits before it expires, where it does.
const TIME_TO_LIVE: Duration = Duration::from_secs(45);

/// After how many deliveries a message is dead-lettered, where it is.
const LIMIT: u32 = 5;

/// A kind of queue.
pub struct Kind {
    /// As the preset that it follows.
    pub name: &'static str,
    /// The queues; each has every message.
    pub queues: &'static [&'static str],
    /// What it promises: the preset's, with its own times.
    pub promises: fn() -> Promises,
    /// Consumers are told whether their acknowledgement arrived.
    pub confirms: bool,
    /// An effect takes place in the transaction that ends the message, and so once.
    pub transactional: bool,
    /// Now and then a message is handed out that is out already.
    pub hands_out_copies: bool,
}

const KIND: Kind = Kind {
    name: "",
    queues: &["work"],
    promises: work_queue,
    confirms: true,
    transactional: false,
    hands_out_copies: false,
};

/// Every kind.
pub const KINDS: &[Kind] = &[
    Kind { name: "sqs_fifo", promises: || quick(sqs_fifo()), ..KIND },
    Kind {
        name: "sqs_standard",
        promises: || quick(sqs_standard()),
        hands_out_copies: true,
        ..KIND
    },
    Kind { name: "rabbitmq_queue", promises: || quick(rabbitmq_queue()), confirms: false, ..KIND },
    Kind { name: "redis_list", promises: || quick(redis_list()), ..KIND },
    Kind { name: "redis_stream", promises: || quick(redis_stream()), ..KIND },
    Kind { name: "nats_jetstream", promises: || quick(nats_jetstream()), ..KIND },
    Kind { name: "pub_sub", queues: &["mail", "audit"], promises: || quick(pub_sub()), ..KIND },
    Kind {
        name: "work_queue",
        // The effect of a job is stored with its end.
        promises: || Promises { delivery: Delivery::EffectivelyOnce, ..quick(work_queue()) },
        transactional: true,
        ..KIND
    },
];

/// A preset with times that fit into a run, of a broker that is one node.
fn quick(mut promises: Promises) -> Promises {
    if let Storage::Queue(queue) = &mut promises.storage {
        // It syncs before it answers, whatever it is.
        queue.durable = true;
        queue.time_to_live = queue.time_to_live.map(|_| TIME_TO_LIVE);
        if let Lease::Timeout(_) = queue.lease {
            queue.lease = Lease::Timeout(LEASE);
        }
    }
    if let Deduplication::Window(_) = promises.deduplication {
        promises.deduplication = Deduplication::Window(WINDOW);
    }
    if let DeadLetters::After(_) = promises.dead_letters {
        promises.dead_letters = DeadLetters::After(LIMIT);
    }
    Promises { replicas: false, ..promises }
}

/// A mistake, and which kinds can make it.
struct Mistake {
    id: &'static str,
    about: &'static str,
    breaks: &'static [&'static str],
    by: fn(&Promises) -> bool,
}

fn lease_by_time(promises: &Promises) -> bool {
    promises.queue().is_some_and(|queue| matches!(queue.lease, Lease::Timeout(_)))
}

fn keeps(promises: &Promises) -> bool {
    promises.delivery != Delivery::AtMostOnce
}

fn is_final(promises: &Promises) -> bool {
    keeps(promises) && promises.queue().is_some_and(|queue| queue.final_acknowledgements)
}

fn is_exclusive(promises: &Promises) -> bool {
    keeps(promises) && promises.queue().is_some_and(|queue| queue.exclusive)
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        id: "answers-before-sync",
        about: "the broker answers a publish before it is durable",
        breaks: &["no_loss"],
        by: |_| true,
    },
    Mistake {
        id: "hands-out-twice",
        about: "now and then a message is handed out while another consumer has it",
        breaks: &["one_lease"],
        by: is_exclusive,
    },
    Mistake {
        id: "forgets-extensions",
        about: "the broker confirms that a lease is extended, and ends it when it would have ended",
        breaks: &["lease_respected"],
        by: |promises| lease_by_time(promises) && is_exclusive(promises),
    },
    Mistake {
        id: "leases-by-the-clock",
        about: "leases end by the wall clock, whatever that does",
        breaks: &["lease_respected"],
        by: |promises| lease_by_time(promises) && is_exclusive(promises),
    },
    Mistake {
        id: "forgets-the-dead",
        about: "what a consumer had that never answered is not handed out again",
        breaks: &["lease_respected", "no_loss", "drains"],
        by: is_exclusive,
    },
    Mistake {
        id: "acknowledges-in-memory",
        about: "the broker confirms an acknowledgement that it has not written down",
        breaks: &["acknowledged_stays_gone"],
        by: is_final,
    },
    Mistake {
        id: "counts-in-memory",
        about: "delivery counts begin anew with the broker",
        breaks: &["delivery_count"],
        by: |promises| promises.queue().is_some_and(|queue| queue.counts == Counts::Exact),
    },
    Mistake {
        id: "goes-on-for-ever",
        about: "a message is handed out however often it was",
        breaks: &["delivery_count"],
        by: |promises| promises.dead_letters != DeadLetters::None,
    },
    Mistake {
        id: "ignores-groups",
        about: "the next of a group is handed out while the one before it is out, or waits",
        breaks: &["group_order"],
        by: |promises| promises.order != Order::None,
    },
    Mistake {
        id: "forgets-ids",
        about: "deduplication ids are kept in memory alone",
        breaks: &["deduplicated"],
        by: |promises| promises.deduplication != Deduplication::None,
    },
    Mistake {
        id: "drops-what-is-given-back",
        about: "a message that a consumer gives back is gone",
        breaks: &["no_loss"],
        by: keeps,
    },
    Mistake {
        id: "starves-what-is-given-back",
        about: "a message that a consumer gives back is handed out when nothing else waits",
        breaks: &["fair"],
        by: |promises| keeps(promises) && promises.order == Order::None,
    },
    Mistake {
        id: "pushes-back",
        about: "what was popped goes back to the list when its consumer's connection ends",
        breaks: &["acknowledged_stays_gone"],
        by: |promises| !keeps(promises),
    },
    Mistake {
        id: "effect-before-the-end",
        about: "an effect takes place when a job is handed in, whether that ends it or not",
        breaks: &["idempotency"],
        by: |promises| promises.delivery == Delivery::EffectivelyOnce,
    },
    Mistake {
        id: "expires-early",
        about: "messages expire after a tenth of their time to live",
        breaks: &["no_loss"],
        by: |promises| promises.queue().is_some_and(|queue| queue.time_to_live.is_some()),
    },
    Mistake {
        id: "loses-a-subscription",
        about: "now and then a message reaches the first subscription only",
        breaks: &["no_loss"],
        by: |promises| promises.groups == squall::system::Groups::Every,
    },
];

impl Kind {
    /// The mistakes that it can be told to make.
    pub fn mistakes(&self) -> Vec<Defect> {
        let promises = (self.promises)();
        let mine = MISTAKES.iter().filter(|mistake| (mistake.by)(&promises));
        mine.map(|mistake| Defect {
            id: mistake.id,
            about: mistake.about,
            breaks: mistake.breaks.to_vec(),
        })
        .collect()
    }

    /// How long a lease lasts, if it ends by time.
    pub fn lease(&self) -> Option<Duration> {
        match (self.promises)().queue()?.lease {
            Lease::Timeout(lasts) => Some(lasts),
            Lease::Connection | Lease::None => None,
        }
    }

    /// What is handed out is gone.
    pub fn pops(&self) -> bool {
        (self.promises)().delivery == Delivery::AtMostOnce
    }
}
