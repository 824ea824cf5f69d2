//! What records say of the numbers that every system has: throughput, lag, errors, dead letters, breakers, leaders.
//!
//! What belongs to a node goes with it, as a process's numbers do. Lag and dead letters are those that there are, not
//! those that somebody believes there are: they belong to a group.

use super::board::{Board, Labels};
use crate::{
    injection::{Injection, NodeState},
    metrics,
    plan::Plan,
    system::System,
};
use squall_judge::{Delivery, Redriven};
use squall_probe::{
    BreakerState, EventId, Mark, Name, NodeChange, NodeId, Phase, Record, What, sim::Names,
};
use std::collections::{BTreeMap, BTreeSet};

/// A fold over the records of a run.
pub(super) struct Told<'a> {
    plan: &'a Plan,
    system: &'a dyn System,
    names: &'a Names,
    /// Groups to which every event of a log is owed.
    groups: Vec<Name>,
    /// When each publish was due, in microseconds.
    due: BTreeMap<EventId, u64>,
    /// Events that exist, by group those that are done with, and how many are both.
    exist: BTreeSet<EventId>,
    done: BTreeMap<Name, BTreeSet<EventId>>,
    handled: BTreeMap<Name, usize>,
    redriven: Redriven,
    /// By step, the nodes that it paused.
    paused: BTreeMap<u16, Vec<NodeId>>,
    /// Messages of queues that are in them.
    messages: BTreeMap<Name, BTreeSet<u64>>,
    dead: BTreeMap<Name, BTreeSet<EventId>>,
}

impl<'a> Told<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        system: &'a dyn System,
        names: &'a Names,
        board: &mut Board,
    ) -> Self {
        for group in system.groups() {
            board.set(None, metrics::LAG, one("group", group), 0.0);
            board.set(None, metrics::DEAD_LETTERS, one("group", group), 0.0);
        }
        for index in 0..plan.nodes.len() {
            let labels = node_labels(plan, system, NodeId::of_index(index));
            board.set(None, metrics::UP, labels, 0.0);
        }
        // As what decides when a run is drained: a queue owes messages, and what may be lost is owed to nobody.
        let promises = system.promises();
        let owes = promises.queue().is_none() && promises.delivery != Delivery::AtMostOnce;
        let of_log = system.groups().iter().filter(|_| owes);
        let by_text = |group: &&str| names.find(group);
        Self {
            plan,
            system,
            names,
            groups: of_log.filter_map(by_text).collect(),
            due: BTreeMap::new(),
            exist: BTreeSet::new(),
            done: BTreeMap::new(),
            handled: BTreeMap::new(),
            redriven: Redriven::default(),
            paused: BTreeMap::new(),
            messages: BTreeMap::new(),
            dead: BTreeMap::new(),
        }
    }

    /// A node's labels and one more.
    fn with(&self, node: NodeId, name: &str, value: &str) -> Labels {
        let mut labels = node_labels(self.plan, self.system, node);
        labels.push((name.to_owned(), value.to_owned()));
        labels
    }

    pub(super) fn record(&mut self, board: &mut Board, record: &Record) {
        let (node, here) = (record.node, Some(record.node).filter(|node| *node != NodeId::HARNESS));
        let name = |name: Name| self.names.text(name);
        match record.what {
            What::Node { change } => self.node(board, node, change),
            What::FaultBegan { fault, target } if self.pauses(fault) => {
                self.paused.entry(fault).or_default().push(target);
                self.silence(board, target, true);
            }
            What::FaultHealed { fault } => {
                for node in self.paused.remove(&fault).unwrap_or_default() {
                    self.silence(board, node, false);
                }
            }
            What::Mark(Mark::Healed) => {
                for node in std::mem::take(&mut self.paused).into_values().flatten() {
                    self.silence(board, node, false);
                }
            }
            What::Late { event, due } => {
                self.due.insert(event, due);
            }
            What::Publish { phase, event, .. } => {
                let labels = self.with(node, "phase", phase_name(phase));
                board.add(here, metrics::PUBLISHES, labels, 1.0);
                match phase {
                    Phase::Invoke => {
                        self.due.entry(event).or_insert(record.at);
                    }
                    Phase::Ok => self.exists(board, event),
                    Phase::Fail | Phase::Info => {}
                }
            }
            What::Append { event, .. } => {
                let labels = node_labels(self.plan, self.system, node);
                board.add(here, metrics::APPENDS, labels, 1.0);
                self.exists(board, event);
            }
            What::Deliver { group, .. } | What::Lease { queue: group, .. } => {
                board.add(here, metrics::DELIVERIES, self.with(node, "group", name(group)), 1.0);
            }
            What::Apply { group, event, .. } => {
                board.add(here, metrics::EFFECTS, self.with(node, "group", name(group)), 1.0);
                if let Some(due) = self.due.get(&event) {
                    let seconds = record.at.saturating_sub(*due) as f64 / 1e6;
                    board.observe(metrics::EFFECT_LATENCY, &one("group", name(group)), seconds);
                }
                self.done(board, group, event, true);
            }
            What::DeadLetter { group, event, .. } => {
                if !self.redriven.is_old(&record.what) {
                    self.buried(board, group, event, true);
                    self.done(board, group, event, true);
                }
            }
            What::Redrive { group, event, times, .. } => {
                if self.redriven.take(group, event, times) {
                    self.buried(board, group, event, false);
                    self.done(board, group, event, false);
                }
            }
            What::Enqueue { queue, message, .. } => self.holds(board, queue, message, true),
            What::AcknowledgeMessage { queue, message, phase: Phase::Ok, .. } => {
                self.holds(board, queue, message, false);
            }
            What::Remove { queue, message, event, why } => {
                use squall_probe::Removed::{DeadLettered, ExpiredToDeadLetters};
                self.holds(board, queue, message, false);
                if matches!(why, DeadLettered | ExpiredToDeadLetters) {
                    self.buried(board, queue, event, true);
                }
            }
            What::Lead { .. } => self.leads(board, node, true),
            What::StepDown { .. } => self.leads(board, node, false),
            What::Breaker { dependency, state } => {
                let state = match state {
                    BreakerState::Closed => 0.0,
                    BreakerState::HalfOpen => 1.0,
                    BreakerState::Open => 2.0,
                };
                let labels = self.with(node, "dependency", name(dependency));
                board.set(here, metrics::BREAKER_STATE, labels, state);
            }
            What::Call { dependency, phase } => {
                let mut labels = self.with(node, "dependency", name(dependency));
                labels.push(("phase".to_owned(), phase_name(phase).to_owned()));
                board.add(here, metrics::CALLS, labels, 1.0);
            }
            What::Attempt { policy, phase, .. } => {
                let mut labels = self.with(node, "policy", name(policy));
                labels.push(("phase".to_owned(), phase_name(phase).to_owned()));
                board.add(here, metrics::ATTEMPTS, labels, 1.0);
            }
            What::Buffered { buffer, amount } => {
                let labels = self.with(node, "buffer", name(buffer));
                board.set(here, metrics::BUFFERED, labels, amount as f64);
            }
            What::Signal { signal } => {
                board.add(here, metrics::SIGNALS, self.with(node, "signal", name(signal)), 1.0);
            }
            _ => {}
        }
    }

    fn node(&self, board: &mut Board, node: NodeId, change: NodeChange) {
        let labels = || node_labels(self.plan, self.system, node);
        board.forget(node);
        let up = change == NodeChange::Up;
        board.set(None, metrics::UP, labels(), f64::from(u8::from(up)));
        if up {
            board.add(None, metrics::STARTS, labels(), 1.0);
            let planned = self.plan.nodes.get(node.index());
            let mut roles = self.system.roles().iter();
            if roles.any(|r| r.replica && planned.is_some_and(|node| node.role == r.name)) {
                board.set(Some(node), metrics::LEADER, labels(), 0.0);
            }
        }
    }

    /// Whether a step's fault stops nodes without their knowing: they do not answer a scrape either.
    fn pauses(&self, step: u16) -> bool {
        let planned = self.plan.faults.iter().find(|planned| planned.step == step);
        let injection = planned.map(|planned| planned.fault.injection());
        matches!(injection, Some(Injection::Nodes { state: NodeState::Paused, .. }))
    }

    fn silence(&self, board: &mut Board, node: NodeId, silent: bool) {
        if node != NodeId::HARNESS && board.is_silent(node) != silent {
            board.silence(node, silent);
            let answers = f64::from(u8::from(!silent));
            board.set(None, metrics::UP, node_labels(self.plan, self.system, node), answers);
        }
    }

    fn leads(&self, board: &mut Board, node: NodeId, leads: bool) {
        let labels = node_labels(self.plan, self.system, node);
        board.set(Some(node), metrics::LEADER, labels, f64::from(u8::from(leads)));
    }

    fn exists(&mut self, board: &mut Board, event: EventId) {
        if !self.exist.insert(event) {
            return;
        }
        for index in 0..self.groups.len() {
            let group = self.groups[index];
            // What a group does before anybody says that the event exists counts when it does.
            let done = self.done.get(&group).is_some_and(|done| done.contains(&event));
            *self.handled.entry(group).or_default() += usize::from(done);
            self.tell_lag(board, group);
        }
    }

    /// A group is done with an event, or must handle it again.
    fn done(&mut self, board: &mut Board, group: Name, event: EventId, done: bool) {
        let of = self.done.entry(group).or_default();
        let changed = if done { of.insert(event) } else { of.remove(&event) };
        if changed && self.exist.contains(&event) && self.groups.contains(&group) {
            let handled = self.handled.entry(group).or_default();
            *handled = if done { *handled + 1 } else { *handled - 1 };
            self.tell_lag(board, group);
        }
    }

    fn tell_lag(&self, board: &mut Board, group: Name) {
        let lag = self.exist.len() - self.handled.get(&group).copied().unwrap_or(0);
        board.set(None, metrics::LAG, one("group", self.names.text(group)), lag as f64);
    }

    fn buried(&mut self, board: &mut Board, group: Name, event: EventId, dead: bool) {
        let of = self.dead.entry(group).or_default();
        let _ = if dead { of.insert(event) } else { of.remove(&event) };
        let count = of.len() as f64;
        board.set(None, metrics::DEAD_LETTERS, one("group", self.names.text(group)), count);
    }

    fn holds(&mut self, board: &mut Board, queue: Name, message: u64, holds: bool) {
        let of = self.messages.entry(queue).or_default();
        let _ = if holds { of.insert(message) } else { of.remove(&message) };
        let count = of.len() as f64;
        board.set(None, metrics::LAG, one("group", self.names.text(queue)), count);
    }
}

fn one(name: &str, value: &str) -> Labels {
    vec![(name.to_owned(), value.to_owned())]
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Invoke => "invoke",
        Phase::Ok => "ok",
        Phase::Fail => "fail",
        Phase::Info => "info",
    }
}

/// What Prometheus would put to everything that it scrapes from a node.
pub(super) fn node_labels(plan: &Plan, system: &dyn System, node: NodeId) -> Labels {
    let mut labels = one("job", system.name());
    if let Some(planned) = plan.nodes.get(node.index()) {
        labels.push(("instance".to_owned(), planned.name.clone()));
        labels.push(("role".to_owned(), planned.role.clone()));
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario::parse};
    use squall_probe::Position;
    use squall_reports::{Family, MetricKind};

    const TEXT: &str = "name: x\nworkload: { events: 100, rate: 20/s }\n\
        faults: [{ at: 1s, pause: broker-1, for: 1s }]\n";

    /// What is told of these records, each scraped after the one before.
    fn told(whats: &[(u16, What)]) -> Vec<Family> {
        let scenario = parse("x", TEXT.as_bytes(), &Sample).unwrap();
        let plan = Plan::new(&scenario, 1, &Sample, &[]);
        let mut names = Names::default();
        assert_eq!(names.intern("shipping"), GROUP);
        let mut board = Board::default();
        let mut told = Told::new(&plan, &Sample, &names, &mut board);
        for (at, (node, what)) in (1..).zip(whats) {
            told.record(&mut board, &Record { at, node: NodeId(*node), what: *what });
            board.scrape();
        }
        board.families(|_| (MetricKind::Gauge, String::new()))
    }

    /// The values of the metric with this label; -1 where there is none.
    fn values(families: &[Family], name: &str, label: &str) -> Vec<f64> {
        let family = families.iter().find(|family| family.name == name).unwrap();
        let labelled = |metric: &&squall_reports::SeriesMetric| {
            metric.labels.iter().any(|(_, value)| value == label)
        };
        let metric = family.metrics.iter().find(labelled).unwrap();
        metric.samples[0].values.iter().map(|value| value.unwrap_or(-1.0)).collect()
    }

    const GROUP: Name = Name(0);
    const HARNESS: u16 = NodeId::HARNESS.0;

    fn append(event: u64) -> What {
        let position = Position::new(0, event);
        What::Append { position, event: EventId(event), key: 0, term: 1, content: 0 }
    }

    #[test]
    fn lag_is_what_exists_and_is_not_done_and_what_is_redriven_counts_again() {
        let (group, position, event) = (GROUP, Position::new(0, 2), EventId(2));
        let member = Name(0);
        let apply = |event| What::Apply { group, position, event, generation: 1, member };
        let families = told(&[
            (0, append(1)),
            // Every replica tells of it, and it is one event.
            (1, append(1)),
            (0, append(2)),
            (3, apply(EventId(1))),
            (0, What::DeadLetter { group, position, event, times: 1 }),
            (0, What::Redrive { group, position, event, times: 1 }),
            // A replica that is late tells again what has been taken back.
            (1, What::DeadLetter { group, position, event, times: 1 }),
            (3, apply(event)),
            // Done before anybody says that it exists.
            (3, apply(EventId(3))),
            (0, append(3)),
        ]);
        let lag = values(&families, metrics::LAG, "shipping");
        assert_eq!(lag, [1.0, 1.0, 2.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
        let dead = values(&families, metrics::DEAD_LETTERS, "shipping");
        assert_eq!(dead, [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_queue_has_the_messages_that_are_in_it() {
        let (queue, event) = (GROUP, EventId(7));
        let enqueue =
            |message| What::Enqueue { queue, message, event, group: 0, deduplication: None };
        let acknowledge =
            |phase| What::AcknowledgeMessage { queue, message: 1, event, count: 1, phase };
        let why = squall_probe::Removed::DeadLettered;
        let families = told(&[
            (0, enqueue(1)),
            (0, enqueue(2)),
            (3, acknowledge(Phase::Invoke)),
            (3, acknowledge(Phase::Ok)),
            (0, What::Remove { queue, message: 2, event, why }),
        ]);
        assert_eq!(values(&families, metrics::LAG, "shipping"), [1.0, 2.0, 2.0, 1.0, 0.0]);
        let dead = values(&families, metrics::DEAD_LETTERS, "shipping");
        assert_eq!(dead, [0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn who_is_down_or_paused_does_not_answer() {
        let node = |change| What::Node { change };
        let families = told(&[
            (0, node(NodeChange::Up)),
            (0, What::Lead { term: 1 }),
            (HARNESS, What::FaultBegan { fault: 0, target: NodeId(0) }),
            (HARNESS, What::FaultHealed { fault: 0 }),
            (0, node(NodeChange::Crashed)),
            (0, node(NodeChange::Up)),
        ]);
        assert_eq!(values(&families, metrics::UP, "broker-1"), [1.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
        // It believes that it leads while it is paused, and nobody hears it; after the crash it does not.
        let leader = values(&families, metrics::LEADER, "broker-1");
        assert_eq!(leader, [0.0, 1.0, -1.0, 1.0, -1.0, 0.0]);
        let starts = values(&families, metrics::STARTS, "broker-1");
        assert_eq!(starts, [1.0, 1.0, 1.0, 1.0, 1.0, 2.0]);
    }
}
