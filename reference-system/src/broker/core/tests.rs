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
use omnipaxos::{
    ballot_leader_election::Ballot,
    messages::{
        Message,
        sequence_paxos::{PaxosMessage, PaxosMsg, Prepare, Promise},
    },
    util::LogSync,
};
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
    /// What the leader of a round has last told each follower to begin it with.
    syncs: BTreeMap<(usize, usize), PeerMessage>,
    /// Nothing reaches this one, and nothing comes from it.
    isolated: Option<usize>,
    sender: FrameSender,
    receiver: FrameReceiver,
    /// The sending half of the test's own connection, which must stay open.
    _client: FrameSender,
    asked: u64,
    answers: BTreeMap<u64, BrokerReply>,
}

fn config(id: usize, data: &Path) -> BrokerConfig {
    BrokerConfig {
        id: id as u64 + 1,
        listen: String::new(),
        brokers: vec![String::new(); 3],
        data: data.to_owned(),
        rejoins: false,
        policy: BrokerPolicy::default(),
        metrics: Metrics::default(),
    }
}

fn open(id: usize, data: &Path) -> Core {
    Core::open(&config(id, data)).unwrap()
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
            syncs: BTreeMap::new(),
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
                    if begins_a_round(&message) {
                        self.syncs.insert((*from, to), message.clone());
                    }
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
        self.cores[to].take(Input::Request { request, caller, connection: 0 }).unwrap();
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

/// Whether a leader tells a follower with this what its log must be when their round begins.
fn begins_a_round(message: &PeerMessage) -> bool {
    let PeerMessage::Consensus { message: Message::SequencePaxos(message), .. } = message else {
        return false;
    };
    matches!(message.msg, PaxosMsg::AcceptSync(_))
}

/// A broker asks another to promise to follow it with this ballot.
fn candidacy(n: Ballot, (from, to): (u64, u64)) -> PeerMessage {
    let nothing = Ballot::default();
    let asked = Prepare { n, decided_idx: 0, n_accepted: nothing, accepted_idx: 0 };
    let message = PaxosMessage { from, to, msg: PaxosMsg::Prepare(asked) };
    PeerMessage::Consensus { message: Message::SequencePaxos(message), age: 3 }
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

#[tokio::test]
async fn a_round_that_is_begun_again_takes_nothing_back_that_it_has_brought() {
    let mut cluster = Cluster::start().await;
    let leader = cluster.leader().await;
    let follower = (leader + 1) % 3;
    for _ in 0..PATIENCE {
        cluster.step().await;
    }
    let sync = cluster.syncs[&(leader, follower)].clone();
    // One entry reaches the follower, and nobody hears that it has it: it is accepted, and not decided.
    cluster.send(leader, publish(0, &[7]));
    cluster.cores[leader].turn(&mut Vec::new(), false).await.unwrap();
    let from = leader as u64 + 1;
    let mut inputs = Vec::new();
    while let Ok(message) = cluster.queues.get_mut(&(leader, follower)).unwrap().try_recv() {
        inputs.push(Input::Peer { from, connection: 0, message });
    }
    cluster.cores[follower].turn(&mut inputs, false).await.unwrap();
    assert_eq!(cluster.cores[follower].replication.progress(), (0, 1));

    // The follower has dialled anew and promises the same again; the leader's answer to the first promise comes late.
    cluster.cores[follower].take(Input::LinkUp(from)).unwrap();
    let ballot = cluster.cores[leader].copied().promise.unwrap();
    let again = candidacy(ballot, (from, follower as u64 + 1));
    for message in [again, sync] {
        let input = Input::Peer { from, connection: 0, message };
        cluster.cores[follower].turn(&mut vec![input], false).await.unwrap();
    }
    assert_eq!(cluster.cores[follower].replication.progress(), (0, 1), "it is still there");
    assert_eq!(cluster.cores[follower].copied().entries.len(), 1);
}

#[tokio::test]
async fn who_is_about_to_lead_gives_its_log_up_if_another_knows_more_and_not_what_was_decided() {
    let mut cluster = Cluster::start().await;
    let leader = cluster.leader().await;
    cluster.ask(leader, publish(0, &[7])).await;
    let other = (leader + 1) % 3;
    // Disks have gone back: another broker has accepted a later round, and its log is another from `sync_idx` on.
    let mut promise = |sync_idx| {
        let core = &mut cluster.cores[leader];
        core.replication.stand();
        let n = core.copied().promise.unwrap();
        let log_sync = LogSync { decided_snapshot: None, suffix: vec![], sync_idx, stopsign: None };
        let promise = Promise {
            n,
            n_accepted: n,
            decided_idx: 0,
            accepted_idx: sync_idx,
            log_sync: Some(log_sync),
        };
        let (from, to) = (other as u64 + 1, leader as u64 + 1);
        let message = PaxosMessage { from, to, msg: PaxosMsg::Promise(promise) };
        let message = Message::SequencePaxos(message);
        core.take(Input::Peer {
            from,
            connection: 0,
            message: PeerMessage::Consensus { message, age: 1 },
        })
    };
    promise(1).unwrap();
    let error = promise(0).unwrap_err();
    assert!(error.to_string().starts_with("the others have lost what was decided"), "{error}");
    drop(cluster.cores);
    let folder = cluster.folders[leader].path();
    let error = Core::open(&config(leader, folder)).map(drop).unwrap_err();
    assert!(error.to_string().contains("it was synced up to"), "it asks the others: {error}");
}

#[tokio::test]
async fn what_a_broker_said_before_it_asked_what_is_known_of_it_is_void() {
    let mut cluster = Cluster::start().await;
    let ballot = |number| Ballot::with(1, number, 0, 2);
    // The second asks the first for its vote.
    let asks_for_vote = |number, connection| {
        let message = candidacy(ballot(number), (2, 1));
        Input::Peer { from: 2, connection, message }
    };
    let promised = |cluster: &Cluster| cluster.cores[0].copied().promise;
    cluster.cores[0].turn(&mut vec![asks_for_vote(50, 4)], false).await.unwrap();
    assert_eq!(promised(&cluster), Some(ballot(50)));

    let caller = Caller::new(cluster.sender.clone(), 1);
    let request = BrokerRequest::Heard { by: 2 };
    cluster.cores[0].take(Input::Request { request, caller, connection: 5 }).unwrap();
    let known = BrokerReply::Heard { age: 3, promise: Some(ballot(50)) };
    assert_eq!(cluster.answer(1).await, Some(known));

    cluster.cores[0].turn(&mut vec![asks_for_vote(60, 4)], false).await.unwrap();
    assert_eq!(promised(&cluster), Some(ballot(50)), "it was said before it asked");
    cluster.cores[0].turn(&mut vec![asks_for_vote(60, 6)], false).await.unwrap();
    assert_eq!(promised(&cluster), Some(ballot(60)), "it was said after it asked");
}

#[test]
fn who_starts_promises_the_newest_ballot_that_others_have_promised() {
    let folder = tempfile::tempdir().unwrap();
    let ballot = |number| Some(Ballot::with(1, number, 0, 2));
    let config = config(0, folder.path());
    let core = Core::open(&config).unwrap().promising(&config, ballot(7)).unwrap();
    assert_eq!((core.copied().promise, core.replication.term()), (ballot(7), 7 << 16 | 2));
    let core = core.promising(&config, ballot(6)).unwrap().promising(&config, None).unwrap();
    assert_eq!(core.copied().promise, ballot(7));
    drop(core);
    assert_eq!(Core::open(&config).unwrap().copied().promise, ballot(7), "it is on disk");
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
