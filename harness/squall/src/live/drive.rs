//! A run's phases, in a world whose time goes on by itself.
//!
//! As in the simulator: while faults come and go the workload is offered; everything is healed and every client is asked
//! for a few publishes more; the system has until its deadline to catch up; then it is watched for the settling time, and
//! read once more. What it holds in the end is read by a client, to the end that the system itself names: without that
//! nobody can say that something is lost.

use super::{
    beside::Beside,
    chronicle::Chronicle,
    clients::{self, Clients, Said},
    described::READERS,
    nemesis::{Nemesis, Progress, Remains, scaled},
    world::{Done, World},
};
use crate::{
    outcome::nodes_where,
    plan::{Micros, Plan, Start},
    sim::STEPS,
    system::{Role, System},
};
use serde_json::json;
use squall_probe::{
    EventId, Mark, Name, NodeChange, NodeId, Phase, Position, Record, StateOf, What,
};
use squall_reports::Tally;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
    time::Duration,
};

/// A line of a client program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// The client's node.
    pub(crate) node: NodeId,
    /// Without its end.
    pub(crate) line: String,
    /// When it was read, by the machine's monotonic clock, in microseconds.
    pub(crate) at: Micros,
}

/// A world that also runs client programs.
pub(crate) trait Host: World {
    /// A client program gets a line.
    fn tell(&mut self, node: NodeId, line: &str) -> Done;
    /// What processes wrote down since the last call, with times of the machine's monotonic clock; `name` numbers the
    /// names in it.
    fn take_records(&mut self, name: &mut dyn FnMut(&str) -> Name) -> Vec<Record>;
    /// What processes told beside their records in what was taken of them, with times of the machine's monotonic clock.
    fn take_beside(&mut self) -> Beside;
    /// Faults, by their index in the plan, whose fault point was reached since the last call; who reached it stands still.
    fn take_reached(&mut self) -> Vec<usize>;
    /// Whoever stands still at a fault point goes on.
    fn go_on(&mut self);
    /// How often each fault point was passed.
    fn passed(&self) -> BTreeMap<Name, u64>;
    /// The next line of a client program that still runs, waiting for this long at most.
    fn hear(&mut self, wait: Duration) -> Option<Heard>;
}

/// What is left of a run, beside its records.
#[derive(Debug, Default)]
pub(crate) struct Driven {
    /// Of the nemesis.
    pub(crate) remains: Remains,
    /// Disks that were destroyed so that nothing could bring back what they held; whether they were replicas'.
    pub(crate) destruction: Option<(String, bool)>,
    /// How often each fault point was passed.
    pub(crate) passed: BTreeMap<String, u64>,
    /// Why nobody can say whether it passed.
    pub(crate) inconclusive: Vec<String>,
    /// How long it took, in microseconds.
    pub(crate) elapsed: Micros,
    /// What a client program said that makes no sense, and how often something was said so.
    pub(crate) nonsense: Option<(String, u64)>,
    /// What the last reading found, where that is all that clients are given.
    pub(crate) tally: Option<Tally>,
}

/// A publish is called indeterminate when nobody has answered for this long, at the pace of 1.
const ANSWER: Micros = 5_000_000;

/// A publish that was not answered for this long will not be, at the pace of 1.
const GIVE_UP: Micros = 15_000_000;

/// Reading everything takes this long at most, at the pace of 1.
const READ: Micros = 30_000_000;

/// What is known to be lost is not waited for when readings have said for this long that it is, at the pace of 1.
const LOST: Micros = 8_000_000;

/// A last reading that came to no end is made again for this long, at the pace of 1: a system may be unable to answer for a
/// moment.
const LAST: Micros = 10_000_000;

/// Clients that gave up a publish after the healing are asked for others after this, at the pace of 1.
const AGAIN: Micros = 1_000_000;

/// From one reading to the next.
const BETWEEN_READS: Micros = 300_000;

/// How long a system is watched after it has converged at most, at the pace of 1.
const SETTLE: Micros = 2_000_000;

/// The loop of the harness itself must not be later than this: nobody knows what a stall of it, or of the machine, did to
/// the clients.
const STALL: Micros = 2_000_000;

/// How long the loop waits at most for something to happen.
const TICK: Micros = 10_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Faults,
    Recovery {
        deadline: Micros,
    },
    Settling {
        until: Micros,
    },
    /// The last reading, which is made again until then if it comes to no end; it had converged, or not.
    Last {
        converged: bool,
        until: Micros,
    },
    Over,
}

/// A reading that is under way.
#[derive(Clone, Copy, Debug)]
struct Reading {
    by: NodeId,
    until: Micros,
}

/// What can be seen of a system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// Clients can read all that it holds, or ask all nodes for their states.
    pub(crate) reads: bool,
    /// It tells no records of its own.
    pub(crate) outside: bool,
}

struct Driver<'p, H> {
    plan: &'p Plan,
    nemesis: Nemesis<'p, H>,
    chronicle: Chronicle,
    clients: Clients,
    pace: f64,
    how: Seen,
    /// The default group of what clients are given.
    group: &'static str,
    reading: Option<Reading>,
    /// When the last reading ended.
    read_at: Micros,
    /// What the last reading came to.
    last_read: Option<Result<bool, String>>,
    /// How many effects had landed when it began.
    applied_before: u32,
    /// (event, position) that were told as held.
    held: BTreeSet<(EventId, Option<Position>)>,
    /// The events of the reading that is under way, or was the last.
    read: BTreeSet<EventId>,
    /// The events that took effect, by group.
    applied: BTreeMap<Name, BTreeSet<EventId>>,
    /// Effects by group and number.
    effects: BTreeSet<(String, EventId, Option<u64>)>,
    /// Events of which a client has said ok.
    acknowledged: BTreeSet<EventId>,
    /// Those of which one had when the last reading began.
    owed: BTreeSet<EventId>,
    /// Since when each reading has said that something of it is not there.
    lost_since: Option<Micros>,
    /// How many entries the reading has told.
    entries: u64,
    tally: Option<Tally>,
    /// How often clients have said that somebody else leads.
    term: u64,
    offered: bool,
    /// When everything was healed, and clients were asked for a few events more.
    healed: Option<Micros>,
    /// When they are asked again: one has given up what it was asked for after the healing.
    again: Option<Micros>,
    inconclusive: Vec<String>,
    nonsense: Option<(String, u64)>,
}

/// Runs a plan whose times are in the host's pace already. All nodes are up; clients say when they can be asked.
pub(crate) fn drive<H: Host>(
    plan: &Plan,
    system: &dyn System,
    host: H,
    pace: f64,
    how: Seen,
    ready: &[NodeId],
) -> (Driven, Chronicle, H) {
    let nodes = |which: &dyn Fn(&Role) -> bool| -> Vec<NodeId> { nodes_where(plan, system, which) };
    let replica_roles = system.roles().iter().filter(|role| role.replica).map(|role| role.name);
    let mut driver = Driver {
        plan,
        nemesis: Nemesis::new(plan, host, replica_roles.collect(), pace),
        chronicle: Chronicle::new(plan, system, pace, how.outside),
        clients: Clients::new(plan, &nodes(&|role| role.client)),
        pace,
        how,
        group: system.groups().first().copied().unwrap_or(READERS),
        reading: None,
        read_at: 0,
        last_read: None,
        applied_before: 0,
        held: BTreeSet::new(),
        read: BTreeSet::new(),
        applied: BTreeMap::new(),
        effects: BTreeSet::new(),
        acknowledged: BTreeSet::new(),
        owed: BTreeSet::new(),
        lost_since: None,
        entries: 0,
        tally: None,
        term: 0,
        offered: false,
        healed: None,
        again: None,
        inconclusive: Vec::new(),
        nonsense: None,
    };
    for node in ready {
        driver.clients.set_ready(*node, true);
    }
    driver.run()
}

impl<H: Host> Driver<'_, H> {
    fn run(mut self) -> (Driven, Chronicle, H) {
        for index in 0..self.plan.nodes.len() {
            let change = NodeChange::Up;
            self.chronicle.record(NodeId::of_index(index), What::Node { change });
        }
        let mut stage = Stage::Faults;
        let mut expected = self.chronicle.now();
        while stage != Stage::Over {
            STEPS.fetch_add(1, Ordering::Relaxed);
            let now = self.chronicle.now();
            self.gather();
            // What was said until now is heard before anybody judges what happened until now.
            self.listen(Duration::ZERO);
            self.chronicle.settle(now);
            if now > expected + STALL {
                let late = Duration::from_micros(now - expected).as_secs_f64();
                self.doubt(format!(
                    "the harness's own loop stood still for {late:.1}s: the machine is too busy for this run"
                ));
            }
            self.act(now);
            self.publish(now);
            self.look_at_open(now);
            stage = self.next(stage);
            let wait = self.wait(now);
            expected = now + wait;
            self.listen(Duration::from_micros(wait));
        }
        let elapsed = self.chronicle.now();
        for node in self.clients.nodes().to_vec() {
            self.abandon(node);
        }
        self.gather();
        self.chronicle.settle(Micros::MAX);
        let destruction = self.nemesis.destruction();
        let destruction = destruction.map(|lost| (lost.disks, lost.replicated));
        let passed = self.nemesis.world.passed();
        let passed = passed
            .into_iter()
            .map(|(point, times)| (self.chronicle.names.text(point).to_owned(), times))
            .collect();
        let (remains, host) = self.nemesis.end();
        let Self { inconclusive, nonsense, tally, chronicle, .. } = self;
        (
            Driven { remains, destruction, passed, inconclusive, elapsed, nonsense, tally },
            chronicle,
            host,
        )
    }

    /// Takes in what processes wrote down.
    fn gather(&mut self) {
        let Self { nemesis, chronicle, .. } = self;
        let records = nemesis.world.take_records(&mut |text| chronicle.names.intern(text));
        self.chronicle.add(records);
        let beside = self.nemesis.world.take_beside();
        self.chronicle.tell(beside);
    }

    fn doubt(&mut self, why: String) {
        if !self.inconclusive.contains(&why) {
            self.inconclusive.push(why);
        }
    }

    /// How long until something is due.
    fn wait(&self, now: Micros) -> Micros {
        let due = [self.nemesis.next_act(), self.clients.next_due()];
        let next = due.into_iter().flatten().min().unwrap_or(Micros::MAX);
        next.saturating_sub(now).min(TICK)
    }

    /// The nemesis does what is due.
    fn act(&mut self, now: Micros) {
        let seen = |signal: &str, from_start| {
            let name = self.chronicle.names.find(signal);
            self.chronicle.recorder.signals.count_of(signal, name, from_start)
        };
        let progress = Progress {
            now,
            began: self.chronicle.began,
            passed: self.nemesis.world.take_reached(),
            reached: self.chronicle.recorder.reached(),
            seen: &seen,
            leader: self.chronicle.recorder.leader(),
        };
        self.nemesis.act(&progress);
        // What was to happen at the point has happened.
        self.nemesis.world.go_on();
        self.record_what_was_done();
        let (load, over) = self.nemesis.take_load();
        for fault in over {
            self.clients.stop_poisoning(fault);
        }
        for fault in load {
            self.clients.begin(self.plan, fault, now, self.pace);
        }
    }

    fn record_what_was_done(&mut self) {
        for record in self.nemesis.take_records() {
            let Record { node, what, .. } = record;
            self.chronicle.add([record]);
            if let What::Node { change } = what
                && change != NodeChange::Up
            {
                self.abandon(node);
                self.clients.set_ready(node, false);
                if self.reading.is_some_and(|reading| reading.by == node) {
                    self.end_reading(Err("the client that read was killed".to_owned()));
                }
            }
        }
    }

    /// Asks clients for what is due.
    fn publish(&mut self, now: Micros) {
        while let Some(asked) = self.clients.take(now) {
            let clients::Asked { node, publish, line, felt } = asked;
            for fault in felt {
                self.nemesis.feel(fault);
            }
            let (event, key) = (publish.event.id, publish.event.key);
            if publish.event.poison.is_some() {
                self.chronicle.record(node, What::Poison { event });
            }
            if now > publish.at + TICK {
                self.chronicle.record(node, What::Late { event, due: publish.at });
            }
            let phase = Phase::Invoke;
            self.chronicle.record(node, What::Publish { phase, event, key, position: None });
            if self.nemesis.world.tell(node, &line).is_err() {
                // Its process has just ended; that it did is told in a moment.
                self.clients.set_ready(node, false);
            }
        }
    }

    /// Publishes that nobody answers are indeterminate, and in the end given up.
    fn look_at_open(&mut self, now: Micros) {
        let pace = self.pace.max(1.0);
        let since = |long: Micros| now.saturating_sub(scaled(long, pace));
        for event in self.clients.silent_since(since(ANSWER)) {
            self.inform(event);
        }
        let give_up = since(GIVE_UP);
        let gone =
            |(event, open): (&EventId, &clients::Open)| (open.since < give_up).then_some(*event);
        let gone: Vec<EventId> = self.clients.open.iter().filter_map(gone).collect();
        for event in gone {
            self.give_up(event);
        }
    }

    /// A publish is given up: nobody will ever say whether it happened.
    fn give_up(&mut self, event: EventId) {
        let Some(open) = self.clients.open.remove(&event) else { return };
        self.chronicle.abandon(event);
        if self.how.outside && self.healed.is_some_and(|healed| open.since >= healed) {
            let at = self.chronicle.now() + scaled(AGAIN, self.pace);
            self.again.get_or_insert(at);
        }
    }

    /// Each client is asked for a few events more, to see whether that works.
    fn probe(&mut self, now: Micros) {
        for event in self.clients.probe(self.plan, now) {
            self.chronicle.record(NodeId::HARNESS, What::Probe { event });
        }
    }

    fn inform(&mut self, event: EventId) {
        let Some(open) = self.clients.open.get_mut(&event) else { return };
        if !std::mem::replace(&mut open.informed, true) {
            let (node, key, phase) = (open.node, open.key, Phase::Info);
            self.chronicle.record(node, What::Publish { phase, event, key, position: None });
        }
    }

    /// Nobody will hear of the open publishes of a node.
    fn abandon(&mut self, node: NodeId) {
        for (event, open) in self.clients.abandon(node) {
            if !open.informed {
                let (phase, key) = (Phase::Info, open.key);
                self.chronicle.record(node, What::Publish { phase, event, key, position: None });
            }
            self.chronicle.abandon(event);
        }
    }

    /// Takes in what clients say, for this long at most.
    fn listen(&mut self, wait: Duration) {
        let mut wait = wait;
        // Something else may be due: of a flood not all is read at once.
        for _ in 0..1_000 {
            let Some(heard) = self.nemesis.world.hear(wait) else { return };
            wait = Duration::ZERO;
            self.take_in(&heard);
        }
    }

    fn take_in(&mut self, heard: &Heard) {
        let node = heard.node;
        let said = match clients::read(&heard.line) {
            Ok(said) => said,
            Err(why) => {
                let line: String = heard.line.chars().take(80).collect();
                return self.makes_no_sense(node, &format!("said {line:?}: {why}"));
            }
        };
        match said {
            Said::Ready => self.clients.set_ready(node, true),
            Said::Ok(event, position) => self.close(heard, event, Phase::Ok, position),
            Said::Fail(event) => self.close(heard, event, Phase::Fail, None),
            Said::Info(event) => {
                self.inform(event);
                self.give_up(event);
            }
            Said::Delivered(event, position, group) => {
                self.given(heard, event, position, group.as_deref());
                self.apply(heard, event, position, group.as_deref());
            }
            Said::Given(event, position, group) => {
                self.given(heard, event, position, group.as_deref());
            }
            Said::Effect(event, number, group) => {
                let of = group.clone().unwrap_or_else(|| self.group.to_owned());
                if number.is_none() || self.effects.insert((of, event, number)) {
                    self.apply(heard, event, None, group.as_deref());
                }
            }
            Said::Entry(event, position) => {
                self.read.insert(event);
                self.entries += 1;
                if self.held.insert((event, position)) {
                    let at = position.unwrap_or(Position::new(0, event.0));
                    let key = self.clients.keys.get(&event).copied().unwrap_or(0);
                    let (term, content) = (0, 0);
                    self.chronicle.record_at(
                        heard.at,
                        node,
                        What::Append { position: at, event, key, term, content },
                    );
                    if self.group == READERS {
                        self.apply(heard, event, position, None);
                    }
                }
            }
            Said::Unsure(event) => self.inform(event),
            Said::Leader(name) => {
                let Some(index) = self.plan.nodes.iter().position(|node| node.name == name) else {
                    let what = format!("said that {name} leads, and there is no such node");
                    return self.makes_no_sense(node, &what);
                };
                let leader = NodeId::of_index(index);
                if self.chronicle.recorder.leader() != Some(leader) {
                    self.term += 1;
                    let term = self.term;
                    self.chronicle.record_at(heard.at, leader, What::Lead { term });
                }
            }
            Said::End(told) => {
                if self.reading.is_some_and(|reading| reading.by == node) {
                    self.end_reading(told);
                }
            }
        }
    }

    /// A client program said what makes no sense: the first of it is told, and how much there was.
    fn makes_no_sense(&mut self, node: NodeId, what: &str) {
        let name = &self.plan.nodes[node.index()].name;
        let (_, times) = self.nonsense.get_or_insert_with(|| (format!("{name} {what}"), 0));
        *times += 1;
    }

    fn close(&mut self, heard: &Heard, event: EventId, phase: Phase, position: Option<Position>) {
        self.clients.open.remove(&event);
        let Some(key) = self.clients.keys.get(&event).copied() else {
            let what = format!("answered a publish of e{} that nobody asked for", event.0);
            return self.makes_no_sense(heard.node, &what);
        };
        if phase == Phase::Ok {
            self.acknowledged.insert(event);
        }
        self.chronicle.record_at(
            heard.at,
            heard.node,
            What::Publish { phase, event, key, position },
        );
    }

    fn given(&mut self, heard: &Heard, event: EventId, at: Option<Position>, group: Option<&str>) {
        // Without a place nobody can say what was passed over.
        let Some(position) = at else { return };
        let group = self.chronicle.name(group.unwrap_or(self.group));
        let (generation, content) = (0, 0);
        self.chronicle.record_at(
            heard.at,
            heard.node,
            What::Deliver { group, position, event, generation, content },
        );
    }

    fn apply(&mut self, heard: &Heard, event: EventId, at: Option<Position>, group: Option<&str>) {
        let group = self.chronicle.name(group.unwrap_or(self.group));
        let member = self.chronicle.name(&self.plan.nodes[heard.node.index()].name);
        let position = at.unwrap_or(Position::new(0, event.0));
        self.applied.entry(group).or_default().insert(event);
        self.chronicle.record_at(
            heard.at,
            heard.node,
            What::Apply { group, position, event, generation: 0, member },
        );
    }

    /// Asks a client for all that the system holds, unless one is at it.
    fn read(&mut self, last: bool) {
        if self.reading.is_some() {
            return;
        }
        let Some(by) = self.clients.any_ready() else { return };
        let until = self.chronicle.now() + scaled(READ, self.pace.max(1.0));
        self.last_read = None;
        if self.nemesis.world.tell(by, &json!({ "read": true, "last": last }).to_string()).is_ok() {
            self.applied_before = self.chronicle.recorder.reached().2;
            self.read.clear();
            self.owed.clone_from(&self.acknowledged);
            self.entries = 0;
            self.reading = Some(Reading { by, until });
        }
    }

    fn end_reading(&mut self, told: Result<bool, String>) {
        self.reading = None;
        self.read_at = self.chronicle.now();
        if told == Ok(true) {
            let is_lost = self.group == READERS && !self.owed.is_subset(&self.read);
            self.lost_since = is_lost.then(|| self.lost_since.unwrap_or(self.read_at));
        }
        self.last_read = Some(told);
    }

    /// What is known to be lost here is lost: all was answered, and for long every reading has said so. Whatever is not known
    /// is waited for until the deadline.
    fn is_lost_as_known(&self, now: Micros) -> bool {
        self.plan.violates.iter().flatten().any(|name| name == "no_loss")
            && self.offered
            && self.clients.open.is_empty()
            && self.lost_since.is_some_and(|since| now > since + scaled(LOST, self.pace))
    }

    fn next(&mut self, stage: Stage) -> Stage {
        let now = self.chronicle.now();
        if !self.offered && stage != Stage::Faults && self.clients.offered() {
            self.offered = true;
            self.chronicle.record(NodeId::HARNESS, What::Mark(Mark::WorkloadOffered));
        }
        if let Some(reading) = self.reading
            && now > reading.until
        {
            self.end_reading(Err("the client that read did not come to an end".to_owned()));
        }
        match stage {
            Stage::Faults if self.nemesis.is_over(now) => {
                self.nemesis.heal_all();
                self.record_what_was_done();
                self.healed = Some(now);
                self.probe(now);
                self.read_at = now;
                Stage::Recovery { deadline: now + self.chronicle.limits.last() }
            }
            Stage::Recovery { deadline } if now >= deadline => {
                self.chronicle.record(NodeId::HARNESS, What::Mark(Mark::DeadlinePassed));
                self.last(false)
            }
            Stage::Recovery { .. } => {
                if self.again.is_some_and(|at| now >= at) {
                    self.again = None;
                    self.probe(now);
                }
                if self.converges(now) {
                    self.tell_states();
                    self.chronicle.record(NodeId::HARNESS, What::Mark(Mark::Converged));
                    return Stage::Settling { until: now + self.plan.settle_us };
                }
                if self.is_lost_as_known(now) {
                    return self.last(false);
                }
                stage
            }
            Stage::Settling { until } if now >= until => self.last(true),
            Stage::Last { converged, until } => {
                self.look_for_the_last_time(converged, now > until, stage)
            }
            Stage::Faults | Stage::Settling { .. } | Stage::Over => stage,
        }
    }

    /// Everything was answered, and everything that is owed has come; where the system can be read, by a reading.
    fn converges(&mut self, now: Micros) -> bool {
        let asks = self.again.is_some() || !self.clients.offered();
        if !self.offered || asks || !self.clients.open.is_empty() {
            return false;
        }
        let drained = self.chronicle.recorder.drained();
        if !self.how.reads {
            return drained;
        }
        if self.reading.is_some() {
            return false;
        }
        // What took effect meanwhile is not in what was told.
        let still = self.applied_before == self.chronicle.recorder.reached().2;
        let agrees = matches!(self.last_read, Some(Ok(true)));
        if drained && agrees && (still || self.how.outside) {
            return true;
        }
        if self.last_read.is_none() || now > self.read_at + scaled(BETWEEN_READS, self.pace) {
            self.read(false);
        }
        false
    }

    /// How far each group is: by the last reading, where that is all there is, else by what clients were given.
    fn tell_states(&mut self) {
        if !self.how.outside {
            // Its nodes were asked for their states, which were written down.
            return;
        }
        let readers = self.chronicle.name(READERS);
        let known = self.applied.iter().map(|(group, events)| (*group, events.len()));
        let groups: BTreeMap<Name, usize> = known
            .map(|(group, count)| (group, if group == readers { self.read.len() } else { count }))
            .collect();
        for (group, count) in groups {
            let of = StateOf::Projection { group };
            let what = What::State { of, position: count as u64, digest: 0 };
            self.chronicle.record(NodeId::HARNESS, what);
        }
    }

    /// What was acknowledged and is not in what was read last, where that is all that clients are given.
    fn tell_absent(&mut self) {
        if self.group != READERS {
            return;
        }
        let absent: Vec<EventId> = self.owed.difference(&self.read).copied().collect();
        self.tally = Some(Tally {
            acknowledged: self.owed.len() as u64,
            lost: absent.len() as u64,
            duplicated: self.entries - self.read.len() as u64,
        });
        let group = self.chronicle.name(READERS);
        for event in absent {
            self.chronicle.record(NodeId::HARNESS, What::Absent { group, event });
        }
    }

    fn last(&mut self, converged: bool) -> Stage {
        self.last_read = None;
        Stage::Last { converged, until: self.chronicle.now() + scaled(LAST, self.pace) }
    }

    fn look_for_the_last_time(&mut self, converged: bool, late: bool, stage: Stage) -> Stage {
        if self.how.reads {
            let failed = matches!(self.last_read, Some(Err(_)));
            let rested = self.chronicle.now() > self.read_at + scaled(BETWEEN_READS, self.pace);
            if failed && !late {
                if rested {
                    self.read(true);
                }
                return stage;
            }
            if self.reading.is_none() && self.last_read.is_none() {
                self.read(true);
                if self.reading.is_none() {
                    self.last_read = Some(Err("no client is ready to read".to_owned()));
                }
            }
            match self.last_read.take() {
                None => return stage,
                Some(Ok(_)) => self.tell_absent(),
                Some(Err(why)) => self.doubt(format!(
                    "what the system holds was not read to its end ({why}): nobody can say what is lost"
                )),
            }
        }
        self.tell_states();
        if converged {
            self.chronicle.record(NodeId::HARNESS, What::Mark(Mark::Settled));
        }
        Stage::Over
    }
}

/// A plan in a pace: whatever the scenario says of times takes that many times as long, and the workload goes on as long;
/// its rate, latencies of links and counts stay.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn in_pace(plan: &Plan, pace: f64) -> Plan {
    let mut paced = plan.clone();
    let micros = |time: Micros| scaled(time, pace);
    paced.workload.events = (f64::from(plan.workload.events) * pace).ceil() as u32;
    paced.workload_us = micros(plan.workload_us);
    // Now and then a simulation is watched for long; who waits here waits in real time.
    paced.settle_us = micros(plan.settle_us.min(SETTLE));
    for fault in &mut paced.faults {
        match &mut fault.start {
            Start::At(at) => *at = micros(*at),
            Start::When { limit, delay, .. } => {
                *limit = micros(*limit);
                *delay = micros(*delay);
            }
        }
        fault.lasts = fault.lasts.map(micros);
        fault.restart_after = fault.restart_after.map(micros);
    }
    for expect in &mut paced.expect {
        expect.limit = expect.limit.map(|limit| limit.stretched(pace));
    }
    paced
}

#[cfg(test)]
mod tests;
