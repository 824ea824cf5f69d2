//! The services' database: each group's ledger of effects, and the ids it has processed, which become
//! durable together, in one record of one journal.

use crate::{
    Error,
    calls::{self, Call},
    defects::Defects,
    domain::{Effect, GROUPS},
    journal::{self, Care, Journal},
    metrics::Metrics,
    wire::{Item, StoreReply, StoreRequest},
};
use serde::{Deserialize, Serialize};
use squall_probe::{
    EventId, Position, SagaChange, What, clock, mix, name, net::TcpListener, point, record,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::mpsc::Receiver;

/// How a store is set up.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Where it listens: `0.0.0.0:9100`.
    pub listen: String,
    /// Where its files are.
    pub data: PathBuf,
    /// Mistakes switched on.
    pub defects: Defects,
    /// What it counts.
    pub metrics: Metrics,
}

/// Requests that may wait; more than that, and callers wait to be heard.
pub const QUEUE: usize = 256;

/// What they wait in.
pub const QUEUED: &str = "store requests";

/// One transaction, as the journal holds it.
#[derive(Debug, Serialize, Deserialize)]
enum Transaction {
    Fence {
        group: String,
        member: String,
        generation: u64,
        partitions: Vec<u32>,
    },
    /// Effects, and whether their events are marked with them.
    Effects {
        group: String,
        member: String,
        generation: u64,
        items: Vec<Item>,
        marked: bool,
    },
    Marks {
        group: String,
        events: Vec<u64>,
    },
}

/// What is remembered of what was done: the event, and which of its effects.
type Mark = (u64, u8);

/// With the effect that ends it an event is done, whatever that effect is: what a service decides may depend
/// on the time, and must not be decided twice.
fn mark(item: &Item) -> Mark {
    (item.event, if item.done { 0 } else { item.effect.kind() })
}

/// A known mistake: how many marks are kept.
const KEPT: usize = 48;

/// A known mistake: how long marks are kept, by the wall clock.
const KEPT_FOR: Duration = Duration::from_secs(3600);

#[derive(Debug, Default)]
struct Ledger {
    fences: BTreeMap<u32, u64>,
    processed: BTreeSet<Mark>,
    /// In the order in which they came, for known mistakes.
    recent: VecDeque<(Duration, Mark)>,
    effects: u64,
    /// A known mistake: the highest offset done of each partition, in place of ids.
    high_water: BTreeMap<u32, u64>,
    /// Of the set of effects, each as often as it happened: their order does not matter.
    digest: u64,
}

#[derive(Debug)]
struct Store {
    journal: Journal,
    ledgers: BTreeMap<String, Ledger>,
    /// Items that are reserved, and neither shipped nor put back.
    reserved: i64,
    /// How many orders were shipped.
    shipped: u64,
    buffer: Vec<u8>,
    defects: Defects,
}

/// Runs the store until it fails.
///
/// # Errors
/// It cannot listen, its disk failed, or its journal is damaged: start it again, and it recovers.
pub async fn run(config: StoreConfig) -> Result<(), Error> {
    let listener = TcpListener::bind(&config.listen).await?;
    let mut store = Store::open(&config.data, &config.defects)?;
    let mut queue = calls::take(listener, QUEUE);
    serve(&mut store, &mut queue, &config.metrics).await
}

async fn serve(
    store: &mut Store,
    queue: &mut Receiver<Call<StoreRequest>>,
    metrics: &Metrics,
) -> Result<(), Error> {
    let mut turn = Vec::new();
    loop {
        let stop = tokio::select! {
            biased;
            count = queue.recv_many(&mut turn, 64) => {
                if count == 0 {
                    return Err("the store's inputs are closed".into());
                }
                false
            }
            () = squall_probe::stop_asked() => true,
        };
        if stop {
            if store.defects.shutdown_drops_inflight {
                answer_and_forget(queue).await;
            }
            // Nothing was answered that is not on disk.
            return Ok(());
        }
        let mut answers = Vec::new();
        let mut landed = Vec::new();
        for call in turn.drain(..) {
            let (request, answerer) = call.apart();
            let kind = if request == StoreRequest::Describe { "describe" } else { "store_ack" };
            let body = store.handle(request, &mut landed)?;
            answers.push((kind, answerer, body));
        }
        store.sync()?;
        record(What::Buffered { buffer: name(QUEUED), amount: queue.len() as u64 });
        metrics.handled(landed.len());
        for what in landed {
            record(what);
        }
        point("store.synced").await;
        for (kind, answerer, body) in answers {
            answerer.answer(kind, body);
        }
    }
}

/// A known mistake: what comes while the store is stopping is answered, and never written.
async fn answer_and_forget(queue: &mut Receiver<Call<StoreRequest>>) {
    let draining = async {
        while let Some(call) = queue.recv().await {
            let (request, answerer) = call.apart();
            if matches!(request, StoreRequest::Apply { .. }) {
                answerer.answer("store_ack", StoreReply::Done);
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(300), draining).await;
}

impl Store {
    fn open(directory: &Path, defects: &Defects) -> Result<Self, Error> {
        let (journal, records) = Journal::open(directory, "ledger", &Care::default())?;
        let ledgers = GROUPS.iter().map(|group| ((*group).to_owned(), Ledger::default())).collect();
        let mut store = Self {
            journal,
            ledgers,
            reserved: 0,
            shipped: 0,
            buffer: Vec::new(),
            defects: defects.clone(),
        };
        let mut landed = Vec::new();
        for (bytes, index) in records.into_iter().zip(0..) {
            let transaction: Transaction = postcard::from_bytes(&bytes)?;
            if index >= store.journal.marked() {
                // The power failed when it was on disk and nobody had been told.
                transaction.tell(&mut landed);
            }
            store.apply(&transaction);
        }
        for what in landed {
            record(what);
        }
        Ok(store)
    }

    fn ledger(&mut self, group: &str) -> &mut Ledger {
        self.ledgers.entry(group.to_owned()).or_default()
    }

    fn write(&mut self, transaction: &Transaction) -> Result<(), Error> {
        journal::frame(&mut self.buffer, &postcard::to_stdvec(transaction)?);
        self.apply(transaction);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.journal.append(&self.buffer)?;
        self.buffer.clear();
        if self.defects.store_answers_unsynced {
            return Ok(());
        }
        Ok(self.journal.sync()?)
    }

    fn apply(&mut self, transaction: &Transaction) {
        match transaction {
            Transaction::Fence { group, generation, partitions, .. } => {
                let ledger = self.ledger(group);
                for partition in partitions {
                    ledger.fences.insert(*partition, *generation);
                }
            }
            Transaction::Effects { group, items, marked, .. } => {
                for item in items {
                    self.shipped += u64::from(matches!(item.effect, Effect::Ship { .. }));
                    self.reserved += match item.effect {
                        Effect::Reserve { quantity, .. } => i64::from(quantity),
                        Effect::Release { quantity, .. } | Effect::Ship { quantity, .. } => {
                            -i64::from(quantity)
                        }
                        Effect::Nothing | Effect::Reward { .. } => 0,
                    };
                }
                let ledger = self.ledger(group);
                for item in items {
                    if item.done {
                        let highest = ledger.high_water.entry(item.partition).or_default();
                        *highest = item.offset.max(*highest);
                        ledger.effects += 1;
                        ledger.digest = ledger.digest.wrapping_add(mix(item.event));
                    }
                    if *marked {
                        let mark = mark(item);
                        ledger.processed.insert(mark);
                        ledger.recent.push_back((clock::since_epoch(), mark));
                    }
                }
                self.forget(group);
            }
            Transaction::Marks { group, events } => {
                self.ledger(group).processed.extend(events.iter().map(|event| (*event, 0)));
            }
        }
    }

    /// Known mistakes: forgetting what can still come again.
    fn forget(&mut self, group: &str) {
        let (early, by_clock) =
            (self.defects.dedup_evicts_early, self.defects.dedup_expires_by_clock);
        if !early && !by_clock {
            return;
        }
        let ledger = self.ledger(group);
        let now = clock::since_epoch();
        while let Some((when, mark)) = ledger.recent.front().copied() {
            let many = early && ledger.recent.len() > KEPT;
            let old = by_clock && now.saturating_sub(when) > KEPT_FOR;
            if !many && !old {
                return;
            }
            ledger.processed.remove(&mark);
            ledger.recent.pop_front();
        }
    }

    fn handle(
        &mut self,
        request: StoreRequest,
        landed: &mut Vec<What>,
    ) -> Result<StoreReply, Error> {
        match request {
            StoreRequest::Fence { group, member, generation, partitions } => {
                let fences = &self.ledger(&group).fences;
                let newer =
                    |partition: &u32| fences.get(partition).copied().unwrap_or(0) > generation;
                if partitions.iter().any(newer) && !self.defects.zombie_consumer {
                    return Ok(StoreReply::Fenced);
                }
                let transaction = Transaction::Fence { group, member, generation, partitions };
                transaction.tell(landed);
                self.write(&transaction)?;
                Ok(StoreReply::Done)
            }
            StoreRequest::Apply { group, member, generation, mut items } => {
                // Only the owner of a partition may act on it, and each event takes effect once.
                self.forget(&group);
                let mut seen = BTreeSet::new();
                let by_offset = self.defects.dedup_by_high_water;
                let Ledger { processed, high_water, .. } = self.ledger(&group);
                items.retain(|item| {
                    let mark = mark(item);
                    let passed = high_water.get(&item.partition).is_some_and(|h| *h >= item.offset);
                    let done = processed.contains(&mark) || by_offset && passed;
                    !done && seen.insert(mark)
                });
                self.effects(group, (member, generation), items, true, landed)
            }
            StoreRequest::ApplyUnmarked { group, member, generation, items } => {
                self.effects(group, (member, generation), items, false, landed)
            }
            StoreRequest::Seen { group, events } => {
                let processed = &self.ledger(&group).processed;
                Ok(StoreReply::Seen(
                    events.iter().map(|event| processed.contains(&(*event, 0))).collect(),
                ))
            }
            StoreRequest::Mark { group, events } => {
                self.write(&Transaction::Marks { group, events })?;
                Ok(StoreReply::Done)
            }
            StoreRequest::Describe => Ok(StoreReply::Described {
                groups: self
                    .ledgers
                    .iter()
                    .map(|(group, ledger)| (group.clone(), ledger.effects, ledger.digest))
                    .collect(),
                reserved: self.reserved,
                shipped: self.shipped,
            }),
        }
    }

    fn effects(
        &mut self,
        group: String,
        (member, generation): (String, u64),
        items: Vec<Item>,
        marked: bool,
        landed: &mut Vec<What>,
    ) -> Result<StoreReply, Error> {
        let fences = &self.ledger(&group).fences;
        let foreign = items.iter().any(|item| fences.get(&item.partition) != Some(&generation));
        if foreign && !self.defects.zombie_consumer {
            return Ok(StoreReply::Fenced);
        }
        if !items.is_empty() {
            let transaction = Transaction::Effects { group, member, generation, items, marked };
            transaction.tell(landed);
            self.write(&transaction)?;
        }
        Ok(StoreReply::Done)
    }
}

impl Transaction {
    /// What is to be recorded of it once it is durable.
    fn tell(&self, landed: &mut Vec<What>) {
        match self {
            Self::Fence { group, member, generation, partitions } => {
                for partition in partitions {
                    landed.push(What::Assign {
                        group: name(group),
                        partition: *partition,
                        generation: *generation,
                        member: name(member),
                    });
                }
            }
            Self::Effects { group, member, generation, items, .. } => {
                for item in items {
                    // What follows from an order has its number in the last nine digits.
                    let saga = EventId(item.event % 1_000_000_000);
                    let change = match item.effect {
                        Effect::Reserve { .. } => Some(("reserve", SagaChange::Done)),
                        Effect::Release { .. } => Some(("reserve", SagaChange::Undone)),
                        Effect::Ship { .. } => Some(("ship", SagaChange::Done)),
                        Effect::Nothing | Effect::Reward { .. } => None,
                    };
                    if let Some((step, change)) = change {
                        landed.push(What::Saga { saga, step: name(step), change });
                    }
                    if item.done {
                        landed.push(What::Apply {
                            group: name(group),
                            position: Position::new(item.partition, item.offset),
                            event: EventId(item.event),
                            generation: *generation,
                            member: name(member),
                        });
                    }
                }
            }
            Self::Marks { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(events: &[u64]) -> Vec<Item> {
        events
            .iter()
            .map(|event| Item {
                partition: 0,
                offset: *event,
                event: *event,
                effect: Effect::Nothing,
                done: true,
            })
            .collect()
    }

    fn ask(store: &mut Store, request: StoreRequest) -> (StoreReply, usize) {
        let mut landed = Vec::new();
        let reply = store.handle(request, &mut landed).unwrap();
        store.sync().unwrap();
        (reply, landed.len())
    }

    #[test]
    fn an_effect_lands_once_also_after_a_restart_and_never_for_an_older_generation() {
        let folder = tempfile::tempdir().unwrap();
        let group = || "payment".to_owned();
        let fence = |generation| StoreRequest::Fence {
            group: group(),
            member: "m".into(),
            generation,
            partitions: vec![0],
        };
        let apply = |generation, events: &[u64]| StoreRequest::Apply {
            group: group(),
            member: "m".into(),
            generation,
            items: items(events),
        };
        let mut store = Store::open(folder.path(), &Defects::default()).unwrap();
        assert_eq!(ask(&mut store, fence(1)).0, StoreReply::Done);
        assert_eq!(ask(&mut store, apply(1, &[1, 2])), (StoreReply::Done, 2));
        assert_eq!(ask(&mut store, apply(1, &[2, 3])), (StoreReply::Done, 1));
        let mut store = Store::open(folder.path(), &Defects::default()).unwrap();
        assert_eq!(ask(&mut store, apply(1, &[1, 2, 3, 4])), (StoreReply::Done, 1));
        assert_eq!(ask(&mut store, fence(2)).0, StoreReply::Done);
        assert_eq!(ask(&mut store, apply(1, &[5])), (StoreReply::Fenced, 0));
        assert_eq!(ask(&mut store, fence(1)).0, StoreReply::Fenced);
        let (described, _) = ask(&mut store, StoreRequest::Describe);
        let digest = (1..=4).fold(0_u64, |sum, event| sum.wrapping_add(mix(event)));
        let StoreReply::Described { groups, .. } = described else { panic!() };
        assert!(groups.contains(&(group(), 4, digest)));
    }
}
