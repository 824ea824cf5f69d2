//! `dead_letters`: what is in a dead-letter queue is poison, or was given up because of an outage; no poison is applied
//! instead; and what is in the queue is not applied too, unless it was redriven.
//!
//! Judged for systems that promise a dead-letter queue. That nothing is missing from it is `no_loss`'s
//! business.
//!
//! An outage excuses what it explains. The event was delivered in the group. Of a system that promises how it retries
//! an attempt at the event failed while a fault acted that can hit what it called: one on the caller, on the
//! dependency, or on nobody in particular (load), or either of the two was down. Attempts are told from each other by
//! [`What::Request`]; where nothing tells it, those of the nodes count to which the event was delivered. Where a
//! system promises no retries, a fault acted between the delivery and the giving up. When the event reaches the queue
//! does not matter.
//!
//! An effect that was taken back with its disk is none: whoever gives the event up then has not applied it.

use super::{
    dense::{ByEvent, ByName},
    evidence::{Evidence, Proof},
    fold::{End, Redriven},
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    taken_back::TakenBack,
    variants::{Variants, heard},
};
use squall_probe::{EventId, Mark, Name, NodeChange, NodeId, Phase, What};
use std::collections::{BTreeMap, BTreeSet};

/// How long after a fault is over attempts may still fail for it, in microseconds: connections are found dead and
/// made anew, processes are started again.
const AFTERMATH: u64 = 5_000_000;

pub(super) const ENTRY: Entry = Entry {
    name: "dead_letters",
    about: "The dead-letter queue holds poison and what an outage exhausted, and nothing else.",
    safety: true,
    layer: Layer::Delivery,
    needs: &[&["DeadLetter"], &["Poison"]],
    promise: Some(promised::LOG_DEAD_LETTERS),
    limit: None,
    judged: "each poison event that a client was told to publish, and each dead letter",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(DeadLetters::new(setup)))
}

/// A fault, or a node that is down.
struct Trouble {
    fault: Option<u16>,
    target: NodeId,
    from: u64,
    /// When it was over, if that was told.
    to: Option<u64>,
}

/// A request of a node in one of its lives.
type Key = (NodeId, u32, Name, u64);

#[derive(Default)]
struct Attempts {
    begun: u64,
    /// From when to when each attempt lasted that failed.
    failed: Vec<(u64, u64)>,
}

/// When an event was delivered for the first time, or when it was redriven; and to whom.
type Delivered = Option<(u64, NodeId)>;

/// A good event among the dead, with what may explain it.
struct Letter {
    evidence: Evidence,
    group: Name,
    event: EventId,
    /// When it was delivered for the first time, or redriven, and to which nodes it was delivered.
    since: u64,
    nodes: Vec<NodeId>,
    requests: Vec<Key>,
}

struct DeadLetters {
    setup: Setup,
    poison: BTreeSet<EventId>,
    /// What is in a queue now.
    dead: BTreeMap<(Name, EventId), Proof>,
    redriven: Redriven,
    /// The first effect of each event that stands.
    applied: ByName<ByEvent<Option<Proof>>>,
    taken_back: TakenBack,
    /// Good events are among the dead.
    some_are_good: bool,
    findings: Findings,
}

/// What may explain that good events are among the dead. Few histories have any, so it is looked for when they are over.
#[derive(Default)]
struct Causes {
    poison: BTreeSet<EventId>,
    dead: BTreeSet<(Name, EventId)>,
    redriven: Redriven,
    troubles: Vec<Trouble>,
    /// Nodes that are down, and which trouble that is.
    down: BTreeMap<NodeId, usize>,
    healed: Option<u64>,
    /// Of each group that tells of deliveries.
    delivered: ByName<ByEvent<Delivered>>,
    /// To whom else it was delivered.
    others: BTreeMap<(Name, EventId), BTreeSet<NodeId>>,
    /// How often each node has started.
    lives: BTreeMap<NodeId, u32>,
    requests: BTreeMap<Key, Attempts>,
    /// The requests for each event since it was redriven last.
    made_for: ByEvent<Vec<Key>>,
    /// Somebody told for what a request was made.
    linked: bool,
    letters: Vec<Letter>,
}

impl Causes {
    const HEARS: Variants = heard![
        Attempt,
        DeadLetter,
        Deliver,
        FaultBegan,
        FaultHealed,
        Mark,
        Node,
        Poison,
        Redrive,
        Request
    ];

    fn record(&mut self, evidence: &Evidence) {
        let record = &evidence.record;
        let (at, node) = (record.at, record.node);
        match record.what {
            What::Poison { event } => {
                self.poison.insert(event);
            }
            What::FaultBegan { fault, target } => {
                self.troubles.push(Trouble { fault: Some(fault), target, from: at, to: None });
            }
            What::FaultHealed { fault } => {
                for trouble in &mut self.troubles {
                    if trouble.fault == Some(fault) && trouble.to.is_none() {
                        trouble.to = Some(at);
                    }
                }
            }
            What::Mark(Mark::Healed) => self.healed = Some(at),
            What::Node { change: NodeChange::Up } => {
                if let Some(index) = self.down.remove(&node) {
                    self.troubles[index].to = Some(at);
                }
                *self.lives.entry(node).or_default() += 1;
            }
            What::Node { .. } if !self.down.contains_key(&node) => {
                self.down.insert(node, self.troubles.len());
                let down = Trouble { fault: None, target: node, from: at, to: None };
                self.troubles.push(down);
            }
            What::Deliver { group, event, .. } => {
                let delivered = self.delivered.entry(group).entry(event);
                let (_, first) = *delivered.get_or_insert((at, node));
                if node != first {
                    self.others.entry((group, event)).or_default().insert(node);
                }
            }
            What::Request { policy, request, event } => {
                let key = self.key(node, policy, request);
                self.made_for.entry(event).push(key);
                self.linked = true;
            }
            What::Attempt { policy, request, phase, .. } => {
                let key = self.key(node, policy, request);
                match phase {
                    Phase::Invoke => self.requests.entry(key).or_default().begun = at,
                    Phase::Fail | Phase::Info => {
                        let request = self.requests.entry(key).or_default();
                        request.failed.push((request.begun, at));
                    }
                    Phase::Ok => {
                        let went_well =
                            self.requests.get(&key).is_some_and(|r| r.failed.is_empty());
                        if went_well {
                            self.requests.remove(&key);
                        }
                    }
                }
            }
            What::DeadLetter { group, event, .. } => {
                let news = !self.redriven.is_old(&record.what) && self.dead.insert((group, event));
                if news && !self.poison.contains(&event) {
                    self.letter(group, event, evidence);
                }
            }
            What::Redrive { group, event, times, .. } => {
                if self.redriven.take(group, event, times) {
                    self.dead.remove(&(group, event));
                    self.made_for.entry(event).clear();
                    if let Some((since, _)) = self.delivered.entry(group).entry(event) {
                        *since = at;
                    }
                }
            }
            _ => {}
        }
    }

    fn key(&self, node: NodeId, policy: Name, request: u64) -> Key {
        (node, self.lives.get(&node).copied().unwrap_or(0), policy, request)
    }

    /// A good event is dead-lettered.
    fn letter(&mut self, group: Name, event: EventId, evidence: &Evidence) {
        let delivered = self.delivered.get(group).and_then(|all| *all.get(event)?);
        let others = self.others.get(&(group, event)).into_iter().flatten();
        let first = delivered.map(|(_, node)| node);
        let nodes = first.into_iter().chain(others.copied()).collect();
        let since = delivered.map_or(0, |(since, _)| since);
        let requests = self.made_for.get(event).cloned().unwrap_or_default();
        self.letters.push(Letter { evidence: *evidence, group, event, since, nodes, requests });
    }

    /// Something was wrong in this time with one of these nodes; with any if there are none.
    fn trouble(&self, nodes: &BTreeSet<NodeId>, from: u64, to: u64) -> bool {
        self.troubles.iter().any(|trouble| {
            let about = trouble.target == NodeId::HARNESS
                || nodes.is_empty()
                || nodes.contains(&trouble.target);
            // What lasts is told to be over when everything is healed. What is not was over at once, but for load.
            let end = match (trouble.to, self.healed) {
                (Some(to), _) => to,
                (None, None) => u64::MAX,
                (None, Some(healed)) if trouble.target == NodeId::HARNESS => healed,
                (None, Some(_)) => trouble.from,
            };
            about && trouble.from <= to && from <= end.saturating_add(AFTERMATH)
        })
    }

    /// Why nothing explains a dead letter, if so.
    fn unexplained(&self, setup: &Setup, letter: &Letter) -> Option<&'static str> {
        let at = letter.evidence.record.at;
        if letter.nodes.is_empty() && self.delivered.get(letter.group).is_some() {
            return Some("and had not been delivered there");
        }
        if setup.policies.is_empty() {
            let trouble = self.trouble(&BTreeSet::new(), letter.since, at);
            return (!trouble).then_some("when nothing was wrong");
        }
        let mut attempts = self
            .requests
            .iter()
            .filter(|(key, _)| {
                if self.linked {
                    letter.requests.contains(key)
                } else {
                    letter.nodes.contains(&key.0)
                }
            })
            .flat_map(|(key, request)| request.failed.iter().map(move |span| (key, *span)))
            .filter(|(_, (from, to))| letter.since <= *to && *from <= at)
            .peekable();
        if attempts.peek().is_none() {
            return Some("and no attempt at it had failed");
        }
        let explained = attempts.any(|((node, _, policy, _), (from, to))| {
            let mut nodes = called(setup, *policy);
            if !nodes.is_empty() {
                nodes.insert(*node);
            }
            self.trouble(&nodes, from, to)
        });
        (!explained).then_some("when nothing was wrong")
    }
}

/// The nodes that requests by a policy call; none if that is not known.
fn called(setup: &Setup, policy: Name) -> BTreeSet<NodeId> {
    let policy = setup.policies.iter().position(|known| *known == policy);
    let policy = policy.map(|index| setup.promises.retries[index].name);
    let breakers = setup.promises.breakers.iter().zip(&setup.dependency_nodes);
    let named: Vec<_> = breakers.clone().filter(|(b, _)| Some(b.dependency) == policy).collect();
    let all = if named.is_empty() { breakers.collect() } else { named };
    if all.iter().any(|(_, nodes)| nodes.is_empty()) {
        return BTreeSet::new();
    }
    all.into_iter().flat_map(|(_, nodes)| nodes).copied().collect()
}

impl DeadLetters {
    fn new(setup: &Setup) -> Self {
        Self {
            setup: setup.clone(),
            poison: BTreeSet::new(),
            dead: BTreeMap::new(),
            redriven: Redriven::default(),
            applied: ByName::default(),
            taken_back: TakenBack::default(),
            some_are_good: false,
            findings: Findings::default(),
        }
    }

    fn group(&self, group: Name) -> String {
        let index = self.setup.group_index(group);
        index.map_or("?", |index| self.setup.group(index)).to_owned()
    }

    fn dead_letter(&mut self, group: Name, event: EventId, evidence: &Evidence) {
        if self.dead.insert((group, event), evidence.proof()).is_some() {
            return;
        }
        self.findings.judged(1);
        self.some_are_good |= !self.poison.contains(&event);
        let applied = self.applied.get(group).and_then(|all| *all.get(event)?);
        if let Some(applied) = self.taken_back.stands(applied) {
            let group = self.group(group);
            let position = place(evidence);
            self.findings.add(
                || format!("{group} applied e{} at {position} and dead-lettered it", event.0),
                || vec![applied, evidence.proof()],
            );
        }
    }
}

/// Where the event stands that a record speaks of.
fn place(evidence: &Evidence) -> String {
    match evidence.record.what {
        What::DeadLetter { position, .. } => position.to_string(),
        _ => "?".to_owned(),
    }
}

impl Invariant for DeadLetters {
    fn hears(&self) -> Variants {
        heard![Apply, DeadLetter, Poison, Redrive].and(TakenBack::HEARS)
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Poison { event } => {
                self.findings.judged(u64::from(self.poison.insert(event)));
            }
            What::DeadLetter { group, event, .. } => {
                if !self.redriven.is_old(&evidence.record.what) {
                    self.dead_letter(group, event, evidence);
                }
            }
            What::Redrive { group, event, times, .. } => {
                if self.redriven.take(group, event, times) {
                    self.dead.remove(&(group, event));
                }
            }
            What::Apply { group, position, event, .. } => {
                let applied = self.applied.entry(group).entry(event);
                *applied = self.taken_back.stands(*applied).or(Some(evidence.proof()));
                if let Some(dead) = self.dead.get(&(group, event)).copied() {
                    let group = self.group(group);
                    self.findings.add(
                        || {
                            format!(
                                "{group} dead-lettered e{} at {position} and applied it",
                                event.0
                            )
                        },
                        || vec![dead, evidence.proof()],
                    );
                } else if self.poison.contains(&event) {
                    let group = self.group(group);
                    self.findings.add(
                        || format!("{group} applied e{} at {position}, which is poison", event.0),
                        || vec![*evidence],
                    );
                }
            }
            _ => self.taken_back.record(evidence),
        }
    }

    fn finish(&mut self, end: &End<'_>) -> Findings {
        let mut findings = std::mem::take(&mut self.findings);
        if !self.some_are_good {
            return findings;
        }
        let mut causes = Causes::default();
        (end.each)(Causes::HEARS, &mut |evidence| causes.record(evidence));
        for letter in &causes.letters {
            let Some(why) = causes.unexplained(&self.setup, letter) else { continue };
            findings.add(
                || {
                    format!(
                        "e{} at {} is no poison and was dead-lettered in {}, {why}",
                        letter.event.0,
                        place(&letter.evidence),
                        self.group(letter.group)
                    )
                },
                || vec![letter.evidence],
            );
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BreakerPolicy, Promises, RetryPolicy, testing::*};
    use std::time::Duration;

    /// The event is delivered, and a request for it fails.
    fn fails(h: &mut History, event: u64, offset: u64) -> &mut History {
        h.publish(event).append_all(event, offset).deliver(event, offset);
        h.request(event, event).attempt(event, 1).attempt_failed(event, 1)
    }

    /// That an event is dead-lettered with this record, and what is said of it.
    fn no_poison(event: u64, why: &str, index: u64) -> String {
        let offset = event - 1;
        format!("e{event} at 0:{offset} is no poison and was dead-lettered in g, {why} [{index}]")
    }

    const NOTHING: &str = "when nothing was wrong";
    const NO_ATTEMPT: &str = "and no attempt at it had failed";

    #[test]
    fn a_good_event_among_the_dead() {
        let mut h = History::new();
        fails(&mut h, 1, 0).dead_letter(1, 0);
        assert_eq!(
            h.violations("dead_letters"),
            ["e1 at 0:0 is no poison and was dead-lettered in g, when nothing was wrong [8]"]
        );
    }

    #[test]
    fn good_events_at_which_nobody_tried() {
        let mut h = History::new();
        h.fault_began(0);
        for event in 1..=50 {
            h.publish(event).append_all(event, event - 1).deliver(event, event - 1);
            h.dead_letter(event, event - 1);
        }
        assert_eq!(
            h.violations("dead_letters"),
            [
                no_poison(1, NO_ATTEMPT, 6),
                no_poison(2, NO_ATTEMPT, 12),
                no_poison(3, "and no attempt at it had failed (and 47 more like it)", 18),
            ]
        );
        // They were not even delivered.
        let mut h = History::new();
        fails(h.fault_began(0), 1, 0).publish(2).append_all(2, 1).dead_letter(2, 1);
        assert_eq!(
            h.violations("dead_letters"),
            [
                "e2 at 0:1 is no poison and was dead-lettered in g, and had not been delivered there [13]"
            ]
        );
        // An attempt at another failed, and the one at this did not.
        let mut h = History::new();
        fails(h.fault_began(0), 1, 0).publish(2).append_all(2, 1).deliver(2, 1).request(2, 2);
        h.attempt(2, 1).attempt_ok(2, 1).dead_letter(2, 1);
        assert_eq!(h.violations("dead_letters"), [no_poison(2, NO_ATTEMPT, 17)]);
        // Where nothing tells what attempts are for, those of its consumer count.
        let mut h = History::new();
        h.fault_began(0).deliver(1, 0).attempt(9, 1).attempt_failed(9, 1).dead_letter(1, 0);
        assert_eq!(h.violations("dead_letters"), [] as [&str; 0]);
        for consumer in [4, 5] {
            let mut h = History::new();
            h.fault_began(0).deliver(1, 0).deliver(1, 0).by(5);
            h.attempt(9, 1).by(consumer).attempt_failed(9, 1).by(consumer).dead_letter(1, 0);
            assert_eq!(h.violations("dead_letters"), [] as [&str; 0]);
        }
        let mut h = History::new();
        h.fault_began(0).attempt(9, 1).attempt_failed(9, 1).after(1).deliver(1, 0);
        h.dead_letter(1, 0);
        assert_eq!(h.violations("dead_letters"), [no_poison(1, NO_ATTEMPT, 4)]);
    }

    #[test]
    fn poison_that_is_applied_and_a_dead_letter_that_is() {
        let mut h = History::new();
        h.poison(1).publish(1).append_all(1, 0).apply(1, 0);
        assert_eq!(h.violations("dead_letters"), ["g applied e1 at 0:0, which is poison [5]"]);
        let mut h = History::new();
        fails(h.fault_began(0), 1, 0).dead_letter(1, 0).apply(1, 0);
        assert_eq!(
            h.violations("dead_letters"),
            ["g dead-lettered e1 at 0:0 and applied it [9, 10]"]
        );
        let mut h = History::new();
        fails(h.fault_began(0), 1, 0).apply(1, 0).dead_letter(1, 0);
        assert_eq!(
            h.violations("dead_letters"),
            ["g applied e1 at 0:0 and dead-lettered it [9, 10]"]
        );
    }

    #[test]
    fn an_effect_that_was_taken_back_with_its_disk_is_none() {
        let store = STORE.0;
        let mut h = History::new();
        fails(h.fault_began(0).fault_on(1, store), 1, 0).apply(1, 0).after(1);
        h.went_back(store, 1, 0).dead_letter(1, 0);
        assert_eq!(h.violations("dead_letters"), [] as [&str; 0]);
        // It was made again.
        let mut h = History::new();
        fails(h.fault_began(0).fault_on(1, store), 1, 0).apply(1, 0).after(1);
        h.went_back(store, 1, 0).apply(1, 0).dead_letter(1, 0);
        assert_eq!(
            h.violations("dead_letters"),
            ["g applied e1 at 0:0 and dead-lettered it [12, 13]"]
        );
        // It was in the snapshot.
        let mut h = History::new();
        fails(h.fault_began(0), 1, 0).apply(1, 0).fault_on(1, store).after(1);
        h.went_back(store, 1, 1).apply(1, 0).dead_letter(1, 0);
        assert_eq!(
            h.violations("dead_letters"),
            ["g applied e1 at 0:0 and dead-lettered it [9, 13]"]
        );
    }

    #[test]
    fn poison_and_what_an_outage_exhausted_and_what_was_redriven() {
        let mut h = History::new();
        h.poison(1).publish(1).append_all(1, 0).dead_letter(1, 0);
        h.fault_began(0).fault_healed(0).after(1_000_000);
        fails(&mut h, 2, 1).dead_letter(2, 1).redrive(2, 1).apply(2, 1).dead_letter(2, 1);
        assert_eq!(h.violations("dead_letters"), [] as [&str; 0]);
    }

    #[test]
    fn when_it_reaches_the_queue_does_not_matter() {
        // The attempts failed in the outage; the queue could not be reached for long.
        let mut h = History::new();
        fails(h.fault_began(0), 1, 0).fault_healed(0).healed().after(60_000_000).dead_letter(1, 0);
        assert_eq!(h.violations("dead_letters"), [] as [&str; 0]);
        // It was redriven since, and given up again without an attempt.
        let mut h = History::new();
        fails(h.fault_began(0), 1, 0).dead_letter(1, 0).redrive(1, 0).dead_letter_again(1, 0);
        assert_eq!(h.violations("dead_letters"), [no_poison(1, NO_ATTEMPT, 11)]);
        let mut h = History::new();
        fails(h.fault_began(0), 1, 0).dead_letter(1, 0).redrive(1, 0).request(2, 1).attempt(2, 1);
        h.attempt_failed(2, 1).dead_letter_again(1, 0);
        assert_eq!(h.violations("dead_letters"), [] as [&str; 0]);
    }

    #[test]
    fn an_outage_long_ago_or_elsewhere_excuses_nothing() {
        let mut h = History::new();
        fails(h.fault_began(0).fault_healed(0).after(6_000_000), 1, 0).dead_letter(1, 0);
        assert_eq!(h.violations("dead_letters"), [no_poison(1, NOTHING, 10)]);
        let mut h = History::new();
        fails(h.fault_began(0).fault_healed(0).after(4_000_000), 1, 0).dead_letter(1, 0);
        assert_eq!(h.violations("dead_letters"), [] as [&str; 0]);
        // The bank is at r2: a fault of r0 cannot have hit it; one of r2, or of the caller, or load can.
        let at = |index| vec![no_poison(1, NOTHING, index)];
        for (target, expected) in [(0, at(9)), (2, vec![]), (4, vec![]), (u16::MAX, vec![])] {
            let mut h = History::new();
            h.bank_at(2);
            fails(h.fault_on(0, target), 1, 0).dead_letter(1, 0);
            assert_eq!(h.violations("dead_letters"), expected, "{target}");
        }
        // It acts until it is healed itself.
        let mut h = History::new();
        h.fault_began(0).fault_began(1).fault_healed(1).after(6_000_000);
        fails(&mut h, 1, 0).dead_letter(1, 0);
        assert_eq!(h.violations("dead_letters"), [] as [&str; 0]);
        // So can its being down.
        for (node, expected) in [(0, at(10)), (2, vec![])] {
            let mut h = History::new();
            h.bank_at(2);
            fails(h.crash(node), 1, 0).up(node).dead_letter(1, 0);
            assert_eq!(h.violations("dead_letters"), expected, "{node}");
        }
        let mut h = History::new();
        fails(h.crash(2).up(2).after(6_000_000), 1, 0).dead_letter(1, 0).healed();
        assert_eq!(h.violations("dead_letters"), [no_poison(1, NOTHING, 10)]);
        let mut h = History::new();
        h.bank_at(2).crash(2).exited(2).up(2).after(6_000_000);
        fails(&mut h, 1, 0).dead_letter(1, 0);
        assert_eq!(h.violations("dead_letters"), [no_poison(1, NOTHING, 11)]);
        // Load lasts until all is healed.
        let mut h = History::new();
        fails(h.fault_on(0, u16::MAX).after(6_000_000), 1, 0).dead_letter(1, 0).healed();
        assert_eq!(h.violations("dead_letters"), [] as [&str; 0]);
        let mut h = History::new();
        fails(h.fault_on(0, u16::MAX).healed().after(6_000_000), 1, 0).dead_letter(1, 0);
        assert_eq!(h.violations("dead_letters"), [no_poison(1, NOTHING, 10)]);
        // What does not last was over at once.
        let mut h = History::new();
        fails(h.fault_began(0).after(6_000_000), 1, 0).dead_letter(1, 0).healed();
        assert_eq!(h.violations("dead_letters"), [no_poison(1, NOTHING, 9)]);
    }

    #[test]
    fn what_a_policy_calls_is_the_dependency_of_its_name_or_any() {
        let nodes = |nodes: &[u16]| nodes.iter().copied().map(NodeId).collect::<Vec<_>>();
        let of = |post: &[u16]| {
            let retries = ["calls", "bank"].map(|name| RetryPolicy {
                name,
                first: Duration::ZERO,
                factor: 1.0,
                cap: Duration::ZERO,
                jitter: 0.0,
                attempts: None,
            });
            let breakers = ["post", "bank"].map(|dependency| BreakerPolicy {
                dependency,
                failures: 1,
                cooldown: Duration::ZERO,
                probes: 1,
            });
            let setup = Setup {
                policies: vec![Name(1), Name(2)],
                dependency_nodes: vec![nodes(post), nodes(&[2])],
                promises: Promises {
                    retries: retries.to_vec(),
                    breakers: breakers.to_vec(),
                    ..Promises::default()
                },
                ..Setup::default()
            };
            [1, 2].map(|policy| called(&setup, Name(policy)).into_iter().collect::<Vec<_>>())
        };
        assert_eq!(of(&[5]), [nodes(&[2, 5]), nodes(&[2])]);
        assert_eq!(of(&[]), [nodes(&[]), nodes(&[2])]);
    }

    #[test]
    fn a_system_that_promises_no_retries() {
        let mut h = History::new();
        h.no_retries().deliver(1, 0).fault_began(0).dead_letter(1, 0);
        assert_eq!(h.violations("dead_letters"), [] as [&str; 0]);
        let mut h = History::new();
        h.no_retries().deliver(1, 0).dead_letter(1, 0).after(1).fault_began(0);
        assert_eq!(h.violations("dead_letters"), [no_poison(1, NOTHING, 1)]);
        let mut h = History::new();
        h.no_retries().fault_began(0).fault_healed(0).after(6_000_000).deliver(1, 0);
        h.dead_letter(1, 0);
        assert_eq!(h.violations("dead_letters"), [no_poison(1, NOTHING, 3)]);
    }

    #[test]
    fn a_new_process_counts_its_requests_anew() {
        let mut h = History::new();
        fails(h.fault_began(0), 1, 0).consumer_up().publish(2).append_all(2, 1).deliver(2, 1);
        h.request(1, 2).attempt(1, 1).attempt_ok(1, 1).dead_letter(2, 1);
        assert_eq!(h.violations("dead_letters"), [no_poison(2, NO_ATTEMPT, 18)]);
    }
}
