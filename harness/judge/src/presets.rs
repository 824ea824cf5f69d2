//! What systems that people know promise: each a value to begin with, from its own documents. Times are theirs; a system
//! that is configured otherwise changes them.

use crate::promises::{
    Counts, DeadLetters, Deduplication, Delivery, Groups, Lease, Order, Promises, Queue, Storage,
};
use std::time::Duration;

/// What a kind of system promises.
pub struct Preset {
    /// As its function: `sqs_fifo`.
    pub name: &'static str,
    /// What it is, and what of its promises is worth knowing, in a few sentences.
    pub about: &'static str,
    /// The documents that it is taken from.
    pub source: &'static str,
    /// The promises.
    pub promises: fn() -> Promises,
}

/// Every preset.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "kafka_like_log",
        about: "A partitioned, replicated log with consumer groups. A record may be handed out again, so effects are \
                judged only where the consumer makes them once (set `delivery` then). The idempotent producer (the \
                default since 3.0) stores a repeated publish once.",
        source: "Apache Kafka documentation, Design: Message Delivery Semantics, Replication; KIP-98",
        promises: kafka_like_log,
    },
    Preset {
        name: "sqs_standard",
        about: "A queue with a visibility timeout of 30 s. At least once: a copy may be handed out twice, also before the \
                timeout and after it was deleted; order is best effort, receive counts are approximate. Dead letters \
                after 10 receives, if there is a redrive policy.",
        source: "Amazon SQS Developer Guide: Standard queues, At-least-once delivery, Visibility timeout, Dead-letter queues",
        promises: sqs_standard,
    },
    Preset {
        name: "sqs_fifo",
        about: "A queue that keeps the order of message groups, tells repetitions by their deduplication id for 5 minutes, \
                and hands out nothing while it is invisible. A message group waits for the messages that are out.",
        source: "Amazon SQS Developer Guide: FIFO queues, Exactly-once processing, Using the message group ID and \
                 deduplication ID, Visibility timeout",
        promises: sqs_fifo,
    },
    Preset {
        name: "rabbitmq_queue",
        about: "A quorum queue with manual acknowledgements: a message is out until it is acknowledged, refused, or the \
                connection of its consumer ends. With several consumers no order of handling. The delivery limit (20 \
                returns since 4.0, so 21 deliveries; since 4.3 those that a consumer asks for do not count, and then \
                `dead_letters` is `Poison`) dead-letters. A repeated publish is stored twice. Consumers are not told that an \
                acknowledgement has arrived: the queue records that.",
        source: "RabbitMQ documentation: Consumer Acknowledgements and Publisher Confirms; Quorum Queues (delivery limit, \
                 poison message handling); Dead Letter Exchanges",
        promises: rabbitmq_queue,
    },
    Preset {
        name: "redis_list",
        about: "A list from which consumers pop: in the order in which it was pushed, and gone with that. At most once: \
                what a consumer had when it died is lost, and with Redis' default persistence also what was pushed in \
                the last second (with `appendfsync always` set `durable`).",
        source: "Redis documentation: LPUSH, BRPOP, Pattern: Reliable queue (which this is not); Redis persistence",
        promises: redis_list,
    },
    Preset {
        name: "redis_stream",
        about: "A consumer group of a stream, judged as a queue: each entry is pending with one consumer until it is \
                acknowledged, and is claimed by another after it was idle for the time that claimers give. Delivery \
                counts are exact (XPENDING). No order among consumers, no deduplication, no dead letters of its own.",
        source: "Redis documentation: Streams (XREADGROUP, XACK, XAUTOCLAIM, XPENDING)",
        promises: redis_stream,
    },
    Preset {
        name: "nats_jetstream",
        about: "A pull consumer of a work-queue stream with explicit acknowledgements: redelivered after AckWait (30 s); \
                Nats-Msg-Id is remembered for 2 minutes; acknowledgements are confirmed (double acknowledgement). MaxDeliver \
                is endless unless set.",
        source: "NATS documentation: JetStream, Consumers (AckWait, MaxDeliver), Model Deep Dive (Message Deduplication, \
                 Exactly Once Semantics)",
        promises: nats_jetstream,
    },
    Preset {
        name: "pub_sub",
        about: "A pull subscription with exactly-once delivery: no redelivery while the acknowledgement deadline runs, nor \
                after an acknowledgement that was confirmed. Each subscription has every message. Dead letters after 5 attempts, if there is a dead-letter topic. A repeated publish is \
                another message. Without exactly-once delivery set `exclusive` and `final_acknowledgements` to false; \
                with ordering keys set `order`.",
        source: "Google Cloud Pub/Sub documentation: Exactly-once delivery, Lease management, Order messages, Dead-letter \
                 topics",
        promises: pub_sub,
    },
    Preset {
        name: "work_queue",
        about: "Jobs in a table or a broker of one's own, which workers claim for a time: one worker at a time, done jobs \
                stay done, attempts are counted, and after 5 a job is put aside.",
        source: "Sidekiq wiki: Reliability, Error Handling; Que and River documentation (jobs in PostgreSQL, FOR UPDATE \
                 SKIP LOCKED)",
        promises: work_queue,
    },
];

const DAYS_4: Duration = Duration::from_secs(4 * 24 * 3600);
const DAYS_7: Duration = Duration::from_secs(7 * 24 * 3600);

/// What most of them promise of a message.
const QUEUE: Queue = Queue {
    lease: Lease::Timeout(Duration::from_secs(30)),
    tolerance: Duration::from_millis(100),
    durable: true,
    exclusive: true,
    final_acknowledgements: true,
    counts: Counts::Exact,
    time_to_live: None,
    overflows: false,
};

/// A queue of which nothing is promised beside what is in `queue`: at least once, no order, one group.
fn of(queue: Queue) -> Promises {
    Promises {
        storage: Storage::Queue(queue),
        delivery: Delivery::AtLeastOnce,
        order: Order::None,
        groups: Groups::One,
        replicas: false,
        leader_terms: false,
        deduplication: Deduplication::None,
        ..Promises::default()
    }
}

/// A partitioned, replicated log with consumer groups, as Kafka's.
#[must_use]
pub fn kafka_like_log() -> Promises {
    Promises {
        delivery: Delivery::AtLeastOnce,
        order: Order::PerPartition,
        key_has_one_partition: true,
        ..Promises::default()
    }
}

/// A standard queue of Amazon SQS.
#[must_use]
pub fn sqs_standard() -> Promises {
    let counts = Counts::Approximate;
    Promises {
        dead_letters: DeadLetters::After(10),
        ..of(Queue {
            exclusive: false,
            final_acknowledgements: false,
            counts,
            time_to_live: Some(DAYS_4),
            ..QUEUE
        })
    }
}

/// A FIFO queue of Amazon SQS.
#[must_use]
pub fn sqs_fifo() -> Promises {
    Promises {
        order: Order::PerKey,
        deduplication: Deduplication::Window(Duration::from_secs(300)),
        dead_letters: DeadLetters::After(10),
        ..of(Queue { time_to_live: Some(DAYS_4), ..QUEUE })
    }
}

/// A quorum queue of RabbitMQ with manual acknowledgements.
#[must_use]
pub fn rabbitmq_queue() -> Promises {
    Promises {
        replicas: true,
        dead_letters: DeadLetters::After(21),
        ..of(Queue { lease: Lease::Connection, ..QUEUE })
    }
}

/// A list of Redis from which consumers pop.
#[must_use]
pub fn redis_list() -> Promises {
    Promises {
        delivery: Delivery::AtMostOnce,
        order: Order::Total,
        ..of(Queue { lease: Lease::None, counts: Counts::None, durable: false, ..QUEUE })
    }
}

/// A consumer group of a Redis stream.
#[must_use]
pub fn redis_stream() -> Promises {
    of(QUEUE)
}

/// A consumer of a work-queue stream of NATS JetStream, with explicit acknowledgements.
#[must_use]
pub fn nats_jetstream() -> Promises {
    Promises {
        replicas: true,
        deduplication: Deduplication::Window(Duration::from_secs(120)),
        ..of(QUEUE)
    }
}

/// A subscription of Google Pub/Sub with exactly-once delivery.
#[must_use]
pub fn pub_sub() -> Promises {
    Promises {
        groups: Groups::Every,
        dead_letters: DeadLetters::After(5),
        ..of(Queue {
            lease: Lease::Timeout(Duration::from_secs(60)),
            counts: Counts::Approximate,
            time_to_live: Some(DAYS_7),
            ..QUEUE
        })
    }
}

/// Jobs that workers claim for a time.
#[must_use]
pub fn work_queue() -> Promises {
    Promises { dead_letters: DeadLetters::After(5), ..of(QUEUE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_preset_is_another_and_is_told_of() {
        for (index, preset) in PRESETS.iter().enumerate() {
            assert!(!preset.about.is_empty() && !preset.source.is_empty(), "{}", preset.name);
            for other in &PRESETS[..index] {
                assert_ne!(preset.name, other.name);
                assert_ne!((preset.promises)(), (other.promises)(), "{}", preset.name);
            }
        }
    }

    #[test]
    fn a_list_may_lose_what_others_keep() {
        let kept: Vec<&str> = PRESETS
            .iter()
            .filter(|preset| (preset.promises)().keeps_messages())
            .map(|p| p.name)
            .collect();
        assert_eq!(
            kept,
            [
                "sqs_standard",
                "sqs_fifo",
                "rabbitmq_queue",
                "redis_stream",
                "nats_jetstream",
                "pub_sub",
                "work_queue"
            ]
        );
    }
}
