//! How effects come to be in the store, once each.

use crate::{
    client::rpc::Rpc,
    metrics::Metrics,
    retry::Backoff,
    wire::{
        groups::Claim,
        store::{Item, StoreReply, StoreRequest},
    },
};
use squall_probe::signal;
use std::{fmt::Debug, pin::Pin, time::Duration};

/// How long the store may take to answer.
const STORE: Duration = Duration::from_millis(500);

/// A member must begin anew: join its group, and read again from what is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rejoin;

/// How a member waits before it asks again, whomever it asks.
#[derive(Debug)]
pub(crate) struct Retries {
    pub(super) backoff: Backoff,
    pub(super) metrics: Metrics,
}

impl Retries {
    pub(super) async fn wait(&mut self) {
        signal("retried");
        self.metrics.retried();
        self.backoff.wait().await;
    }

    /// An answer came: the next wait is a short one again.
    pub(super) fn reset(&mut self) {
        self.backoff.reset();
    }
}

/// The store, as a member asks it.
pub(crate) struct StoreClient<'a> {
    pub(super) rpc: &'a mut Rpc,
    pub(super) claim: &'a Claim,
    pub(super) retries: &'a mut Retries,
}

impl StoreClient<'_> {
    pub(crate) fn claim(&self) -> &Claim {
        self.claim
    }

    /// Asks until there is an answer. To be heard twice does no harm: the store knows what was done.
    pub(crate) async fn ask(&mut self, request: StoreRequest) -> Result<StoreReply, Rejoin> {
        loop {
            match self.rpc.ask("store", &request, STORE).await {
                Ok(StoreReply::Fenced) => return Err(Rejoin),
                Ok(reply) => {
                    self.retries.reset();
                    return Ok(reply);
                }
                Err(_) => self.retries.wait().await,
            }
        }
    }

    /// Makes sure that nobody who owned these partitions before still acts. Asks once.
    pub(super) async fn fence(&mut self, partitions: Vec<u32>) -> bool {
        let request = StoreRequest::Fence { claim: self.claim.clone(), partitions };
        matches!(self.rpc.ask("store", &request, STORE).await, Ok(StoreReply::Done))
    }

    /// Which of these events are done.
    pub(crate) async fn seen(&mut self, events: Vec<u64>) -> Result<Vec<bool>, Rejoin> {
        let request = StoreRequest::Seen { group: self.claim.group.clone(), events };
        match self.ask(request).await? {
            StoreReply::Seen(seen) => Ok(seen),
            _ => Err(Rejoin),
        }
    }
}

/// Applies effects: each once, however often its event is delivered.
pub(crate) trait Landing: Debug + Send {
    /// Applies those of `items` that were not applied before. One call a batch.
    fn apply<'a>(
        &'a mut self,
        store: StoreClient<'a>,
        items: Vec<Item>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Rejoin>> + Send + 'a>>;
}

/// The store applies effects and marks them as applied in one transaction.
#[derive(Debug)]
pub(super) struct OneTransaction;

impl Landing for OneTransaction {
    fn apply<'a>(
        &'a mut self,
        mut store: StoreClient<'a>,
        items: Vec<Item>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Rejoin>> + Send + 'a>> {
        Box::pin(async move {
            let claim = store.claim.clone();
            store.ask(StoreRequest::Apply { claim, items }).await.map(|_| ())
        })
    }
}
