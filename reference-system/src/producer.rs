//! Publishing: batches, sequence numbers, retries until the outcome is known.

use crate::{
    broker::PARTITIONS,
    client::Brokers,
    defects::Defects,
    domain::{Flaw, MAX_PAYLOAD, Message, Order},
    metrics::Metrics,
    retry::Backoff,
    wire::{Batch, BrokerReply, BrokerRequest, EventData},
};
use rand::RngExt as _;
use squall_probe::{EventId, Reserved, What, point, record, reserve, signal};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::timeout,
};

/// How long a broker may take to answer one request.
const REQUEST: Duration = Duration::from_millis(500);

/// Events in one request.
const BATCH: usize = 128;

/// Events that may wait to be sent; more than that, and publishers wait.
const QUEUE: usize = 1024;

/// Bytes of payload that a producer holds, waiting or under way; more than that, and publishers wait (Kafka's
/// `buffer.memory`).
const BUFFER: usize = 256 << 10;

/// Known mistakes: attempts at a batch.
const ATTEMPTS: u32 = 8;

/// What comes of a batch whose attempts are spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Persistence {
    /// They never are: it is asked for until the outcome is known.
    UntilKnown,
    /// A known mistake: the batch is given up.
    GivesUp,
    /// A known mistake: the producer does nothing any more.
    Wedges,
}

impl Persistence {
    fn of(defects: &Defects) -> Self {
        if defects.gives_up_batch {
            Self::GivesUp
        } else if defects.wedged_after_outage {
            Self::Wedges
        } else {
            Self::UntilKnown
        }
    }
}

/// How a producer is set up.
#[derive(Clone, Debug)]
pub struct ProducerConfig {
    /// Its name.
    pub name: String,
    /// All brokers' addresses, in the order of their numbers.
    pub brokers: Vec<String>,
    /// A caller is told that the outcome is open after this. The producer goes on asking.
    pub delivery_timeout: Duration,
    /// Mistakes switched on.
    pub defects: Defects,
    /// What it counts.
    pub metrics: Metrics,
}

/// An order to be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// The event's identity.
    pub id: u64,
    /// The key by which order is kept.
    pub key: u32,
    /// The payload's size, in bytes.
    pub size: u32,
    /// What is wrong with it, if no service can act on it.
    pub flaw: Option<Flaw>,
}

/// How a publish ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is safe; where it stands, if the broker said so.
    Ok(Option<(u32, u64)>),
    /// It was not and never will be appended.
    Fail(String),
    /// Nobody knows.
    Info(String),
}

struct Queued {
    event: EventData,
    done: oneshot::Sender<Outcome>,
    /// Its part of the buffer, until it is settled.
    _room: OwnedSemaphorePermit,
    _memory: Reserved,
}

/// A producer. Dropping it gives up what is not published yet.
#[derive(Debug)]
pub struct Producer {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    delivery_timeout: Duration,
    timeout_is_failure: bool,
}

impl Producer {
    /// Starts a producer: a new one each time, as far as brokers are concerned.
    #[must_use]
    pub fn start(config: ProducerConfig) -> Self {
        let bounds = if config.defects.unbounded_producer_queue {
            (Semaphore::MAX_PERMITS, Semaphore::MAX_PERMITS)
        } else {
            (QUEUE, BUFFER)
        };
        let (queue, queued) = mpsc::channel(bounds.0);
        let room = Arc::new(Semaphore::new(bounds.1));
        let delivery_timeout = config.delivery_timeout;
        let timeout_is_failure = config.defects.timeout_is_failure;
        squall_probe::task::spawn(send(config, queued));
        Self { queue, room, delivery_timeout, timeout_is_failure }
    }

    /// Publishes an order. `early` is told, once, when the outcome is still open after the delivery
    /// timeout; the future goes on until it is known.
    pub async fn publish(&self, order: NewOrder, early: impl FnOnce(String)) -> Outcome {
        let size = order.size as usize;
        let payload = match order.flaw {
            Some(flaw) => flaw.payload(order.id, order.key, size),
            None => Message::placed(Order::placed(order.id, order.key, size)).encode(),
        };
        // A broker would refuse it, and all that is sent with it.
        if payload.len() > MAX_PAYLOAD {
            return Outcome::Fail(format!("a payload is larger than {MAX_PAYLOAD} bytes"));
        }
        // One that is larger than the buffer has it to itself.
        let bytes = payload.len().min(BUFFER);
        let room = self.room.clone().acquire_many_owned(u32::try_from(bytes).unwrap_or(u32::MAX));
        let Ok(_room) = room.await else {
            return Outcome::Fail("the producer has ended".to_owned());
        };
        let _memory = reserve(payload.len());
        let event = EventData { id: order.id, key: order.key, payload };
        record(What::Content { event: EventId(order.id), content: event.content() });
        let (done, mut outcome) = oneshot::channel();
        if self.queue.send(Queued { event, done, _room, _memory }).await.is_err() {
            return Outcome::Fail("the producer has ended".to_owned());
        }
        let gone = |_| Outcome::Info("the producer has ended".to_owned());
        match timeout(self.delivery_timeout, &mut outcome).await {
            Ok(outcome) => outcome.unwrap_or_else(gone),
            Err(_) if self.timeout_is_failure => Outcome::Fail("no answer in time".to_owned()),
            Err(_) => {
                early(format!("no answer within {:?}", self.delivery_timeout));
                outcome.await.unwrap_or_else(gone)
            }
        }
    }
}

/// One request at a time: so events of a partition arrive in the order in which they were published.
async fn send(config: ProducerConfig, mut queued: mpsc::Receiver<Queued>) {
    let mut rng = squall_probe::rng("producer");
    let mut producer = identity(&config.name, &mut rng);
    let first = rng.random_range(0..64);
    let mut brokers = Brokers::new("producer", &config.brokers, first, &config.defects);
    let mut next: BTreeMap<u32, u64> = BTreeMap::new();
    let mut backoff =
        Backoff::new(Duration::from_millis(25), Duration::from_millis(400), "producer retry");
    let persistence = Persistence::of(&config.defects);
    let mut turn = Vec::new();
    while queued.recv_many(&mut turn, BATCH).await > 0 {
        let mut batches = batches_of(&turn, &mut next);
        let mut attempts = 0;
        let positions = loop {
            attempts += 1;
            if attempts > ATTEMPTS && persistence != Persistence::UntilKnown {
                break Err(Refusal::GivenUp);
            }
            point("producer.sending").await;
            let request =
                BrokerRequest::Publish { producer: producer.clone(), batches: batches.clone() };
            match brokers.ask("publish", request, REQUEST).await {
                Ok(BrokerReply::Published(positions)) => break Ok(positions),
                Ok(BrokerReply::Refused(reason)) => break Err(Refusal::Refused(reason)),
                Ok(_) | Err(_) => {}
            }
            signal("retried");
            config.metrics.retried();
            if config.defects.producer_retries_blindly {
                // Nothing that a broker could recognise the retry by.
                producer = identity(&config.name, &mut rng);
                next.clear();
                batches = batches_of(&turn, &mut next);
            }
            backoff.wait().await;
        };
        backoff.reset();
        if persistence == Persistence::Wedges && positions == Err(Refusal::GivenUp) {
            std::future::pending::<()>().await;
        }
        match &positions {
            Ok(_) => config.metrics.handled(turn.len()),
            Err(_) => config.metrics.failed(),
        }
        settle(std::mem::take(&mut turn), &batches, positions);
    }
}

/// Why a batch was not published.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Refusal {
    /// The broker will never take it.
    Refused(String),
    /// Nobody knows whether it was.
    GivenUp,
}

/// Sequence numbers count within one life of a producer: a restarted one is a new one.
fn identity(name: &str, rng: &mut squall_probe::Rng) -> String {
    let life: u64 = rng.random();
    format!("{name}#{life:016x}")
}

/// Groups events by partition and gives them the next sequence numbers.
fn batches_of(turn: &[Queued], next: &mut BTreeMap<u32, u64>) -> Vec<Batch> {
    let mut batches: BTreeMap<u32, Vec<EventData>> = BTreeMap::new();
    for queued in turn {
        let partition = queued.event.key % PARTITIONS;
        batches.entry(partition).or_default().push(queued.event.clone());
    }
    batches
        .into_iter()
        .map(|(partition, events)| {
            let next = next.entry(partition).or_default();
            let first_sequence = *next;
            *next += events.len() as u64;
            Batch { partition, first_sequence, events }
        })
        .collect()
}

/// Tells every caller. Positions come in the order of the batches.
fn settle(turn: Vec<Queued>, batches: &[Batch], positions: Result<Vec<(u32, u64)>, Refusal>) {
    let events = batches.iter().flat_map(|batch| &batch.events).map(|event| event.id);
    let known: BTreeMap<u64, (u32, u64)> = match &positions {
        Ok(positions) => events.zip(positions.iter().copied()).collect(),
        Err(_) => BTreeMap::new(),
    };
    for Queued { event, done, .. } in turn {
        let outcome = match &positions {
            Ok(_) => Outcome::Ok(known.get(&event.id).copied()),
            Err(Refusal::Refused(reason)) => Outcome::Fail(reason.clone()),
            Err(Refusal::GivenUp) => Outcome::Info("given up".to_owned()),
        };
        // A caller that is gone does not mind.
        let _ = done.send(outcome);
    }
}
