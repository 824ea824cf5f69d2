//! Events that wait to be published, and the sequence numbers that they get.

use crate::wire::{
    broker::BrokerRequest,
    events::{Batch, EventData, PARTITIONS, Place},
};
use rand::RngExt as _;
use squall_probe::{Reserved, Rng};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// The number of events that may wait to be sent.
pub(super) const QUEUE: usize = 1024;

/// The number of bytes of payload that a producer holds, waiting or under way (Kafka's `buffer.memory`).
pub(super) const BUFFER: usize = 256 << 10;

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

/// An event that waits, and whoever waits for it.
pub(crate) struct Queued {
    pub(super) event: EventData,
    pub(super) done: oneshot::Sender<Outcome>,
    /// Its part of the buffer, until it is settled.
    pub(super) _room: OwnedSemaphorePermit,
    pub(super) _memory: Reserved,
}

/// Why a batch was not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The broker will never take it.
    Refused(String),
    /// Nobody knows whether it was.
    GivenUp,
}

/// Who a producer is for brokers, and its next sequence numbers, by which they recognise repetitions.
pub(crate) struct Numbering {
    name: String,
    pub(super) rng: Rng,
    /// Sequence numbers count within one life of a producer: a restarted one is a new one.
    producer: Arc<str>,
    /// The next number for each partition.
    next: [u64; PARTITIONS as usize],
}

impl Numbering {
    pub(super) fn new(name: &str) -> Self {
        let mut rng = squall_probe::rng("producer");
        let producer = identity(name, &mut rng);
        Self { name: name.to_owned(), rng, producer, next: [0; PARTITIONS as usize] }
    }

    /// The same events from what brokers take for another producer.
    pub(crate) fn renewed(&mut self, turn: &[Queued]) -> BrokerRequest {
        self.start_again();
        self.request(turn)
    }

    /// From here on brokers take it for another producer.
    fn start_again(&mut self) {
        self.producer = identity(&self.name, &mut self.rng);
        self.next = [0; PARTITIONS as usize];
    }

    /// Groups events by partition and gives them the next sequence numbers.
    pub(crate) fn request(&mut self, turn: &[Queued]) -> BrokerRequest {
        let mut events: [Vec<EventData>; PARTITIONS as usize] = Default::default();
        for queued in turn {
            events[(queued.event.key % PARTITIONS) as usize].push(queued.event.clone());
        }
        let mut batches = Vec::with_capacity(events.len());
        for ((events, next), partition) in events.into_iter().zip(&mut self.next).zip(0..) {
            if events.is_empty() {
                continue;
            }
            let first_sequence = *next;
            *next += events.len() as u64;
            batches.push(Batch { partition, first_sequence, events });
        }
        BrokerRequest::Publish { producer: self.producer.clone(), batches }
    }
}

fn identity(name: &str, rng: &mut Rng) -> Arc<str> {
    let life: u64 = rng.random();
    format!("{name}#{life:016x}").into()
}

/// Tells every caller. Positions come in the order of the request: partition by partition.
pub(super) fn settle(mut turn: Vec<Queued>, positions: Result<Vec<Place>, Refusal>) -> Vec<Queued> {
    let positions = positions.map(|positions| {
        let events = (0..PARTITIONS).flat_map(|partition| {
            let of = move |queued: &&Queued| queued.event.key % PARTITIONS == partition;
            turn.iter().filter(of).map(|queued| queued.event.id)
        });
        events.zip(positions).collect::<BTreeMap<u64, Place>>()
    });
    for Queued { event, done, .. } in turn.drain(..) {
        let outcome = match &positions {
            Ok(known) => Outcome::Ok(known.get(&event.id).copied()),
            Err(Refusal::Refused(reason)) => Outcome::Fail(reason.clone()),
            Err(Refusal::GivenUp) => Outcome::Info("given up".to_owned()),
        };
        // A caller that is gone does not mind.
        let _ = done.send(outcome);
    }
    turn
}
