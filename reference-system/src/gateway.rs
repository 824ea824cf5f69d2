//! The payment gateway: a dependency, which in life would belong to somebody else.
//!
//! It charges an order's customer once however often it is asked with one key, and keeps its ledger on disk.

use crate::{
    Error,
    calls::{self, Call},
    domain::is_declined,
    journal::{self, Care, Journal},
    metrics::Metrics,
    wire::{
        Checksums,
        gateway::{GatewayReply, GatewayRequest, Payment},
    },
};
use serde::{Deserialize, Serialize};
use squall_probe::{
    EventId, SagaChange, What, name, net::TcpListener, record, record_unless_recorded,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
use tokio::sync::mpsc::Receiver;

/// How a gateway is set up.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Where it listens: `0.0.0.0:9200`.
    pub listen: String,
    /// Where its files are.
    pub data: PathBuf,
    /// What it decides.
    pub policy: GatewayPolicy,
    /// What it counts.
    pub metrics: Metrics,
}

/// What the gateway decides. By default it decides well.
#[derive(Clone, Copy, Debug)]
pub struct GatewayPolicy {
    pub(crate) care: Care,
    pub(crate) checksums: Checksums,
    /// What becomes of the keys that are found on disk after a restart.
    pub(crate) recovered: fn(Keys) -> Keys,
}

impl Default for GatewayPolicy {
    fn default() -> Self {
        Self { care: Care::default(), checksums: Checksums::Verified, recovered: |keys| keys }
    }
}

/// A movement of money, as the journal holds it.
#[derive(Debug, Serialize, Deserialize)]
enum Movement {
    Charged(Payment),
    Refunded(Payment),
}

impl Movement {
    /// What is to be recorded of it once it is durable.
    fn told(&self) -> What {
        let (payment, change) = match self {
            Self::Charged(payment) => (payment, SagaChange::Done),
            Self::Refunded(payment) => (payment, SagaChange::Undone),
        };
        What::Saga { saga: EventId(payment.order), step: name("charge"), change }
    }
}

/// The idempotency keys of what was done.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    charged: BTreeSet<u64>,
    refunded: BTreeSet<u64>,
}

#[derive(Debug)]
struct Gateway {
    journal: Journal,
    keys: Keys,
    /// Charged and not given back.
    cents: u64,
    /// Payments charged and not given back.
    orders: u64,
    /// What was done since the last sync, as the journal will hold it.
    buffer: Vec<u8>,
}

/// The number of requests that may wait; once they do, callers wait to be heard.
const QUEUE: usize = 256;

/// Runs the gateway until it fails or is asked to stop.
///
/// # Errors
/// It cannot listen, its disk failed, or its journal is damaged.
pub async fn run(config: GatewayConfig) -> Result<(), Error> {
    let listener = TcpListener::bind(&config.listen).await?;
    let mut gateway = Gateway::open(&config.data, config.policy)?;
    let mut queue = calls::take(listener, QUEUE, config.policy.checksums);
    tokio::select! {
        biased;
        result = serve(&mut gateway, &mut queue, &config.metrics) => result,
        () = squall_probe::stop_asked() => Ok(()),
    }
}

async fn serve(
    gateway: &mut Gateway,
    queue: &mut Receiver<Call<GatewayRequest>>,
    metrics: &Metrics,
) -> Result<(), Error> {
    while let Some(call) = queue.recv().await {
        let (request, caller) = call.apart();
        let kind = if request == GatewayRequest::Describe { "describe" } else { "charge_ack" };
        let mut landed = Vec::new();
        let body = gateway.handle(request, &mut landed)?;
        gateway.sync()?;
        metrics.handled(landed.len());
        for what in landed {
            record(what);
        }
        caller.answer(kind, body);
    }
    Err("the gateway's inputs are closed".into())
}

impl Gateway {
    fn open(directory: &Path, policy: GatewayPolicy) -> Result<Self, Error> {
        let (journal, records) = Journal::open(directory, "payments", &policy.care)?;
        let mut gateway =
            Self { journal, keys: Keys::default(), cents: 0, orders: 0, buffer: Vec::new() };
        for (bytes, index) in records.into_iter().zip(0..) {
            let movement: Movement = postcard::from_bytes(&bytes)?;
            if index >= gateway.journal.marked() {
                // The power failed when it was on disk and nobody had been told.
                record(movement.told());
            } else {
                // Somebody was told, unless the process ended just then.
                record_unless_recorded(movement.told());
            }
            gateway.apply(&movement);
        }
        gateway.keys = (policy.recovered)(gateway.keys);
        Ok(gateway)
    }

    fn apply(&mut self, movement: &Movement) {
        match movement {
            Movement::Charged(payment) => {
                self.keys.charged.insert(payment.key);
                self.cents += payment.cents;
                self.orders += 1;
            }
            Movement::Refunded(payment) => {
                self.keys.refunded.insert(payment.key);
                // Whoever asks for more than was charged is not the gateway's mistake.
                self.cents = self.cents.saturating_sub(payment.cents);
                self.orders = self.orders.saturating_sub(1);
            }
        }
    }

    fn write(&mut self, movement: &Movement) -> Result<(), Error> {
        journal::frame(&mut self.buffer, &postcard::to_stdvec(movement)?);
        self.apply(movement);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.journal.append(&self.buffer)?;
        self.buffer.clear();
        Ok(self.journal.sync()?)
    }

    fn handle(
        &mut self,
        request: GatewayRequest,
        landed: &mut Vec<What>,
    ) -> Result<GatewayReply, Error> {
        match request {
            GatewayRequest::Charge(payments) => {
                let mut charged = Vec::with_capacity(payments.len());
                for payment in payments {
                    let accepted = !is_declined(payment.order);
                    if accepted && !self.keys.charged.contains(&payment.key) {
                        let movement = Movement::Charged(payment);
                        landed.push(movement.told());
                        self.write(&movement)?;
                    }
                    charged.push(accepted);
                }
                Ok(GatewayReply::Charged(charged))
            }
            GatewayRequest::Refund(payments) => {
                for payment in payments {
                    if !self.keys.refunded.contains(&payment.key) {
                        let movement = Movement::Refunded(payment);
                        landed.push(movement.told());
                        self.write(&movement)?;
                    }
                }
                Ok(GatewayReply::Refunded)
            }
            GatewayRequest::Describe => {
                Ok(GatewayReply::Described { cents: self.cents, orders: self.orders })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_charged_once_and_refunded_once_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let payment = |key| Payment { key, order: key, cents: 500 };
        for _ in 0..2 {
            let mut gateway = Gateway::open(folder.path(), GatewayPolicy::default()).unwrap();
            for _ in 0..2 {
                let charge = GatewayRequest::Charge(vec![payment(1), payment(3), payment(4)]);
                let reply = gateway.handle(charge, &mut Vec::new()).unwrap();
                assert_eq!(reply, GatewayReply::Charged(vec![true, false, true]));
                let refund = GatewayRequest::Refund(vec![payment(4)]);
                gateway.handle(refund, &mut Vec::new()).unwrap();
                gateway.sync().unwrap();
            }
            let described = gateway.handle(GatewayRequest::Describe, &mut Vec::new()).unwrap();
            assert_eq!(described, GatewayReply::Described { cents: 500, orders: 1 });
        }
    }
}
