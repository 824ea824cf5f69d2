//! A member of a consumer group: fetches, handles, commits.
//!
//! Delivery is at least once; that an effect happens once is the store's doing, which applies and marks
//! in one transaction and refuses members of an older generation, and the gateway's, which knows its payments
//! by their keys.

use super::{ConsumerConfig, bank::Bank, bank::Exhausted};
use crate::{
    client::{Brokers, Rpc},
    defects::Defects,
    domain::{Effect, Happening, Message},
    metrics::Metrics,
    retry::Backoff,
    wire::{
        BrokerReply, BrokerRequest, EventData, Item, Payment, Reason, Start, StoreReply,
        StoreRequest,
    },
};
use squall_probe::{EventId, Position, What, name, point, record, reserve, signal};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Mutex, time::Instant};

/// How long a broker may take to answer; a fetch waits at the broker for up to half of it.
const REQUEST: Duration = Duration::from_millis(600);

/// How long the store may take to answer.
const STORE: Duration = Duration::from_millis(500);

/// Events in flight, at most: back-pressure begins here.
pub const IN_FLIGHT: u32 = 128;

/// As records call them.
pub const IN_FLIGHT_BUFFER: &str = "events in flight";

/// Loyalty points are skipped while so many events lie ahead: payments may not wait for them.
const DEGRADED: u64 = 200;

/// How often a member that is busy says that it lives.
const BEAT: Duration = Duration::from_millis(400);

/// How often dead letters that can be handled again are asked for.
const REDRIVE: Duration = Duration::from_millis(700);

/// Why a member begins anew.
#[derive(Debug)]
struct Rejoin;

/// An event that was delivered, and what it says.
struct Delivered {
    partition: u32,
    offset: u64,
    event: EventData,
    message: Message,
}

impl Delivered {
    fn place(&self) -> (u32, u64) {
        (self.partition, self.offset)
    }

    fn item(&self, effect: Effect, done: bool) -> Item {
        let (partition, offset, event) = (self.partition, self.offset, self.event.id);
        Item { partition, offset, event, effect, done }
    }

    fn payment(&self) -> Payment {
        let order = &self.message.order;
        Payment { key: order.id, order: order.id, cents: order.cents }
    }

    fn is(&self, happening: Happening, orchestrated: bool) -> bool {
        self.message.happening == happening && self.message.order.is_orchestrated() == orchestrated
    }
}

pub(super) struct Member {
    group: &'static str,
    member: String,
    brokers: Brokers,
    store: Rpc,
    bank: Arc<Mutex<Bank>>,
    backoff: Backoff,
    defects: Defects,
    generation: u64,
    /// Next offset to fetch of each partition that is mine.
    positions: BTreeMap<u32, u64>,
    /// Next offset to commit of each partition that is mine, if it moved.
    commits: BTreeMap<u32, u64>,
    redriven: Instant,
    metrics: Metrics,
    /// A known mistake: processed ids that a restart forgets.
    remembered: BTreeSet<u64>,
}

/// Records that a member of a group was handed an event.
pub(super) fn tell_delivery(
    group: &str,
    generation: u64,
    partition: u32,
    offset: u64,
    event: &EventData,
) {
    record(What::Deliver {
        group: name(group),
        position: Position::new(partition, offset),
        event: EventId(event.id),
        generation,
        content: event.content(),
    });
}

impl Member {
    pub(super) fn new(
        group: &'static str,
        config: &ConsumerConfig,
        bank: Arc<Mutex<Bank>>,
    ) -> Self {
        let purpose = format!("member {group}");
        Self {
            group,
            member: config.name.clone(),
            brokers: Brokers::new(group, &config.brokers, 0, &config.defects),
            store: Rpc::with(config.store.clone(), &config.defects),
            bank,
            backoff: Backoff::new(Duration::from_millis(50), Duration::from_millis(500), &purpose),
            defects: config.defects.clone(),
            generation: 0,
            positions: BTreeMap::new(),
            commits: BTreeMap::new(),
            redriven: Instant::now(),
            metrics: config.metrics.clone(),
            remembered: BTreeSet::new(),
        }
    }

    /// Handles events until it is asked to stop; then it commits what is done, and leaves the group.
    pub(super) async fn run(mut self) {
        let stop = squall_probe::stop_asked();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = self.join() => {}
            }
            loop {
                let turn = tokio::select! {
                    biased;
                    () = &mut stop => {
                        self.leave().await;
                        return;
                    }
                    turn = self.turn() => turn,
                };
                if turn.is_err() {
                    break;
                }
            }
            signal("rejoined");
        }
    }

    async fn leave(&mut self) {
        let commits: Vec<_> = std::mem::take(&mut self.commits).into_iter().collect();
        let group = self.group.to_owned();
        let _ = self.brokers.ask("fetch", self.fetch(Vec::new(), commits, 0), REQUEST).await;
        let leave = BrokerRequest::Leave { group, member: self.member.clone() };
        let _ = self.brokers.ask("group", leave, REQUEST).await;
    }

    fn fetch(
        &self,
        positions: Vec<(u32, u64)>,
        commits: Vec<(u32, u64)>,
        limit: u32,
    ) -> BrokerRequest {
        BrokerRequest::Fetch {
            group: self.group.to_owned(),
            member: self.member.clone(),
            generation: self.generation,
            positions,
            commits,
            limit,
        }
    }

    /// Becomes a member, and makes sure that nobody who owned these partitions before still acts.
    async fn join(&mut self) {
        loop {
            let request = BrokerRequest::Join {
                group: self.group.to_owned(),
                member: self.member.clone(),
                start: Start::Earliest,
            };
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
        self.metrics.retried();
        self.backoff.wait().await;
    }

    /// One fetch and what comes of it.
    async fn turn(&mut self) -> Result<(), Rejoin> {
        self.redrive().await?;
        let commits: Vec<_> = std::mem::take(&mut self.commits).into_iter().collect();
        if !commits.is_empty() {
            point("consumer.committing").await;
        }
        let positions = self.positions.iter().map(|(p, o)| (*p, *o)).collect();
        let limit = if self.defects.unbounded_buffer { u32::MAX } else { IN_FLIGHT };
        match self.brokers.ask("fetch", self.fetch(positions, commits, limit), REQUEST).await {
            Ok(BrokerReply::Events { events, lag, dead, .. }) => {
                self.backoff.reset();
                self.handle(events, lag, &dead).await
            }
            Ok(BrokerReply::Rebalanced) => Err(Rejoin),
            Ok(_) | Err(_) => {
                self.retry().await;
                // The commit may be lost with the request; what was done again is found done.
                Err(Rejoin)
            }
        }
    }

    async fn handle(
        &mut self,
        events: Vec<(u32, u64, EventData)>,
        lag: u64,
        dead: &[(u32, u64)],
    ) -> Result<(), Rejoin> {
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
        let _memory = reserve(fresh.iter().map(|(_, _, event)| event.payload.len()).sum());
        record(What::Buffered { buffer: name(IN_FLIGHT_BUFFER), amount: fresh.len() as u64 });
        self.metrics.lag(self.group, lag + fresh.len() as u64);
        if lag > 0 && fresh.len() as u32 >= IN_FLIGHT {
            signal("backpressured");
        }
        for (partition, offset, event) in &fresh {
            tell_delivery(self.group, self.generation, *partition, *offset, event);
        }
        if self.defects.commit_before_apply {
            self.commit_now(&next).await;
        }
        point("consumer.delivered").await;
        let mut messages = Vec::with_capacity(fresh.len());
        let mut poison = Vec::new();
        for (partition, offset, event) in fresh {
            if dead.contains(&(partition, offset)) {
                // It was given up before, and the commit got lost: the dead-letter queue sees to it.
                continue;
            }
            match Message::decode(&event.payload) {
                Some(message) => messages.push(Delivered { partition, offset, event, message }),
                None => poison.push((partition, offset)),
            }
        }
        if self.defects.poison_committed_first && !poison.is_empty() {
            self.commit_now(&next).await;
        }
        self.dead_letter(poison, Reason::Poison).await?;
        self.act(messages, lag, &next).await?;
        point("consumer.effect_applied").await;
        self.positions.clone_from(&next);
        if self.defects.commit_off_by_one {
            next.values_mut().for_each(|offset| *offset += 1);
        }
        self.commits = next;
        Ok(())
    }

    /// Does what the service does. Where calls are exhausted, events go to the dead-letter queue.
    async fn act(
        &mut self,
        messages: Vec<Delivered>,
        lag: u64,
        next: &BTreeMap<u32, u64>,
    ) -> Result<(), Rejoin> {
        match self.group {
            "payment" => {
                let messages = self.not_done(messages).await?;
                self.pay(&messages, lag).await
            }
            "fulfilment" => {
                let messages = self.not_done(messages).await?;
                self.orchestrate(&messages, next).await
            }
            "shipping" => self.ship(&messages).await,
            "inventory" => {
                let effect = |delivered: &Delivered| match delivered.message.happening {
                    Happening::Placed if !delivered.message.order.is_orchestrated() => {
                        delivered.message.order.reserve()
                    }
                    Happening::Declined | Happening::Unshippable => {
                        delivered.message.order.release()
                    }
                    _ => Effect::Nothing,
                };
                let items = messages.iter().map(|m| m.item(effect(m), true)).collect();
                self.apply(items).await
            }
            _ => {
                let degraded = lag > DEGRADED;
                if degraded {
                    signal("degraded");
                }
                let effect = |delivered: &Delivered| match delivered.message.happening {
                    Happening::Paid if !degraded => delivered.message.order.reward(),
                    _ => Effect::Nothing,
                };
                let items = messages.iter().map(|m| m.item(effect(m), true)).collect();
                self.apply(items).await
            }
        }
    }

    /// What was not handled yet. What was must not be given up when it comes again during an outage.
    async fn not_done(&mut self, messages: Vec<Delivered>) -> Result<Vec<Delivered>, Rejoin> {
        if messages.is_empty() {
            return Ok(messages);
        }
        let events = messages.iter().map(|m| m.event.id).collect();
        let request = StoreRequest::Seen { group: self.group.to_owned(), events };
        let StoreReply::Seen(seen) = self.ask_store(request).await? else { return Err(Rejoin) };
        let mut seen = seen.into_iter();
        Ok(messages.into_iter().filter(|_| !seen.next().unwrap_or(false)).collect())
    }

    /// The choreographed saga's payments: charges what was placed, gives back what cannot be shipped, and says
    /// so to the other services.
    async fn pay(&mut self, messages: &[Delivered], lag: u64) -> Result<(), Rejoin> {
        let skips = self.defects.degrades_payment && lag > DEGRADED / 4;
        let placed: Vec<&Delivered> =
            messages.iter().filter(|m| m.is(Happening::Placed, false) && !skips).collect();
        let back: Vec<&Delivered> =
            messages.iter().filter(|m| m.is(Happening::Unshippable, false)).collect();
        let paid = self.charge(&placed).await;
        let refunded = self.refund(&back).await;
        let mut exhausted: Vec<&Delivered> = Vec::new();
        let mut follow = Vec::new();
        match paid {
            Ok(outcomes) => {
                for (delivered, paid) in placed.iter().zip(outcomes) {
                    let happening = if paid { Happening::Paid } else { Happening::Declined };
                    follow.push((*delivered, happening));
                }
            }
            Err(Exhausted) => exhausted.extend(&placed),
        }
        if refunded.is_err() {
            exhausted.extend(&back);
        }
        point("payment.charged").await;
        self.emit(&follow).await?;
        let given_up: BTreeSet<(u32, u64)> = exhausted.iter().map(|m| m.place()).collect();
        let items = messages
            .iter()
            .filter(|m| !given_up.contains(&m.place()))
            .map(|m| m.item(Effect::Nothing, true))
            .collect();
        self.give_up(given_up).await?;
        self.apply(items).await
    }

    async fn charge(&mut self, orders: &[&Delivered]) -> Result<Vec<bool>, Exhausted> {
        let payments = orders.iter().map(|order| (order.event.id, order.payment())).collect();
        let bank = self.bank.clone();
        self.beating(async move { bank.lock().await.charge(payments).await }).await
    }

    async fn refund(&mut self, orders: &[&Delivered]) -> Result<(), Exhausted> {
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
                tokio::time::sleep(BEAT).await;
                let _ = brokers.ask("fetch", beat.clone(), REQUEST).await;
            }
        };
        tokio::select! {
            biased;
            done = act => done,
            never = heart => never,
        }
    }

    /// The choreographed saga's shipments.
    async fn ship(&mut self, messages: &[Delivered]) -> Result<(), Rejoin> {
        let mut follow = Vec::new();
        let mut items = Vec::new();
        for delivered in messages {
            let order = &delivered.message.order;
            let effect = match delivered.message.happening {
                Happening::Paid if order.is_shippable() => order.ship(),
                Happening::Paid => {
                    follow.push((delivered, Happening::Unshippable));
                    Effect::Nothing
                }
                _ => Effect::Nothing,
            };
            items.push(delivered.item(effect, true));
        }
        self.emit(&follow).await?;
        self.apply(items).await
    }

    /// The orchestrated saga, for a batch of orders. Every step lands once, whoever repeats it: so whoever
    /// takes over begins at the beginning.
    async fn orchestrate(
        &mut self,
        messages: &[Delivered],
        next: &BTreeMap<u32, u64>,
    ) -> Result<(), Rejoin> {
        let mine: Vec<&Delivered> =
            messages.iter().filter(|m| m.is(Happening::Placed, true)).collect();
        let rest = messages.iter().filter(|m| !m.is(Happening::Placed, true));
        let rest: Vec<Item> = rest.map(|m| m.item(Effect::Nothing, true)).collect();
        if mine.is_empty() {
            return self.apply(rest).await;
        }
        let step = |effect: fn(&crate::domain::Order) -> Effect, of: &[&Delivered]| {
            of.iter().map(|m| m.item(effect(&m.message.order), false)).collect::<Vec<_>>()
        };
        self.apply(step(crate::domain::Order::reserve, &mine)).await?;
        if self.defects.saga_state_volatile {
            // What is running is kept in memory: as far as the broker knows, it is done.
            self.commit_now(next).await;
        }
        point("orchestrator.reserved").await;
        let Ok(outcomes) = self.charge(&mine).await else {
            self.give_up(mine.iter().map(|m| m.place()).collect()).await?;
            return self.apply(rest).await;
        };
        point("orchestrator.charged").await;
        let (mut good, mut undone, mut back) = (Vec::new(), Vec::new(), Vec::new());
        for (delivered, paid) in mine.iter().copied().zip(outcomes) {
            match (paid, delivered.message.order.is_shippable()) {
                (true, true) => good.push(delivered),
                (true, false) => {
                    back.push(delivered);
                    undone.push(delivered);
                }
                (false, _) => undone.push(delivered),
            }
        }
        let refunded = self.refund(&back).await;
        point("orchestrator.compensating").await;
        self.apply(step(crate::domain::Order::release, &undone)).await?;
        self.apply(step(crate::domain::Order::ship, &good)).await?;
        let given_up: BTreeSet<(u32, u64)> = match refunded {
            Ok(()) => BTreeSet::new(),
            Err(Exhausted) => back.iter().map(|m| m.place()).collect(),
        };
        let done = mine.iter().filter(|m| !given_up.contains(&m.place()));
        let items = done.map(|m| m.item(Effect::Nothing, true)).chain(rest).collect();
        self.give_up(given_up).await?;
        self.apply(items).await
    }

    /// Publishes what follows. However often it is asked for, each event is appended once.
    async fn emit(&mut self, follow: &[(&Delivered, Happening)]) -> Result<(), Rejoin> {
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
        let mut tries = 0;
        loop {
            let request = BrokerRequest::Emit { events: events.clone() };
            match self.brokers.ask("publish", request, REQUEST).await {
                Ok(BrokerReply::Published(_)) => {
                    self.backoff.reset();
                    return Ok(());
                }
                Ok(_) | Err(_) => self.retry().await,
            }
            tries += 1;
            if tries > 10 {
                // Somebody else may own the partitions by now.
                return Err(Rejoin);
            }
        }
    }

    /// Events whose calls were exhausted go to the dead-letter queue, from which they are redriven; before
    /// what comes after them is applied, for then they have left the sequence.
    async fn give_up(&mut self, places: BTreeSet<(u32, u64)>) -> Result<(), Rejoin> {
        self.dead_letter(places.into_iter().collect(), Reason::Exhausted).await
    }

    /// They must be safe in the dead-letter queue before the offset moves past them.
    async fn dead_letter(&mut self, places: Vec<(u32, u64)>, reason: Reason) -> Result<(), Rejoin> {
        if places.is_empty() {
            return Ok(());
        }
        if self.defects.poison_blocks && reason == Reason::Poison {
            // Another attempt will surely understand it.
            self.retry().await;
            return Err(Rejoin);
        }
        loop {
            point("consumer.dead_lettering").await;
            let request = BrokerRequest::DeadLetter {
                group: self.group.to_owned(),
                member: self.member.clone(),
                generation: self.generation,
                places: places.clone(),
                reason,
            };
            match self.brokers.ask("group", request, REQUEST).await {
                Ok(BrokerReply::DeadLettered) => {
                    point("consumer.dead_lettered").await;
                    self.backoff.reset();
                    return Ok(());
                }
                Ok(BrokerReply::Rebalanced) => return Err(Rejoin),
                Ok(_) | Err(_) if self.defects.dead_letter_lost => return Ok(()),
                Ok(_) | Err(_) => self.retry().await,
            }
        }
    }

    /// Handles again what calls were exhausted for, once the gateway seems well.
    async fn redrive(&mut self) -> Result<(), Rejoin> {
        let pays = matches!(self.group, "payment" | "fulfilment");
        if !pays || self.redriven.elapsed() < REDRIVE || !self.bank.lock().await.may_call() {
            return Ok(());
        }
        self.redriven = Instant::now();
        let mut handled = Vec::new();
        // Few at a time: events that were never given up wait meanwhile.
        for _ in 0..4 {
            let request = BrokerRequest::Redrive {
                group: self.group.to_owned(),
                member: self.member.clone(),
                generation: self.generation,
                handled: std::mem::take(&mut handled),
                limit: IN_FLIGHT,
            };
            let events = match self.brokers.ask("group", request, REQUEST).await {
                Ok(BrokerReply::Redriven(events)) if events.is_empty() => return Ok(()),
                Ok(BrokerReply::Redriven(events)) => events,
                Ok(BrokerReply::Rebalanced) => return Err(Rejoin),
                // Later.
                Ok(_) | Err(_) => return Ok(()),
            };
            let places: Vec<(u32, u64)> = events.iter().map(|(p, o, _)| (*p, *o)).collect();
            let messages: Vec<Delivered> = events
                .into_iter()
                .filter_map(|(partition, offset, event)| {
                    let message = Message::decode(&event.payload)?;
                    Some(Delivered { partition, offset, event, message })
                })
                .collect();
            let next = self.positions.clone();
            self.act(messages, 0, &next).await?;
            handled = places;
        }
        Ok(())
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
        self.metrics.handled(items.len());
        // In the order of the log.
        items.sort_by_key(|item| (item.partition, item.offset));
        let (group, member) = (self.group.to_owned(), self.member.clone());
        let generation = self.generation;
        if self.defects.dedup_in_memory && items.iter().all(|item| item.done) {
            items.retain(|item| !self.remembered.contains(&item.event));
            let events: Vec<u64> = items.iter().map(|item| item.event).collect();
            self.ask_store(StoreRequest::ApplyUnmarked { group, member, generation, items })
                .await?;
            self.remembered.extend(events);
            return Ok(());
        }
        if self.defects.check_then_mark && items.iter().all(|item| item.done) {
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
        let releases = items.iter().any(|item| matches!(item.effect, Effect::Release { .. }));
        if self.defects.compensate_twice && releases {
            self.ask_store(StoreRequest::ApplyUnmarked { group, member, generation, items })
                .await?;
            return Ok(());
        }
        self.ask_store(StoreRequest::Apply { group, member, generation, items }).await?;
        Ok(())
    }

    /// A known mistake: commits what has only been delivered.
    async fn commit_now(&mut self, next: &BTreeMap<u32, u64>) {
        let commits = next.iter().map(|(partition, offset)| (*partition, *offset)).collect();
        let _ = self.brokers.ask("fetch", self.fetch(Vec::new(), commits, 0), REQUEST).await;
    }
}
