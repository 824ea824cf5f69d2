//! The services' database: each group's ledger of effects, and the ids it has processed, which become
//! durable together, in one record of one journal.

use crate::{
    Error,
    domain::GROUPS,
    journal::{self, Journal},
    wire::{self, Frame, Item, StoreReply, StoreRequest},
};
use serde::{Deserialize, Serialize};
use squall_probe::{
    EventId, Position, What, mix, name,
    net::{FrameReceiver, FrameSender, TcpListener},
    point, record,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How a store is set up.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Where it listens: `0.0.0.0:9100`.
    pub listen: String,
    /// Where its files are.
    pub data: PathBuf,
}

/// Requests that may wait; more than that, and callers wait to be heard.
const QUEUE: usize = 1024;

/// One transaction, as the journal holds it.
#[derive(Debug, Serialize, Deserialize)]
enum Transaction {
    Fence {
        group: String,
        generation: u64,
        partitions: Vec<u32>,
    },
    /// Effects, and whether their events are marked with them.
    Effects {
        group: String,
        items: Vec<Item>,
        marked: bool,
    },
    Marks {
        group: String,
        events: Vec<u64>,
    },
}

#[derive(Debug, Default)]
struct Ledger {
    fences: BTreeMap<u32, u64>,
    processed: BTreeSet<u64>,
    effects: u64,
    /// Of the set of effects, each as often as it happened: their order does not matter.
    digest: u64,
}

#[derive(Debug)]
struct Store {
    journal: Journal,
    ledgers: BTreeMap<String, Ledger>,
    buffer: Vec<u8>,
}

struct Call {
    request: StoreRequest,
    sender: FrameSender,
    id: u64,
}

/// Runs the store until it fails.
///
/// # Errors
/// It cannot listen, its disk failed, or its journal is damaged: start it again, and it recovers.
pub async fn run(config: StoreConfig) -> Result<(), Error> {
    let listener = TcpListener::bind(&config.listen).await?;
    let mut store = Store::open(&config.data)?;
    let (calls, mut queue) = channel(QUEUE);
    squall_probe::task::spawn(accept(listener, calls));
    serve(&mut store, &mut queue).await
}

async fn accept(listener: TcpListener, calls: Sender<Call>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let (sender, receiver) = stream.into_frames();
        squall_probe::task::spawn(listen(sender, receiver, calls.clone()));
    }
}

async fn listen(sender: FrameSender, mut receiver: FrameReceiver, calls: Sender<Call>) {
    while let Ok(Some(frame)) = receiver.recv().await {
        let Some(Frame::Call { id, body }) = wire::decode(&frame) else { return };
        let call = Call { request: body, sender: sender.clone(), id };
        if calls.send(call).await.is_err() {
            return;
        }
    }
}

async fn serve(store: &mut Store, queue: &mut Receiver<Call>) -> Result<(), Error> {
    let mut turn = Vec::new();
    loop {
        if queue.recv_many(&mut turn, 64).await == 0 {
            return Err("the store's inputs are closed".into());
        }
        let mut answers = Vec::new();
        let mut landed = Vec::new();
        for Call { request, sender, id } in turn.drain(..) {
            let kind = if request == StoreRequest::Describe { "describe" } else { "store_ack" };
            let body = store.handle(request, &mut landed)?;
            answers.push((kind, sender, wire::encode(&Frame::Call { id, body })));
        }
        store.sync()?;
        for what in landed {
            record(what);
        }
        point("store.synced").await;
        for (kind, sender, answer) in answers {
            // A caller that does not read its answers does without.
            let _ = sender.try_send(kind, answer);
        }
    }
}

impl Store {
    fn open(directory: &Path) -> Result<Self, Error> {
        let (journal, records) = Journal::open(directory, "ledger")?;
        let ledgers = GROUPS.iter().map(|group| ((*group).to_owned(), Ledger::default())).collect();
        let mut store = Self { journal, ledgers, buffer: Vec::new() };
        for record in records {
            store.apply(&postcard::from_bytes(&record)?);
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
        Ok(self.journal.sync()?)
    }

    fn apply(&mut self, transaction: &Transaction) {
        match transaction {
            Transaction::Fence { group, generation, partitions } => {
                let ledger = self.ledger(group);
                for partition in partitions {
                    ledger.fences.insert(*partition, *generation);
                }
            }
            Transaction::Effects { group, items, marked } => {
                let ledger = self.ledger(group);
                for item in items {
                    ledger.effects += 1;
                    ledger.digest = ledger.digest.wrapping_add(mix(item.event));
                    if *marked {
                        ledger.processed.insert(item.event);
                    }
                }
            }
            Transaction::Marks { group, events } => self.ledger(group).processed.extend(events),
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
                if partitions.iter().any(newer) {
                    return Ok(StoreReply::Fenced);
                }
                for partition in &partitions {
                    let (group, partition, member) = (name(&group), *partition, name(&member));
                    landed.push(What::Assign { group, partition, generation, member });
                }
                self.write(&Transaction::Fence { group, generation, partitions })?;
                Ok(StoreReply::Done)
            }
            StoreRequest::Apply { group, member, generation, mut items } => {
                // Only the owner of a partition may act on it, and each event takes effect once.
                let mut seen = BTreeSet::new();
                let processed = &self.ledger(&group).processed;
                items.retain(|item| !processed.contains(&item.event) && seen.insert(item.event));
                self.effects(group, (member, generation), items, true, landed)
            }
            StoreRequest::ApplyUnmarked { group, member, generation, items } => {
                self.effects(group, (member, generation), items, false, landed)
            }
            StoreRequest::Seen { group, events } => {
                let processed = &self.ledger(&group).processed;
                Ok(StoreReply::Seen(events.iter().map(|event| processed.contains(event)).collect()))
            }
            StoreRequest::Mark { group, events } => {
                self.write(&Transaction::Marks { group, events })?;
                Ok(StoreReply::Done)
            }
            StoreRequest::Describe => Ok(StoreReply::Described(
                self.ledgers
                    .iter()
                    .map(|(group, ledger)| (group.clone(), ledger.effects, ledger.digest))
                    .collect(),
            )),
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
        if items.iter().any(|item| fences.get(&item.partition) != Some(&generation)) {
            return Ok(StoreReply::Fenced);
        }
        for item in &items {
            landed.push(What::Apply {
                group: name(&group),
                position: Position::new(item.partition, item.offset),
                event: EventId(item.event),
                generation,
                member: name(&member),
            });
        }
        if !items.is_empty() {
            self.write(&Transaction::Effects { group, items, marked })?;
        }
        Ok(StoreReply::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Effect;

    fn items(events: &[u64]) -> Vec<Item> {
        events
            .iter()
            .map(|event| Item {
                partition: 0,
                offset: *event,
                event: *event,
                effect: Effect::Charge { cents: 1 },
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
        let fence =
            |generation| StoreRequest::Fence { group: group(), generation, partitions: vec![0] };
        let apply = |generation, events: &[u64]| StoreRequest::Apply {
            group: group(),
            generation,
            items: items(events),
        };
        let mut store = Store::open(folder.path()).unwrap();
        assert_eq!(ask(&mut store, fence(1)).0, StoreReply::Done);
        assert_eq!(ask(&mut store, apply(1, &[1, 2])), (StoreReply::Done, 2));
        assert_eq!(ask(&mut store, apply(1, &[2, 3])), (StoreReply::Done, 1));
        let mut store = Store::open(folder.path()).unwrap();
        assert_eq!(ask(&mut store, apply(1, &[1, 2, 3, 4])), (StoreReply::Done, 1));
        assert_eq!(ask(&mut store, fence(2)).0, StoreReply::Done);
        assert_eq!(ask(&mut store, apply(1, &[5])), (StoreReply::Fenced, 0));
        assert_eq!(ask(&mut store, fence(1)).0, StoreReply::Fenced);
        let (described, _) = ask(&mut store, StoreRequest::Describe);
        let digest = (1..=4).fold(0_u64, |sum, event| sum.wrapping_add(mix(event)));
        let StoreReply::Described(groups) = described else { panic!() };
        assert!(groups.contains(&(group(), 4, digest)));
    }
}
