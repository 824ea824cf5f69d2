//! The nemesis of a live world: what a plan wants, when, to whom. It carries nothing out itself.
//!
//! It does what the simulator's does, where time goes on by itself: it is asked to act again and again, and told how far
//! the run has come. What it did is taken from it as records.

use super::world::{Disturbance, Done, Part, World};
use crate::{
    injection::{Back, Carried, Injection, LinkState, Links, Target},
    outcome::{Destruction, Gone, destruction},
    plan::{Micros, Plan, Start, micros},
    scenario::Condition,
    schedule::{
        Act, Action, Agenda, Began, Comeback, Direction, Flapping, Nodes, Occurrences, Reached,
        Triggers, View, pairs, senders,
    },
};
use squall_probe::{Mark, NodeChange, NodeId, Record, What, live};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A machine that did not start is started again after this, in microseconds.
const AGAIN: Micros = 500_000;

/// How far a run has come, for the conditions that faults wait for.
pub(crate) struct Progress<'a> {
    /// Now, in microseconds since the run began.
    pub(crate) now: Micros,
    /// When it began, by the machine's monotonic clock, in microseconds.
    pub(crate) began: Micros,
    /// Faults whose fault point was reached, by their index.
    pub(crate) passed: Vec<usize>,
    /// Publishes acknowledged, events delivered, effects landed.
    pub(crate) reached: (u32, u32, u32),
    /// How often a signal was seen: from the start of the run, or from the first fault on.
    pub(crate) seen: &'a dyn Fn(&str, bool) -> u64,
    /// Who leads, if anybody knows.
    pub(crate) leader: Option<NodeId>,
}

/// What is left of it when a run is over.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    /// Faults that never began, in words.
    pub(crate) unfired: Vec<String>,
    /// How many occurrences began.
    pub(crate) begun: u64,
    /// Steps of which an occurrence began.
    pub(crate) begun_steps: BTreeSet<u16>,
    /// How often each step's fault was felt.
    pub(crate) felt: BTreeMap<u16, u64>,
    /// What the world could not carry out, in words.
    pub(crate) trouble: Vec<String>,
    /// What no record says in words: when, where, what.
    pub(crate) notes: Vec<(Micros, NodeId, String)>,
}

/// Carries out a plan's faults in a world.
pub(crate) struct Nemesis<'p, W> {
    /// The world.
    pub(crate) world: W,
    plan: &'p Plan,
    /// How many times as long as the scenario says everything takes.
    pace: f64,
    replica_roles: Vec<&'static str>,
    agenda: Agenda,
    triggers: Triggers,
    occurrences: Occurrences,
    nodes: Nodes,
    /// Machines without power.
    dark: BTreeSet<NodeId>,
    flapping: BTreeMap<usize, Flapping>,
    /// Whose snapshots each fault took, and when, by the machine's monotonic clock.
    snapshots: BTreeMap<usize, (Micros, Vec<NodeId>)>,
    /// On whose disks each fault acts.
    failing: BTreeMap<usize, Vec<NodeId>>,
    /// Nodes of whose disks something is gone for good, and the faults that took it.
    destroyed: BTreeMap<NodeId, Vec<usize>>,
    healed: bool,
    felt: BTreeMap<u16, u64>,
    trouble: Vec<String>,
    notes: Vec<(Micros, NodeId, String)>,
    records: Vec<Record>,
    /// What faults want published: their index in the plan.
    load: Vec<usize>,
    /// Faults that published, and have ended.
    over: Vec<usize>,
    leader: Option<NodeId>,
    now: Micros,
    /// When the run began, by the machine's monotonic clock, in microseconds.
    began: Micros,
    /// When the fault began that begins now, by that clock, if that was before it was carried out.
    began_at: Option<Micros>,
}

impl<'p, W: World> Nemesis<'p, W> {
    /// For a plan whose times are in the world's pace already. All nodes are up.
    pub(crate) fn new(
        plan: &'p Plan,
        world: W,
        replica_roles: Vec<&'static str>,
        pace: f64,
    ) -> Self {
        let mut nemesis = Self {
            world,
            plan,
            pace,
            replica_roles,
            agenda: Agenda::default(),
            triggers: Triggers::default(),
            occurrences: Occurrences::default(),
            nodes: Nodes::new(plan.nodes.len()),
            dark: BTreeSet::new(),
            flapping: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            failing: BTreeMap::new(),
            destroyed: BTreeMap::new(),
            healed: false,
            felt: BTreeMap::new(),
            trouble: Vec::new(),
            notes: Vec::new(),
            records: Vec::new(),
            load: Vec::new(),
            over: Vec::new(),
            leader: None,
            now: 0,
            began: 0,
            began_at: None,
        };
        for (index, fault) in plan.faults.iter().enumerate() {
            match &fault.start {
                Start::At(at) => nemesis.agenda.schedule(*at, Action::Begin(index)),
                Start::When { condition, limit, .. } => {
                    nemesis.triggers.wait(index, condition.clone(), *limit);
                }
            }
        }
        nemesis
    }

    /// Does what is due.
    pub(crate) fn act(&mut self, progress: &Progress<'_>) {
        (self.now, self.leader) = (progress.now, progress.leader);
        self.began = progress.began;
        for (fault, times) in self.world.take_felt() {
            *self.felt.entry(self.plan.faults[fault].step).or_default() += times;
        }
        self.tend_exits();
        self.pull_triggers(progress);
        while let Some(action) = self.agenda.take_due(self.now) {
            self.carry_out(action);
        }
        for (index, limit) in self.triggers.take_deferred() {
            self.begin_fault(index, Some(limit));
        }
        if self.triggers.wait_for_steps() {
            self.pull_triggers(progress);
        }
    }

    /// When it will act next, if nothing happens before.
    pub(crate) fn next_act(&self) -> Option<Micros> {
        self.agenda.next()
    }

    /// Every timed fault has come and gone, every trigger fired or gave up, and the time of the workload has passed.
    pub(crate) fn is_over(&self, now: Micros) -> bool {
        now >= self.plan.workload_us && self.triggers.is_empty() && self.agenda.holds_no_fault()
    }

    /// Every fault ends and every node comes back.
    pub(crate) fn heal_all(&mut self) {
        self.healed = true;
        for index in self.occurrences.active() {
            self.heal_fault(index);
        }
        self.agenda.clear();
        for node in self.ids() {
            self.restart(node);
        }
        self.nodes.forgive();
        self.record(NodeId::HARNESS, What::Mark(Mark::Healed));
    }

    /// Records of what it did since the last call, in order, with times of the machine's monotonic clock: what it does takes
    /// its time, and others act meanwhile.
    pub(crate) fn take_records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }

    /// Faults, by their index, that want events published or poisoned since the last call; and those that have ended.
    pub(crate) fn take_load(&mut self) -> (Vec<usize>, Vec<usize>) {
        (std::mem::take(&mut self.load), std::mem::take(&mut self.over))
    }

    /// A fault that publishes was felt.
    pub(crate) fn feel(&mut self, index: usize) {
        *self.felt.entry(self.plan.faults[index].step).or_default() += 1;
    }

    /// Whether a node's software runs.
    pub(crate) fn is_up(&self, node: NodeId) -> bool {
        self.nodes.is_up(node)
    }

    /// The disks that were destroyed, if nothing could bring back what they held.
    pub(crate) fn destruction(&self) -> Option<Destruction> {
        destruction(self.plan, &self.replica_roles, |node| {
            let by = self.destroyed.get(&node).into_iter().flatten();
            by.map(|by| Gone { by: *by, noticed: self.noticed(*by, node) }).collect()
        })
    }

    /// Whether a node noticed what a fault took from its disk: it started on the disk; or, where something on the disk was
    /// damaged, the fault was felt (the world does not tell by which node).
    fn noticed(&self, by: usize, node: NodeId) -> bool {
        let fault = &self.plan.faults[by];
        match fault.fault.injection() {
            Injection::Damage { .. } => self.felt.contains_key(&fault.step),
            _ => self.is_up(node),
        }
    }

    /// What is left when the run is over, and the world.
    pub(crate) fn end(self) -> (Remains, W) {
        let (unfired, begun, begun_steps) = self.occurrences.into_parts();
        let Self { felt, trouble, notes, world, .. } = self;
        (Remains { unfired, begun, begun_steps, felt, trouble, notes }, world)
    }

    fn ids(&self) -> impl Iterator<Item = NodeId> + use<W> {
        let count = self.plan.nodes.len();
        (0..count).map(NodeId::of_index)
    }

    fn record(&mut self, node: NodeId, what: What) {
        self.records.push(Record { at: live::now(), node, what });
    }

    fn note(&mut self, node: NodeId, note: String) {
        self.notes.push((self.now, node, note));
    }

    /// The world could not do what a fault wanted.
    fn check(&mut self, done: Done) {
        if let Err(why) = done
            && !self.trouble.contains(&why)
        {
            self.trouble.push(why);
        }
    }

    fn micros(&self, time: Duration) -> Micros {
        scaled(micros(time), self.pace)
    }

    fn view<R>(&self, look: impl FnOnce(&View<'_>) -> R) -> R {
        look(&View {
            nodes: &self.plan.nodes,
            replica_roles: &self.replica_roles,
            leader: self.leader.filter(|leader| self.is_up(*leader)),
            up: self.nodes.up(),
        })
    }

    fn nodes(&self, target: &Target, act: &mut Act) -> Vec<NodeId> {
        self.view(|view| view.nodes(target, &mut act.stream))
    }

    fn directions(&self, links: &Links, act: &mut Act) -> BTreeSet<Direction> {
        self.view(|view| view.directions(links, &mut act.stream))
    }

    fn pull_triggers(&mut self, progress: &Progress<'_>) {
        if self.healed || !self.triggers.wait_for_conditions() {
            return;
        }
        let (acked, delivered, applied) = progress.reached;
        let felt = |step| self.felt.get(&step).copied().unwrap_or(0);
        let seen = self.triggers.seen(self.plan, felt, progress.seen);
        let (begun, over) = self.occurrences.steps();
        let passed = progress.passed.clone();
        let reached = Reached { acked, delivered, applied, passed, seen, begun, over };
        let pulled = self.triggers.pull(self.now, &reached);
        for index in pulled.met {
            let delay = self.plan.faults[index].start.delay();
            self.agenda.schedule(self.now + delay, Action::Begin(index));
        }
        for (index, condition) in pulled.missed {
            let near = reached.nearest(&condition, |_| 0);
            self.occurrences.never_fired(&self.plan.faults[index], &condition, &near);
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Begin(index) => self.begin_fault(index, None),
            Action::Heal(index) => self.heal_fault(index),
            Action::Crash { index, node } => self.crash(index, node),
            Action::Restart { node, .. } => self.restart(node),
            Action::Stop { index, node, grace, down } => self.stop(index, node, grace, down),
            Action::EndGrace { node, .. } => self.end_grace(node),
            Action::Flap { index, cut } => self.flap(index, cut),
            Action::GoBack(index) => self.go_back(index),
            Action::Unclog { index, part } => {
                let done = self.world.release(Part { fault: index, part });
                self.check(done);
            }
        }
    }

    fn begin_fault(&mut self, index: usize, limit: Option<Micros>) {
        let plan = self.plan;
        let planned = &plan.faults[index];
        let mut act = Act::new(index, planned);
        match self.inject(&planned.fault.injection(), &mut act) {
            Began::On(nodes) => {
                self.occurrences.began(index, planned);
                let at = self.began_at.take().unwrap_or_else(live::now);
                for target in nodes {
                    let what = What::FaultBegan { fault: planned.step, target };
                    self.records.push(Record { at, node: NodeId::HARNESS, what });
                }
                if let Some(lasts) = planned.lasts.filter(|_| planned.fault.kind.lasts) {
                    self.agenda.schedule(self.now + lasts, Action::Heal(index));
                }
            }
            Began::NoTarget => {
                if !self.triggers.defer(index, limit, self.now) {
                    self.occurrences.never_found(planned);
                }
            }
        }
    }

    fn heal_fault(&mut self, index: usize) {
        let step = self.plan.faults[index].step;
        if !self.occurrences.ended(index, step) {
            return;
        }
        self.flapping.remove(&index);
        self.failing.remove(&index);
        self.over.push(index);
        let done = self.world.release_all(index);
        self.check(done);
        self.record(NodeId::HARNESS, What::FaultHealed { fault: step });
    }

    fn inject(&mut self, injection: &Injection, act: &mut Act) -> Began {
        match injection {
            Injection::PowerOff { nodes, back, wiped } => {
                let nodes = self.nodes(nodes, act);
                for node in &nodes {
                    self.crash(act.index, *node);
                    if *wiped {
                        self.destroyed.entry(*node).or_default().push(act.index);
                        let done = self.world.wipe(*node);
                        self.check(done);
                        // What replicas forget others know. What landed on another disk is there no more.
                        let role = self.plan.nodes[node.index()].role.as_str();
                        if !self.replica_roles.contains(&role) {
                            let fault = self.plan.faults[act.index].step;
                            self.record(*node, What::WentBack { fault, to: 0 });
                        }
                    }
                    let back = match *back {
                        Back::RestartAfter => act.restart_after,
                        Back::After(time) => Some(self.micros(time)),
                        Back::Within(time) => Some(act.stream.between(1_000, self.micros(time))),
                    };
                    if let Some(after) = back {
                        self.restart_later(after, *node);
                    }
                }
                Began::on(nodes)
            }
            Injection::PowerLoop { nodes, times, up, down } => {
                let (up, down) = (self.micros(*up), self.micros(*down));
                let nodes = self.nodes(nodes, act);
                for node in &nodes {
                    for round in 0..u64::from(*times) {
                        let start = round * (up + down);
                        let crash = Action::Crash { index: act.index, node: *node };
                        self.agenda.schedule(self.now + start, crash);
                        self.restart_later(start + down, *node);
                    }
                }
                Began::on(nodes)
            }
            Injection::Stop { nodes, every, grace, down } => {
                let (every, grace, down) =
                    (self.micros(*every), self.micros(*grace), self.micros(*down));
                let nodes = self.nodes(nodes, act);
                for (node, turn) in nodes.iter().zip(0..) {
                    let stop = Action::Stop { index: act.index, node: *node, grace, down };
                    self.agenda.schedule(self.now + every.saturating_mul(turn), stop);
                }
                Began::on(nodes)
            }
            Injection::GoBack { nodes, age } => {
                let nodes = self.nodes(nodes, act);
                if !nodes.is_empty() {
                    // What happens while they are taken may be in them, and counts as taken back.
                    let taken = live::now();
                    self.began_at = Some(taken);
                    let done = self.world.snapshot(act.index, &nodes);
                    self.check(done);
                    self.snapshots.insert(act.index, (taken, nodes.clone()));
                    let at = self.now + self.micros(*age);
                    self.agenda.schedule(at, Action::GoBack(act.index));
                }
                Began::on(nodes)
            }
            Injection::Links { links, state } => self.inject_links(links, *state, act),
            Injection::Messages { which, tampering, delay, .. } => {
                let (directions, share) = match which {
                    Carried::Of(messages) => {
                        (self.directions(&messages.links, act), messages.share)
                    }
                    Carried::From(nodes, share) => (self.beside(nodes, act, false), *share),
                    Carried::To(nodes, share) => (self.beside(nodes, act, true), *share),
                };
                let how = Disturbance::Tampered(*tampering, share, *delay);
                self.disturb(0, how, &directions, act)
            }
            Injection::Nodes { nodes, state } => {
                let nodes = self.nodes(nodes, act);
                for node in &nodes {
                    let done = self.world.hinder(act.index, *node, *state);
                    self.check(done);
                }
                Began::on(nodes)
            }
            Injection::Disks { nodes, state } => {
                let nodes = self.nodes(nodes, act);
                for node in &nodes {
                    let draw = act.stream.between(0, u64::MAX);
                    let done = self.world.break_disk(act.index, *node, *state, draw);
                    self.check(done);
                }
                self.failing.insert(act.index, nodes.clone());
                Began::on(nodes)
            }
            Injection::Damage { nodes, damage } => {
                let nodes = self.nodes(nodes, act);
                for node in &nodes {
                    self.destroyed.entry(*node).or_default().push(act.index);
                    let draw = act.stream.between(0, u64::MAX);
                    let done = self.world.damage(act.index, *node, *damage, draw);
                    self.check(done);
                }
                Began::on(nodes)
            }
            Injection::Poison { .. } | Injection::Load(_) => {
                self.load.push(act.index);
                Began::On(vec![NodeId::HARNESS])
            }
        }
    }

    /// The directions from nodes to all others, or to them.
    fn beside(&self, target: &Target, act: &mut Act, to: bool) -> BTreeSet<Direction> {
        let nodes = self.nodes(target, act);
        let all: Vec<NodeId> = self.ids().collect();
        let pairs = nodes.iter().flat_map(|node| all.iter().map(move |other| (*node, *other)));
        let pairs = pairs.filter(|(node, other)| node != other);
        pairs.map(|(node, other)| if to { (other, node) } else { (node, other) }).collect()
    }

    fn disturb(
        &mut self,
        part: u32,
        how: Disturbance,
        directions: &BTreeSet<Direction>,
        act: &Act,
    ) -> Began {
        if directions.is_empty() {
            return Began::NoTarget;
        }
        let done = self.world.disturb(Part { fault: act.index, part }, how, directions);
        self.check(done);
        Began::On(senders(directions))
    }

    fn inject_links(&mut self, links: &Links, state: LinkState, act: &mut Act) -> Began {
        let directions = self.directions(links, act);
        let nodes = senders(&directions);
        match state {
            LinkState::Cut => self.disturb(0, Disturbance::Cut, &directions, act),
            LinkState::Held => self.disturb(0, Disturbance::Held, &directions, act),
            LinkState::Slow(delay, distribution) => {
                self.disturb(0, Disturbance::Slow(delay, distribution), &directions, act)
            }
            LinkState::Narrow(bytes) => {
                self.disturb(0, Disturbance::Narrow(bytes), &directions, act)
            }
            LinkState::Clogged(within) => {
                let within = self.micros(within);
                for (both, part) in pairs(&directions).zip(1..) {
                    self.disturb(part, Disturbance::Held, &both, act);
                    let at = self.now + act.stream.between(within / 5, within);
                    self.agenda.schedule(at, Action::Unclog { index: act.index, part });
                }
                Began::on(nodes)
            }
            LinkState::Flapping { up, down } => {
                if !nodes.is_empty() {
                    let (up, down) = (self.micros(up), self.micros(down));
                    self.flapping.insert(act.index, Flapping { directions, up, down });
                    self.agenda.schedule(self.now, Action::Flap { index: act.index, cut: true });
                }
                Began::on(nodes)
            }
            LinkState::Reset => {
                if !nodes.is_empty() {
                    let done = self.world.reset(act.index, &directions);
                    self.check(done);
                }
                Began::on(nodes)
            }
        }
    }

    fn flap(&mut self, index: usize, cut: bool) {
        let Some(flapping) = self.flapping.get(&index).cloned() else { return };
        let part = Part { fault: index, part: 0 };
        let (done, next) = if cut {
            let done = self.world.disturb(part, Disturbance::Cut, &flapping.directions);
            (done, flapping.down)
        } else {
            (self.world.release(part), flapping.up)
        };
        self.check(done);
        self.agenda.schedule(self.now + next, Action::Flap { index, cut: !cut });
    }

    fn go_back(&mut self, index: usize) {
        let Some((taken, nodes)) = self.snapshots.remove(&index) else { return };
        let to = taken.saturating_sub(self.began);
        // All in one moment, and then their disks are replaced.
        for node in &nodes {
            self.cut_power(*node);
        }
        let (fault, back) = (self.plan.faults[index].step, self.plan.faults[index].restart_after);
        for node in nodes {
            let done = self.world.restore(index, node);
            if done.is_ok() {
                self.feel(index);
                self.destroyed.entry(node).or_default().push(index);
                self.record(node, What::WentBack { fault, to });
            }
            self.check(done);
            if let Some(after) = back {
                self.restart_later(after, node);
            }
        }
    }

    fn restart_later(&mut self, after: Micros, node: NodeId) {
        self.agenda.schedule(self.now + after, Action::Restart { node, part_of_fault: true });
    }

    fn crash(&mut self, index: usize, node: NodeId) {
        if !self.dark.contains(&node) {
            self.feel(index);
            self.cut_power(node);
        }
    }

    /// The power of a machine is cut, unless it has none.
    fn cut_power(&mut self, node: NodeId) {
        if !self.dark.insert(node) {
            return;
        }
        self.nodes.lost_power(node);
        let done = self.world.cut_power(node);
        // Until then it could still do something.
        self.record(node, What::Node { change: NodeChange::Crashed });
        self.check(done);
        self.agenda.forget_supervised_restart(node);
        self.nodes.set_up(node, false);
    }

    fn restart(&mut self, node: NodeId) {
        if self.is_up(node) {
            return;
        }
        self.dark.remove(&node);
        match self.world.start(node) {
            Ok(()) => {
                self.record(node, What::Node { change: NodeChange::Up });
                self.nodes.set_up(node, true);
            }
            // A disk that fails cannot be mounted: whoever is there tries again.
            Err(_) if !self.healed && self.disk_fails(node) => {
                self.dark.insert(node);
                self.restart_later(AGAIN, node);
            }
            Err(why) => self.check(Err(why)),
        }
    }

    /// A fault acts on a node's disk.
    fn disk_fails(&self, node: NodeId) -> bool {
        self.failing.values().any(|nodes| nodes.contains(&node))
    }

    fn stop(&mut self, index: usize, node: NodeId, grace: Micros, down: Micros) {
        if !self.is_up(node) {
            return;
        }
        self.feel(index);
        self.nodes.asked_to_stop(node, down);
        if grace == 0 {
            let done = self.world.kill(node);
            self.check(done);
            self.ended(node);
            return;
        }
        let done = self.world.ask_to_stop(node);
        self.check(done);
        self.agenda.schedule(self.now + grace, Action::EndGrace { node, incarnation: 0 });
    }

    fn end_grace(&mut self, node: NodeId) {
        if self.is_up(node) && self.nodes.is_stopping(node) {
            self.note(node, "killed: it did not stop in time".to_owned());
            let done = self.world.kill(node);
            self.check(done);
            self.ended(node);
        }
    }

    fn tend_exits(&mut self) {
        for (node, reason) in self.world.take_exits() {
            if self.is_up(node) {
                if !self.nodes.is_stopping(node) {
                    self.note(node, reason);
                }
                self.ended(node);
            }
        }
    }

    /// The software of a node is gone, and its machine lives.
    fn ended(&mut self, node: NodeId) {
        self.record(node, What::Node { change: NodeChange::Exited });
        self.nodes.set_up(node, false);
        let Comeback { after, part_of_fault } = self.nodes.ended(node);
        self.agenda.schedule(self.now + after, Action::Restart { node, part_of_fault });
    }
}

/// Why a world cannot carry out a plan, by the line of the scenario: nothing starts then.
pub(crate) fn refusals(
    plan: &Plan,
    points: bool,
    refuses: impl Fn(&Injection) -> Option<String>,
) -> Vec<String> {
    let mut refusals: BTreeMap<u16, String> = BTreeMap::new();
    for planned in &plan.faults {
        let point = match &planned.start {
            Start::When { condition: Condition::Reaches { point, .. }, .. } if !points => {
                Some(format!("nobody outside of a process sees its fault points ({point})"))
            }
            _ => None,
        };
        let Some(why) = point.or_else(|| refuses(&planned.fault.injection())) else {
            continue;
        };
        refusals
            .entry(planned.step)
            .or_insert_with(|| format!("line {}: {}: {why}", planned.line, planned.fault));
    }
    refusals.into_values().collect()
}

/// A time in a world's pace.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
pub(crate) fn scaled(time: Micros, pace: f64) -> Micros {
    (time as f64 * pace) as Micros
}
