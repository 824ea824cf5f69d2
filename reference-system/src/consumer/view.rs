//! The query side: what each customer's last order came to, kept up by following the topic, and rebuilt by
//! replaying it.
//!
//! Event sourcing with snapshots: a restart begins with the last snapshot. To be fresh at once it follows the
//! end of the topic from the start, and replays what lies between the snapshot and there at the same time; so an
//! older event can come after a newer one, and must not overwrite what that one said.

use super::{
    config::ConsumerConfig,
    policy::Moment,
    projection::Projection,
    replay::Replay,
    snapshot::{Reached, Snapshot},
};
use crate::{
    Error,
    calls::{self, Call},
    client::rotation::Brokers,
    retry::Backoff,
    wire::{
        broker::{BrokerReply, BrokerRequest},
        events::{PARTITIONS, PlacedEvent},
    },
};
use squall_probe::net::TcpListener;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::{Mutex, mpsc::Receiver};

/// The number of events between two snapshots.
const BETWEEN: u64 = 150;

/// The largest number of events in one read.
const LIMIT: u32 = 64;

/// How long a broker may take to answer.
const REQUEST: Duration = Duration::from_millis(500);

/// How long to wait when there is nothing new.
const IDLE: Duration = Duration::from_millis(100);

/// Keeps the projection up, and answers questions about it.
pub(super) async fn run(config: &ConsumerConfig) -> Result<(), Error> {
    let listener = TcpListener::bind(&config.listen).await?;
    let Snapshot { reached, projection } =
        (config.policy.view.load)(&config.data).unwrap_or_default();
    let shared = Arc::new(Mutex::new(projection));
    let questions = calls::take(listener, 16, config.policy.client.checksums);
    squall_probe::task::spawn(answer(questions, shared.clone()));
    follow(config, reached, &shared).await
}

async fn answer(mut queue: Receiver<Call<()>>, shared: Arc<Mutex<Projection>>) {
    while let Some(call) = queue.recv().await {
        let ((), caller) = call.apart();
        let projection = shared.lock().await;
        caller.answer("describe", (projection.events, projection.digest()));
    }
}

/// Reads on for ever, from what the snapshot has reached.
async fn follow(
    config: &ConsumerConfig,
    reached: Reached,
    shared: &Mutex<Projection>,
) -> Result<(), Error> {
    let policy = config.policy.view;
    let mut brokers = Brokers::new("view", &config.brokers, 0, config.policy.client);
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500), "view");
    let mut behind: BTreeMap<u32, u64> =
        (0..PARTITIONS).map(|p| (p, reached.positions.get(&p).copied().unwrap_or(0))).collect();
    let begin = reached.start(shared.lock().await.events, policy.replay_from);
    let mut times = reached.times;
    // Where the end of the topic is now: from there on it is followed.
    let ends = loop {
        if let Ok(BrokerReply::Described { partitions, .. }) =
            brokers.ask("fetch", &BrokerRequest::Describe, REQUEST).await
        {
            break partitions.into_iter().map(|(p, end, _)| (p, end)).collect::<BTreeMap<_, _>>();
        }
        backoff.wait().await;
    };
    let start = |p: &u32| ends.get(p).copied().unwrap_or(0).max(behind[p]);
    let from: BTreeMap<u32, u64> = behind.keys().map(|p| (*p, start(p))).collect();
    let lacks = |behind: &BTreeMap<u32, u64>| from.iter().any(|(p, end)| behind[p] < *end);
    let mut replay = lacks(&behind).then(|| Replay::new(&config.name, begin, policy.replay_to));
    let mut ahead = from.clone();
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
        advance(&mut ahead, &live);
        if since_snapshot >= BETWEEN && (policy.saves_at)(Moment::Read, replay.is_some()) {
            save(config, &ahead, &times, shared).await?;
            since_snapshot = 0;
        }
        {
            let mut projection = shared.lock().await;
            for (_, offset, event) in live.iter().chain(&old) {
                projection.take(*offset, event, policy.late);
            }
        }
        advance(&mut behind, &old);
        times.extend(newest);
        if !lacks(&behind)
            && let Some(replay) = replay.take()
        {
            replay.end(&mut brokers).await;
        }
        if since_snapshot >= BETWEEN && (policy.saves_at)(Moment::TakenIn, replay.is_some()) {
            save(config, &ahead, &times, shared).await?;
            since_snapshot = 0;
        }
        if !answered {
            backoff.wait().await;
            continue;
        }
        backoff.reset();
        if idle {
            squall_probe::time::sleep(IDLE).await;
        }
    }
}

async fn save(
    config: &ConsumerConfig,
    positions: &BTreeMap<u32, u64>,
    times: &BTreeMap<u32, u64>,
    shared: &Mutex<Projection>,
) -> Result<(), Error> {
    let policy = config.policy.view;
    let reached = Reached { positions: positions.clone(), times: (policy.times)(times) };
    let projection = shared.lock().await.clone();
    Ok((policy.save)(&config.data, &Snapshot { reached, projection })?)
}

fn advance(positions: &mut BTreeMap<u32, u64>, events: &[PlacedEvent]) {
    for (partition, offset, _) in events {
        positions.insert(*partition, offset + 1);
    }
}

/// Events, and for each partition the time at which the last of them was appended.
type Read = (Vec<PlacedEvent>, Vec<(u32, u64)>);

/// The next events of each partition, in order; `None` if there is no answer.
async fn read(brokers: &mut Brokers, positions: &BTreeMap<u32, u64>) -> Option<Read> {
    let request = BrokerRequest::Read {
        positions: positions.iter().map(|(p, o)| (*p, *o)).collect(),
        limit: LIMIT,
    };
    let Ok(BrokerReply::Events { events: mut fresh, times, .. }) =
        brokers.ask("fetch", &request, REQUEST).await
    else {
        return None;
    };
    let mut next = positions.clone();
    fresh.retain(|(partition, offset, _)| {
        let expected = next.get(partition) == Some(offset);
        if expected {
            next.insert(*partition, offset + 1);
        }
        expected
    });
    Some((fresh, times))
}
