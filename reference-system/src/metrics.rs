//! What a node counts, in OpenMetrics' text form, and over HTTP where it runs for real.
//!
//! prometheus-client keeps the numbers and writes the text (the official library; the `metrics` crates keep them
//! in one registry a process, and a simulation has many nodes in one); hyper serves it.

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

/// Names the consumer group that a number is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupLabel {
    group: String,
}

/// A node's numbers. Clones share them.
#[derive(Clone, Debug, Default)]
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

fn gauge(value: u64) -> i64 {
    i64::try_from(value).expect("no node counts that far")
}

impl Metrics {
    /// This number of events was appended, applied, stored, paid for or published here.
    pub fn handled(&self, events: usize) {
        self.0.handled.inc_by(events as u64);
    }

    /// A request or a call failed here.
    pub fn failed(&self) {
        self.0.failed.inc();
    }

    /// Something was tried again.
    pub fn retried(&self) {
        self.0.retries.inc();
    }

    /// The breaker before the gateway is in this state.
    pub fn breaker(&self, state: BreakerState) {
        self.0.breaker.set(match state {
            BreakerState::Closed => 0,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => 2,
        });
    }

    /// Whether this broker leads.
    pub fn leading(&self, leads: bool) {
        self.0.leading.set(i64::from(leads));
    }

    /// A group has this number of events before it, as far as this node knows.
    pub fn lag(&self, name: &str, events: u64) {
        self.0.lag.get_or_create(&label(name)).set(gauge(events));
    }

    /// A group has this number of dead letters.
    pub fn dead_letters(&self, name: &str, events: usize) {
        self.0.dead.get_or_create(&label(name)).set(gauge(events as u64));
    }

    /// All numbers as OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let numbers = &self.0;
        let mut registry = Registry::with_prefix("orders");
        registry.register("events", "Events handled by this node", numbers.handled.clone());
        registry.register("failures", "Requests and calls that failed", numbers.failed.clone());
        registry.register("retries", "Requests that were repeated", numbers.retries.clone());
        let help = "The breaker before the gateway: 0 closed, 1 half open, 2 open";
        registry.register("breaker_state", help, numbers.breaker.clone());
        registry.register("leading", "Whether this broker leads", numbers.leading.clone());
        registry.register("lag", "Events that a group has before it", numbers.lag.clone());
        registry.register("dead_letters", "Events in a dead-letter queue", numbers.dead.clone());
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
