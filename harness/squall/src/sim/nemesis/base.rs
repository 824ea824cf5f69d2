//! The nemesis itself: it owns what the rooms keep, and has the few verbs that all of them use.

use super::state::{Disks, NetworkFaults, Recovery};
use crate::{
    injection::{Links, Target},
    outcome::Recorder,
    plan::{Micros, Plan},
    schedule::{Act, Agenda, Direction, Nodes, Occurrences, Triggers, View},
    sim::{clients::Clients, simulator::Simulator},
};
use squall_probe::{NodeId, What, sim};
use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

/// Why the software of a node ended by itself.
pub(in crate::sim) type Exits = Rc<RefCell<Vec<(NodeId, String)>>>;

/// Carries out a plan's faults against a system that runs in the simulator.
pub(in crate::sim) struct Nemesis<'a> {
    pub(in crate::sim) plan: &'a Plan,
    pub(super) simulator: Simulator,
    pub(super) replica_roles: Vec<&'static str>,
    pub(super) recorder: Rc<RefCell<Recorder>>,
    pub(super) clients: Rc<RefCell<Clients>>,
    pub(super) exits: Exits,
    pub(super) notes: Vec<(Micros, NodeId, String)>,
    pub(super) agenda: Agenda,
    pub(super) triggers: Triggers,
    pub(super) occurrences: Occurrences,
    pub(super) nodes: Nodes,
    pub(super) network: NetworkFaults,
    pub(super) disks: Disks,
    pub(super) recovery: Recovery,
}

impl<'a> Nemesis<'a> {
    pub(in crate::sim) fn new(
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
}

impl Nemesis<'_> {
    /// Virtual time.
    #[must_use]
    pub(in crate::sim) fn now(&self) -> Micros {
        self.simulator.now()
    }

    /// Records something at a node, now.
    pub(in crate::sim) fn record(&self, node: NodeId, what: What) {
        sim::with(|world| world.record(node, what));
    }

    /// Says in words what no record says.
    pub(in crate::sim) fn note(&mut self, node: NodeId, note: String) {
        self.notes.push((self.now(), node, note));
    }

    /// Whether a node runs.
    #[must_use]
    pub(super) fn is_up(&self, node: NodeId) -> bool {
        self.nodes.is_up(node)
    }

    /// A fault of the plan was felt.
    pub(super) fn feel(&self, index: usize) {
        sim::with(|world| world.feel(self.plan.faults[index].step));
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
    pub(super) fn nodes(&self, target: &Target, act: &mut Act) -> Vec<NodeId> {
        self.view(|view| view.nodes(target, &mut act.stream))
    }

    /// The directions that links mean now.
    pub(super) fn directions(&self, links: &Links, act: &mut Act) -> BTreeSet<Direction> {
        self.view(|view| view.directions(links, &mut act.stream))
    }
}
