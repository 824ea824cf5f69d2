//! The task that sends what waits: one request at a time, so that events of a partition arrive in the order in which
//! they were published.

use super::{
    batch::{Numbering, Queued, Refusal, settle},
    policy::{NextStep, ProducerPolicy},
};
use crate::{
    client::rotation::Brokers, metrics::Metrics, retry::Backoff, wire::broker::BrokerReply,
};
use rand::RngExt as _;
use squall_probe::{point, signal};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a broker may take to answer one request.
const REQUEST: Duration = Duration::from_millis(500);

/// The largest number of events in one request.
const BATCH: usize = 128;

/// And of bytes of payload, as far as whole events allow (Kafka's `max.request.size`): on a slow link each attempt waits
/// behind the one before, and takes its memory.
const BATCH_BYTES: usize = 32 << 10;

/// Sends until nobody can publish any more.
pub(super) async fn send(
    name: String,
    addresses: Vec<String>,
    policy: ProducerPolicy,
    metrics: Metrics,
    mut queued: mpsc::Receiver<Queued>,
) {
    let mut numbering = Numbering::new(&name);
    let first = numbering.rng.random_range(0..64);
    let mut brokers = Brokers::new("producer", &addresses, first, policy.client);
    let mut backoff =
        Backoff::new(Duration::from_millis(25), Duration::from_millis(400), "producer retry");
    let mut turn = Vec::new();
    while let Some(first) = queued.recv().await {
        turn.push(first);
        let mut bytes = 0;
        while turn.len() < BATCH
            && bytes < BATCH_BYTES
            && let Ok(next) = queued.try_recv()
        {
            bytes += next.event.payload.len();
            turn.push(next);
        }
        let mut request = numbering.request(&turn);
        let mut attempts = 0;
        let positions = loop {
            attempts += 1;
            match (policy.attempt)(attempts) {
                NextStep::Send => {}
                NextStep::GiveUp => break Err(Refusal::GivenUp),
                NextStep::Rest => std::future::pending().await,
            }
            point("producer.sending").await;
            match brokers.ask("publish", &request, REQUEST).await {
                Ok(BrokerReply::Published(positions)) => break Ok(positions),
                Ok(BrokerReply::Refused(reason)) => break Err(Refusal::Refused(reason)),
                Ok(BrokerReply::OutOfOrder) => {
                    request = (policy.out_of_sequence)(&mut numbering, &turn).unwrap_or(request);
                }
                Ok(_) | Err(_) => request = (policy.retry)(&mut numbering, &turn, request),
            }
            signal("retried");
            metrics.retried();
            backoff.wait().await;
        };
        backoff.reset();
        match &positions {
            Ok(_) => metrics.handled(turn.len()),
            Err(_) => metrics.failed(),
        }
        turn = settle(turn, positions);
    }
}
