//! What a system promises, in the words of its field. Only what is promised is judged.

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

/// What events are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// A log: events stand at offsets of partitions, stay there, and can be read again (Kafka).
    Log,
    /// A queue: consumers compete for messages, have each leased while they handle it, and acknowledge it, by which it
    /// is gone (SQS, RabbitMQ).
    Queue(Queue),
}

/// What a queue promises of a single message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// When a lease ends that nobody extends or gives back.
    pub lease: Lease,
    /// How far a lease, a deduplication window or a time to live may be from what was said, because clocks and timers
    /// are. Judged in virtual time, whatever the nodes' clocks say.
    pub tolerance: Duration,
    /// A message whose publish was acknowledged is in the queue until somebody has it, also when its nodes lose power.
    pub durable: bool,
    /// A message has at most one live lease, and does not come again before it ended.
    pub exclusive: bool,
    /// What was acknowledged, and confirmed, never comes again. Queues whose acknowledgements are best effort (SQS
    /// standard) do not promise that.
    pub final_acknowledgements: bool,
    /// What the delivery count of a message is worth.
    pub counts: Counts,
    /// How long a message waits at most before it expires, if it does.
    pub time_to_live: Option<Duration>,
    /// It makes room when it is full, by removing messages that nobody has handled.
    pub overflows: bool,
}

/// When the lease of a message ends that nobody extends or gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// After a time (SQS: visibility timeout; Pub/Sub: acknowledgement deadline; JetStream: ack wait).
    Timeout(Duration),
    /// With the connection of its consumer (RabbitMQ).
    Connection,
    /// There is none: what is handed out is gone (a pop from a Redis list, RabbitMQ's automatic acknowledgement).
    None,
}

/// What the delivery count of a message is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// There is none.
    None,
    /// It is near the number of deliveries, and limits hold by it.
    Approximate,
    /// It is the number of deliveries.
    Exact,
}

/// How often an event is handed to the consumers of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Once or never: nothing is handed out twice, and what is handed out is not kept.
    AtMostOnce,
    /// Until it is done, and then perhaps again.
    AtLeastOnce,
    /// As that, and whatever comes again takes no effect again (exactly-once, as it is sold).
    EffectivelyOnce,
}

/// Which events keep an order. In a queue, that of its message groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// None do.
    None,
    /// Those of one producer and key; in a queue, those of one message group.
    PerKey,
    /// Those of one producer in one partition; in a queue, those of one message group.
    PerPartition,
    /// All of one producer, which stand in one partition; in a queue, all.
    Total,
}

/// Who must be done with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// There are no groups with a place of their own: readers read what they like. In a queue: as `One`.
    None,
    /// One of the groups: each event goes to one.
    One,
    /// Every group.
    Every,
}

/// How long repetitions of a publish are recognized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deduplication {
    /// They are not: a publish that is repeated may be stored twice.
    None,
    /// For this long after the first, by an id that the producer gives (SQS: 5 minutes).
    Window(Duration),
    /// For ever.
    Always,
}

/// When something is dead-lettered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetters {
    /// Never: there is no dead-letter queue.
    None,
    /// Poison is, and what cannot be handled in time; nothing else.
    Poison,
    /// In a queue: what was delivered this often and not acknowledged.
    After(u32),
}

/// What a system promises, in the words of its field. Each promise is judged, and nothing that is not promised. The default
/// is a replicated log with an order for each key, consumer groups, and effects that happen once.
#[derive(Clone, Debug, PartialEq)]
pub struct Promises {
    /// A log, or a queue.
    pub storage: Storage,
    /// How often an event is handed out, and takes effect.
    pub delivery: Delivery,
    /// Which events keep an order.
    pub order: Order,
    /// All events of a producer's key stand in one partition, so that they have an order.
    pub key_has_one_partition: bool,
    /// Who must be done with an event.
    pub groups: Groups,
    /// Several nodes hold copies, which agree.
    pub replicas: bool,
    /// Nodes lead, one in each term.
    pub leader_terms: bool,
    /// A publish that is repeated is stored once.
    pub deduplication: Deduplication,
    /// What is dead-lettered, and when.
    pub dead_letters: DeadLetters,
    /// Several events can be published in one transaction, and consumers see all of it or nothing, once it is committed
    /// (Kafka: `transactional.id`, and consumers with `read_committed`).
    pub transactions: bool,
    /// Transactions over several services: the steps of a saga. All are done, or those that were done are undone.
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

impl Default for Promises {
    fn default() -> Self {
        Self {
            storage: Storage::Log,
            delivery: Delivery::EffectivelyOnce,
            order: Order::PerKey,
            key_has_one_partition: false,
            groups: Groups::Every,
            replicas: true,
            leader_terms: true,
            deduplication: Deduplication::Always,
            dead_letters: DeadLetters::None,
            transactions: false,
            saga: Vec::new(),
            retries: Vec::new(),
            breakers: Vec::new(),
            buffers: Vec::new(),
            memory: Vec::new(),
            rotation: None,
        }
    }
}

impl Promises {
    /// What the queue promises; `None` of a log.
    #[must_use]
    pub fn queue(&self) -> Option<&Queue> {
        match &self.storage {
            Storage::Log => None,
            Storage::Queue(queue) => Some(queue),
        }
    }

    pub(crate) fn is_log(&self) -> bool {
        self.storage == Storage::Log
    }

    /// It is a queue from which nothing may vanish.
    pub(crate) fn keeps_messages(&self) -> bool {
        self.queue().is_some_and(|queue| queue.durable)
    }
}
