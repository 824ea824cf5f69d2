//! The nemesis: what goes wrong in a run, as it comes and goes.
//!
//! Each room has its own state and verbs: `nodes` (crash, restart, stop, supervision), `network`, `messages`, `disks`,
//! `load`; `inject` reads an injection as one of their verbs. `agenda` says what happens when, `triggers` what waits for
//! a condition or a target, `occurrences` what has begun, and `recovery` how all of it ends. This file only calls them
//! in their order, between two steps of the simulator.

mod agenda;
mod disks;
mod inject;
mod links;
mod load;
mod messages;
mod network;
mod nodes;
mod occurrences;
mod recovery;
mod simulator;
mod targets;
mod triggers;

pub(super) use simulator::Simulator;

use super::{clients::Clients, recorder::Recorder};
use crate::{
    injection::{Links, Target},
    plan::{Micros, Plan, Start},
    scenario::Condition,
};
use agenda::{Action, Agenda};
use disks::Disks;
use links::Direction;
use network::NetworkFaults;
use nodes::Nodes;
use occurrences::{Act, Began, Occurrences};
use recovery::Recovery;
use squall_probe::{
    Mark, NodeChange, NodeId, What,
    sim::{self, OccurrenceId},
};
use std::{cell::RefCell, collections::BTreeSet, rc::Rc};
use targets::View;
use triggers::Triggers;

/// Why the software of a node ended by itself.
pub(super) type Exits = Rc<RefCell<Vec<(NodeId, String)>>>;

/// What is left when a run is over.
pub(super) struct Remains {
    /// What no record says in words: when, where, what.
    pub(super) notes: Vec<(Micros, NodeId, String)>,
    /// Faults that never began, in words.
    pub(super) unfired: Vec<String>,
    /// How many occurrences began.
    pub(super) begun: u64,
    /// Steps of the scenario of which an occurrence began.
    pub(super) begun_steps: BTreeSet<u16>,
    /// What no system could have recovered from, in a sentence.
    pub(super) destruction: Option<String>,
    /// What of all that was injected had not come to its end when the deadline passed.
    pub(super) late: Option<String>,
}

/// Carries out a plan's faults against a system that runs in the simulator.
pub(super) struct Nemesis<'a> {
    pub(super) plan: &'a Plan,
    simulator: Simulator,
    replica_roles: Vec<&'static str>,
    recorder: Rc<RefCell<Recorder>>,
    clients: Rc<RefCell<Clients>>,
    exits: Exits,
    notes: Vec<(Micros, NodeId, String)>,
    agenda: Agenda,
    triggers: Triggers,
    occurrences: Occurrences,
    nodes: Nodes,
    network: NetworkFaults,
    disks: Disks,
    recovery: Recovery,
}

impl<'a> Nemesis<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        simulator: Simulator,
        replica_roles: Vec<&'static str>,
        recorder: Rc<RefCell<Recorder>>,
        clients: Rc<RefCell<Clients>>,
        exits: Exits,
    ) -> Self {
        Self {
            nodes: Nodes::new(simulator.ids().count()),
            network: NetworkFaults::new(plan),
            plan,
            simulator,
            replica_roles,
            recorder,
            clients,
            exits,
            notes: Vec::new(),
            agenda: Agenda::default(),
            triggers: Triggers::default(),
            occurrences: Occurrences::default(),
            disks: Disks::default(),
            recovery: Recovery::default(),
        }
    }

    /// All nodes are up; timed faults are on the agenda and triggers wait.
    pub(super) fn begin(&mut self) {
        for node in self.simulator.ids() {
            self.record(node, What::Node { change: NodeChange::Up });
        }
        for (index, fault) in self.plan.faults.iter().enumerate() {
            match &fault.start {
                Start::At(at) => self.agenda.schedule(*at, Action::Begin(index)),
                Start::When { condition, limit } => {
                    if let Condition::Reaches { point, hit } = condition {
                        sim::with(|world| {
                            let point = world.intern(point);
                            world.arm(sim::Armed { trigger: index, point, hit: *hit });
                        });
                    }
                    self.triggers.wait(index, condition.clone(), *limit);
                }
            }
        }
    }

    /// Does what is due: between two steps.
    pub(super) fn act(&mut self) {
        self.tend_brought_down();
        self.tend_exits();
        for event in sim::with(sim::World::take_abandoned) {
            self.recorder.borrow_mut().abandon(event);
        }
        if !self.recovery.has_begun() {
            self.pull_triggers();
        }
        let now = self.now();
        while let Some(action) = self.agenda.take_due(now) {
            match action {
                Action::Begin(index) => self.begin_fault(index, None),
                Action::Heal(index) => self.heal_fault(index),
                Action::Crash { index, node } => self.crash(index, node),
                Action::Restart { node, .. } => self.restart(node),
                Action::Stop { index, node, grace, down } => self.stop(index, node, grace, down),
                Action::EndGrace { node, incarnation } => self.end_grace(node, incarnation),
                Action::Flap { index, cut } => self.flap(index, cut),
                Action::GoBack(index) => self.go_back(index),
                Action::Unclog { index, part } => self.unclog(index, part),
            }
        }
        for (index, limit) in self.triggers.take_deferred() {
            self.begin_fault(index, Some(limit));
        }
        self.network.settle(&self.simulator);
    }

    /// One step of the simulator.
    pub(super) fn step(&mut self) -> Result<(), String> {
        self.network.draw_latencies(&self.simulator);
        sim::with(sim::World::begin_step);
        self.simulator.step()?;
        let now = self.now();
        sim::with(|world| world.end_step(now));
        Ok(())
    }

    /// Every timed fault has come and gone, every trigger fired or gave up, and the time of the
    /// workload has passed. What lasts until healed does not count.
    pub(super) fn is_over(&self) -> bool {
        self.now() >= self.plan.workload_us
            && self.triggers.is_empty()
            && self.agenda.holds_no_fault()
    }

    /// The simulation ends.
    pub(super) fn end(self) -> Remains {
        let destruction = self.destruction();
        self.simulator.close();
        let (unfired, begun, begun_steps) = self.occurrences.into_parts();
        Remains {
            notes: self.notes,
            unfired,
            begun,
            begun_steps,
            destruction,
            late: self.recovery.into_late(),
        }
    }

    /// Virtual time.
    #[must_use]
    pub(super) fn now(&self) -> Micros {
        self.simulator.now()
    }

    /// Records something at a node, now.
    pub(super) fn record(&self, node: NodeId, what: What) {
        sim::with(|world| world.record(node, what));
    }

    /// Says in words what no record says.
    pub(super) fn note(&mut self, node: NodeId, note: String) {
        self.notes.push((self.now(), node, note));
    }

    /// The run enters another phase.
    pub(super) fn mark(&self, mark: Mark) {
        self.record(NodeId::HARNESS, What::Mark(mark));
        if mark == Mark::Converged {
            sim::with(sim::World::tell_held);
        }
    }

    /// Every operation of the workload has been invoked.
    pub(super) fn offered(&self) -> bool {
        self.clients.borrow().offered()
    }

    /// How many effects have landed.
    pub(super) fn applied(&self) -> u32 {
        self.recorder.borrow().reached().2
    }

    /// Nothing is owed to anybody.
    pub(super) fn drained(&self) -> bool {
        self.recorder.borrow().drained()
    }

    /// Something that was injected and has not come to its end, in words.
    pub(super) fn under_way(&self) -> Option<String> {
        sim::with(|world| world.under_way())
    }

    fn view<R>(&self, look: impl FnOnce(&View<'_>) -> R) -> R {
        let leader = self.recorder.borrow().leader();
        look(&View {
            nodes: &self.plan.nodes,
            replica_roles: &self.replica_roles,
            leader: leader.filter(|leader| self.is_up(*leader)),
            up: self.nodes.up(),
        })
    }

    /// The nodes that a target means now.
    fn nodes(&self, target: &Target, act: &mut Act) -> Vec<NodeId> {
        self.view(|view| view.nodes(target, &mut act.stream))
    }

    /// The directions that links mean now.
    fn directions(&self, links: &Links, act: &mut Act) -> BTreeSet<Direction> {
        self.view(|view| view.directions(links, &mut act.stream))
    }
}
