//! Which directions are cut, held or slow, by which faults, and telling turmoil so.
//!
//! turmoil keeps one state a link and its `repair` and `release` undo each other's: so what should
//! hold is kept here, and a link that changed is set anew. Changes take effect together, once a step, so
//! that a link which one fault gives back and another takes in the same moment does not notice.

use crate::{injection::Distribution, stream::Stream};
use squall_probe::{
    NodeId,
    sim::{self, OccurrenceId},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};
use turmoil::Sim;

/// A direction: frames from the first node to the second.
pub type Direction = (NodeId, NodeId);

/// What a fault does to a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing arrives, and what was under way is lost.
    Cut,
    /// Everything waits.
    Hold,
    /// Everything takes between so many milliseconds and so many.
    Slow(u32, u32, Distribution),
}

/// What an occurrence of a fault does to links; its parts can end by themselves.
#[derive(Debug)]
struct Disturbed {
    id: OccurrenceId,
    part: u32,
    effect: Effect,
    directions: BTreeSet<Direction>,
}

/// Longer than any run, in milliseconds.
const FOR_EVER: u32 = u32::MAX;

/// The state of all links.
#[derive(Debug)]
pub struct LinkTable {
    base: (u32, u32),
    active: Vec<Disturbed>,
    /// What ended since the simulator was told.
    ended: Vec<Disturbed>,
    changed: bool,
    /// Links that are not as the plan's network has them, as the simulator was told, in the order of their
    /// nodes.
    told: BTreeMap<Direction, Link>,
    draws: Stream,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Link {
    /// Cut forwards, cut backwards.
    cut: (bool, bool),
    held: bool,
    slow: Option<(u32, u32, Distribution)>,
}

impl LinkTable {
    /// All links as the plan's network has them: latency between so many milliseconds and so many.
    #[must_use]
    pub fn new(min_ms: u32, max_ms: u32, draws: Stream) -> Self {
        sim::with(|world| world.latency_ms = max_ms);
        Self {
            base: (min_ms, max_ms),
            active: Vec::new(),
            ended: Vec::new(),
            changed: false,
            told: BTreeMap::new(),
            draws,
        }
    }

    fn link(&self, a: NodeId, b: NodeId) -> Link {
        let mut link = Link::default();
        for Disturbed { effect, directions, .. } in &self.active {
            let forwards = directions.contains(&(a, b));
            let backwards = directions.contains(&(b, a));
            if !forwards && !backwards {
                continue;
            }
            match effect {
                Effect::Cut => {
                    link.cut.0 |= forwards;
                    link.cut.1 |= backwards;
                }
                Effect::Hold => link.held = true,
                Effect::Slow(min, max, distribution) => {
                    let (low, high, _) = link.slow.unwrap_or((0, 0, *distribution));
                    link.slow = Some((low.max(*min), high.max(*max), *distribution));
                }
            }
        }
        link
    }

    /// A part of an occurrence begins to act on `directions`.
    pub fn begin(
        &mut self,
        id: OccurrenceId,
        part: u32,
        effect: Effect,
        directions: BTreeSet<Direction>,
    ) {
        self.changed = true;
        self.active.push(Disturbed { id, part, effect, directions });
    }

    /// An occurrence is over, with all its parts.
    pub fn end(&mut self, id: OccurrenceId) {
        self.end_if(|active| active.id == id);
    }

    /// A part of an occurrence is over.
    pub fn end_part(&mut self, id: OccurrenceId, part: u32) {
        self.end_if(|active| (active.id, active.part) == (id, part));
    }

    fn end_if(&mut self, over: impl Fn(&Disturbed) -> bool) {
        let ended = self.active.extract_if(.., |active| over(active));
        let before = self.ended.len();
        self.ended.extend(ended);
        self.changed |= self.ended.len() > before;
    }

    /// A step begins: latencies that the simulator cannot draw by itself are drawn.
    pub fn draw_latencies(&mut self, sim: &Sim<'_>, names: &[String]) {
        let drawn: BTreeSet<Direction> = self
            .active
            .iter()
            .filter(|active| {
                let how = |how| how != Distribution::Exponential;
                matches!(active.effect, Effect::Slow(_, _, drawn) if how(drawn))
            })
            .flat_map(|active| &active.directions)
            .map(|(a, b)| (*a.min(b), *a.max(b)))
            .collect();
        for (a, b) in drawn {
            let Some((min, max, distribution)) = self.link(a, b).slow else { continue };
            if let Some(ms) = distribution.draw(min, max, &mut self.draws) {
                set_latency(sim, (a, b), (ms, ms), names);
            }
        }
    }

    /// The simulator is told what changed.
    pub fn settle(&mut self, sim: &Sim<'_>, names: &[String]) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let ended = std::mem::take(&mut self.ended);
        let pairs: BTreeSet<Direction> = ended
            .iter()
            .chain(&self.active)
            .flat_map(|disturbed| &disturbed.directions)
            .filter(|(a, b)| a != b)
            .map(|(a, b)| (*a.min(b), *a.max(b)))
            .collect();
        self.feel(&ended, &pairs, sim, names);
        let mut reset = Vec::new();
        for (a, b) in pairs {
            let before = self.told.get(&(a, b)).copied().unwrap_or_default();
            let after = self.link(a, b);
            if after == before {
                continue;
            }
            self.apply(sim, (a, b), before, after, names);
            self.told.insert((a, b), after);
            let was_cut = before.cut.0 || before.cut.1;
            let is_cut = after.cut.0 || after.cut.1;
            if was_cut && !is_cut {
                reset.push((a, b));
            }
        }
        let disturbed = self.disturbances();
        sim::with(|world| {
            world.disturbed = disturbed;
            // TCP would have retransmitted or given up; turmoil does neither, so a connection that
            // was cut would stay silent for ever. It meets a reset instead, as behind a firewall
            // that has forgotten it.
            for (a, b) in reset {
                world.reset_connections(a, b, None);
            }
            world.wake_connects();
        });
    }

    /// What is on the wire now feels the cuts that begin, which take it away, and felt the holds that end,
    /// which kept it waiting.
    fn feel(
        &self,
        ended: &[Disturbed],
        pairs: &BTreeSet<Direction>,
        sim: &Sim<'_>,
        names: &[String],
    ) {
        let on_the_wire = on_the_wire(sim, names, pairs);
        if on_the_wire.is_empty() {
            return;
        }
        let frames = |a, b| on_the_wire.get(&(a, b)).copied().unwrap_or(0);
        let held = ended.iter().filter(|ended| ended.effect == Effect::Hold).map(|ended| {
            let pairs: BTreeSet<Direction> =
                ended.directions.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
            (ended.id, pairs.into_iter().map(|(a, b)| frames(a, b) + frames(b, a)).sum::<u64>())
        });
        let cut = self.active.iter().filter(|active| active.effect == Effect::Cut).map(|active| {
            let whole = |(a, b): Direction| {
                let told = self.told.get(&(a.min(b), a.max(b))).copied().unwrap_or_default();
                !(if a < b { told.cut.0 } else { told.cut.1 })
            };
            let lost = active.directions.iter().filter(|direction| whole(**direction));
            (active.id, lost.map(|(a, b)| frames(*a, *b)).sum())
        });
        sim::with(|world| {
            for (id, count) in held.chain(cut) {
                for _ in 0..count {
                    world.feel(id.step);
                }
            }
        });
    }

    /// What the faults do to each direction, for those who send there.
    fn disturbances(&self) -> BTreeMap<Direction, sim::Disturbance> {
        let mut disturbed: BTreeMap<Direction, sim::Disturbance> = BTreeMap::new();
        for Disturbed { id, effect, directions, .. } in &self.active {
            for (a, b) in directions {
                match effect {
                    Effect::Hold => {}
                    Effect::Cut => disturbed.entry((*a, *b)).or_default().cuts.push(id.step),
                    // The simulator knows one latency a link.
                    Effect::Slow(min, max, _) => {
                        let surely = *min > self.base.1;
                        for direction in BTreeSet::from([(*a, *b), (*b, *a)]) {
                            let entry = disturbed.entry(direction).or_default();
                            entry.slows.retain(|(step, _)| *step != id.step);
                            entry.slows.push((id.step, surely));
                            entry.most_ms = entry.most_ms.max(*max);
                        }
                    }
                }
            }
        }
        disturbed
    }

    /// The code of a node that lost power is dropped now, and its connections say goodbye, which a machine
    /// without power cannot: what it sends from here on takes for ever. What is on the wire already arrives.
    /// Until [`LinkTable::replug`].
    pub fn unplug(&self, node: NodeId, sim: &Sim<'_>, names: &[String]) {
        self.each_link_of(node, names, |a, b| {
            set_latency(sim, (a, b), (FOR_EVER, FOR_EVER), names);
        });
    }

    /// Undoes [`LinkTable::unplug`].
    pub fn replug(&self, node: NodeId, sim: &Sim<'_>, names: &[String]) {
        self.each_link_of(node, names, |a, b| {
            let told = self.told.get(&(a.min(b), a.max(b))).copied().unwrap_or_default();
            let range = told.slow.map_or(self.base, |(min, max, _)| (min, max));
            set_latency(sim, (a, b), range, names);
        });
    }

    fn each_link_of(&self, node: NodeId, names: &[String], act: impl Fn(NodeId, NodeId)) {
        let others = (0..names.len()).filter_map(|i| u16::try_from(i).ok()).map(NodeId);
        for other in others.filter(|other| *other != node) {
            act(node, other);
        }
    }

    fn apply(
        &self,
        sim: &Sim<'_>,
        link: (NodeId, NodeId),
        before: Link,
        after: Link,
        names: &[String],
    ) {
        let (Some(a), Some(b)) =
            (names.get(usize::from(link.0.0)), names.get(usize::from(link.1.0)))
        else {
            return;
        };
        let (a, b) = (a.as_str(), b.as_str());
        if (before.cut, before.held) != (after.cut, after.held) {
            match after.cut {
                (true, true) => sim.partition(a, b),
                _ if after.held => sim.hold(a, b),
                // Ends a hold as well as a cut, and what was held goes on its way.
                _ => sim.release(a, b),
            }
            match after.cut {
                (true, false) => sim.partition_oneway(a, b),
                (false, true) => sim.partition_oneway(b, a),
                _ => {}
            }
        }
        if before.slow != after.slow {
            let range = after.slow.map_or(self.base, |(min, max, _)| (min, max));
            set_latency(sim, link, range, names);
        }
    }
}

/// How many segments are on the wire in each direction of these links.
fn on_the_wire(
    sim: &Sim<'_>,
    names: &[String],
    pairs: &BTreeSet<Direction>,
) -> BTreeMap<Direction, u64> {
    let nodes: BTreeSet<NodeId> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
    let node_of: BTreeMap<IpAddr, NodeId> = nodes
        .into_iter()
        .filter_map(|node| Some((sim.lookup(names.get(usize::from(node.0))?.as_str()), node)))
        .collect();
    let mut found = BTreeMap::new();
    sim.links(|links| {
        for link in links {
            for segment in link {
                let (from, to) = segment.pair();
                if let (Some(from), Some(to)) = (node_of.get(&from.ip()), node_of.get(&to.ip())) {
                    *found.entry((*from, *to)).or_default() += 1;
                }
            }
        }
    });
    found
}

fn set_latency(sim: &Sim<'_>, link: Direction, (min, max): (u32, u32), names: &[String]) {
    let name = |node: NodeId| names.get(usize::from(node.0)).map(String::as_str);
    let (Some(a), Some(b)) = (name(link.0), name(link.1)) else { return };
    let ms = |ms: u32| std::time::Duration::from_millis(u64::from(ms));
    sim.set_link_latency(a, b, ms(min));
    sim.set_link_max_message_latency(a, b, ms(max));
}

#[cfg(test)]
mod tests {
    //! What becomes of what is on the wire: a node that sends a number every ten milliseconds to another that
    //! writes down what it hears, over a link of twenty.

    use super::*;
    use squall_probe::{Tampering, net, sim::Hindrance};
    use std::{cell::RefCell, rc::Rc, time::Duration};
    use tokio::time::sleep;

    const SENDER: NodeId = NodeId(0);
    const HEARER: NodeId = NodeId(1);
    const ID: OccurrenceId = OccurrenceId { step: 0, occurrence: 0 };
    const NEXT: OccurrenceId = OccurrenceId { step: 0, occurrence: 1 };

    /// What happened, when, in milliseconds.
    type Log = Rc<RefCell<Vec<(u64, String)>>>;

    fn now() -> u64 {
        u64::try_from(turmoil::sim_elapsed().unwrap_or_default().as_millis()).unwrap_or(0)
    }

    fn note(log: &Log, what: impl Into<String>) {
        log.borrow_mut().push((now(), what.into()));
    }

    struct Net {
        sim: Sim<'static>,
        table: LinkTable,
        names: Vec<String>,
        log: Log,
    }

    /// Sends 0, 1, 2, … so many times, hears the answers, and closes; again when the connection breaks.
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

    /// Writes down what it hears on each connection, taking so long over each number, and answers.
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
            sim::install(1, &names, Box::new(|_| ()));
            let mut sim = turmoil::Builder::new()
                .rng_seed(1)
                .tick_duration(Duration::from_millis(1))
                .min_message_latency(Duration::from_millis(20))
                .max_message_latency(Duration::from_millis(20))
                .tcp_capacity(1024)
                .build();
            let log = Log::default();
            for (node, name) in [SENDER, HEARER].into_iter().zip(&names) {
                let log = log.clone();
                sim.host(name.as_str(), move || {
                    let log = log.clone();
                    sim::gated(node, async move {
                        sim::with(|world| world.node_starts(node));
                        if node == SENDER {
                            send(log, count).await;
                        } else {
                            hear(log, takes).await;
                        }
                        std::future::pending::<()>().await;
                        Ok(())
                    })
                });
            }
            let table = LinkTable::new(20, 20, Stream::new(1, "latency", &[]));
            Self { sim, table, names, log }
        }

        fn until(&mut self, ms: u64) -> &mut Self {
            while self.sim.elapsed() < Duration::from_millis(ms) {
                self.table.settle(&self.sim, &self.names);
                sim::with(sim::World::begin_step);
                self.sim.step().unwrap();
                let now = u64::try_from(self.sim.elapsed().as_micros()).unwrap();
                sim::with(|world| {
                    world.step += 1;
                    world.now = now;
                });
            }
            self
        }

        fn begin(&mut self, effect: Effect, directions: &[Direction]) -> &mut Self {
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
            sim::with(|world| world.touched.get(&0).copied()).flatten().unwrap_or(0)
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
        assert!(
            (connected + 20..=connected + 24).contains(&net.time("0")),
            "{:?}",
            net.log.borrow()
        );
        net.time("closed by sender");
        net.time("closed by hearer");
        assert_eq!(net.felt(), 0);
    }

    #[test]
    fn a_cut_loses_what_is_on_the_wire_and_its_healing_resets() {
        let mut net = Net::new(30, 0);
        net.until(100).begin(Effect::Cut, BOTH).until(101);
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
            net.until(begins).begin(Effect::Cut, directions).until(200);
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
        net.until(100).begin(Effect::Cut, &[(HEARER, SENDER)]).until(200);
        let answered = net
            .log
            .borrow()
            .iter()
            .filter(|(at, said)| *at > 101 && said.starts_with("answer"))
            .count();
        assert_eq!(answered, 0);
        assert!(heard(&net).len() > 15);
        net.end().until(300);
        assert!(net.time("hearer reset") < 205);
    }

    #[test]
    fn a_hold_keeps_what_is_on_the_wire_and_loses_nothing() {
        let mut net = Net::new(20, 0);
        net.until(100).begin(Effect::Hold, BOTH).until(200);
        let before = heard(&net).len();
        assert!(before < 9);
        assert_eq!(net.felt(), 0);
        // Taken and given in one moment, it is not released.
        net.end();
        net.table.begin(NEXT, 0, Effect::Hold, BOTH.iter().copied().collect());
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
        net.until(100).begin(Effect::Hold, BOTH);
        net.table.begin(NEXT, 0, Effect::Cut, BTreeSet::from([(HEARER, SENDER)]));
        net.until(200);
        let before = heard(&net).len();
        assert!(before < 9, "{before}");
        net.end().until(204);
        assert!(heard(&net).len() > before, "the cut of the answers goes on, and the numbers come");
    }

    #[test]
    fn what_is_on_the_wire_when_a_link_becomes_slow_is_not_slowed() {
        let mut net = Net::new(30, 0);
        let connected = 21;
        net.until(100).begin(Effect::Slow(100, 100, Distribution::Exponential), BOTH).until(205);
        // Sent at 91, and at 101.
        let number = u8::try_from((100 - connected) / 10).unwrap();
        assert!((111..=116).contains(&net.time(&number.to_string())), "{:?}", net.log.borrow());
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
            let busy_until = BTreeMap::new();
            // A number with its length has five bytes: a second.
            world.bandwidth.push(sim::Bandwidth { id: ID, bytes_per_second: 5, links, busy_until });
        });
        net.until(400);
        assert!(heard(&net).len() < 4, "{:?}", net.log.borrow());
        assert_eq!(net.felt(), 0, "nothing has waited to the end");
        assert!(sim::with(|world| world.under_way()).flatten().is_some());
        net.end().until(450);
        assert_eq!(heard(&net), (0..20).collect::<Vec<u8>>());
        assert!(net.felt() > 0);
        net.until(600);
        assert_eq!(sim::with(|world| world.under_way()).flatten(), None);
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
        assert_eq!(net.times("14").len(), 2);
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
        let told = sim::with(|world| world.under_way()).flatten().unwrap();
        assert!(told.contains("the end of a connection (close from sender to hearer)"), "{told}");
        net.end().until(400);
        assert!(net.time("closed by sender") > 250);
        assert_eq!(net.felt(), 1);
        assert_eq!(sim::with(|world| world.under_way()).flatten(), None);
    }

    fn tamper(tampering: Tampering, share: f64, late: u32) {
        sim::with(|world| {
            world.messages.push(sim::MessageFault {
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
            let behind = heard
                .iter()
                .enumerate()
                .filter(|(at, number)| heard[..*at].iter().any(|n| n > number));
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
        assert!(sim::with(|world| world.under_way()).flatten().is_some());
        net.sim.crash("sender");
        sim::with(|world| world.node_stops(SENDER));
        assert_eq!(sim::with(|world| world.under_way()).flatten(), None);
        net.until(500);
        assert_eq!(net.felt(), 0);
    }

    impl Net {
        /// As a storm does it.
        fn power_off(&mut self, node: NodeId) -> &mut Self {
            sim::with(|world| world.cut_power(node));
            self.table.unplug(node, &self.sim, &self.names);
            sim::with(|world| world.node_goes_down(node));
            self.sim.crash(self.names[usize::from(node.0)].as_str());
            self.table.replug(node, &self.sim, &self.names);
            sim::with(|world| world.node_stops(node));
            self
        }

        fn power_on(&mut self, node: NodeId) -> &mut Self {
            sim::with(|world| world.node_returns(node));
            self.sim.bounce(self.names[usize::from(node.0)].as_str());
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
        net.until(200).begin(Effect::Hold, BOTH).until(250);
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
}
