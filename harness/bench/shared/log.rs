// A log with a leader and two followers; an entry is acknowledged when two of the three have it. Included where `net` is a
// simulator's, as `echo.rs` is.

use bench_common::Log;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    io::AsyncReadExt as _,
    sync::{mpsc, oneshot},
};

pub const CLIENTS: u16 = 7001;
pub const REPLICAS: u16 = 7002;

/// Keeps what the leader sends, and says how much it has.
pub async fn follow(job: Log) {
    let listener = net::bind(REPLICAS).await;
    loop {
        let mut stream = net::accept(&listener).await;
        net::spawn(async move {
            let mut log: Vec<Vec<u8>> = Vec::new();
            while let Ok(count) = stream.read_u32().await {
                for _ in 0..count {
                    let mut entry = vec![0; job.bytes];
                    if stream.read_exact(&mut entry).await.is_err() {
                        return;
                    }
                    log.push(entry);
                }
                if net::send(&mut stream, &(log.len() as u64).to_be_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

#[derive(Default)]
struct Leader {
    log: Vec<Arc<[u8]>>,
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

/// Appends what clients send, replicates it, and answers.
pub async fn lead(followers: [&'static str; 2], job: Log) {
    let leader = Arc::new(Mutex::new(Leader::default()));
    let mut links = Vec::new();
    for follower in followers {
        let (entries, mut queue) = mpsc::unbounded_channel::<Arc<[u8]>>();
        links.push(entries);
        let leader = leader.clone();
        net::spawn(async move {
            let mut stream = net::connect(follower, REPLICAS).await;
            let (mut batch, mut out) = (Vec::new(), Vec::new());
            while queue.recv_many(&mut batch, 64).await > 0 {
                out.clear();
                out.extend((batch.len() as u32).to_be_bytes());
                batch.drain(..).for_each(|entry| out.extend_from_slice(&entry));
                net::send(&mut stream, &out).await.expect("nothing fails here");
                let has = stream.read_u64().await.expect("nothing fails here");
                // With the leader's own copy these are two of three.
                let mut leader = leader.lock().expect("nobody panics");
                let rest = leader.waiting.split_off(&(has + 1));
                for (_, waiting) in std::mem::replace(&mut leader.waiting, rest) {
                    let _ = waiting.send(());
                }
            }
        });
    }
    let listener = net::bind(CLIENTS).await;
    loop {
        let mut stream = net::accept(&listener).await;
        let (leader, links) = (leader.clone(), links.clone());
        net::spawn(async move {
            let mut entry = vec![0; job.bytes];
            while stream.read_exact(&mut entry).await.is_ok() {
                let entry: Arc<[u8]> = entry.as_slice().into();
                let (tell, told) = oneshot::channel();
                let number = {
                    let mut leader = leader.lock().expect("nobody panics");
                    leader.log.push(entry.clone());
                    let number = leader.log.len() as u64;
                    leader.waiting.insert(number, tell);
                    number
                };
                for link in &links {
                    let _ = link.send(entry.clone());
                }
                let _ = told.await;
                if net::send(&mut stream, &number.to_be_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Appends all entries; counts those that were acknowledged.
pub async fn append(leader: &'static str, job: Log, done: Arc<AtomicU64>) {
    let clients = (0..job.under_way).map(|_| {
        let done = done.clone();
        net::spawn(async move {
            let mut stream = net::connect(leader, CLIENTS).await;
            let entry = vec![7; job.bytes];
            for _ in 0..job.entries / job.under_way {
                net::send(&mut stream, &entry).await.expect("nothing fails here");
                stream.read_u64().await.expect("nothing fails here");
                done.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        let _ = client.await;
    }
}
