//! A member of a consumer group: fetches, handles, commits.
//!
//! Delivery is at least once; that an effect happens once is the store's doing, which applies and marks
//! in one transaction and refuses members of an older generation.

use super::ConsumerConfig;
use crate::{
    client::{Brokers, Rpc},
    defects::Defects,
    domain::Order,
    retry::Backoff,
    wire::{BrokerReply, BrokerRequest, EventData, Item, StoreReply, StoreRequest},
};
use squall_probe::{EventId, Position, What, name, point, record, signal};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How long a broker may take to answer; a fetch waits at the broker for up to half of it.
const REQUEST: Duration = Duration::from_millis(600);

/// How long the store may take to answer.
const STORE: Duration = Duration::from_millis(500);

/// Events in flight, at most.
const IN_FLIGHT: u32 = 256;

/// Why a member begins anew.
struct Rejoin;

pub(super) struct Member {
    group: &'static str,
    member: String,
    brokers: Brokers,
    store: Rpc,
    backoff: Backoff,
    defects: Defects,
    generation: u64,
    /// Next offset to fetch of each partition that is mine.
    positions: BTreeMap<u32, u64>,
    /// Next offset to commit of each partition that is mine, if it moved.
    commits: BTreeMap<u32, u64>,
    /// A known mistake: processed ids that a restart forgets.
    remembered: BTreeSet<u64>,
}

impl Member {
    pub(super) fn new(group: &'static str, config: &ConsumerConfig) -> Self {
        let purpose = format!("member {group}");
        Self {
            group,
            member: config.name.clone(),
            brokers: Brokers::new(&config.brokers, 0),
            store: Rpc::new(config.store.clone()),
            backoff: Backoff::new(Duration::from_millis(50), Duration::from_millis(500), &purpose),
            defects: config.defects.clone(),
            generation: 0,
            positions: BTreeMap::new(),
            commits: BTreeMap::new(),
            remembered: BTreeSet::new(),
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            self.join().await;
            while self.turn().await.is_ok() {}
            signal("rejoined");
        }
    }

    /// Becomes a member, and makes sure that nobody who owned these partitions before still acts.
    async fn join(&mut self) {
        loop {
            let request =
                BrokerRequest::Join { group: self.group.to_owned(), member: self.member.clone() };
            if let Ok(BrokerReply::Joined { generation, partitions }) =
                self.brokers.ask("group", request, REQUEST).await
            {
                self.generation = generation;
                self.positions = partitions.into_iter().collect();
                self.commits.clear();
                if self.fence().await {
                    self.backoff.reset();
                    return;
                }
            }
            self.retry().await;
        }
    }

    async fn fence(&mut self) -> bool {
        let request = StoreRequest::Fence {
            group: self.group.to_owned(),
            member: self.member.clone(),
            generation: self.generation,
            partitions: self.positions.keys().copied().collect(),
        };
        matches!(self.store.ask("store", request, STORE).await, Ok(StoreReply::Done))
    }

    async fn retry(&mut self) {
        signal("retried");
        self.backoff.wait().await;
    }

    /// One fetch and what comes of it.
    async fn turn(&mut self) -> Result<(), Rejoin> {
        let commits: Vec<_> = std::mem::take(&mut self.commits).into_iter().collect();
        if !commits.is_empty() {
            point("consumer.committing").await;
        }
        let request = BrokerRequest::Fetch {
            group: self.group.to_owned(),
            member: self.member.clone(),
            generation: self.generation,
            positions: self.positions.iter().map(|(p, o)| (*p, *o)).collect(),
            commits,
            limit: IN_FLIGHT,
        };
        match self.brokers.ask("fetch", request, REQUEST).await {
            Ok(BrokerReply::Events(events)) => {
                self.backoff.reset();
                self.handle(events).await
            }
            Ok(BrokerReply::Rebalanced) => Err(Rejoin),
            Ok(_) | Err(_) => {
                self.retry().await;
                // The commit may be lost with the request; what was done again is found done.
                Err(Rejoin)
            }
        }
    }

    async fn handle(&mut self, events: Vec<(u32, u64, EventData)>) -> Result<(), Rejoin> {
        // A message that comes late or twice may bring what is already behind us.
        let mut fresh = Vec::with_capacity(events.len());
        let mut next = self.positions.clone();
        for (partition, offset, event) in events {
            if next.get(&partition) == Some(&offset) {
                next.insert(partition, offset + 1);
                fresh.push((partition, offset, event));
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        for (partition, offset, event) in &fresh {
            record(What::Deliver {
                group: name(self.group),
                position: Position::new(*partition, *offset),
                event: EventId(event.id),
                generation: self.generation,
            });
        }
        if self.defects.commit_before_apply {
            self.commit_now(&next).await;
        }
        point("consumer.delivered").await;
        let mut items = Vec::with_capacity(fresh.len());
        for (partition, offset, event) in fresh {
            match Order::decode(&event.payload) {
                Some(order) => items.push(Item {
                    partition,
                    offset,
                    event: event.id,
                    effect: order.effect(self.group),
                }),
                None => self.dead_letter(partition, offset).await?,
            }
        }
        self.apply(items).await?;
        point("consumer.effect_applied").await;
        self.commits.clone_from(&next);
        self.positions = next;
        Ok(())
    }

    /// No consumer will ever understand it. It must be safe in the dead-letter queue before the
    /// offset moves past it.
    async fn dead_letter(&mut self, partition: u32, offset: u64) -> Result<(), Rejoin> {
        loop {
            point("consumer.dead_lettering").await;
            let request = BrokerRequest::DeadLetter {
                group: self.group.to_owned(),
                member: self.member.clone(),
                generation: self.generation,
                partition,
                offset,
            };
            match self.brokers.ask("group", request, REQUEST).await {
                Ok(BrokerReply::DeadLettered) => {
                    point("consumer.dead_lettered").await;
                    self.backoff.reset();
                    return Ok(());
                }
                Ok(BrokerReply::Rebalanced) => return Err(Rejoin),
                Ok(_) | Err(_) => self.retry().await,
            }
        }
    }

    async fn ask_store(&mut self, request: StoreRequest) -> Result<StoreReply, Rejoin> {
        loop {
            match self.store.ask("store", request.clone(), STORE).await {
                Ok(StoreReply::Fenced) => return Err(Rejoin),
                Ok(reply) => {
                    self.backoff.reset();
                    return Ok(reply);
                }
                Err(_) => self.retry().await,
            }
        }
    }

    async fn apply(&mut self, mut items: Vec<Item>) -> Result<(), Rejoin> {
        if items.is_empty() {
            return Ok(());
        }
        let (group, member) = (self.group.to_owned(), self.member.clone());
        let generation = self.generation;
        if self.defects.dedup_in_memory {
            items.retain(|item| !self.remembered.contains(&item.event));
            let events: Vec<u64> = items.iter().map(|item| item.event).collect();
            self.ask_store(StoreRequest::ApplyUnmarked { group, member, generation, items })
                .await?;
            self.remembered.extend(events);
            return Ok(());
        }
        if self.defects.check_then_mark {
            let events = items.iter().map(|item| item.event).collect();
            let asked = StoreRequest::Seen { group: group.clone(), events };
            if let StoreReply::Seen(seen) = self.ask_store(asked).await? {
                let mut seen = seen.into_iter();
                items.retain(|_| !seen.next().unwrap_or(false));
            }
            let events = items.iter().map(|item| item.event).collect();
            let act =
                StoreRequest::ApplyUnmarked { group: group.clone(), member, generation, items };
            self.ask_store(act).await?;
            point("consumer.effect_applied").await;
            self.ask_store(StoreRequest::Mark { group, events }).await?;
            return Ok(());
        }
        self.ask_store(StoreRequest::Apply { group, member, generation, items }).await?;
        Ok(())
    }

    /// A known mistake: commits what has only been delivered.
    async fn commit_now(&mut self, next: &BTreeMap<u32, u64>) {
        let request = BrokerRequest::Fetch {
            group: self.group.to_owned(),
            member: self.member.clone(),
            generation: self.generation,
            positions: Vec::new(),
            commits: next.iter().map(|(partition, offset)| (*partition, *offset)).collect(),
            limit: 0,
        };
        let _ = self.brokers.ask("fetch", request, REQUEST).await;
    }
}
