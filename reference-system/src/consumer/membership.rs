//! What a member of a group acts through: brokers, the store, and the gateway.

use super::{
    bank::{Bank, Exhausted},
    delivered::Delivered,
    landing::{Landing, OneTransaction, Rejoin, Retries, StoreClient},
};
use crate::{
    client::{policy::ClientPolicy, rotation::Brokers, rpc::Rpc},
    domain::{Happening, Service},
    metrics::Metrics,
    retry::Backoff,
    wire::{
        EventData,
        broker::{BrokerReply, BrokerRequest},
        events::Place,
        groups::{Claim, Letter, Reason},
        store::Item,
    },
};
use squall_probe::{EventId, What, point, record};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
    time::Duration,
};
use tokio::sync::Mutex;

/// How long a broker may take to answer; a fetch waits at the broker for up to half of it.
pub(super) const REQUEST: Duration = Duration::from_millis(600);

/// The largest number of events in flight: back-pressure begins here.
pub const IN_FLIGHT: u32 = 128;

/// Loyalty points are skipped while more events than this lie ahead: payments may not wait for them.
pub(crate) const DEGRADED: u64 = 200;

/// How often a member that is busy says that it lives.
const BEAT: Duration = Duration::from_millis(400);

/// Attempts at publishing what follows from an event, before the member makes sure that it still owns it.
const EMITS: u32 = 11;

/// A stage in the handling of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It was handed to the member.
    Delivered,
    /// Some of it nobody can understand.
    PoisonFound,
    /// The orchestrator has reserved what was ordered, and not gone on yet.
    Reserved,
    /// All effects have landed, and what could not be handled is in the dead-letter queue.
    Applied,
}

/// What a member decides. By default it decides well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemberPolicy {
    /// The largest number of events in one fetch.
    pub(crate) in_flight: u32,
    /// At which stages a batch's offsets are committed.
    pub(crate) commits_at: fn(Stage) -> bool,
    /// The offset to commit, given the next one to be handled.
    pub(crate) offset_to_commit: fn(u64) -> u64,
    /// How effects come to be in the store.
    pub(crate) landing: fn() -> Box<dyn Landing>,
    /// Whether events that cannot be handled for this reason go to the dead-letter queue.
    pub(crate) gives_up: fn(Reason) -> bool,
    /// Whether this answer says that dead letters are safe.
    pub(crate) is_safe: fn(&io::Result<BrokerReply>) -> bool,
    /// Whether a service skips what it does, given how many events lie ahead.
    pub(crate) skips: fn(Service, u64) -> bool,
}

impl Default for MemberPolicy {
    fn default() -> Self {
        Self {
            in_flight: IN_FLIGHT,
            commits_at: |stage| stage == Stage::Applied,
            offset_to_commit: |next| next,
            landing: || Box::new(OneTransaction),
            gives_up: |_| true,
            is_safe: |answer| matches!(answer, Ok(BrokerReply::DeadLettered)),
            skips: |service, ahead| service == Service::Loyalty && ahead > DEGRADED,
        }
    }
}

/// A member's way to the others.
pub(super) struct Membership {
    pub(super) service: Service,
    pub(super) claim: Claim,
    pub(super) brokers: Brokers,
    store: Rpc,
    pub(super) bank: Arc<Mutex<Bank>>,
    pub(super) retries: Retries,
    landing: Box<dyn Landing>,
    /// The next offset to commit of each partition, with the next fetch.
    pub(super) commits: BTreeMap<u32, u64>,
    pub(super) policy: MemberPolicy,
}

/// Where a member finds the others.
pub(super) struct Addresses<'a> {
    pub(super) brokers: &'a [String],
    pub(super) store: &'a str,
}

impl Membership {
    pub(super) fn new(
        service: Service,
        member: &str,
        addresses: &Addresses<'_>,
        bank: Arc<Mutex<Bank>>,
        (client, policy): (ClientPolicy, MemberPolicy),
        metrics: Metrics,
    ) -> Self {
        let group = service.name();
        let purpose = format!("member {group}");
        let (first, cap) = (Duration::from_millis(50), Duration::from_millis(500));
        Self {
            service,
            claim: Claim { group: group.into(), member: member.into(), generation: 0 },
            brokers: Brokers::new(group, addresses.brokers, 0, client),
            store: Rpc::new(addresses.store.to_owned(), client),
            bank,
            retries: Retries { backoff: Backoff::new(first, cap, &purpose), metrics },
            landing: (policy.landing)(),
            commits: BTreeMap::new(),
            policy,
        }
    }

    pub(super) fn store(&mut self) -> StoreClient<'_> {
        StoreClient { rpc: &mut self.store, claim: &self.claim, retries: &mut self.retries }
    }

    pub(super) fn fetch(
        &self,
        positions: Vec<Place>,
        commits: Vec<Place>,
        limit: u32,
    ) -> BrokerRequest {
        BrokerRequest::Fetch { claim: self.claim.clone(), positions, commits, limit }
    }

    /// A batch has reached a stage; everything before `next` is part of it or of batches before it.
    pub(super) async fn reached(&mut self, stage: Stage, next: &BTreeMap<u32, u64>) {
        if !(self.policy.commits_at)(stage) {
            return;
        }
        if stage == Stage::Applied {
            let to_commit = self.policy.offset_to_commit;
            self.commits = next.iter().map(|(p, offset)| (*p, to_commit(*offset))).collect();
            return;
        }
        let commits = next.iter().map(|(partition, offset)| (*partition, *offset)).collect();
        let _ = self.brokers.ask("fetch", &self.fetch(Vec::new(), commits, 0), REQUEST).await;
    }

    /// What was not handled yet. What was must not be given up when it comes again during an outage.
    pub(super) async fn not_done(
        &mut self,
        messages: Vec<Delivered>,
    ) -> Result<Vec<Delivered>, Rejoin> {
        if messages.is_empty() {
            return Ok(messages);
        }
        let events = messages.iter().map(|m| m.event.id).collect();
        let mut seen = self.store().seen(events).await?.into_iter();
        Ok(messages.into_iter().filter(|_| !seen.next().unwrap_or(false)).collect())
    }

    /// Applies effects, in the order of the log.
    pub(super) async fn apply(&mut self, mut items: Vec<Item>) -> Result<(), Rejoin> {
        if items.is_empty() {
            return Ok(());
        }
        self.retries.metrics.handled(items.len());
        items.sort_by_key(|item| (item.partition, item.offset));
        let store =
            StoreClient { rpc: &mut self.store, claim: &self.claim, retries: &mut self.retries };
        self.landing.apply(store, items).await
    }

    /// Charges for these orders; which of them were charged, in their order.
    pub(super) async fn charge(&mut self, orders: &[&Delivered]) -> Result<Vec<bool>, Exhausted> {
        let payments = orders.iter().map(|order| (order.event.id, order.payment())).collect();
        let bank = self.bank.clone();
        self.beating(async move { bank.lock().await.charge(payments).await }).await
    }

    /// Gives back what was charged for these orders.
    pub(super) async fn refund(&mut self, orders: &[&Delivered]) -> Result<(), Exhausted> {
        let payments = orders.iter().map(|order| (order.event.id, order.payment())).collect();
        let bank = self.bank.clone();
        self.beating(async move { bank.lock().await.refund(payments).await }).await
    }

    /// Does something that may take long, and meanwhile says to the brokers that this member lives: whoever is
    /// silent for a session's time loses its partitions, and with them all that it has done for them.
    async fn beating<T>(&mut self, act: impl Future<Output = T>) -> T {
        let beat = self.fetch(Vec::new(), Vec::new(), 0);
        let brokers = &mut self.brokers;
        let heart = async move {
            loop {
                squall_probe::time::sleep(BEAT).await;
                let _ = brokers.ask("fetch", &beat, REQUEST).await;
            }
        };
        tokio::select! {
            biased;
            done = act => done,
            never = heart => never,
        }
    }

    /// Publishes what follows. However often it is asked for, each event is appended once.
    pub(super) async fn emit(&mut self, follow: &[(&Delivered, Happening)]) -> Result<(), Rejoin> {
        if follow.is_empty() {
            return Ok(());
        }
        let mut events = Vec::with_capacity(follow.len());
        for (delivered, happening) in follow {
            let (id, message) = delivered.message.follow(*happening);
            record(What::Derive { event: EventId(id), from: EventId(delivered.event.id) });
            let event = EventData { id, key: delivered.event.key, payload: message.encode() };
            record(What::Content { event: EventId(id), content: event.content() });
            events.push((delivered.partition, event));
        }
        let request = BrokerRequest::Emit { events };
        for _ in 0..EMITS {
            match self.brokers.ask("publish", &request, REQUEST).await {
                Ok(BrokerReply::Published(_)) => {
                    self.retries.reset();
                    return Ok(());
                }
                Ok(_) | Err(_) => self.retries.wait().await,
            }
        }
        // Somebody else may own the partitions by now.
        Err(Rejoin)
    }

    /// Events whose calls were exhausted go to the dead-letter queue, from which they are redriven; before
    /// what comes after them is applied, for then they have left the sequence.
    pub(super) async fn give_up(&mut self, letters: BTreeSet<Letter>) -> Result<(), Rejoin> {
        self.dead_letter(letters.into_iter().collect(), Reason::Exhausted).await
    }

    /// They must be safe in the dead-letter queue before the offset moves past them.
    pub(super) async fn dead_letter(
        &mut self,
        letters: Vec<Letter>,
        reason: Reason,
    ) -> Result<(), Rejoin> {
        if letters.is_empty() {
            return Ok(());
        }
        if !(self.policy.gives_up)(reason) {
            self.retries.wait().await;
            return Err(Rejoin);
        }
        let request = BrokerRequest::DeadLetter { claim: self.claim.clone(), letters, reason };
        loop {
            point("consumer.dead_lettering").await;
            let answer = self.brokers.ask("group", &request, REQUEST).await;
            if (self.policy.is_safe)(&answer) {
                point("consumer.dead_lettered").await;
                self.retries.reset();
                return Ok(());
            }
            if matches!(answer, Ok(BrokerReply::Rebalanced)) {
                return Err(Rejoin);
            }
            self.retries.wait().await;
        }
    }
}
