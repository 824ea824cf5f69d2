//! Three brokers in one process: their messages are carried by hand, so that a test can lose them.

use super::*;
use crate::broker::log::LogStore;
use crate::wire::{
    self, Checksums, EventData, Frame, Start,
    broker::BrokerReply,
    groups::{Buried, Claim},
    peers::{Copied, PeerMessage},
};
use bytes::Bytes;
use omnipaxos::ballot_leader_election::Ballot;
use squall_probe::net::{FrameReceiver, FrameSender, TcpListener, TcpStream};
use std::{collections::BTreeMap, path::Path};
use tempfile::TempDir;
use tokio::{
    sync::mpsc::{self, channel},
    time::timeout,
};

/// Turns in which a cluster elects a leader, or decides what was proposed.
const PATIENCE: usize = 80;

struct Cluster {
    folders: Vec<TempDir>,
    cores: Vec<Core>,
    /// What each broker has to say to each other one.
    queues: BTreeMap<(usize, usize), mpsc::Receiver<PeerMessage>>,
    /// Nothing reaches this one, and nothing comes from it.
    isolated: Option<usize>,
    sender: FrameSender,
    receiver: FrameReceiver,
    /// The sending half of the test's own connection, which must stay open.
    _client: FrameSender,
    asked: u64,
    answers: BTreeMap<u64, BrokerReply>,
}

fn open(id: usize, data: &Path) -> Core {
    Core::open(&BrokerConfig {
        id: id as u64 + 1,
        listen: String::new(),
        brokers: vec![String::new(); 3],
        data: data.to_owned(),
        rejoins: false,
        policy: BrokerPolicy::default(),
        metrics: Metrics::default(),
    })
    .unwrap()
}

impl Cluster {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (connected, accepted) = tokio::join!(TcpStream::connect(&address), listener.accept());
        let (client, receiver) = connected.unwrap().into_frames();
        let (sender, _) = accepted.unwrap().0.into_frames();
        let mut cluster = Self {
            folders: (0..3).map(|_| tempfile::tempdir().unwrap()).collect(),
            cores: Vec::new(),
            queues: BTreeMap::new(),
            isolated: None,
            sender,
            receiver,
            _client: client,
            asked: 0,
            answers: BTreeMap::new(),
        };
        cluster.restart();
        cluster
    }

    /// All brokers begin anew with what is on their disks.
    fn restart(&mut self) {
        self.cores.clear();
        self.cores = self.folders.iter().enumerate().map(|(id, f)| open(id, f.path())).collect();
        for (from, core) in self.cores.iter_mut().enumerate() {
            for to in (0..3).filter(|to| *to != from) {
                let (queue, messages) = channel(1000);
                core.connect(to as u64 + 1, Link::over(queue));
                self.queues.insert((from, to), messages);
            }
        }
    }

    /// One turn of each broker.
    async fn step(&mut self) {
        for to in 0..3 {
            let mut inputs = Vec::new();
            for ((from, _), queue) in self.queues.iter_mut().filter(|((_, at), _)| *at == to) {
                while let Ok(message) = queue.try_recv() {
                    if self.isolated.is_none_or(|isolated| isolated != *from && isolated != to) {
                        let from = *from as u64 + 1;
                        inputs.push(Input::Peer { from, connection: 0, message });
                    }
                }
            }
            self.cores[to].turn(&mut inputs, true).await.unwrap();
        }
        while let Ok(frame) = timeout(Duration::from_millis(1), self.receiver.recv()).await {
            let frame = frame.unwrap().unwrap();
            match wire::decode::<Frame<BrokerReply>>(&frame, Checksums::Verified) {
                Some(Frame::Call { id, body }) => self.answers.insert(id, body),
                other => panic!("{other:?}"),
            };
        }
    }

    /// Everybody hears everybody again, and knows that words were lost.
    fn heal(&mut self) {
        self.isolated = None;
        for (from, core) in self.cores.iter_mut().enumerate() {
            for to in (0..3).filter(|to| *to != from) {
                core.take(Input::LinkUp(to as u64 + 1)).unwrap();
            }
        }
    }

    /// The broker that leads those who are not isolated.
    async fn leader(&mut self) -> usize {
        for _ in 0..PATIENCE {
            let leads = |core: &Core| core.leading.is_some();
            let leader = (0..3).find(|at| Some(*at) != self.isolated && leads(&self.cores[*at]));
            if let Some(leader) = leader {
                return leader;
            }
            self.step().await;
        }
        panic!("nobody leads");
    }

    /// Sends a question; its number.
    fn send(&mut self, to: usize, request: BrokerRequest) -> u64 {
        self.asked += 1;
        let caller = Caller::new(self.sender.clone(), self.asked);
        self.cores[to].take(Input::Request { request, caller }).unwrap();
        self.asked
    }

    /// The answer to a question, if it comes.
    async fn answer(&mut self, question: u64) -> Option<BrokerReply> {
        for _ in 0..PATIENCE {
            if let Some(answer) = self.answers.remove(&question) {
                return Some(answer);
            }
            self.step().await;
        }
        None
    }

    async fn ask(&mut self, to: usize, request: BrokerRequest) -> BrokerReply {
        let question = self.send(to, request);
        self.answer(question).await.expect("an answer")
    }

    async fn join(&mut self, to: usize, member: &str) -> Claim {
        let (group, member): (Arc<str>, Arc<str>) = ("g".into(), member.into());
        let start = Start::Earliest;
        let request = BrokerRequest::Join { group: group.clone(), member: member.clone(), start };
        let BrokerReply::Joined { generation, .. } = self.ask(to, request).await else { panic!() };
        Claim { group, member, generation }
    }
}

fn publish(first_sequence: u64, ids: &[u64]) -> BrokerRequest {
    let event = |id: &u64| EventData { id: *id, key: 0, payload: Bytes::new() };
    let events = ids.iter().map(event).collect();
    BrokerRequest::Publish {
        producer: "p".into(),
        batches: vec![Batch { partition: 0, first_sequence, events }],
    }
}

fn fetch(claim: &Claim, from: u64, commits: &[Place]) -> BrokerRequest {
    let (claim, positions, commits) = (claim.clone(), vec![(0, from)], commits.to_vec());
    BrokerRequest::Fetch { claim, positions, commits, limit: 10 }
}

fn read_all() -> BrokerRequest {
    BrokerRequest::Read { positions: vec![(0, 0)], limit: 100 }
}

fn ids(reply: BrokerReply) -> Vec<u64> {
    match reply {
        BrokerReply::Events { events, .. } => events.iter().map(|(_, _, e)| e.id).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_the_leader_takes_publishes_and_the_others_name_it() {
    let mut cluster = Cluster::start().await;
    let leader = cluster.leader().await;
    let reply = cluster.ask(leader, publish(0, &[7])).await;
    assert_eq!(reply, BrokerReply::Published(vec![(0, 0)]));
    let other = (leader + 1) % 3;
    let reply = cluster.ask(other, publish(1, &[8])).await;
    assert_eq!(reply, BrokerReply::NotLeader(Some(leader as u64 + 1)));
}

#[tokio::test]
async fn nothing_is_acknowledged_without_a_majority() {
    let mut cluster = Cluster::start().await;
    let leader = cluster.leader().await;
    cluster.isolated = Some(leader);
    let question = cluster.send(leader, publish(0, &[7]));
    assert_eq!(cluster.answer(question).await, None);
    assert_eq!(ids(cluster.ask(leader, read_all()).await), []);
}

#[tokio::test]
async fn what_a_deposed_leader_has_alone_gives_way_to_what_was_acknowledged() {
    let mut cluster = Cluster::start().await;
    let old = cluster.leader().await;
    cluster.ask(old, publish(0, &[1])).await;
    cluster.isolated = Some(old);
    cluster.send(old, publish(1, &[2]));
    for _ in 0..PATIENCE {
        cluster.step().await;
    }
    let new = cluster.leader().await;
    assert_ne!(new, old);
    assert_eq!(cluster.ask(new, publish(1, &[3])).await, BrokerReply::Published(vec![(0, 1)]));
    cluster.heal();
    for _ in 0..PATIENCE {
        cluster.step().await;
    }
    for broker in 0..3 {
        assert_eq!(ids(cluster.ask(broker, read_all()).await), [1, 3], "broker {broker}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_all_have_restarted_and_a_retry_is_recognised() {
    let mut cluster = Cluster::start().await;
    let leader = cluster.leader().await;
    cluster.ask(leader, publish(0, &[7, 8])).await;
    cluster.restart();
    let leader = cluster.leader().await;
    let reply = cluster.ask(leader, publish(0, &[7, 8])).await;
    assert_eq!(reply, BrokerReply::Published(vec![(0, 0), (0, 1)]));
    assert_eq!(ids(cluster.ask(leader, read_all()).await), [7, 8]);
    assert_eq!(cluster.ask(leader, publish(9, &[9])).await, BrokerReply::OutOfOrder);
}

#[tokio::test]
async fn a_fetch_without_events_waits_for_them() {
    let mut cluster = Cluster::start().await;
    let leader = cluster.leader().await;
    let claim = cluster.join(leader, "m").await;
    let question = cluster.send(leader, fetch(&claim, 0, &[]));
    cluster.step().await;
    assert!(cluster.answers.is_empty());
    cluster.ask(leader, publish(0, &[7])).await;
    assert_eq!(ids(cluster.answer(question).await.unwrap()), [7]);
}

#[tokio::test]
async fn a_rebalance_fences_the_older_generation_and_keeps_what_was_committed() {
    let mut cluster = Cluster::start().await;
    let leader = cluster.leader().await;
    cluster.ask(leader, publish(0, &[7, 8])).await;
    let first = cluster.join(leader, "b").await;
    assert_eq!(ids(cluster.ask(leader, fetch(&first, 0, &[])).await), [7, 8]);
    cluster.ask(leader, fetch(&first, 0, &[(0, 1)])).await;
    let second = cluster.join(leader, "a").await;
    assert!(second.generation > first.generation);
    // Whoever is fenced can neither read nor commit.
    let reply = cluster.ask(leader, fetch(&first, 1, &[(0, 2)])).await;
    assert_eq!(reply, BrokerReply::Rebalanced);
    let request =
        BrokerRequest::Join { group: "g".into(), member: "a".into(), start: Start::Earliest };
    let BrokerReply::Joined { partitions, .. } = cluster.ask(leader, request).await else {
        panic!()
    };
    assert_eq!(partitions, [(0, 1), (2, 0)]);
}

#[tokio::test]
async fn a_payload_that_is_too_large_is_refused_for_good() {
    let mut cluster = Cluster::start().await;
    let leader = cluster.leader().await;
    let payload = vec![0; MAX_PAYLOAD + 1].into();
    let events = vec![EventData { id: 1, key: 0, payload }];
    let batches = vec![Batch { partition: 0, first_sequence: 0, events }];
    let request = BrokerRequest::Publish { producer: "p".into(), batches };
    assert!(matches!(cluster.ask(leader, request).await, BrokerReply::Refused(_)));
    assert_eq!(ids(cluster.ask(leader, read_all()).await), []);
}

#[tokio::test]
async fn dead_letters_wait_in_the_queue_until_their_owner_takes_them_out() {
    let mut cluster = Cluster::start().await;
    let leader = cluster.leader().await;
    cluster.ask(leader, publish(0, &[7])).await;
    let claim = cluster.join(leader, "m").await;
    let redrive = BrokerRequest::Redrive { claim: claim.clone(), handled: Vec::new(), limit: 10 };
    let nothing = BrokerReply::Redriven(Vec::new());
    assert_eq!(cluster.ask(leader, redrive.clone()).await, nothing);
    let reason = crate::wire::groups::Reason::Exhausted;
    let dead =
        BrokerRequest::DeadLetter { claim: claim.clone(), letters: vec![((0, 0), 0)], reason };
    assert_eq!(cluster.ask(leader, dead).await, BrokerReply::DeadLettered);
    // A fetch says that it is seen to.
    let BrokerReply::Events { buried, .. } = cluster.ask(leader, fetch(&claim, 0, &[])).await
    else {
        panic!()
    };
    assert_eq!(buried, [Buried { letter: ((0, 0), 1), waits: true }]);
    let BrokerReply::Redriven(events) = cluster.ask(leader, redrive).await else { panic!() };
    let places: Vec<_> =
        events.iter().map(|((p, offset, _), times)| ((*p, *offset), *times)).collect();
    assert_eq!(places, [((0, 0), 1)]);
    let handled = BrokerRequest::Redrive { claim, handled: places, limit: 10 };
    assert_eq!(cluster.ask(leader, handled).await, nothing);
}

#[tokio::test]
async fn who_promised_more_than_the_leader_of_the_others_has_is_not_left_outside() {
    let mut cluster = Cluster::start().await;
    cluster.cores.clear();
    // As if the third had been about to lead when its power failed.
    let folder = cluster.folders[2].path();
    let policy = BrokerPolicy::default();
    let log = LogStore::open(folder, &policy.care, policy.must_be_synced).unwrap();
    let promise = Some(Ballot::with(1, 9, 0, 3));
    LogStore::replace(folder, Copied { promise, ..log.copied() }, log.age()).unwrap();
    cluster.restart();
    let leader = cluster.leader().await;
    cluster.ask(leader, publish(0, &[7])).await;
    for _ in 0..PATIENCE {
        cluster.step().await;
    }
    assert_eq!(ids(cluster.ask(2, read_all()).await), [], "it refuses what the leader says");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3)).await;
    tokio::time::resume();
    for _ in 0..2 * PATIENCE {
        cluster.step().await;
    }
    for broker in 0..3 {
        assert_eq!(ids(cluster.ask(broker, read_all()).await), [7], "broker {broker}");
    }
}

#[test]
fn what_was_heard_is_on_disk_with_what_was_done_about_it_and_a_promise_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let policy = BrokerPolicy::default();
    let open = || LogStore::open(folder.path(), &policy.care, policy.must_be_synced).unwrap();
    let mut log = open();
    log.hear(2, 7, false);
    log.flush().unwrap();
    assert_eq!(open().heard().get(&2), None, "nobody relies on it");
    log.hear(3, 4, true);
    log.flush().unwrap();
    assert_eq!(open().heard(), &[(2, 7), (3, 4)].into());
}

#[test]
fn a_log_that_is_too_old_remains_so_until_another_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let policy = BrokerPolicy::default();
    let open = || LogStore::open(folder.path(), &policy.care, policy.must_be_synced).unwrap();
    let mut log = open();
    assert!(!log.is_old());
    log.found_old().unwrap();
    // Each start makes it seem younger.
    assert!(open().is_old() && open().age() > log.age());
    LogStore::replace(folder.path(), log.copied(), log.age()).unwrap();
    assert!(!open().is_old());
}
