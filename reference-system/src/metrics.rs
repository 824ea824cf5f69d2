//! What a node counts, in OpenMetrics' text form, and over HTTP where it runs for real.
//!
//! prometheus-client keeps the numbers and writes the text (the official library; the `metrics` crates keep them
//! in one registry a process, and a simulation has many nodes in one); hyper serves it. In a simulation nobody scrapes
//! over the network: each number is told to `squall_probe` as well, so that rules for alerts can be tried on a run.

use crate::Error;
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode, body::Bytes, header, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use squall_probe::BreakerState;
use std::{convert::Infallible, sync::Arc};

/// What OpenMetrics text is called.
const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What nodes count, and what it means; a counter's name ends with `_total` where it is written.
pub const METRICS: &[(&str, &str)] = &[
    (EVENTS, "Events handled by this node"),
    (FAILURES, "Requests and calls that failed"),
    (RETRIES, "Requests that were repeated"),
    (BREAKER_STATE, "The breaker before the gateway: 0 closed, 1 half open, 2 open"),
    (LEADING, "Whether this broker leads"),
    (LAG, "Events that a group has before it: of a broker, all that the group has not committed"),
    (DEAD_LETTERS, "Events in a dead-letter queue"),
];

const EVENTS: &str = "orders_events";
const FAILURES: &str = "orders_failures";
const RETRIES: &str = "orders_retries";
const BREAKER_STATE: &str = "orders_breaker_state";
const LEADING: &str = "orders_leading";
const LAG: &str = "orders_lag";
const DEAD_LETTERS: &str = "orders_dead_letters";

/// Names the consumer group that a number is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupLabel {
    group: String,
}

/// A node's numbers, also where it is simulated. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    handled: Counter,
    failed: Counter,
    retries: Counter,
    breaker: Gauge,
    leading: Gauge,
    lag: Family<GroupLabel, Gauge>,
    dead: Family<GroupLabel, Gauge>,
}

fn label(name: &str) -> GroupLabel {
    GroupLabel { group: name.to_owned() }
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self(Arc::default());
        // All that has no labels is there from the start.
        metrics.handled(0);
        squall_probe::counter(FAILURES, &[], 0);
        squall_probe::counter(RETRIES, &[], 0);
        metrics.breaker(BreakerState::Closed);
        metrics.leading(false);
        metrics
    }
}

impl Metrics {
    /// This number of events was appended, applied, stored, paid for or published here.
    pub fn handled(&self, events: usize) {
        count(&self.0.handled, EVENTS, events as u64);
    }

    /// A request or a call failed here.
    pub fn failed(&self) {
        count(&self.0.failed, FAILURES, 1);
    }

    /// Something was tried again.
    pub fn retried(&self) {
        count(&self.0.retries, RETRIES, 1);
    }

    /// The breaker before the gateway is in this state.
    pub fn breaker(&self, state: BreakerState) {
        let state = match state {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        };
        set(&self.0.breaker, BREAKER_STATE, &[], state);
    }

    /// Whether this broker leads.
    pub fn leading(&self, leads: bool) {
        set(&self.0.leading, LEADING, &[], u64::from(leads));
    }

    /// A group has this number of events before it, as far as this node knows.
    pub fn lag(&self, name: &str, events: u64) {
        set(&self.0.lag.get_or_create(&label(name)), LAG, &[("group", name)], events);
    }

    /// A group has this number of dead letters.
    pub fn dead_letters(&self, name: &str, events: usize) {
        let dead = self.0.dead.get_or_create(&label(name));
        set(&dead, DEAD_LETTERS, &[("group", name)], events as u64);
    }

    /// All numbers as OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let numbers = &self.0;
        let mut registry = Registry::default();
        let help = |metric| METRICS.iter().find(|(name, _)| *name == metric).map_or("", |m| m.1);
        registry.register(EVENTS, help(EVENTS), numbers.handled.clone());
        registry.register(FAILURES, help(FAILURES), numbers.failed.clone());
        registry.register(RETRIES, help(RETRIES), numbers.retries.clone());
        registry.register(BREAKER_STATE, help(BREAKER_STATE), numbers.breaker.clone());
        registry.register(LEADING, help(LEADING), numbers.leading.clone());
        registry.register(LAG, help(LAG), numbers.lag.clone());
        registry.register(DEAD_LETTERS, help(DEAD_LETTERS), numbers.dead.clone());
        let mut text = String::new();
        // Into a String it has no way to fail.
        let _ = encode(&mut text, &registry);
        text
    }

    /// Serves the numbers at `http://ADDRESS/metrics`, for ever. For real processes only: in a simulation
    /// nobody asks.
    ///
    /// # Errors
    /// It cannot listen.
    pub async fn serve(self, address: &str) -> Result<(), Error> {
        let listener = tokio::net::TcpListener::bind(address).await?;
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                squall_probe::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            let metrics = self.clone();
            tokio::spawn(async move {
                let answer = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let metrics = metrics.clone();
                    async move { Ok::<_, Infallible>(metrics.answer(request.uri().path())) }
                });
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    }

    fn answer(&self, path: &str) -> Response<Full<Bytes>> {
        if path != "/metrics" {
            let mut missing = Response::new(Full::new(Bytes::from_static(b"see /metrics\n")));
            *missing.status_mut() = StatusCode::NOT_FOUND;
            return missing;
        }
        let mut response = Response::new(Full::new(Bytes::from(self.text())));
        let content = header::HeaderValue::from_static(CONTENT);
        response.headers_mut().insert(header::CONTENT_TYPE, content);
        response
    }
}

fn count(counter: &Counter, name: &'static str, by: u64) {
    counter.inc_by(by);
    squall_probe::counter(name, &[], by);
}

fn set(gauge: &Gauge, name: &'static str, labels: &[(&'static str, &str)], value: u64) {
    gauge.set(i64::try_from(value).expect("no node counts that far"));
    squall_probe::gauge(name, labels, value as f64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_told_as_openmetrics() {
        let metrics = Metrics::default();
        metrics.handled(3);
        metrics.retried();
        metrics.breaker(BreakerState::Open);
        metrics.lag("payment", 7);
        metrics.dead_letters("payment", 2);
        let text = metrics.text();
        for line in [
            "orders_events_total 3",
            "orders_retries_total 1",
            "orders_breaker_state 2",
            "orders_lag{group=\"payment\"} 7",
            "orders_dead_letters{group=\"payment\"} 2",
            "# EOF",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}: {text}");
        }
    }
}
