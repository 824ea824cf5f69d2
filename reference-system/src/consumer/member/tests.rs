//! A member against brokers, a store and a gateway that do as they are told, on loopback.

use super::*;
use crate::{
    calls,
    client::policy::ClientPolicy,
    consumer::{
        bank::{Bank, BankPolicy},
        membership::{Addresses, MemberPolicy},
    },
    domain::{Order, Service},
    metrics::Metrics,
    retry::Backoff,
    wire::{
        Checksums, EventData,
        gateway::{GatewayReply, GatewayRequest},
        store::{StoreReply, StoreRequest},
    },
};
use serde::{Serialize, de::DeserializeOwned};
use squall_probe::net::TcpListener;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};
use tokio::time::{sleep, timeout};

/// What a member has done, in the order in which the others heard of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    Fence {
        generation: u64,
    },
    /// The events whose effects are to be applied.
    Apply {
        generation: u64,
        events: Vec<u64>,
    },
    Commit {
        generation: u64,
        offsets: Vec<Place>,
    },
    DeadLetter {
        letters: Vec<Letter>,
        reason: Reason,
    },
    Emit {
        events: Vec<u64>,
    },
    Charge {
        orders: Vec<u64>,
    },
}

/// What the others know, and how they answer.
#[derive(Default)]
struct World {
    heard: Vec<Heard>,
    /// The events of partition 0.
    log: Vec<EventData>,
    committed: u64,
    generation: u64,
    dead: BTreeSet<Place>,
    /// Events that are given in place of the log's, once.
    odd: Option<Vec<PlacedEvent>>,
    /// How often a commit is lost, with everything that it came with.
    lost_commits: u32,
    /// How often effects are refused because another member owns the partition.
    fenced: u32,
    /// How often no answer to a dead letter comes.
    unsure: u32,
    gateway_is_down: bool,
}

type Shared = Arc<Mutex<World>>;

impl World {
    fn hear(&mut self, heard: Heard) {
        // Requests may be repeated; what was heard twice in a row is told once.
        if self.heard.last() != Some(&heard) {
            self.heard.push(heard);
        }
    }

    fn broker(&mut self, request: BrokerRequest) -> BrokerReply {
        match request {
            BrokerRequest::Join { .. } => {
                self.generation += 1;
                let partitions = vec![(0, self.committed)];
                BrokerReply::Joined { generation: self.generation, partitions }
            }
            BrokerRequest::Fetch { claim, positions, commits, .. } => {
                if !commits.is_empty() {
                    if self.lost_commits > 0 {
                        self.lost_commits -= 1;
                        return BrokerReply::NotLeader(None);
                    }
                    self.committed = commits[0].1;
                    let generation = claim.generation;
                    self.hear(Heard::Commit { generation, offsets: commits });
                }
                let from = positions.first().map_or(self.log.len(), |place| place.1 as usize);
                let log = (0..).zip(&self.log).skip(from);
                let events = log.map(|(offset, event)| (0, offset, event.clone())).collect();
                let events = self.odd.take().unwrap_or(events);
                let buried = |place: &Place| Buried { letter: (*place, 1), waits: true };
                let buried = self.dead.iter().map(buried).collect();
                let (lag, times, uncommitted) = (0, Vec::new(), false);
                BrokerReply::Events { events, lag, buried, uncommitted, times }
            }
            BrokerRequest::DeadLetter { letters, reason, .. } => {
                if self.unsure > 0 {
                    self.unsure -= 1;
                    return BrokerReply::NotLeader(None);
                }
                self.dead.extend(letters.iter().map(|letter| letter.0));
                self.hear(Heard::DeadLetter { letters, reason });
                BrokerReply::DeadLettered
            }
            BrokerRequest::Emit { events } => {
                let events = events.iter().map(|(_, event)| event.id).collect();
                self.hear(Heard::Emit { events });
                BrokerReply::Published(Vec::new())
            }
            BrokerRequest::Redrive { .. } => BrokerReply::Redriven(Vec::new()),
            other => panic!("{other:?}"),
        }
    }

    fn store(&mut self, request: StoreRequest) -> StoreReply {
        match request {
            StoreRequest::Fence { claim, .. } => {
                self.hear(Heard::Fence { generation: claim.generation });
                StoreReply::Done
            }
            StoreRequest::Apply { claim, items } => {
                let events = items.iter().map(|item| item.event).collect();
                self.heard.push(Heard::Apply { generation: claim.generation, events });
                if self.fenced > 0 {
                    self.fenced -= 1;
                    return StoreReply::Fenced;
                }
                StoreReply::Done
            }
            StoreRequest::Seen { events, .. } => StoreReply::Seen(vec![false; events.len()]),
            other => panic!("{other:?}"),
        }
    }

    fn gateway(&mut self, request: GatewayRequest) -> Option<GatewayReply> {
        let GatewayRequest::Charge(payments) = request else { panic!("{request:?}") };
        if self.gateway_is_down {
            return None;
        }
        let orders: Vec<u64> = payments.iter().map(|payment| payment.order).collect();
        let charged = vec![true; orders.len()];
        self.hear(Heard::Charge { orders });
        Some(GatewayReply::Charged(charged))
    }
}

/// Serves questions; `None` is no answer.
async fn serve<Q, A>(world: Shared, reply: fn(&mut World, Q) -> Option<A>) -> String
where
    Q: DeserializeOwned + Send + 'static,
    A: Serialize + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut questions = calls::take(listener, 16, Checksums::Verified);
    tokio::spawn(async move {
        while let Some(call) = questions.recv().await {
            let (question, caller) = call.apart();
            let answer = reply(&mut world.lock().unwrap(), question);
            // A broker lets a fetch without events wait.
            sleep(Duration::from_millis(2)).await;
            if let Some(answer) = answer {
                caller.answer("answer", answer);
            }
        }
    });
    address
}

fn order(id: u64) -> EventData {
    let payload = Message::placed(Order::placed(id, 1, 16)).encode();
    EventData { id, key: 1, payload }
}

fn poison(id: u64) -> EventData {
    EventData { id, key: 1, payload: bytes::Bytes::from_static(b"\xff") }
}

/// Runs a member of a service until it has committed everything, and returns what was heard.
async fn until_committed(service: Service, world: World) -> Vec<Heard> {
    let end = world.log.len() as u64;
    let world: Shared = Arc::new(Mutex::new(world));
    let broker = serve(world.clone(), |world, request| Some(world.broker(request))).await;
    let store = serve(world.clone(), |world, request| Some(world.store(request))).await;
    let gateway = serve(world.clone(), World::gateway).await;
    let client = ClientPolicy { patience: |_| Duration::from_millis(50), ..Default::default() };
    let quick = |_, _, purpose: &str| {
        let wait = Duration::from_millis(1);
        Backoff::without_jitter(wait, wait, purpose)
    };
    let policy = BankPolicy { backoff: quick, ..BankPolicy::default() };
    let bank = Bank::new(gateway, client, policy, Metrics::default());
    let membership = Membership::new(
        service,
        "m",
        &Addresses { brokers: &[broker], store: &store },
        Arc::new(tokio::sync::Mutex::new(bank)),
        (client, MemberPolicy::default()),
        Metrics::default(),
    );
    let member = tokio::spawn(Member::new(membership).run());
    let committed = async {
        while world.lock().unwrap().committed < end {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(20), committed).await.expect("everything is committed");
    member.abort();
    let world = world.lock().unwrap();
    world.heard.clone()
}

#[tokio::test]
async fn offsets_are_committed_after_their_effects_have_landed() {
    let world = World { log: vec![order(2), order(4)], ..World::default() };
    let heard = until_committed(Service::Inventory, world).await;
    let expected = [
        Heard::Fence { generation: 1 },
        Heard::Apply { generation: 1, events: vec![2, 4] },
        Heard::Commit { generation: 1, offsets: vec![(0, 2)] },
    ];
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn what_was_not_committed_is_handled_again_under_a_new_generation() {
    let world = World { log: vec![order(2)], lost_commits: 1, ..World::default() };
    let heard = until_committed(Service::Inventory, world).await;
    let expected = [
        Heard::Fence { generation: 1 },
        Heard::Apply { generation: 1, events: vec![2] },
        Heard::Fence { generation: 2 },
        Heard::Apply { generation: 2, events: vec![2] },
        Heard::Commit { generation: 2, offsets: vec![(0, 1)] },
    ];
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn whoever_is_fenced_commits_nothing_and_joins_again() {
    let world = World { log: vec![order(2)], fenced: 1, ..World::default() };
    let heard = until_committed(Service::Inventory, world).await;
    assert!(!heard.iter().any(|heard| matches!(heard, Heard::Commit { generation: 1, .. })));
    assert_eq!(heard.last(), Some(&Heard::Commit { generation: 2, offsets: vec![(0, 1)] }));
}

#[tokio::test]
async fn what_is_delivered_twice_or_too_early_is_passed_over() {
    let events = [(0, 0), (0, 0), (0, 2), (1, 0), (0, 1)];
    let odd = events.map(|(partition, offset)| (partition, offset, order(2 * offset + 2))).to_vec();
    let log = (0..3).map(|offset| order(2 * offset + 2)).collect();
    let world = World { log, odd: Some(odd), ..World::default() };
    let heard = until_committed(Service::Inventory, world).await;
    let applied: Vec<&Heard> =
        heard.iter().filter(|heard| matches!(heard, Heard::Apply { .. })).collect();
    let expected = [
        &Heard::Apply { generation: 1, events: vec![2, 4] },
        &Heard::Apply { generation: 1, events: vec![6] },
    ];
    assert_eq!(applied, expected);
}

#[tokio::test]
async fn poison_is_safe_in_the_dead_letter_queue_before_the_offset_moves_past_it() {
    let world = World { log: vec![poison(9), order(2)], unsure: 2, ..World::default() };
    let heard = until_committed(Service::Inventory, world).await;
    let expected = [
        Heard::Fence { generation: 1 },
        Heard::DeadLetter { letters: vec![((0, 0), 0)], reason: Reason::Poison },
        Heard::Apply { generation: 1, events: vec![2] },
        Heard::Commit { generation: 1, offsets: vec![(0, 2)] },
    ];
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn what_is_in_the_dead_letter_queue_already_is_left_to_it() {
    let dead = BTreeSet::from([(0, 0)]);
    let world = World { log: vec![order(2), order(4)], dead, ..World::default() };
    let heard = until_committed(Service::Inventory, world).await;
    assert!(heard.contains(&Heard::Apply { generation: 1, events: vec![4] }));
}

#[tokio::test]
async fn a_payment_is_announced_before_its_order_counts_as_done() {
    let world = World { log: vec![order(2)], ..World::default() };
    let heard = until_committed(Service::Payment, world).await;
    let expected = [
        Heard::Fence { generation: 1 },
        Heard::Charge { orders: vec![2] },
        Heard::Emit { events: vec![1_000_000_002] },
        Heard::Apply { generation: 1, events: vec![2] },
        Heard::Commit { generation: 1, offsets: vec![(0, 1)] },
    ];
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn what_the_gateway_does_not_answer_is_given_up_and_not_taken_for_done() {
    // An order that an orchestrator leads is of no interest to this service: it is done.
    let log = vec![order(2), order(3)];
    let world = World { log, gateway_is_down: true, ..World::default() };
    let heard = until_committed(Service::Payment, world).await;
    let expected = [
        Heard::Fence { generation: 1 },
        Heard::DeadLetter { letters: vec![((0, 0), 0)], reason: Reason::Exhausted },
        Heard::Apply { generation: 1, events: vec![3] },
        Heard::Commit { generation: 1, offsets: vec![(0, 2)] },
    ];
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn the_orchestrator_ships_only_what_was_paid_for() {
    let world = World { log: vec![order(3)], ..World::default() };
    let heard = until_committed(Service::Fulfilment, world).await;
    let apply = |events: &[u64]| Heard::Apply { generation: 1, events: events.to_vec() };
    let expected = [
        Heard::Fence { generation: 1 },
        // Reserved, charged, shipped, done.
        apply(&[3]),
        Heard::Charge { orders: vec![3] },
        apply(&[3]),
        apply(&[3]),
        Heard::Commit { generation: 1, offsets: vec![(0, 1)] },
    ];
    assert_eq!(heard, expected);
}
