//! Publishing: batches, sequence numbers, retries until the outcome is known.

pub(crate) mod batch;
pub(crate) mod policy;
mod sender;

pub use batch::Outcome;
pub use policy::ProducerPolicy;

use crate::{
    domain::{Flaw, MAX_PAYLOAD, Message, Order},
    metrics::Metrics,
    wire::EventData,
};
use batch::{BUFFER, Queued};
use squall_probe::{EventId, What, record, reserve, time::timeout};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};

/// How a producer is set up.
#[derive(Clone, Debug)]
pub struct ProducerConfig {
    /// Its name, unique among producers.
    pub name: String,
    /// All brokers' addresses, in the order of their numbers.
    pub brokers: Vec<String>,
    /// A caller is told that the outcome is open after this. The producer goes on asking.
    pub delivery_timeout: Duration,
    /// What it decides.
    pub policy: ProducerPolicy,
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

/// A producer. Dropping it gives up what is not published yet.
#[derive(Debug)]
pub struct Producer {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    /// Who waits for room keeps those behind it waiting: events are queued in the order in which they were published.
    turn: Mutex<()>,
    delivery_timeout: Duration,
    policy: ProducerPolicy,
}

impl Producer {
    /// Starts a producer: a new one each time, as far as brokers are concerned.
    #[must_use]
    pub fn start(config: ProducerConfig) -> Self {
        let ProducerConfig { name, brokers, delivery_timeout, policy, metrics } = config;
        let (queue, queued) = mpsc::channel(policy.queue);
        let room = Arc::new(Semaphore::new(policy.buffer));
        let turn = Mutex::new(());
        squall_probe::task::spawn(sender::send(name, brokers, policy, metrics, queued));
        Self { queue, room, turn, delivery_timeout, policy }
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
        let bytes = u32::try_from(bytes).expect("the buffer's size fits");
        let turn = self.turn.lock().await;
        let Ok(_room) = self.room.clone().acquire_many_owned(bytes).await else {
            return Outcome::Fail("the producer has ended".to_owned());
        };
        let _memory = reserve(payload.len());
        let event = EventData { id: order.id, key: order.key, payload };
        record(What::Content { event: EventId(order.id), content: event.content() });
        let (done, mut outcome) = oneshot::channel();
        if self.queue.send(Queued { event, done, _room, _memory }).await.is_err() {
            return Outcome::Fail("the producer has ended".to_owned());
        }
        drop(turn);
        let gone = |_| Outcome::Info("the producer has ended".to_owned());
        match timeout(self.delivery_timeout, &mut outcome).await {
            Ok(outcome) => outcome.unwrap_or_else(gone),
            Err(_) => match (self.policy.overdue)() {
                Some(outcome) => outcome,
                None => {
                    early(format!("no answer within {:?}", self.delivery_timeout));
                    outcome.await.unwrap_or_else(gone)
                }
            },
        }
    }
}
