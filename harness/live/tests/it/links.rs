//! The network between nodes, in datagrams: what is lost is lost, and what is late is late.

use crate::common::{LIMIT, can, eventually, pair};
use squall_live::{Counters, Lab, Node, Rule};
use std::{
    net::UdpSocket,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

const NEEDS: &[&str] = &["namespaces", "network", "cgroups"];
const PORT: u16 = 7000;

fn socket(node: &Node) -> UdpSocket {
    let socket = node.inside(|| UdpSocket::bind((node.address(), PORT)).unwrap()).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

struct Net {
    lab: Lab,
    one: Node,
    two: Node,
    from: UdpSocket,
    to: UdpSocket,
}

impl Net {
    fn new() -> Self {
        let (lab, one, two) = pair();
        let (from, to) = (socket(&one), socket(&two));
        from.connect((two.address(), PORT)).unwrap();
        to.connect((one.address(), PORT)).unwrap();
        Self { lab, one, two, from, to }
    }

    fn rule(&self, rule: Rule) {
        self.lab.set_rule(&self.one, &self.two, rule);
    }

    fn counters(&self) -> Counters {
        self.lab.counters(&self.one, &self.two)
    }

    fn send(&self, number: u32) {
        self.from.send(&number.to_be_bytes()).unwrap();
    }

    /// The next number and when it came.
    fn receive(&self) -> (u32, Instant) {
        let mut number = [0; 4];
        assert_eq!(self.to.recv(&mut number).unwrap(), 4);
        (u32::from_be_bytes(number), Instant::now())
    }

    /// Sends numbers under a rule and then, without it, a last one: what came before the last. The receiver's buffer has
    /// room for some 250: no more are on their way to it at once.
    fn through(&self, rule: Rule, count: u32) -> Vec<u32> {
        self.rule(rule);
        let before = self.counters();
        let gone_before = before.lost + before.cut;
        let received = AtomicU64::new(0);
        std::thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                let next = || {
                    let number = self.receive().0;
                    received.fetch_add(1, Ordering::SeqCst);
                    Some(number)
                };
                std::iter::from_fn(next).take_while(|n| *n != u32::MAX).collect()
            });
            for number in 0..count {
                self.send(number);
                let on_their_way = || {
                    let now = self.counters();
                    let gone = now.lost + now.cut - gone_before;
                    let twice = now.duplicated - before.duplicated;
                    u64::from(number + 1) + twice - gone - received.load(Ordering::SeqCst)
                };
                eventually("there is room", || on_their_way() <= 100);
            }
            let last = handled(&before) + u64::from(count);
            eventually("all are counted", || handled(&self.counters()) == last);
            self.rule(Rule::default());
            self.send(u32::MAX);
            receiver.join().unwrap()
        })
    }
}

/// How many packets arrived, the first time, or never will.
fn handled(counters: &Counters) -> u64 {
    counters.delivered + counters.lost + counters.cut - counters.duplicated
}

#[test]
fn without_a_rule_all_arrives_in_order() {
    if !can("without_a_rule_all_arrives_in_order", NEEDS) {
        return;
    }
    let net = Net::new();
    assert_eq!(net.through(Rule::default(), 1000), (0..1000).collect::<Vec<_>>());
    let Counters { delivered, .. } = net.counters();
    assert_eq!(net.counters(), Counters { delivered, ..Counters::default() });
    assert_eq!(delivered, 1001);
}

#[test]
fn shares_are_lost_and_doubled() {
    if !can("shares_are_lost_and_doubled", NEEDS) {
        return;
    }
    let net = Net::new();
    let arrived = net.through(Rule { lose: 0.3, ..Rule::default() }, 2000);
    let lost = net.counters().lost;
    assert_eq!(arrived.len() as u64, 2000 - lost);
    assert!((500..700).contains(&lost), "{lost}");
    assert!(arrived.is_sorted());
    let mut arrived = net.through(Rule { duplicate: 0.5, ..Rule::default() }, 2000);
    let duplicated = net.counters().duplicated;
    assert_eq!(arrived.len() as u64, 2000 + duplicated);
    assert!((900..1100).contains(&duplicated), "{duplicated}");
    assert!(arrived.is_sorted());
    arrived.dedup();
    assert_eq!(arrived, (0..2000).collect::<Vec<_>>());
    // The other direction has no rule.
    net.to.send(b"back").unwrap();
    assert_eq!(net.from.recv(&mut [0; 4]).unwrap(), 4);
}

#[test]
fn what_is_late_keeps_its_order_and_what_is_reordered_does_not() {
    if !can("what_is_late_keeps_its_order_and_what_is_reordered_does_not", NEEDS) {
        return;
    }
    let net = Net::new();
    let (least, most) = (Duration::from_millis(20), Duration::from_millis(60));
    net.rule(Rule { delay: (least, most), ..Rule::default() });
    let mut times = Vec::new();
    for number in 0..20 {
        let sent = Instant::now();
        net.send(number);
        let (came, at) = net.receive();
        assert_eq!(came, number);
        times.push(at - sent);
    }
    assert!(times.iter().all(|time| *time >= least), "{times:?}");
    // The median, and far more than the rule says, as all of them may have to wait for the processor.
    times.sort();
    assert!(times[10] < 10 * most, "{times:?}");
    assert_eq!(net.counters().delayed, 20);
    let delay = Rule { delay: (least, most), ..Rule::default() };
    assert!(net.through(delay, 100).is_sorted());
    let mixed = net.through(Rule { reorder: 0.2, ..Rule::default() }, 500);
    assert!(!mixed.is_sorted());
    assert!(net.counters().reordered > 0);
}

#[test]
fn what_is_held_comes_later_in_order_and_what_is_cut_never() {
    if !can("what_is_held_comes_later_in_order_and_what_is_cut_never", NEEDS) {
        return;
    }
    let net = Net::new();
    net.rule(Rule { hold: true, ..Rule::default() });
    (0..50).for_each(|number| net.send(number));
    eventually("they are counted", || net.counters().held == 50);
    net.to.set_nonblocking(true).unwrap();
    assert!(net.to.recv(&mut [0; 4]).is_err());
    net.to.set_nonblocking(false).unwrap();
    net.rule(Rule::default());
    for number in 0..50 {
        assert_eq!(net.receive().0, number);
    }
    assert_eq!(net.through(Rule::cut(), 30), [0_u32; 0]);
    assert_eq!(net.counters().cut, 30);
    // What is under way when it is cut does not arrive either.
    let second = Duration::from_secs(1);
    net.rule(Rule { delay: (second, second), ..Rule::default() });
    (0..5).for_each(|number| net.send(number));
    eventually("they are counted", || net.counters().delayed == 5);
    net.rule(Rule::cut());
    eventually("they are counted", || net.counters().cut == 35);
    net.rule(Rule::default());
    net.send(99);
    assert_eq!(net.receive().0, 99);
}

#[test]
fn a_narrow_link_lets_as_much_through_as_it_says() {
    if !can("a_narrow_link_lets_as_much_through_as_it_says", NEEDS) {
        return;
    }
    let net = Net::new();
    net.rule(Rule { bytes_per_second: Some(100_000), ..Rule::default() });
    let begin = Instant::now();
    // 40 packets of 1000 bytes, headers included.
    for _ in 0..40 {
        net.from.send(&[0; 972]).unwrap();
    }
    for _ in 0..40 {
        assert_eq!(net.to.recv(&mut [0; 1000]).unwrap(), 972);
    }
    let took = begin.elapsed();
    // How much later they came depends on the machine, and so does which of them met a link that was free again.
    assert!(took >= Duration::from_millis(400), "{took:?}");
    assert!((30..40).contains(&net.counters().throttled), "{:?}", net.counters());
}

#[test]
fn a_node_without_power_hears_nothing_and_finds_its_links_as_they_were() {
    if !can("a_node_without_power_hears_nothing_and_finds_its_links_as_they_were", NEEDS) {
        return;
    }
    let net = Net::new();
    net.two.power_off().unwrap();
    net.send(1);
    eventually("they are counted", || net.counters().unplugged == 1);
    net.two.power_on().unwrap();
    let to = socket(&net.two);
    net.send(2);
    let mut number = [0; 4];
    to.recv(&mut number).unwrap();
    assert_eq!(number, 2_u32.to_be_bytes());
}

#[test]
fn the_same_seed_draws_the_same() {
    if !can("the_same_seed_draws_the_same", NEEDS) {
        return;
    }
    let rule = Rule { lose: 0.5, ..Rule::default() };
    let [one, two] = [Net::new(), Net::new()].map(|net| net.through(rule.clone(), 100));
    assert_eq!(one, two);
}
