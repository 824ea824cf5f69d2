//! Nodes: whether their software runs, and what it means when it does not.

use super::{
    disk::{Disk, Unsynced},
    state::{Machine, RunState},
    world::{World, try_with, with},
};
use crate::record::NodeId;
use std::task::Poll;

/// The node whose software runs now; [`NodeId::HARNESS`] between steps and outside a simulation.
#[must_use]
pub fn current_node() -> NodeId {
    try_with(|world| world.here()).unwrap_or(NodeId::HARNESS)
}

/// The harness itself is a node in records, and has no machine: where one is looked for by id, it is `None`.
impl World {
    pub(super) fn machine(&self, node: NodeId) -> Option<&Machine> {
        self.machines.get(node.index())
    }

    pub(super) fn machine_mut(&mut self, node: NodeId) -> Option<&mut Machine> {
        self.machines.get_mut(node.index())
    }

    /// A machine that must be there.
    fn known(&mut self, node: NodeId) -> &mut Machine {
        self.machine_mut(node).expect("the harness starts and stops nodes of the plan only")
    }

    pub(super) fn name_of(&self, node: NodeId) -> &str {
        self.machine(node).map_or("the harness", |machine| machine.name.as_str())
    }

    pub(super) fn node_named(&self, name: &str) -> Option<NodeId> {
        self.machines.iter().position(|machine| machine.name == name).map(NodeId::of_index)
    }

    /// The node whose software runs now, [`NodeId::HARNESS`] if none does.
    pub(super) fn here(&self) -> NodeId {
        self.running.as_ref().map_or(NodeId::HARNESS, |running| running.node)
    }

    /// The node whose code is being dropped.
    pub(super) fn going_down(&self) -> Option<NodeId> {
        self.going_down
    }

    /// How often `node` has been restarted.
    #[must_use]
    pub fn incarnation(&self, node: NodeId) -> u32 {
        self.machine(node).map_or(0, |machine| machine.incarnation)
    }

    /// The machine of `node` loses power: first its disk dies, then everything else. From here on nothing that
    /// its code still does changes anything, until it starts again: it reads and writes a copy of the disk, what
    /// it sends goes nowhere, and what it tells is not recorded. Tell [`World::node_stops`] when its code is gone.
    pub fn cut_power(&mut self, node: NodeId) {
        self.lose_power(node, Unsynced::Drawn);
    }

    pub(super) fn lose_power(&mut self, node: NodeId, unsynced: Unsynced) {
        let seed = self.seed_for("disk crash", node, u64::from(self.incarnation(node)));
        let machine = self.known(node);
        if machine.life == RunState::Dark {
            return;
        }
        if machine.life == RunState::Running {
            machine.ghost = machine.disk.ghost();
        }
        machine.disk = machine.disk.after_power_cut(seed, unsynced);
        machine.life = RunState::Dark;
        self.fall_silent(node);
    }

    /// A copy of the disk of `node` as it would be found now if the power failed: consistent as after a crash, as
    /// snapshots of volumes are. `number` tells snapshots of one node from each other.
    #[must_use]
    pub fn snapshot(&self, node: NodeId, number: u64) -> Disk {
        let seed = self.seed_for("disk snapshot", node, number);
        self.machine(node)
            .expect("nodes of the plan have machines")
            .disk
            .after_power_cut(seed, Unsynced::Drawn)
    }

    /// The process of `node` is killed, and its machine lives: what it wrote stays, synced or not, and its peers
    /// hear that its connections are closed. Its code, destructors included, changes nothing any more.
    pub fn kill(&mut self, node: NodeId) {
        let machine = self.known(node);
        if machine.life == RunState::Running {
            machine.ghost = machine.disk.ghost();
            machine.life = RunState::Killed;
        }
    }

    /// The code of `node` will be dropped now: what its destructors do to files, they do to its disk.
    pub fn node_goes_down(&mut self, node: NodeId) {
        self.going_down = Some(node);
    }

    /// The code of `node` is gone.
    pub fn node_stops(&mut self, node: NodeId) {
        self.going_down = None;
        self.known(node).stop();
        self.forget_hindrances(node);
        self.network.links.forget(node);
        self.close_listeners(node);
        self.close_mailboxes(node);
        self.send_no_more(node);
    }

    /// `node` has power, and its software starts. Its peers can learn now that it has forgotten them.
    pub fn node_returns(&mut self, node: NodeId) {
        self.known(node).life = RunState::Running;
        self.answer_peers_of(node);
        self.wake_connects();
    }

    /// Whether nothing that the code of `node` does has an effect any more.
    #[must_use]
    pub fn is_dead(&self, node: NodeId) -> bool {
        self.machine(node).is_some_and(|machine| machine.life.is_over())
    }

    /// The machine of `node` has no power.
    #[must_use]
    pub fn is_dark(&self, node: NodeId) -> bool {
        self.machine(node).is_some_and(|machine| machine.life == RunState::Dark)
    }

    /// A fault asks a node to end by itself, and tidily.
    pub fn ask_to_stop(&mut self, node: NodeId) {
        self.known(node).ask_to_stop();
    }
}

/// Returns when this node is asked to stop.
pub(crate) async fn stop_asked() {
    let node = current_node();
    std::future::poll_fn(|context| {
        with(|world| {
            // Nobody asks the harness.
            let Some(machine) = world.machine_mut(node) else { return Poll::Pending };
            machine.poll_stop(context.waker())
        })
    })
    .await;
}
