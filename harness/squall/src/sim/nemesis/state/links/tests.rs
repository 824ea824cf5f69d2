//! What becomes of what is on the wire: a node that sends a number every ten milliseconds to another that
//! writes down what it hears, over a link of twenty.

use super::*;
use crate::sim::simulator::Simulator;
use squall_probe::{NodeId, Tampering, net, sim::Hindrance};
use std::{cell::RefCell, rc::Rc, time::Duration};
use tokio::time::sleep;

const SENDER: NodeId = NodeId(0);
const HEARER: NodeId = NodeId(1);
const ID: OccurrenceId = OccurrenceId { step: 0, occurrence: 0 };
const NEXT: OccurrenceId = OccurrenceId { step: 0, occurrence: 1 };

/// What happened, when, in milliseconds.
type Log = Rc<RefCell<Vec<(u64, String)>>>;

fn now() -> u64 {
    u64::try_from(sim::elapsed().unwrap_or_default().as_millis()).unwrap_or(0)
}

fn note(log: &Log, what: impl Into<String>) {
    log.borrow_mut().push((now(), what.into()));
}

struct Net {
    simulator: Simulator,
    table: LinkTable,
    log: Log,
}

/// Sends `count` numbers, from 0, hears the answers, and closes; again when the connection breaks.
async fn send(log: Log, count: u8) {
    loop {
        let Ok(stream) = net::TcpStream::connect("hearer:1").await else {
            note(&log, "refused");
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        note(&log, "connected");
        let (sender, mut receiver) = stream.into_frames();
        for number in 0..count {
            let sent = sender.send("number", vec![number].into()).await;
            if sent.is_err() {
                note(&log, "cannot send");
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        drop(sender);
        loop {
            match receiver.recv().await {
                Ok(Some(answer)) => note(&log, format!("answer {}", answer[0])),
                Ok(None) => return note(&log, "closed by hearer"),
                Err(_) => break note(&log, "sender reset"),
            }
        }
    }
}

/// Writes down what it hears on each connection, taking `takes` milliseconds over each number, and answers.
async fn hear(log: Log, takes: u64) {
    let listener = net::TcpListener::bind("0.0.0.0:1").await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let log = log.clone();
        tokio::task::spawn_local(async move {
            let (sender, mut receiver) = stream.into_frames();
            loop {
                match receiver.recv().await {
                    Ok(Some(number)) => {
                        note(&log, format!("{}", number[0]));
                        let _ = sender.send("answer", number).await;
                    }
                    Ok(None) => return note(&log, "closed by sender"),
                    Err(_) => return note(&log, "hearer reset"),
                }
                sleep(Duration::from_millis(takes)).await;
            }
        });
    }
}

impl Net {
    fn new(count: u8, takes: u64) -> Self {
        let names = vec!["sender".to_owned(), "hearer".to_owned()];
        sim::install(1, &names, sim::Names::default(), Box::new(|_| ()));
        let mut simulator = Simulator::new(1, 1_000, false, names.len());
        let log = Log::default();
        for node in [SENDER, HEARER] {
            let log = log.clone();
            simulator.host(node, move || {
                let log = log.clone();
                sim::gated(node, async move {
                    if node == SENDER {
                        send(log, count).await;
                    } else {
                        hear(log, takes).await;
                    }
                    std::future::pending::<()>().await;
                })
            });
        }
        let table = LinkTable::new(20, 20, &BTreeMap::new());
        Self { simulator, table, log }
    }

    fn until(&mut self, ms: u64) -> &mut Self {
        while self.simulator.now() < ms * 1_000 {
            self.table.settle();
            self.simulator.step(0);
        }
        self
    }

    fn begin(&mut self, effect: LinkEffect, directions: &[Direction]) -> &mut Self {
        self.table.begin(ID, 0, effect, directions.iter().copied().collect());
        self
    }

    fn end(&mut self) -> &mut Self {
        self.table.end(ID);
        sim::with(|world| world.end(ID));
        self
    }

    fn times(&self, what: &str) -> Vec<u64> {
        let log = self.log.borrow();
        log.iter().filter(|(_, said)| said == what).map(|(at, _)| *at).collect()
    }

    fn time(&self, what: &str) -> u64 {
        let times = self.times(what);
        assert_eq!(times.len(), 1, "{what}: {:?}", self.log.borrow());
        times[0]
    }

    fn felt(&self) -> u64 {
        sim::with(|world| world.felt(0))
    }
}

const BOTH: &[Direction] = &[(SENDER, HEARER), (HEARER, SENDER)];

/// Numbers that were heard, in order.
fn heard(net: &Net) -> Vec<u8> {
    net.log.borrow().iter().filter_map(|(_, said)| said.parse().ok()).collect()
}

#[test]
fn without_faults_a_number_takes_twenty_milliseconds() {
    let mut net = Net::new(10, 0);
    net.until(300);
    assert_eq!(heard(&net), (0..10).collect::<Vec<u8>>());
    let connected = net.time("connected");
    assert!((connected + 20..=connected + 24).contains(&net.time("0")), "{:?}", net.log.borrow());
    net.time("closed by sender");
    net.time("closed by hearer");
    assert_eq!(net.felt(), 0);
}

#[test]
fn a_cut_loses_what_is_on_the_wire_and_its_healing_resets() {
    let mut net = Net::new(30, 0);
    net.until(100).begin(LinkEffect::Cut, BOTH).until(101);
    // Two numbers and two answers were on the wire.
    let on_the_wire = net.felt();
    assert!((3..=6).contains(&on_the_wire), "{on_the_wire}");
    net.until(200);
    assert!(net.felt() > on_the_wire + 5, "what is sent into it");
    let before = heard(&net);
    assert!(before.len() < 9, "{before:?}");
    net.end().until(205);
    assert!((200..205).contains(&net.time("hearer reset")));
    net.until(700);
    assert_eq!(net.times("sender reset").len(), 1);
    let again: Vec<u8> = (0..30).collect();
    assert_eq!(heard(&net), [before, again].concat());
}

#[test]
fn who_connects_across_a_cut_hears_nothing_until_it_is_healed() {
    let back = &BOTH[1..];
    // Before it connects, and while its first packet is on the wire; also if only the answer is lost.
    for (begins, directions) in [(0, BOTH), (10, BOTH), (0, back), (10, back)] {
        let mut net = Net::new(3, 0);
        net.until(begins).begin(LinkEffect::Cut, directions).until(200);
        assert!(net.times("connected").is_empty(), "{begins}: {:?}", net.log.borrow());
        assert!(net.times("refused").is_empty(), "{begins}: {:?}", net.log.borrow());
        assert!(net.felt() > 0);
        net.end().until(400);
        assert!(net.time("connected") >= 200);
        assert_eq!(heard(&net), [0, 1, 2]);
    }
}

#[test]
fn a_cut_of_one_way_lets_the_other_through() {
    let mut net = Net::new(30, 0);
    net.until(100).begin(LinkEffect::Cut, &[(HEARER, SENDER)]).until(230);
    let answered = net
        .log
        .borrow()
        .iter()
        .filter(|(at, said)| *at > 101 && said.starts_with("answer"))
        .count();
    assert_eq!(answered, 0);
    assert!(heard(&net).len() > 15);
    net.end().until(300);
    assert!(net.time("hearer reset") < 235);
}

#[test]
fn a_hold_keeps_what_is_on_the_wire_and_loses_nothing() {
    let mut net = Net::new(20, 0);
    net.until(100).begin(LinkEffect::Hold, BOTH).until(200);
    let before = heard(&net).len();
    assert!(before < 9);
    assert_eq!(net.felt(), 0);
    // Taken and given in one moment, it is not released.
    net.end();
    net.table.begin(NEXT, 0, LinkEffect::Hold, BOTH.iter().copied().collect());
    net.until(210);
    assert_eq!(heard(&net).len(), before);
    let felt = net.felt();
    assert!(felt > 10, "{felt}");
    net.table.end(NEXT);
    net.until(213);
    assert!(heard(&net).len() > before + 10, "all at once");
    net.until(400);
    assert_eq!(heard(&net), (0..20).collect::<Vec<u8>>());
    net.time("closed by sender");
}

#[test]
fn what_is_held_one_way_stays_held_when_the_other_is_cut() {
    let mut net = Net::new(30, 0);
    net.until(100).begin(LinkEffect::Hold, BOTH);
    net.table.begin(NEXT, 0, LinkEffect::Cut, BTreeSet::from([(HEARER, SENDER)]));
    net.until(200);
    let before = heard(&net).len();
    assert!(before < 9, "{before}");
    net.end().until(204);
    assert!(heard(&net).len() > before, "the cut of the answers goes on, and the numbers come");
}

#[test]
fn what_is_on_the_wire_when_a_link_becomes_slow_is_not_slowed() {
    let mut net = Net::new(30, 0);
    let connected = 40;
    net.until(100).begin(LinkEffect::Slow(100, 100, Distribution::Exponential), BOTH).until(205);
    // Sent at 90, and at 100.
    let number = u8::try_from((90 - connected) / 10).unwrap();
    assert!((110..=111).contains(&net.time(&number.to_string())), "{:?}", net.log.borrow());
    let slow = net.time(&(number + 1).to_string());
    assert!(slow >= 199, "{slow}: {:?}", net.log.borrow());
    net.end().until(600);
    // In order, although those that were sent later were faster.
    assert_eq!(heard(&net), (0..30).collect::<Vec<u8>>());
    assert!(net.felt() >= 10, "{}", net.felt());
}

#[test]
fn what_waits_for_a_narrow_link_leaves_when_it_is_wide_again() {
    let mut net = Net::new(20, 0);
    net.until(50);
    sim::with(|world| {
        let links = BOTH.iter().copied().collect();
        // A number with its length has five bytes: a second.
        world.narrow(ID, 5, links);
    });
    net.until(400);
    assert!(heard(&net).len() < 4, "{:?}", net.log.borrow());
    assert_eq!(net.felt(), 0, "nothing has waited to the end");
    assert!(sim::with(|world| world.under_way()).is_some());
    net.end().until(450);
    assert_eq!(heard(&net), (0..20).collect::<Vec<u8>>());
    assert!(net.felt() > 0);
    net.until(600);
    assert_eq!(sim::with(|world| world.under_way()), None);
}

#[test]
fn what_has_arrived_is_read_before_the_reset() {
    // Forty milliseconds over each number: three of four wait to be read.
    let mut net = Net::new(100, 40);
    net.until(200);
    let before = heard(&net).len();
    sim::with(|world| world.reset_connections(SENDER, HEARER, Some(0)));
    assert_eq!(net.felt(), 0, "nobody has met it");
    net.until(2_000);
    // Those that come over the next connection are heard once more.
    assert!(before < 6);
    assert_eq!(net.times("13").len(), 2);
    assert_eq!(net.times("20").len(), 1);
    assert!(net.time("hearer reset") > 400);
    assert_eq!(net.felt(), 1, "a connection is reset once");
}

#[test]
fn a_connection_that_closes_late_is_under_way_until_it_has() {
    let mut net = Net::new(3, 0);
    net.until(50);
    sim::with(|world| world.hinder(SENDER, ID, Hindrance::SlowClose { ms: 200 }));
    net.until(150);
    assert_eq!(net.felt(), 0);
    let told = sim::with(|world| world.under_way()).unwrap();
    assert!(told.contains("the end of a connection (close from sender to hearer)"), "{told}");
    net.end().until(400);
    assert!(net.time("closed by sender") > 250);
    assert_eq!(net.felt(), 1);
    assert_eq!(sim::with(|world| world.under_way()), None);
}

fn tamper(tampering: Tampering, share: f64, late: u32) {
    sim::with(|world| {
        world.tamper(sim::MessageFault {
            id: ID,
            draw: 7,
            tampering,
            share,
            kinds: Vec::new(),
            links: Some(BTreeSet::from([(SENDER, HEARER)])),
            delay_ms: (late, late),
            by_order: true,
        });
    });
}

#[test]
fn a_second_copy_is_felt_when_it_is_read_and_the_end_waits_for_it() {
    let mut net = Net::new(3, 0);
    tamper(Tampering::Duplicated, 1.0, 300);
    net.until(200);
    assert_eq!((heard(&net), net.felt()), (vec![0, 1, 2], 0));
    net.end().until(340);
    assert_eq!(net.felt(), 0);
    net.until(500);
    assert_eq!((heard(&net), net.felt()), (vec![0, 1, 2, 0, 1, 2], 3));
    assert!(net.time("closed by sender") > 360);
}

#[test]
fn a_message_that_is_delayed_and_overtakes_nothing_is_not_out_of_order() {
    for (count, felt) in [(1, false), (20, true)] {
        let mut net = Net::new(count, 0);
        tamper(Tampering::Reordered, 0.5, 35);
        net.until(600);
        let heard = heard(&net);
        let behind =
            heard.iter().enumerate().filter(|(at, number)| heard[..*at].iter().any(|n| n > number));
        assert_eq!(net.felt(), behind.count() as u64, "{heard:?}");
        assert_eq!(net.felt() > 0, felt);
    }
}

#[test]
fn a_message_that_is_lost_takes_nothing_with_it() {
    let mut net = Net::new(20, 0);
    tamper(Tampering::Lost, 0.5, 0);
    net.until(600);
    assert_eq!(heard(&net).len() as u64, 20 - net.felt());
    net.time("closed by sender");
}

#[test]
fn a_node_that_crashes_takes_what_was_to_come_with_it() {
    let mut net = Net::new(3, 0);
    tamper(Tampering::Duplicated, 1.0, 300);
    net.until(200);
    assert!(sim::with(|world| world.under_way()).is_some());
    sim::with(|world| world.node_goes_down(SENDER));
    net.simulator.crash(SENDER);
    sim::with(|world| world.node_stops(SENDER));
    assert_eq!(sim::with(|world| world.under_way()), None);
    net.until(500);
    assert_eq!(net.felt(), 0);
}

impl Net {
    /// As the nemesis does it.
    fn power_off(&mut self, node: NodeId) -> &mut Self {
        sim::with(|world| world.cut_power(node));
        sim::with(|world| world.node_goes_down(node));
        self.simulator.crash(node);
        sim::with(|world| world.node_stops(node));
        self
    }

    fn power_on(&mut self, node: NodeId) -> &mut Self {
        sim::with(|world| world.node_returns(node));
        self.simulator.start(node);
        self
    }
}

#[test]
fn what_a_node_had_sent_when_its_power_failed_arrives_and_then_nothing() {
    let mut net = Net::new(30, 0);
    net.until(205);
    let before = heard(&net);
    net.power_off(SENDER).until(2000);
    let after = heard(&net);
    // Two numbers were on the wire of twenty milliseconds.
    assert_eq!(after.len(), before.len() + 2, "{before:?} {after:?}");
    assert!(net.log.borrow().last().unwrap().0 <= 226);
    let ends = ["closed by sender", "hearer reset"];
    assert!(ends.iter().all(|end| net.times(end).is_empty()), "{:?}", net.log.borrow());
}

#[test]
fn held_frames_of_a_node_without_power_arrive_when_they_are_released_and_no_end_does() {
    let mut net = Net::new(30, 0);
    net.until(200).begin(LinkEffect::Hold, BOTH).until(250);
    let before = heard(&net);
    net.power_off(SENDER).until(300).end().until(1000);
    assert!(heard(&net).len() >= before.len() + 5, "{:?}", net.log.borrow());
    let ends = ["closed by sender", "hearer reset"];
    assert!(ends.iter().all(|end| net.times(end).is_empty()), "{:?}", net.log.borrow());
}

#[test]
fn who_sends_to_a_node_without_power_learns_it_when_it_is_back_and_not_before() {
    let mut net = Net::new(30, 0);
    net.until(205);
    let heard_before = heard(&net).len();
    net.power_off(HEARER).until(1000);
    assert_eq!(heard(&net).len(), heard_before);
    let (reset, refused) = (net.times("sender reset"), net.times("refused"));
    assert!(reset.is_empty() && refused.is_empty(), "{:?}", net.log.borrow());
    net.power_on(HEARER).until(1500);
    let reset = net.time("sender reset");
    assert!((1000..1100).contains(&reset), "{reset}");
    // And it connects again, and sends all of it.
    assert!(net.times("connected").len() > 1);
}
