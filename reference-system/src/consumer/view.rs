//! The query side: what each customer's last order came to, kept up by following the topic, and rebuilt by
//! replaying it.
//!
//! Event sourcing with snapshots: a restart begins with the last snapshot. To be fresh at once it follows the
//! end of the topic from the start, and replays what lies between the snapshot and there at the same time; so an
//! older event can come after a newer one, and must not overwrite what that one said.

use super::{ConsumerConfig, replay::Replay};
use crate::{
    Error,
    broker::PARTITIONS,
    calls::{self, Call},
    client::Brokers,
    defects::Defects,
    domain::{Happening, Message},
    journal::{Care, Journal},
    retry::Backoff,
    wire::{BrokerReply, BrokerRequest, EventData, Start},
};
use serde::{Deserialize, Serialize};
use squall_probe::{clock, mix, net::TcpListener, signal};
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};
use tokio::sync::{Mutex, mpsc::Receiver};

const SNAPSHOT: &str = "view";

/// A known mistake's second file.
const POSITIONS: &str = "view.positions";

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
    reached: Reached,
    state: State,
}

/// How far the topic was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    /// Next offset of each partition.
    positions: BTreeMap<u32, u64>,
    /// A time of the log in each partition, in milliseconds since the Unix epoch, before which everything was
    /// taken in.
    times: BTreeMap<u32, u64>,
}

impl Reached {
    /// From where on a group misses nothing.
    fn start(&self, events: u64, defects: &Defects) -> Start {
        let least = |of: &BTreeMap<u32, u64>| {
            (0..PARTITIONS).map(|p| of.get(&p).copied().unwrap_or(0)).min().unwrap_or(0)
        };
        // Both ways lead there, and both should stay trodden.
        match events {
            0 => Start::Earliest,
            even if even % 2 == 0 => Start::Time(least(&self.times)),
            _ => Start::Offset(least(&self.positions) + u64::from(defects.replay_begins_behind)),
        }
    }
}

/// In what snapshots are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Files {
    /// In one, which is there as a whole or not at all.
    One,
    /// Known mistakes: what was reached has a file of its own, which is written before the state, or after.
    Two { state_first: bool },
}

impl Files {
    fn of(defects: &Defects) -> Self {
        match (defects.snapshot_in_two_files, defects.position_before_snapshot) {
            (true, _) => Self::Two { state_first: true },
            (false, true) => Self::Two { state_first: false },
            (false, false) => Self::One,
        }
    }
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
    let snapshot = load(&config.data, Files::of(&config.defects));
    let shared = Arc::new(Mutex::new(snapshot.state.clone()));
    squall_probe::task::spawn(answer(calls::take(listener, 16), shared.clone()));
    follow(config, snapshot, &shared).await
}

/// The last snapshot; an empty one if there is none that is whole.
fn load(data: &Path, files: Files) -> Snapshot {
    let mut snapshot: Option<Snapshot> = read_last(data, SNAPSHOT);
    if files != Files::One
        && let Some(reached) = read_last(data, POSITIONS)
    {
        snapshot.get_or_insert_default().reached = reached;
    }
    if snapshot.is_some() {
        signal("snapshot_loaded");
    }
    snapshot.unwrap_or_default()
}

fn read_last<T: serde::de::DeserializeOwned>(data: &Path, name: &str) -> Option<T> {
    let (_, records) = Journal::open(data, name, &Care::default()).ok()?;
    postcard::from_bytes(records.last()?).ok()
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
    let defects = &config.defects;
    let files = Files::of(defects);
    let mut brokers = Brokers::new("view", &config.brokers, 0, defects);
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500), "view");
    let Snapshot { reached, state } = snapshot;
    let mut behind: BTreeMap<u32, u64> =
        (0..PARTITIONS).map(|p| (p, reached.positions.get(&p).copied().unwrap_or(0))).collect();
    let begin = reached.start(state.events, defects);
    let mut times = reached.times;
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
    let lacks = |behind: &BTreeMap<u32, u64>| from.iter().any(|(p, end)| behind[p] < *end);
    let mut replay =
        lacks(&behind).then(|| Replay::new(&config.name, begin, defects.replay_ends_late));
    let mut since_snapshot = 0;
    loop {
        let live = read(&mut brokers, &ahead).await;
        let old = match &mut replay {
            Some(replay) => replay.read(&mut brokers, &mut behind, &from).await,
            None => Some(Vec::new()),
        };
        // What one of the two was given is taken in, whether or not the other was answered: a group's next read goes
        // on behind it.
        let answered = live.is_some() && old.is_some();
        let ((live, newest), old) = (live.unwrap_or_default(), old.unwrap_or_default());
        let idle = live.is_empty() && old.is_empty();
        since_snapshot += live.len() as u64;
        let due = since_snapshot >= BETWEEN;
        if defects.snapshot_ahead && replay.is_none() && due {
            // A known mistake: it claims what is taken in only after it.
            let mut positions = ahead.clone();
            advance(&mut positions, &live);
            let reached = Reached { positions, times: times.clone() };
            save(&config.data, files, reached, &*shared.lock().await)?;
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
        times.extend(newest);
        if !lacks(&behind)
            && let Some(replay) = replay.take()
        {
            replay.end(&mut brokers).await;
        }
        // Only a state without a gap can be said to have a position.
        let whole = replay.is_none() || defects.snapshot_while_catching_up;
        if whole && since_snapshot >= BETWEEN {
            let mut reached = Reached { positions: ahead.clone(), times: times.clone() };
            if defects.replay_by_own_clock {
                let now = u64::try_from(clock::since_epoch().as_millis()).unwrap_or(u64::MAX);
                reached.times = (0..PARTITIONS).map(|partition| (partition, now)).collect();
            }
            save(&config.data, files, reached, &*shared.lock().await)?;
            since_snapshot = 0;
        }
        if !answered {
            backoff.wait().await;
            continue;
        }
        backoff.reset();
        if idle {
            tokio::time::sleep(IDLE).await;
        }
    }
}

fn save(data: &Path, files: Files, reached: Reached, state: &State) -> Result<(), Error> {
    let positions = postcard::to_stdvec(&reached)?;
    let snapshot = postcard::to_stdvec(&Snapshot { reached, state: state.clone() })?;
    if files == (Files::Two { state_first: false }) {
        Journal::replace(data, POSITIONS, &positions)?;
    }
    Journal::replace(data, SNAPSHOT, &snapshot)?;
    if files == (Files::Two { state_first: true }) {
        Journal::replace(data, POSITIONS, &positions)?;
    }
    Ok(())
}

fn advance(positions: &mut BTreeMap<u32, u64>, events: &[(u32, u64, EventData)]) {
    for (partition, offset, _) in events {
        positions.insert(*partition, offset + 1);
    }
}

/// Events, and when the last of each partition was appended.
type Read = (Vec<(u32, u64, EventData)>, Vec<(u32, u64)>);

/// The next events of each partition, in order; `None` if there is no answer.
async fn read(brokers: &mut Brokers, positions: &BTreeMap<u32, u64>) -> Option<Read> {
    let request = BrokerRequest::Read {
        positions: positions.iter().map(|(p, o)| (*p, *o)).collect(),
        limit: LIMIT,
    };
    let Ok(BrokerReply::Events { events, times, .. }) =
        brokers.ask("fetch", request, REQUEST).await
    else {
        return None;
    };
    let mut next = positions.clone();
    let mut fresh = Vec::new();
    for (partition, offset, event) in events {
        if next.get(&partition) == Some(&offset) {
            next.insert(partition, offset + 1);
            fresh.push((partition, offset, event));
        }
    }
    Some((fresh, times))
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
        assert_eq!(load(folder.path(), Files::One), Snapshot::default());
        let mut state = State::default();
        state.take(0, &event(7, 1), &Defects::default());
        let reached = Reached { positions: [(0, 1)].into(), times: [(0, 7)].into() };
        save(folder.path(), Files::One, reached.clone(), &state).unwrap();
        assert_eq!(load(folder.path(), Files::One), Snapshot { reached, state });
        let path = folder.path().join(SNAPSHOT);
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(load(folder.path(), Files::One), Snapshot::default());
    }
}
