//! Nodes: whether their software runs, and what it means when it does not.

use super::disk::Unsynced;
use super::{World, disk::Disk, hindrance::Hindered, with};
use crate::NodeId;
use std::task::{Poll, Waker};
use tokio::runtime::{Handle, Id};

/// Whether a node's software runs, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunState {
    Running,
    /// Its process was killed. Code that has not noticed yet changes nothing any more.
    Killed,
    /// Its process has ended, and its machine lives.
    Ended,
    /// Its machine has no power. Code that has not noticed yet changes nothing any more.
    Dark,
}

impl RunState {
    /// What its code still does is of no effect.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Killed | Self::Dark)
    }
}

/// One node.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) name: String,
    /// How often its software was started again.
    pub(super) incarnation: u32,
    /// That of its software, while there is some.
    runtime: Option<Id>,
    pub(super) life: RunState,
    pub(super) disk: Disk,
    /// What its dead software goes on writing to.
    pub(super) ghost: Disk,
    pub(super) hindered: Hindered,
    /// It was asked to end.
    stopping: bool,
    stop_waiters: Vec<Waker>,
}

impl Machine {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            incarnation: 0,
            runtime: None,
            life: RunState::Running,
            disk: Disk::default(),
            ghost: Disk::default(),
            hindered: Hindered::default(),
            stopping: false,
            stop_waiters: Vec::new(),
        }
    }

    /// The disk that its software acts on, and whether that is the copy of the dead.
    pub(super) fn take_disk(&mut self) -> (Disk, bool) {
        let over = self.life.is_over();
        (std::mem::take(if over { &mut self.ghost } else { &mut self.disk }), over)
    }
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
        let Ok(handle) = Handle::try_current() else { return NodeId::HARNESS };
        let runtime = Some(handle.id());
        let index = self.machines.iter().position(|machine| machine.runtime == runtime);
        index.map_or(NodeId::HARNESS, NodeId::of_index)
    }

    /// The node whose code is being dropped.
    pub(super) fn going_down(&self) -> Option<NodeId> {
        self.going_down
    }

    /// Its software has started, and has not been dropped.
    pub(super) fn has_software(&self, node: NodeId) -> bool {
        self.machine(node).is_none_or(|machine| machine.runtime.is_some())
    }

    /// The software of `node` starts: called from within its own runtime.
    pub fn node_starts(&mut self, node: NodeId) {
        let runtime = Handle::try_current().expect("a node's software runs on a runtime");
        self.known(node).runtime = Some(runtime.id());
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
        self.wires.fall_silent(node);
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
        let machine = self.known(node);
        machine.incarnation += 1;
        machine.runtime = None;
        machine.stopping = false;
        machine.stop_waiters.clear();
        machine.ghost = Disk::default();
        if machine.life != RunState::Dark {
            machine.life = RunState::Ended;
        }
        self.forget_hindrances(node);
        self.links.forget(node);
    }

    /// `node` has power, and its software starts. Its peers can learn now that it has forgotten them.
    pub fn node_returns(&mut self, node: NodeId) {
        self.known(node).life = RunState::Running;
        self.wires.wake_peers_of(node);
        self.wake_connects();
    }

    /// Whether nothing that the code of `node` does has an effect any more.
    #[must_use]
    pub fn is_dead(&self, node: NodeId) -> bool {
        self.machine(node).is_some_and(|machine| machine.life.is_over())
    }

    /// As [`World::is_dead`], of the node whose code runs now.
    pub(crate) fn is_dead_here(&self) -> bool {
        self.machines.iter().any(|machine| machine.life.is_over()) && self.is_dead(self.here())
    }

    /// The machine of `node` has no power.
    #[must_use]
    pub fn is_dark(&self, node: NodeId) -> bool {
        self.machine(node).is_some_and(|machine| machine.life == RunState::Dark)
    }

    /// A fault asks a node to end by itself, and tidily.
    pub fn ask_to_stop(&mut self, node: NodeId) {
        let machine = self.known(node);
        machine.stopping = true;
        machine.stop_waiters.drain(..).for_each(Waker::wake);
    }
}

/// Returns when this node is asked to stop.
pub(crate) async fn stop_asked() {
    let node = super::here();
    std::future::poll_fn(|context| {
        with(|world| {
            // Nobody asks the harness.
            let Some(machine) = world.machine_mut(node) else { return Poll::Pending };
            if machine.stopping {
                return Poll::Ready(());
            }
            machine.stop_waiters.push(context.waker().clone());
            Poll::Pending
        })
    })
    .await;
}
