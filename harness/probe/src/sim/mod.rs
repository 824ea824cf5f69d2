//! The simulated half, for the harness: one [`World`] on the thread of a run.
//!
//! The harness installs a world, registers nodes as it starts them, and between two steps of the
//! simulator reads and changes it. Software under test never sees it.

mod derive;
pub mod disk;
mod felt;
mod flights;
mod gate;
mod hindrance;
mod limits;
mod links;
mod names;
mod nodes;
mod points;
mod storage;
mod tasks;
mod under_way;
mod wall_clock;
mod wire;

pub use derive::derive;
pub use flights::{Flight, Flights};
pub(crate) use gate::gated_sender;
pub use gate::{Gated, gated, gated_here, in_gated_task};
pub use hindrance::{BroughtDown, Hindrance};
pub use links::Disturbance;
pub(crate) use links::{reachable, room, silent, slows};
pub use names::Names;
pub(crate) use nodes::stop_asked;
pub use points::Armed;
pub(crate) use storage::{on_disk, on_disk_of, open};
pub(crate) use tasks::spawn;
pub(crate) use under_way::UnderWay;
pub(crate) use wire::Feels;
pub use wire::{MessageFault, Wire};

use crate::{EventId, Name, NodeId, Record, What};
use nodes::Machine;
use std::{cell::RefCell, collections::BTreeMap, time::Duration};

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// One occurrence of a fault: what it did ends with it, and nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OccurrenceId {
    /// The step of the scenario: what records call the fault.
    pub step: u16,
    /// Which occurrence of the step, from 0.
    pub occurrence: u32,
}

/// Where records go: hashed, judged and kept by the harness.
pub type Sink = Box<dyn FnMut(&Record)>;

/// All that the simulation knows beside what turmoil knows. Each file of this module keeps a part of it.
pub struct World {
    seed: u64,
    names: Names,
    sink: Sink,
    /// Virtual time in microseconds at the last step.
    now: u64,
    /// Steps made; fault points wait for the next.
    step: u64,
    /// By node id.
    machines: Vec<Machine>,
    going_down: Option<NodeId>,
    /// Nodes that faults brought down from within since the harness last looked.
    brought_down: Vec<BroughtDown>,
    /// How many hindrances act.
    hindrances: usize,
    /// A node may be blocked in a call.
    blocked: bool,
    points: points::Points,
    felt: felt::Felt,
    links: links::LinkFaults,
    /// Message faults that act now.
    messages: Vec<MessageFault>,
    wires: wire::Wires,
    pendings: under_way::Pendings,
    /// Frames sent.
    frames: u64,
    /// Each of them, if somebody will look at them.
    flights: Option<Flights>,
    /// Nodes of which a task panicked whose handle nobody held, since the harness last looked.
    unhandled: Vec<NodeId>,
    /// Publishes whose outcome nobody will ever learn, since the harness last looked.
    abandoned: Vec<EventId>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("seed", &self.seed).field("now", &self.now).finish()
    }
}

/// What a world knows when its simulation is over.
#[derive(Debug)]
pub struct Summary {
    /// Names of groups, points, kinds of message and signals.
    pub names: Names,
    /// How often each fault was felt, by its step.
    pub felt: BTreeMap<u16, u64>,
    /// How often each fault point was passed, over all nodes.
    pub points: Vec<(String, u32)>,
    /// How many frames were sent.
    pub frames: u64,
    /// Each of them, in the order of sending, if they were kept.
    pub flights: Vec<Flight>,
}

/// Begins a simulation on this thread. `names` are those that have a number already.
pub fn install(seed: u64, nodes: &[String], names: Names, sink: Sink) {
    let world = World {
        seed,
        names,
        sink,
        now: 0,
        step: 0,
        machines: nodes.iter().map(|name| Machine::new(name)).collect(),
        going_down: None,
        brought_down: Vec::new(),
        hindrances: 0,
        blocked: false,
        points: points::Points::default(),
        felt: felt::Felt::default(),
        links: links::LinkFaults::default(),
        messages: Vec::new(),
        wires: wire::Wires::default(),
        pendings: under_way::Pendings::default(),
        frames: 0,
        flights: None,
        unhandled: Vec::new(),
        abandoned: Vec::new(),
    };
    WORLD.with(|slot| *slot.borrow_mut() = Some(world));
}

/// Ends the simulation of this thread.
///
/// # Panics
/// There is none.
#[must_use]
pub fn uninstall() -> Summary {
    let world = WORLD.with(|slot| slot.borrow_mut().take());
    let world = world.expect("a simulation runs on this thread");
    Summary {
        felt: world.felt_by_step(),
        points: world.passages(),
        frames: world.frames,
        flights: world.flights.map(|flights| flights.all().to_vec()).unwrap_or_default(),
        names: world.names,
    }
}

/// Acts on this thread's world.
///
/// # Panics
/// No simulation runs on this thread, or somebody acts on its world already.
#[track_caller]
pub fn with<R>(act: impl FnOnce(&mut World) -> R) -> R {
    try_with(act).expect("only called within a simulation, and not while its world is in use")
}

/// As [`with`], for what also happens outside of any simulation, or in a destructor, which may run when the thread ends
/// or while the world is in use; `None` then.
pub fn try_with<R>(act: impl FnOnce(&mut World) -> R) -> Option<R> {
    WORLD
        .try_with(|slot| slot.try_borrow_mut().ok().and_then(|mut world| world.as_mut().map(act)))
        .ok()
        .flatten()
}

/// A simulation runs on this thread.
#[must_use]
pub fn is_active() -> bool {
    try_with(|_| ()).is_some()
}

/// The node whose software runs now; [`NodeId::HARNESS`] between steps and outside a simulation.
#[must_use]
pub fn current_node() -> NodeId {
    here()
}

/// Virtual time since the start of the run, within a step too; `None` without a simulation.
#[must_use]
pub fn elapsed() -> Option<Duration> {
    try_with(|world| Duration::from_micros(world.now_here()))
}

/// The time since the Unix epoch, as the node that runs now believes it to be; `None` when none runs.
#[must_use]
pub fn since_epoch() -> Option<Duration> {
    if !is_active() {
        return None;
    }
    let simulated = turmoil::since_epoch()?;
    let error = with(World::clock_error_here);
    let wrong = Duration::from_micros(error.unsigned_abs());
    Some(if error < 0 { simulated.saturating_sub(wrong) } else { simulated + wrong })
}

/// The node whose software runs now, [`NodeId::HARNESS`] between steps.
pub(crate) fn here() -> NodeId {
    try_with(|world| world.here()).unwrap_or(NodeId::HARNESS)
}

impl World {
    /// The number of a name, in records.
    pub fn intern(&mut self, text: &str) -> Name {
        self.names.intern(text)
    }

    /// A seed for one purpose, independent of all others.
    #[must_use]
    pub fn seed_for(&self, purpose: &str, node: NodeId, number: u64) -> u64 {
        derive(self.seed, purpose, &[u64::from(node.0), number])
    }

    pub(crate) fn seed_here(&self, purpose: &str) -> u64 {
        let node = self.here();
        let incarnation = self.incarnation(node);
        self.seed_for(purpose, node, u64::from(incarnation))
    }

    /// A step of the simulator begins: tasks of nodes that may run again are woken.
    pub fn begin_step(&mut self) {
        if self.hindrances > 0 || self.blocked {
            self.wake_those_who_run();
        }
    }

    /// It has been made; `now` is virtual time in microseconds.
    pub fn end_step(&mut self, now: u64) {
        self.step += 1;
        self.now = now;
    }

    /// How many steps have been made.
    pub(crate) fn step(&self) -> u64 {
        self.step
    }

    /// Virtual time now, within a step too, in microseconds.
    fn now_here(&self) -> u64 {
        turmoil::sim_elapsed().map_or(self.now, |elapsed| {
            u64::try_from(elapsed.as_micros()).expect("no run takes 500,000 years").max(self.now)
        })
    }

    /// Records something at `node`, now.
    pub fn record(&mut self, node: NodeId, what: What) {
        self.feel_seen(what);
        let now = self.now_here();
        (self.sink)(&Record { at: now, node, what });
    }

    pub(crate) fn record_here(&mut self, what: What) {
        let node = self.here();
        // Nothing is recorded of a node that is dead: neither by code that runs on to its next await, nor by
        // destructors, which run between steps, on no runtime.
        if node != NodeId::HARNESS && !self.is_dead(node) {
            self.record(node, what);
        }
    }

    /// From now on each frame is kept.
    pub fn keep_flights(&mut self) {
        self.flights = Some(Flights::default());
    }

    /// A fault begins to act on single frames.
    pub fn tamper(&mut self, fault: MessageFault) {
        self.messages.push(fault);
    }

    /// An occurrence of a fault is over: what it does to nodes and to what they send. (Cut, held and slow links, and
    /// clients, are the harness's.)
    pub fn end(&mut self, id: OccurrenceId) {
        self.messages.retain(|fault| fault.id != id);
        self.links.end(id);
        self.unhinder(id);
        for machine in &mut self.machines {
            machine.disk.end(id);
        }
    }

    /// A task panicked whose handle nobody holds.
    fn panic_unhandled(&mut self, node: NodeId) {
        self.unhandled.push(node);
    }

    /// Nodes of which a task panicked whose handle nobody held, since the last call.
    pub fn take_unhandled(&mut self) -> Vec<NodeId> {
        std::mem::take(&mut self.unhandled)
    }

    /// Nobody will ever learn the outcome of a publish.
    pub fn abandon(&mut self, event: EventId) {
        self.abandoned.push(event);
    }

    /// Publishes whose outcome nobody will ever learn, since the last call.
    pub fn take_abandoned(&mut self) -> Vec<EventId> {
        std::mem::take(&mut self.abandoned)
    }
}
