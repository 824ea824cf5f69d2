//! The payment gateway: a dependency, which in life would belong to somebody else.
//!
//! It charges an order's customer once however often it is asked with one key, and keeps its ledger on disk.

use crate::{
    Error,
    calls::{self, Call},
    defects::Defects,
    domain::is_declined,
    journal::{self, Care, Journal},
    metrics::Metrics,
    wire::{GatewayReply, GatewayRequest, Payment},
};
use serde::{Deserialize, Serialize};
use squall_probe::{EventId, SagaChange, What, name, net::TcpListener, record};
use std::{
    collections::{BTreeMap, BTreeSet},
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
    /// Mistakes switched on.
    pub defects: Defects,
    /// What it counts.
    pub metrics: Metrics,
}

#[derive(Debug, Serialize, Deserialize)]
enum Entry {
    Charged(Payment),
    Refunded(Payment),
}

impl Entry {
    /// What is to be recorded of it once it is durable.
    fn told(&self) -> What {
        let (payment, change) = match self {
            Self::Charged(payment) => (payment, SagaChange::Done),
            Self::Refunded(payment) => (payment, SagaChange::Undone),
        };
        What::Saga { saga: EventId(payment.order), step: name("charge"), change }
    }
}

#[derive(Debug)]
struct Gateway {
    journal: Journal,
    /// What was charged, by key.
    charged: BTreeMap<u64, Payment>,
    /// Keys of charges and refunds that were given back.
    refunded: BTreeSet<u64>,
    cents: u64,
    /// Payments charged and not given back.
    orders: u64,
    buffer: Vec<u8>,
    /// A known mistake: answers do not wait for the disk.
    unsynced: bool,
}

/// Runs the gateway until it fails or is asked to stop.
///
/// # Errors
/// It cannot listen, its disk failed, or its journal is damaged.
pub async fn run(config: GatewayConfig) -> Result<(), Error> {
    let listener = TcpListener::bind(&config.listen).await?;
    let mut gateway = Gateway::open(&config.data, &config.defects)?;
    let mut queue = calls::take(listener, 256);
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
        let (request, answerer) = call.apart();
        let kind = if request == GatewayRequest::Describe { "describe" } else { "charge_ack" };
        let mut landed = Vec::new();
        let body = gateway.handle(request, &mut landed)?;
        gateway.sync()?;
        metrics.handled(landed.len());
        for what in landed {
            record(what);
        }
        answerer.answer(kind, body);
    }
    Err("the gateway's inputs are closed".into())
}

impl Gateway {
    fn open(directory: &Path, defects: &Defects) -> Result<Self, Error> {
        let (journal, records) = Journal::open(directory, "payments", &Care::default())?;
        let mut gateway = Self {
            journal,
            charged: BTreeMap::new(),
            refunded: BTreeSet::new(),
            cents: 0,
            orders: 0,
            buffer: Vec::new(),
            unsynced: defects.gateway_answers_unsynced,
        };
        for (bytes, index) in records.into_iter().zip(0..) {
            let entry: Entry = postcard::from_bytes(&bytes)?;
            if index >= gateway.journal.marked() {
                // The power failed when it was on disk and nobody had been told.
                record(entry.told());
            }
            gateway.apply(&entry);
        }
        if defects.gateway_forgets_keys {
            gateway.charged.clear();
            gateway.refunded.clear();
        }
        Ok(gateway)
    }

    fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Charged(payment) => {
                self.charged.insert(payment.key, *payment);
                self.cents += payment.cents;
                self.orders += 1;
            }
            Entry::Refunded(payment) => {
                self.refunded.insert(payment.key);
                self.cents = self.cents.saturating_sub(payment.cents);
                self.orders = self.orders.saturating_sub(1);
            }
        }
    }

    fn write(&mut self, entry: &Entry) -> Result<(), Error> {
        journal::frame(&mut self.buffer, &postcard::to_stdvec(entry)?);
        self.apply(entry);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.journal.append(&self.buffer)?;
        self.buffer.clear();
        if self.unsynced {
            return Ok(());
        }
        Ok(self.journal.sync()?)
    }

    fn handle(
        &mut self,
        request: GatewayRequest,
        landed: &mut Vec<What>,
    ) -> Result<GatewayReply, Error> {
        match request {
            GatewayRequest::Charge(payments) => {
                let mut outcomes = Vec::with_capacity(payments.len());
                for payment in payments {
                    let accepted = !is_declined(payment.order);
                    if accepted && !self.charged.contains_key(&payment.key) {
                        let entry = Entry::Charged(payment);
                        landed.push(entry.told());
                        self.write(&entry)?;
                    }
                    outcomes.push(accepted);
                }
                Ok(GatewayReply::Charged(outcomes))
            }
            GatewayRequest::Refund(payments) => {
                for payment in payments {
                    if !self.refunded.contains(&payment.key) {
                        let entry = Entry::Refunded(payment);
                        landed.push(entry.told());
                        self.write(&entry)?;
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
            let mut gateway = Gateway::open(folder.path(), &Defects::default()).unwrap();
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
