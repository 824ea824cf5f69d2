//! The faults of a run, as they come and go.

use super::{
    clients::Clients,
    links::{Direction, Effect, LinkTable},
    recorder::Recorder,
    targets::View,
};
use crate::{
    injection::{Links, Target},
    plan::{Micros, Plan, PlannedFault, Start},
    scenario::Condition,
    stream::Stream,
    system::Poison,
};
use squall_probe::{
    Mark, NodeChange, NodeId, Tampering, What,
    sim::{
        self, Hindrance, OccurrenceId,
        disk::{Disk, DiskFault},
    },
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};
use turmoil::Sim;

/// A node whose software ended by itself is started again after this, doubling up to
/// [`EXIT_BACKOFF_CAP`], as its supervisor would. In microseconds.
const EXIT_BACKOFF: Micros = 250_000;
/// See [`EXIT_BACKOFF`].
const EXIT_BACKOFF_CAP: Micros = 4_000_000;

/// A fault whose target does not exist right now (no leader is elected) waits for it so long, in
/// microseconds; then it counts as never begun.
const TARGET_PATIENCE: Micros = 10_000_000;

/// The share of runs in which only a core is healed.
const CORE_ONLY: f64 = 0.25;

/// What will happen at a known time.
#[derive(Clone, Copy, Debug)]
enum Action {
    Begin(usize),
    Heal(usize),
    Crash {
        index: usize,
        node: NodeId,
    },
    Restart {
        node: NodeId,
        part_of_fault: bool,
    },
    /// Ask a node to stop; it has so long, and is started again so long after it ended.
    Stop {
        index: usize,
        node: NodeId,
        grace: Micros,
        down: Micros,
    },
    /// The time that a node was given to stop is over.
    Grace {
        node: NodeId,
        incarnation: u32,
    },
    /// Cut flapping links, or heal them.
    Flap {
        index: usize,
        cut: bool,
    },
    /// Release one of the links that a fault holds.
    Unclog {
        index: usize,
        part: u32,
    },
}

/// One occurrence of a fault, for the code that injects it.
#[derive(Debug)]
pub struct Act {
    index: usize,
    /// Which it is: what it begins ends with it.
    pub id: OccurrenceId,
    /// A crashed node comes back after this.
    pub restart_after: Option<Micros>,
    /// The draw of this occurrence, in the plan.
    pub draw: u64,
    /// Draws that follow from it.
    pub stream: Stream,
}

/// What is done to frames.
#[derive(Clone, Copy, Debug)]
pub struct Tamper {
    /// What.
    pub tampering: Tampering,
    /// To which share of them, 0 to 1.
    pub share: f64,
    /// How late a late one comes, in milliseconds, from and to.
    pub delay_ms: (u32, u32),
    /// Of frames that are overtaken: it is felt only where a later one is read first.
    pub by_order: bool,
}

fn id_of(planned: &PlannedFault) -> OccurrenceId {
    OccurrenceId { step: planned.step, occurrence: planned.occurrence }
}

/// How beginning a fault went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Began {
    /// It acts on these nodes.
    On(Vec<NodeId>),
    /// Whom it should hit does not exist now.
    NoTarget,
}

/// What is left when a run is over.
pub(super) struct Remains {
    pub(super) notes: Vec<(u64, NodeId, String)>,
    /// Faults that never began, in words.
    pub(super) unfired: Vec<String>,
    /// Occurrences that began.
    pub(super) begun: u64,
    pub(super) begun_steps: BTreeSet<u16>,
    /// What no system could have recovered from, if something.
    pub(super) destruction: Option<Destruction>,
    /// What of all that was injected had not come to its end when the deadline passed.
    pub(super) late: Option<String>,
}

/// What a fault took from a disk for good.
#[derive(Clone, Copy, Debug)]
struct Destroyed {
    /// Index in the plan.
    index: usize,
    /// It shows only to who reads the damaged bytes; else to who starts on the disk.
    latent: bool,
}

/// So many disks of one role were destroyed, as their nodes noticed, that nothing could bring all of it back.
#[derive(Clone, Debug)]
pub(super) struct Destruction {
    /// Which disks, in a sentence.
    pub(super) text: String,
}

/// A system in a storm.
pub struct Storm<'a> {
    pub(super) plan: &'a Plan,
    sim: Sim<'static>,
    names: Vec<String>,
    replica_roles: Vec<&'static str>,
    links: LinkTable,
    up: Vec<bool>,
    recorder: Rc<RefCell<Recorder>>,
    clients: Rc<RefCell<Clients>>,
    exits: Rc<RefCell<Vec<(NodeId, String)>>>,
    backoff: Vec<Micros>,
    /// Nodes that were asked to stop, and after how long they are started again.
    stopping: BTreeMap<NodeId, Micros>,
    /// Directions of links that flap, with how long they are up and down, by fault.
    flapping: BTreeMap<usize, (BTreeSet<Direction>, Micros, Micros)>,
    /// By time; of what is due at once, what ends goes before what begins.
    agenda: BTreeMap<(Micros, bool, u64), Action>,
    scheduled: u64,
    /// Waiting for a condition, until a limit.
    waiting: Vec<(usize, Condition, Micros)>,
    /// Their time has come, but whom they should hit does not exist; until a limit.
    deferred: Vec<(usize, Micros)>,
    active: BTreeSet<usize>,
    unfired: Vec<String>,
    notes: Vec<(u64, NodeId, String)>,
    begun: u64,
    begun_steps: BTreeSet<u16>,
    healed: bool,
    /// Nodes whose disks were emptied or damaged, and by which faults.
    destroyed: BTreeMap<NodeId, Vec<Destroyed>>,
    /// Nodes that stay down after the healing.
    left_out: BTreeSet<NodeId>,
    late: Option<String>,
}

impl<'a> Storm<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        sim: Sim<'static>,
        names: Vec<String>,
        replica_roles: Vec<&'static str>,
        recorder: Rc<RefCell<Recorder>>,
        clients: Rc<RefCell<Clients>>,
        exits: Rc<RefCell<Vec<(NodeId, String)>>>,
    ) -> Self {
        let count = names.len();
        Self {
            plan,
            sim,
            replica_roles,
            links: LinkTable::new(
                plan.network.min_ms,
                plan.network.max_ms,
                Stream::new(plan.seed, "latency", &[]),
            ),
            up: vec![true; count],
            recorder,
            clients,
            exits,
            backoff: vec![EXIT_BACKOFF; count],
            stopping: BTreeMap::new(),
            flapping: BTreeMap::new(),
            agenda: BTreeMap::new(),
            scheduled: 0,
            waiting: Vec::new(),
            deferred: Vec::new(),
            active: BTreeSet::new(),
            unfired: Vec::new(),
            notes: Vec::new(),
            begun: 0,
            begun_steps: BTreeSet::new(),
            healed: false,
            destroyed: BTreeMap::new(),
            left_out: BTreeSet::new(),
            late: None,
            names,
        }
    }

    /// All nodes are up; timed faults are on the agenda and triggers wait.
    pub(super) fn begin(&mut self) {
        for node in self.ids() {
            self.record(node, What::Node { change: NodeChange::Up });
        }
        for (index, fault) in self.plan.faults.iter().enumerate() {
            match &fault.start {
                Start::At(at) => self.schedule(*at, Action::Begin(index)),
                Start::When { condition, limit } => {
                    if let Condition::Reaches { point, hit } = condition {
                        sim::with(|world| {
                            let point = world.names.intern(point);
                            let trigger = u32::try_from(index).unwrap_or(u32::MAX);
                            world.arm(sim::Armed { trigger, point, hit: *hit });
                        });
                    }
                    self.waiting.push((index, condition.clone(), *limit));
                }
            }
        }
    }

    fn ids(&self) -> Vec<NodeId> {
        (0..self.names.len()).filter_map(|i| u16::try_from(i).ok()).map(NodeId).collect()
    }

    /// Virtual time.
    #[must_use]
    pub fn now(&self) -> Micros {
        u64::try_from(self.sim.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn schedule(&mut self, at: Micros, action: Action) {
        let ends = matches!(action, Action::Heal(_) | Action::Unclog { .. });
        self.agenda.insert((at, !ends, self.scheduled), action);
        self.scheduled += 1;
    }

    pub(super) fn record(&self, node: NodeId, what: What) {
        sim::with(|world| world.record(node, what));
    }

    pub(super) fn note(&mut self, node: NodeId, note: String) {
        self.notes.push((self.now(), node, note));
    }

    pub(super) fn mark(&self, mark: Mark) {
        self.record(NodeId::HARNESS, What::Mark(mark));
        if mark == Mark::Converged {
            sim::with(sim::World::tell_held);
        }
        if mark == Mark::Healed {
            self.recorder.borrow_mut().progress.heal(self.now());
        }
    }

    pub(super) fn step(&mut self) -> Result<(), String> {
        self.links.draw_latencies(&self.sim, &self.names);
        sim::with(sim::World::begin_step);
        self.sim.step().map_err(|error| error.to_string())?;
        let now = self.now();
        sim::with(|world| {
            world.step += 1;
            world.now = now;
        });
        Ok(())
    }

    pub(super) fn offered(&self) -> bool {
        self.clients.borrow().offered()
    }

    /// How many effects have landed.
    pub(super) fn applied(&self) -> u32 {
        self.recorder.borrow().progress.applied
    }

    pub(super) fn drained(&self) -> bool {
        self.recorder.borrow().progress.drained()
    }

    /// Something that was injected and has not come to its end, in words.
    pub(super) fn under_way(&self) -> Option<String> {
        sim::with(|world| world.under_way()).flatten()
    }

    /// The system has not converged in time; what was injected may be why.
    pub(super) fn miss_deadline(&mut self) {
        self.late = self.under_way();
        self.mark(Mark::DeadlinePassed);
    }

    /// Every timed fault has come and gone, every trigger fired or gave up, and the time of the
    /// workload has passed. What lasts until healed does not count.
    pub(super) fn is_over(&self) -> bool {
        self.now() >= self.plan.workload_us
            && self.waiting.is_empty()
            && self.deferred.is_empty()
            && !self.agenda.values().any(|action| {
                !matches!(
                    action,
                    Action::Restart { part_of_fault: false, .. }
                        | Action::Flap { .. }
                        | Action::Grace { .. }
                )
            })
    }

    /// Does what is due: between two steps.
    pub(super) fn act(&mut self) {
        self.tend_struck();
        self.tend_exits();
        let abandoned = sim::with(|world| std::mem::take(&mut world.abandoned)).unwrap_or_default();
        for event in abandoned {
            self.recorder.borrow_mut().progress.abandon(event);
        }
        if !self.healed {
            self.pull_triggers();
        }
        let now = self.now();
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > now {
                break;
            }
            match entry.remove() {
                Action::Begin(index) => self.begin_fault(index, None),
                Action::Heal(index) => self.heal_fault(index),
                Action::Crash { index, node } => self.kill(index, node),
                Action::Restart { node, .. } => self.restart(node),
                Action::Stop { index, node, grace, down } => self.stop(index, node, grace, down),
                Action::Grace { node, incarnation } => self.end_grace(node, incarnation),
                Action::Flap { index, cut } => self.flap(index, cut),
                Action::Unclog { index, part } => {
                    self.links.end_part(id_of(&self.plan.faults[index]), part);
                }
            }
        }
        for (index, limit) in std::mem::take(&mut self.deferred) {
            self.begin_fault(index, Some(limit));
        }
        self.links.settle(&self.sim, &self.names);
    }

    /// Nodes that a fault brought down from within: a disk lost its power, memory ran out.
    fn tend_struck(&mut self) {
        for struck in sim::with(|world| std::mem::take(&mut world.struck)).unwrap_or_default() {
            let plan = self.plan;
            let planned = plan.faults.iter().position(|fault| fault.step == struck.fault);
            let Some(index) = planned.filter(|_| self.is_up(struck.node)) else { continue };
            if struck.power {
                // That it was felt was counted when it struck.
                self.cut_power(struck.node);
                if let Some(after) = plan.faults[index].restart_after {
                    self.restart_later(after, struck.node);
                }
            } else {
                self.notes.push((self.now(), struck.node, "killed: out of memory".to_owned()));
                self.kill_process(struck.node);
            }
        }
    }

    /// Nodes whose software ended by itself: their files stay, and a supervisor starts them again.
    fn tend_exits(&mut self) {
        for (node, reason) in self.exits.take() {
            self.notes.push((self.now(), node, reason));
            if self.is_up(node) {
                self.end_process(node);
            }
        }
    }

    /// A process is killed (SIGKILL), and its machine lives: its files are as it wrote them, its destructors do
    /// nothing, and the kernel closes its connections.
    fn kill_process(&mut self, node: NodeId) {
        sim::with(|world| world.kill(node));
        self.end_process(node);
    }

    /// A process is gone, and its machine lives. If nobody killed it, its destructors run.
    fn end_process(&mut self, node: NodeId) {
        self.abandon_clients(node);
        self.drop_code(node);
        self.record(node, What::Node { change: NodeChange::Exited });
        if let Some(down) = self.stopping.remove(&node) {
            self.restart_later(down, node);
            return;
        }
        let backoff = &mut self.backoff[usize::from(node.0)];
        let wait = *backoff;
        *backoff = (*backoff * 2).min(EXIT_BACKOFF_CAP);
        let at = self.now() + wait;
        self.schedule(at, Action::Restart { node, part_of_fault: false });
    }

    /// Asks a node to stop, after a while.
    pub fn stop_later(
        &mut self,
        after: Micros,
        node: NodeId,
        grace: Micros,
        down: Micros,
        act: &Act,
    ) {
        let at = self.now() + after;
        self.schedule(at, Action::Stop { index: act.index, node, grace, down });
    }

    fn stop(&mut self, index: usize, node: NodeId, grace: Micros, down: Micros) {
        if !self.is_up(node) {
            return;
        }
        let step = self.plan.faults[index].step;
        self.recorder.borrow_mut().bite(step);
        self.stopping.insert(node, down);
        sim::with(|world| world.ask_to_stop(node));
        let incarnation = self.incarnation(node);
        let at = self.now() + grace;
        self.schedule(at, Action::Grace { node, incarnation });
    }

    fn incarnation(&self, node: NodeId) -> u32 {
        sim::with(|world| world.incarnation(node)).unwrap_or(0)
    }

    fn end_grace(&mut self, node: NodeId, incarnation: u32) {
        if self.is_up(node) && self.incarnation(node) == incarnation {
            self.notes.push((self.now(), node, "killed: it did not stop in time".to_owned()));
            self.kill_process(node);
        }
    }

    fn flap(&mut self, index: usize, cut: bool) {
        let plan = self.plan;
        let planned = &plan.faults[index];
        let Some((directions, up, down)) = self.flapping.get(&index).cloned() else { return };
        if !self.active.contains(&index) {
            self.flapping.remove(&index);
            return;
        }
        let next = if cut {
            self.links.begin(id_of(planned), 0, Effect::Cut, directions);
            down
        } else {
            self.links.end(id_of(planned));
            up
        };
        let at = self.now() + next;
        self.schedule(at, Action::Flap { index, cut: !cut });
    }

    fn pull_triggers(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let now = self.now();
        let fired = sim::with(|world| std::mem::take(&mut world.fired)).unwrap_or_default();
        let (acked, delivered, applied) = {
            let recorder = self.recorder.borrow();
            let progress = &recorder.progress;
            (progress.acked, progress.delivered, progress.applied)
        };
        for (index, condition, limit) in std::mem::take(&mut self.waiting) {
            let met = match &condition {
                Condition::Acked(count) => acked >= *count,
                Condition::Delivered(count) => delivered >= *count,
                Condition::Applied(count) => applied >= *count,
                Condition::Reaches { .. } => {
                    fired.iter().any(|(trigger, _)| *trigger as usize == index)
                }
            };
            if met {
                self.schedule(now, Action::Begin(index));
            } else if now >= limit {
                let line = self.plan.faults[index].line;
                self.unfired
                    .push(format!("line {line}: the trigger never fired: when {condition}"));
            } else {
                self.waiting.push((index, condition, limit));
            }
        }
    }

    fn begin_fault(&mut self, index: usize, limit: Option<Micros>) {
        let plan = self.plan;
        let planned = &plan.faults[index];
        let mut act = self.act_of(index, planned);
        let now = self.now();
        match self.inject(&planned.fault.injection(), &mut act) {
            Began::On(nodes) => {
                self.begun += 1;
                self.begun_steps.insert(planned.step);
                for target in nodes {
                    self.record(NodeId::HARNESS, What::FaultBegan { fault: planned.step, target });
                }
                if planned.fault.kind.lasts {
                    self.active.insert(index);
                    if let Some(lasts) = planned.lasts {
                        self.schedule(now + lasts, Action::Heal(index));
                    }
                }
            }
            Began::NoTarget => {
                let limit = limit.unwrap_or(now + TARGET_PATIENCE);
                if now >= limit {
                    self.unfired.push(format!(
                        "line {}: the fault never found whom it should hit: {}",
                        planned.line, planned.fault
                    ));
                } else {
                    self.deferred.push((index, limit));
                }
            }
        }
    }

    fn act_of(&self, index: usize, planned: &PlannedFault) -> Act {
        Act {
            index,
            id: id_of(planned),
            restart_after: planned.restart_after,
            draw: planned.draw,
            stream: Stream::new(planned.draw, "act", &[]),
        }
    }

    fn heal_fault(&mut self, index: usize) {
        if !self.active.remove(&index) {
            return;
        }
        let plan = self.plan;
        let planned = &plan.faults[index];
        let id = id_of(planned);
        self.flapping.remove(&index);
        self.links.end(id);
        self.clients.borrow_mut().stop_poisoning(id);
        sim::with(|world| world.end(id));
        self.record(NodeId::HARNESS, What::FaultHealed { fault: planned.step });
    }

    /// The storm is over: every fault ends and every node comes back.
    pub(super) fn heal_all(&mut self) {
        self.healed = true;
        for index in std::mem::take(&mut self.active) {
            self.active.insert(index);
            self.heal_fault(index);
        }
        self.agenda.clear();
        self.flapping.clear();
        // Some faults do not end until here.
        sim::with(sim::World::unhinder_all);
        self.links.settle(&self.sim, &self.names);
        self.left_out = self.outside_the_core();
        for node in self.ids() {
            if self.left_out.contains(&node) {
                self.cut_power(node);
            } else {
                self.restart(node);
            }
        }
        self.backoff.fill(EXIT_BACKOFF);
        self.mark(Mark::Healed);
        self.probe_clients();
    }

    /// Whether publishing works is seen only if somebody publishes.
    fn probe_clients(&mut self) {
        let workload = &self.plan.workload;
        let probes = self.clients.borrow_mut().probe(
            self.now(),
            &self.left_out,
            workload.keys,
            workload.size,
        );
        for event in probes {
            self.record(NodeId::HARNESS, What::Probe { event });
        }
    }

    /// In some runs only a core of the replicas is healed, a random majority of them, and the others stay down:
    /// progress is required all the same (TigerBeetle's liveness mode). Not where disks were destroyed: who is
    /// needed then depends on what others still have.
    fn outside_the_core(&self) -> BTreeSet<NodeId> {
        let mut stream = Stream::new(self.plan.seed, "core", &[]);
        if self.plan.faults.is_empty() || stream.share() >= CORE_ONLY || !self.destroyed.is_empty()
        {
            return BTreeSet::new();
        }
        let mut outside = BTreeSet::new();
        for role in &self.replica_roles {
            let replicas = self.nodes_of(role);
            if replicas.len() >= 3 {
                let core = stream.choose(replicas.len() / 2 + 1, &replicas);
                outside.extend(replicas.into_iter().filter(|node| !core.contains(node)));
            }
        }
        outside
    }

    fn nodes_of(&self, role: &str) -> Vec<NodeId> {
        let nodes = self.ids().into_iter().zip(&self.plan.nodes);
        nodes.filter(|(_, node)| node.role == role).map(|(id, _)| id).collect()
    }

    /// Nodes that stay down after the healing.
    pub(super) fn left_out(&self) -> &BTreeSet<NodeId> {
        &self.left_out
    }

    /// The disks that were destroyed, if nothing could bring back what they held: of a role that replicates so many
    /// that no majority is left to which nothing is missing, or all of another role. A disk counts if its node
    /// noticed: it read a damaged byte, or started on an empty disk.
    fn destruction(&self) -> Option<Destruction> {
        let roles: BTreeSet<&str> = self.plan.nodes.iter().map(|node| node.role.as_str()).collect();
        let recorder = self.recorder.borrow();
        let noticed = |node: NodeId| {
            self.destroyed.get(&node)?.iter().find_map(|destroyed| {
                let fault = &self.plan.faults[destroyed.index];
                let noticed = if destroyed.latent {
                    recorder.refused.contains(&(fault.step, node))
                } else {
                    self.is_up(node)
                };
                noticed.then_some(fault)
            })
        };
        roles.into_iter().find_map(|role| {
            let nodes = self.nodes_of(role);
            let lost: Vec<String> = nodes
                .iter()
                .filter_map(|node| {
                    let fault = noticed(*node)?;
                    Some(format!("{} (line {}: {})", self.name(*node), fault.line, fault.fault))
                })
                .collect();
            let spare = if self.replica_roles.contains(&role) { (nodes.len() - 1) / 2 } else { 0 };
            let enough = if spare == 0 { nodes.len() } else { spare + 1 };
            (lost.len() >= enough).then(|| Destruction {
                text: format!(
                    "the disks of {} of {} {role} nodes were destroyed: {}",
                    lost.len(),
                    nodes.len(),
                    lost.join(", ")
                ),
            })
        })
    }

    pub(super) fn end(self) -> Remains {
        let destruction = self.destruction();
        // Tasks are dropped here; what they do in their destructors is of no interest.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || drop(self.sim)));
        let _ = crate::determinism::take_panics();
        Remains {
            notes: self.notes,
            unfired: self.unfired,
            begun: self.begun,
            begun_steps: self.begun_steps,
            destruction,
            late: self.late,
        }
    }

    // -- what faults are made of ------------------------------------------------------------------

    fn view<R>(&self, look: impl FnOnce(&View<'_>) -> R) -> R {
        let leader = self.recorder.borrow().signals.leader.map(|(leader, _)| leader);
        look(&View {
            nodes: &self.plan.nodes,
            replica_roles: &self.replica_roles,
            leader: leader.filter(|leader| self.is_up(*leader)),
            up: &self.up,
        })
    }

    /// The nodes that a target means now.
    pub fn nodes(&self, target: &Target, act: &mut Act) -> Vec<NodeId> {
        self.view(|view| view.nodes(target, &mut act.stream))
    }

    /// The directions that links mean now.
    pub fn directions(&self, links: &Links, act: &mut Act) -> BTreeSet<Direction> {
        self.view(|view| view.directions(links, &mut act.stream))
    }

    /// Whether a node runs.
    #[must_use]
    pub fn is_up(&self, node: NodeId) -> bool {
        self.up.get(usize::from(node.0)).copied().unwrap_or(false)
    }

    fn set_up(&mut self, node: NodeId, up: bool) {
        if let Some(slot) = self.up.get_mut(usize::from(node.0)) {
            *slot = up;
        }
    }

    fn name(&self, node: NodeId) -> String {
        self.names.get(usize::from(node.0)).cloned().unwrap_or_default()
    }

    /// Power is cut at all of these in one moment. `back` says after how long each is up again, if before the
    /// healing.
    pub fn cut_power_of(
        &mut self,
        target: &Target,
        act: &mut Act,
        mut back: impl FnMut(&mut Act) -> Option<Micros>,
    ) -> Began {
        let nodes = self.nodes(target, act);
        if nodes.is_empty() {
            return Began::NoTarget;
        }
        for node in &nodes {
            self.crash(*node, act);
            if let Some(after) = back(act) {
                self.restart_later(after, *node);
            }
        }
        Began::On(nodes)
    }

    /// Power is cut: nobody hears of it, and what was not synced is lost.
    fn crash(&mut self, node: NodeId, act: &Act) {
        self.kill(act.index, node);
    }

    /// As [`Storm::crash`], later.
    pub fn crash_later(&mut self, after: Micros, node: NodeId, act: &Act) {
        let at = self.now() + after;
        self.schedule(at, Action::Crash { index: act.index, node });
    }

    fn kill(&mut self, index: usize, node: NodeId) {
        if self.is_dark(node) {
            return;
        }
        let step = self.plan.faults[index].step;
        self.recorder.borrow_mut().bite(step);
        self.cut_power(node);
    }

    /// First the disk dies, and then the code. If its process was down already, its machine loses what the
    /// process had left unsynced, and no supervisor starts it again before the power is back.
    fn cut_power(&mut self, node: NodeId) {
        self.stopping.remove(&node);
        self.record(node, What::Node { change: NodeChange::Crashed });
        sim::with(|world| world.cut_power(node));
        if !self.is_up(node) {
            self.agenda.retain(|_, action| {
                !matches!(action, Action::Restart { node: of, part_of_fault: false } if *of == node)
            });
            return;
        }
        self.abandon_clients(node);
        self.links.unplug(node, &self.sim, &self.names);
        self.drop_code(node);
        self.links.replug(node, &self.sim, &self.names);
    }

    /// The code of a node is dropped, with its connections and listeners. If its destructors panic, that is of
    /// no interest: they run outside of any runtime, which they may have reason not to expect.
    fn drop_code(&mut self, node: NodeId) {
        sim::with(|world| world.node_goes_down(node));
        let earlier = crate::determinism::take_panics();
        let name = self.name(node);
        let crash = std::panic::AssertUnwindSafe(|| self.sim.crash(name.as_str()));
        let _ = std::panic::catch_unwind(crash);
        let _ = crate::determinism::take_panics();
        crate::determinism::put_panics(earlier);
        sim::with(|world| world.node_stops(node));
        self.set_up(node, false);
    }

    /// Whether its machine has no power.
    fn is_dark(&self, node: NodeId) -> bool {
        sim::with(|world| world.is_dark(node)).unwrap_or(false)
    }

    /// Operations of a client that died end as `Info`.
    fn abandon_clients(&mut self, node: NodeId) {
        for (event, key, informed) in self.clients.borrow_mut().abandon(node) {
            if !informed {
                let phase = squall_probe::Phase::Info;
                self.record(node, What::Publish { phase, event, key, position: None });
            }
            self.recorder.borrow_mut().progress.abandon(event);
        }
    }

    /// A node that is down starts again after so long.
    pub fn restart_later(&mut self, after: Micros, node: NodeId) {
        let at = self.now() + after;
        self.schedule(at, Action::Restart { node, part_of_fault: true });
    }

    fn restart(&mut self, node: NodeId) {
        if self.is_up(node) {
            return;
        }
        self.record(node, What::Node { change: NodeChange::Up });
        sim::with(|world| world.node_returns(node));
        self.sim.bounce(self.name(node).as_str());
        self.set_up(node, true);
    }

    /// Link faults begin to act, felt by the nodes whose messages they touch.
    pub fn disturb_links(&mut self, effect: Effect, links: &Links, act: &mut Act) -> Began {
        let directions = self.directions(links, act);
        if directions.is_empty() {
            return Began::NoTarget;
        }
        let nodes: BTreeSet<NodeId> = directions.iter().map(|(from, _)| *from).collect();
        self.links.begin(act.id, 0, effect, directions);
        Began::On(nodes.into_iter().collect())
    }

    /// Links begin to be cut and healed by turns.
    pub fn flap_links(&mut self, links: &Links, up: Micros, down: Micros, act: &mut Act) -> Began {
        let directions = self.directions(links, act);
        if directions.is_empty() {
            return Began::NoTarget;
        }
        let nodes: BTreeSet<NodeId> = directions.iter().map(|(from, _)| *from).collect();
        self.flapping.insert(act.index, (directions, up, down));
        let now = self.now();
        self.schedule(now, Action::Flap { index: act.index, cut: true });
        Began::On(nodes.into_iter().collect())
    }

    /// Links are held, and released one by one.
    pub fn clog_links(&mut self, links: &Links, within: Micros, act: &mut Act) -> Began {
        let directions = self.directions(links, act);
        if directions.is_empty() {
            return Began::NoTarget;
        }
        let nodes: BTreeSet<NodeId> = directions.iter().map(|(from, _)| *from).collect();
        let pairs: BTreeSet<Direction> =
            directions.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
        for ((a, b), part) in pairs.into_iter().zip(1..) {
            let both = BTreeSet::from([(a, b), (b, a)]);
            self.links.begin(act.id, part, Effect::Hold, both);
            let at = self.now() + act.stream.between(within / 5, within);
            self.schedule(at, Action::Unclog { index: act.index, part });
        }
        Began::On(nodes.into_iter().collect())
    }

    /// Open connections over links are reset.
    pub fn reset_links(&mut self, links: &Links, act: &mut Act) -> Began {
        let directions = self.directions(links, act);
        if directions.is_empty() {
            return Began::NoTarget;
        }
        let nodes: BTreeSet<NodeId> = directions.iter().map(|(from, _)| *from).collect();
        for (a, b) in directions {
            sim::with(|world| world.reset_connections(a, b, Some(act.id.step)));
        }
        Began::On(nodes.into_iter().collect())
    }

    /// Links carry little from now on.
    pub fn narrow_links(&mut self, links: &Links, bytes_per_second: u64, act: &mut Act) -> Began {
        let links = self.directions(links, act);
        if links.is_empty() {
            return Began::NoTarget;
        }
        let nodes: BTreeSet<NodeId> = links.iter().map(|(from, _)| *from).collect();
        let busy_until = BTreeMap::new();
        sim::with(|world| {
            let limit = sim::Bandwidth { id: act.id, bytes_per_second, links, busy_until };
            world.bandwidth.push(limit);
        });
        Began::On(nodes.into_iter().collect())
    }

    /// Begins to tamper with frames.
    pub fn tamper(
        &self,
        act: &Act,
        how: Tamper,
        kinds: &[String],
        directions: BTreeSet<Direction>,
    ) {
        let Tamper { tampering, share, delay_ms, by_order } = how;
        sim::with(|world| {
            let kinds = kinds.iter().map(|kind| world.names.intern(kind)).collect();
            world.messages.push(sim::MessageFault {
                id: act.id,
                draw: act.draw,
                tampering,
                share,
                kinds,
                links: Some(directions),
                delay_ms,
                by_order,
            });
        });
    }

    /// Begins to tamper with what nodes send.
    pub fn tamper_from(&self, from: &Target, act: &mut Act, how: Tamper) -> Began {
        let nodes = self.nodes(from, act);
        let all = self.ids();
        let each = nodes.iter().flat_map(|from| all.iter().map(move |to| (*from, *to)));
        self.tamper(act, how, &[], each.collect());
        if nodes.is_empty() { Began::NoTarget } else { Began::On(nodes) }
    }

    /// Begins to tamper with what is sent to nodes.
    pub fn tamper_to(&self, to: &Target, act: &mut Act, how: Tamper) -> Began {
        let nodes = self.nodes(to, act);
        let all = self.ids();
        let each = nodes.iter().flat_map(|to| all.iter().map(move |from| (*from, *to)));
        self.tamper(act, how, &[], each.collect());
        if nodes.is_empty() { Began::NoTarget } else { Began::On(nodes) }
    }

    /// Something begins to be wrong with nodes as a whole.
    pub fn hinder(&self, target: &Target, act: &mut Act, how: impl Fn(u64) -> Hindrance) -> Began {
        let nodes = self.nodes(target, act);
        if nodes.is_empty() {
            return Began::NoTarget;
        }
        for node in &nodes {
            sim::with(|world| world.hinder(*node, act.id, how(act.draw)));
        }
        Began::On(nodes)
    }

    /// The disk of a node that is down is replaced by an empty one.
    pub fn wipe(&mut self, node: NodeId, act: &Act) {
        let destroyed = Destroyed { index: act.index, latent: false };
        self.destroyed.entry(node).or_default().push(destroyed);
        sim::with(|world| world.disk(node).map(Disk::wipe));
    }

    /// What nodes have on disk is damaged. They must have something.
    pub fn damage_disks(
        &mut self,
        target: &Target,
        act: &mut Act,
        how: impl Fn(&mut Disk, u16, u64) -> bool,
    ) -> Began {
        let nodes: Vec<NodeId> = self
            .nodes(target, act)
            .into_iter()
            .filter(|node| {
                let draw = act.draw ^ u64::from(node.0);
                sim::with(|world| {
                    world.disk(*node).is_some_and(|disk| how(disk, act.id.step, draw))
                })
                .unwrap_or(false)
            })
            .collect();
        for node in &nodes {
            let destroyed = Destroyed { index: act.index, latent: true };
            self.destroyed.entry(*node).or_default().push(destroyed);
        }
        if nodes.is_empty() { Began::NoTarget } else { Began::On(nodes) }
    }

    /// A share of the publishes is poison from now on.
    pub fn poison_publishes(&self, share: f64, kind: Option<Poison>, act: &Act) {
        self.clients.borrow_mut().poison(act.id, act.draw, share, kind);
    }

    /// Publishes beside the workload: so many times its rate at first, so many times at last.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    pub fn add_load(&mut self, first: f64, last: f64, lasting: Micros, act: &mut Act) {
        let seconds = lasting as f64 / 1e6;
        let count = (self.plan.workload.rate * seconds * (first + last) / 2.0).round().max(1.0);
        let times: Vec<Micros> = (0..count as u64)
            .map(|index| {
                // Where the area under the line from `first` to `last` has come to this share.
                let share = (index as f64 + act.stream.share()) / count;
                let (a, b) = ((last - first) / 2.0, first);
                let area = share * (a + b);
                let x = if a == 0.0 {
                    share
                } else {
                    ((b * b + 4.0 * a * area).sqrt() - b) / (2.0 * a)
                };
                (x.clamp(0.0, 1.0) * lasting as f64) as Micros
            })
            .collect();
        self.publish_beside(&times, act);
    }

    /// Publishes so many events beside the workload, within so long.
    pub fn add_events(&mut self, count: u32, within: Micros, act: &mut Act) {
        let mut times: Vec<Micros> =
            (0..count).map(|_| act.stream.between(0, within.max(1) - 1)).collect();
        times.sort_unstable();
        self.publish_beside(&times, act);
    }

    fn publish_beside(&mut self, after: &[Micros], act: &mut Act) {
        let now = self.now();
        let workload = &self.plan.workload;
        let mut keys = Stream::new(act.draw, "key", &[]);
        let orders = after.iter().map(|after| {
            let key = keys.between(0, u64::from(workload.keys.max(1)) - 1);
            (now + after, u32::try_from(key).unwrap_or(0), workload.size)
        });
        self.clients.borrow_mut().publish_beside(act.id.step, orders);
    }

    /// Disks begin to fail. `how` gets a draw of the fault's own.
    pub fn break_disks(
        &self,
        target: &Target,
        act: &mut Act,
        how: impl Fn(u64) -> DiskFault,
    ) -> Began {
        let nodes = self.nodes(target, act);
        if nodes.is_empty() {
            return Began::NoTarget;
        }
        for node in &nodes {
            let kind = how(act.draw ^ u64::from(node.0));
            sim::with(|world| world.disk(*node).map(|disk| disk.begin(act.id, kind)));
        }
        Began::On(nodes)
    }
}
