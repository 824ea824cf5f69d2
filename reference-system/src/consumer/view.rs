//! The query side: what each customer's last order came to, kept up by following the topic, and rebuilt by
//! replaying it.
//!
//! Event sourcing with snapshots: a restart begins with the last snapshot. To be fresh at once it follows the
//! end of the topic from the start, and reads what lies between the snapshot and there at the same time; so an
//! older event can come after a newer one, and must not overwrite what that one said.

use super::ConsumerConfig;
use crate::{
    Error,
    broker::PARTITIONS,
    calls::{self, Call},
    client::Brokers,
    defects::Defects,
    domain::{Happening, Message},
    journal::{Care, Journal},
    retry::Backoff,
    wire::{BrokerReply, BrokerRequest, EventData},
};
use serde::{Deserialize, Serialize};
use squall_probe::{mix, net::TcpListener, signal};
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};
use tokio::sync::{Mutex, mpsc::Receiver};

const SNAPSHOT: &str = "view";

/// Events between two snapshots.
const BETWEEN: u64 = 150;

/// Events in one read.
const LIMIT: u32 = 64;

const REQUEST: Duration = Duration::from_millis(500);

/// How long to wait when there is nothing new.
const IDLE: Duration = Duration::from_millis(100);

/// What is known of a customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Customer {
    /// Where the event stands that said so: its offset, and one.
    version: u64,
    /// What it was about.
    order: u64,
    /// 0 placed, 1 paid, 2 declined, 3 unshippable.
    status: u8,
    /// How much was paid in all, in cents.
    spent: u64,
}

/// The projection, as it stands in a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    customers: BTreeMap<u32, Customer>,
    /// Events taken in.
    events: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Snapshot {
    /// Next offset of each partition.
    positions: BTreeMap<u32, u64>,
    state: State,
}

impl State {
    fn take(&mut self, offset: u64, event: &EventData, defects: &Defects) {
        self.events += 1;
        let Some(message) = Message::decode(&event.payload) else { return };
        let customer = self.customers.entry(event.key).or_default();
        if message.happening == Happening::Paid {
            customer.spent += message.order.cents;
        }
        if offset < customer.version && !defects.projection_ignores_version {
            return;
        }
        customer.version = offset + 1;
        customer.order = message.order.id;
        customer.status = match message.happening {
            Happening::Placed => 0,
            Happening::Paid => 1,
            Happening::Declined => 2,
            Happening::Unshippable => 3,
        };
    }

    fn digest(&self) -> u64 {
        self.customers.iter().fold(0, |digest, (customer, known)| {
            let said = [known.version, known.order, u64::from(known.status), known.spent];
            said.into_iter()
                .fold(mix(digest ^ u64::from(*customer)), |digest, value| mix(digest ^ value))
        })
    }
}

/// Keeps the projection up, and answers questions about it.
pub(super) async fn run(config: &ConsumerConfig) -> Result<(), Error> {
    let listener = TcpListener::bind(&config.listen).await?;
    let snapshot = load(&config.data);
    let shared = Arc::new(Mutex::new(snapshot.state.clone()));
    squall_probe::task::spawn(answer(calls::take(listener, 16), shared.clone()));
    follow(config, snapshot, &shared).await
}

/// The last snapshot; an empty one if there is none that is whole.
fn load(data: &Path) -> Snapshot {
    let found = Journal::open(data, SNAPSHOT, &Care::default()).ok();
    let snapshot = found.and_then(|(_, records)| postcard::from_bytes(records.last()?).ok());
    if snapshot.is_some() {
        signal("snapshot_loaded");
    }
    snapshot.unwrap_or_default()
}

async fn answer(mut queue: Receiver<Call<()>>, shared: Arc<Mutex<State>>) {
    while let Some(call) = queue.recv().await {
        let ((), answerer) = call.apart();
        let state = shared.lock().await;
        answerer.answer("describe", (state.events, state.digest()));
    }
}

async fn follow(
    config: &ConsumerConfig,
    snapshot: Snapshot,
    shared: &Mutex<State>,
) -> Result<(), Error> {
    let mut brokers = Brokers::new(&config.brokers, 0, &config.defects);
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500), "view");
    let mut behind: BTreeMap<u32, u64> =
        (0..PARTITIONS).map(|p| (p, snapshot.positions.get(&p).copied().unwrap_or(0))).collect();
    // Where the end of the topic is now: from there on it is followed.
    let ends = loop {
        if let Ok(BrokerReply::Described { partitions, .. }) =
            brokers.ask("fetch", BrokerRequest::Describe, REQUEST).await
        {
            break partitions.into_iter().map(|(p, end, _)| (p, end)).collect::<BTreeMap<_, _>>();
        }
        backoff.wait().await;
    };
    let start = |p: &u32| ends.get(p).copied().unwrap_or(0).max(behind[p]);
    let mut ahead: BTreeMap<u32, u64> = behind.keys().map(|p| (*p, start(p))).collect();
    let from = ahead.clone();
    let mut since_snapshot = 0;
    loop {
        let live = read(&mut brokers, &ahead, &BTreeMap::new()).await;
        let old = if behind == from {
            Some(Vec::new())
        } else {
            read(&mut brokers, &behind, &from).await
        };
        let (Some(live), Some(old)) = (live, old) else {
            backoff.wait().await;
            continue;
        };
        backoff.reset();
        let idle = live.is_empty() && old.is_empty();
        since_snapshot += live.len() as u64;
        if config.defects.snapshot_ahead && behind == from && since_snapshot >= BETWEEN {
            // A known mistake: it claims what is taken in only after it.
            let mut positions = ahead.clone();
            advance(&mut positions, &live);
            save(&config.data, positions, &*shared.lock().await)?;
            since_snapshot = 0;
        }
        {
            let mut state = shared.lock().await;
            for (_, offset, event) in live.iter().chain(&old) {
                state.take(*offset, event, &config.defects);
            }
        }
        advance(&mut ahead, &live);
        advance(&mut behind, &old);
        // Only a state without a gap can be said to have a position.
        if behind == from && since_snapshot >= BETWEEN {
            save(&config.data, ahead.clone(), &*shared.lock().await)?;
            since_snapshot = 0;
        }
        if idle {
            tokio::time::sleep(IDLE).await;
        }
    }
}

fn save(data: &Path, positions: BTreeMap<u32, u64>, state: &State) -> Result<(), Error> {
    let snapshot = Snapshot { positions, state: state.clone() };
    Ok(Journal::replace(data, SNAPSHOT, &postcard::to_stdvec(&snapshot)?)?)
}

fn advance(positions: &mut BTreeMap<u32, u64>, events: &[(u32, u64, EventData)]) {
    for (partition, offset, _) in events {
        positions.insert(*partition, offset + 1);
    }
}

/// The next events of each partition, in order, up to an end where there is one; `None` if there is no answer.
async fn read(
    brokers: &mut Brokers,
    positions: &BTreeMap<u32, u64>,
    ends: &BTreeMap<u32, u64>,
) -> Option<Vec<(u32, u64, EventData)>> {
    let request = BrokerRequest::Read {
        positions: positions.iter().map(|(p, o)| (*p, *o)).collect(),
        limit: LIMIT,
    };
    let Ok(BrokerReply::Events { events, .. }) = brokers.ask("fetch", request, REQUEST).await
    else {
        return None;
    };
    let mut next = positions.clone();
    let mut fresh = Vec::new();
    for (partition, offset, event) in events {
        let within = ends.get(&partition).is_none_or(|end| offset < *end);
        if within && next.get(&partition) == Some(&offset) {
            next.insert(partition, offset + 1);
            fresh.push((partition, offset, event));
        }
    }
    Some(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Order;

    fn event(id: u64, customer: u32) -> EventData {
        let payload = Message::placed(Order::placed(id, customer, 10)).encode();
        EventData { id, key: customer, payload }
    }

    #[test]
    fn the_order_in_which_events_are_taken_in_does_not_matter() {
        let defects = Defects::default();
        let (mut forwards, mut backwards) = (State::default(), State::default());
        for offset in 0..20 {
            forwards.take(offset, &event(offset, 1), &defects);
            backwards.take(19 - offset, &event(19 - offset, 1), &defects);
        }
        assert_eq!(forwards, backwards);
        assert_eq!(forwards.customers[&1].order, 19);
    }

    #[test]
    fn a_snapshot_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(load(folder.path()), Snapshot::default());
        let mut state = State::default();
        state.take(0, &event(7, 1), &Defects::default());
        save(folder.path(), [(0, 1)].into(), &state).unwrap();
        assert_eq!(load(folder.path()), Snapshot { positions: [(0, 1)].into(), state });
        let path = folder.path().join(SNAPSHOT);
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(load(folder.path()), Snapshot::default());
    }
}
