//! The world of a simulation, and this thread's. What it keeps is in `state/`, `disk/` and `network/tables.rs`; the other
//! files beside this one say what happens to it, each a subject.

use super::{
    derive::derive,
    inside::in_gated_task,
    network::tables::Network,
    occurrence::OccurrenceId,
    state::{
        BroughtDown, Felt, Flight, Flights, Machine, Measures, MessageFault, Names, Pendings,
        Points, Timers,
    },
};
use crate::record::{EventId, Name, NodeId, Record, What};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};
use tokio::task::LocalSet;

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Where records go: hashed, judged and kept by the harness.
pub type Sink = Box<dyn FnMut(&Record)>;

/// All that the simulation knows, beside the nodes' code.
pub struct World {
    seed: u64,
    pub(super) names: Names,
    sink: Sink,
    /// Virtual time in microseconds at the last step.
    pub(super) now: u64,
    /// Whose code runs now.
    pub(super) running: Option<Running>,
    /// The time since the Unix epoch at which the simulation began.
    pub(super) epoch: Duration,
    /// Steps made; fault points wait for the next.
    pub(super) step: u64,
    /// By node id.
    pub(super) machines: Vec<Machine>,
    pub(super) going_down: Option<NodeId>,
    /// Nodes that faults brought down from within since the harness last looked.
    pub(super) brought_down: Vec<BroughtDown>,
    /// How many hindrances act.
    pub(super) hindrances: usize,
    /// A node may be blocked in a call.
    pub(super) blocked: bool,
    pub(super) points: Points,
    pub(super) felt: Felt,
    /// Message faults that act now.
    pub(super) messages: Vec<MessageFault>,
    pub(super) network: Network,
    /// By node; the harness's come last.
    pub(super) timers: Vec<Timers>,
    pub(super) pendings: Pendings,
    /// Frames sent.
    pub(super) frames: u64,
    /// Each of them, if somebody will look at them.
    pub(super) flights: Flights,
    /// What nodes said in words.
    said: Vec<Said>,
    /// What nodes measured of themselves.
    measures: Measures,
    /// A node whose code went on at a time that nobody knew it waits for, since the harness last looked.
    stray: Option<(NodeId, u64)>,
    /// Nodes of which a task panicked whose handle nobody held, since the harness last looked.
    pub(super) unhandled: Vec<NodeId>,
    /// Publishes whose outcome nobody will ever learn, since the harness last looked.
    pub(super) abandoned: Vec<EventId>,
}

/// Where the tasks of a node are spawned.
#[derive(Clone, Debug)]
pub struct TaskSets {
    /// Those that are their supervisors' business when they panic.
    pub supervised: Rc<LocalSet>,
    /// Those of tokio's own `spawn_local`.
    pub unsupervised: Rc<LocalSet>,
}

/// What a node said in words: when, in microseconds, and which.
pub type Said = (u64, NodeId, String);

/// What nodes said is kept as far as this, in lines.
pub const MOST_SAID: usize = 20_000;

/// A line is cut here, in characters.
pub const LONGEST_LINE: usize = 1_000;

/// The code of a node that runs now, on a runtime whose clock stands still until it is moved on.
pub(super) struct Running {
    pub(super) node: NodeId,
    /// What its clock showed at a time.
    began: tokio::time::Instant,
    /// That virtual time, in microseconds.
    at: u64,
    /// Where its tasks are spawned.
    tasks: TaskSets,
    /// The time that it should be, if everything is known that its code waits for.
    expected: Option<u64>,
    /// It was another time.
    stray: Cell<Option<u64>>,
    /// What its clock showed when the task that runs now began to: it stands still meanwhile.
    shows: u64,
}

impl Running {
    /// The virtual time that its clock calls so, in microseconds.
    pub(super) fn time_of(&self, shown: tokio::time::Instant) -> u64 {
        let since = shown.saturating_duration_since(self.began);
        // Nobody waits for longer than there is time.
        self.at.saturating_add(u64::try_from(since.as_micros()).unwrap_or(u64::MAX / 2))
    }

    /// Virtual time within a step, in microseconds.
    fn now(&self) -> u64 {
        if in_gated_task() { self.shows } else { self.look() }
    }

    fn look(&self) -> u64 {
        let now = self.time_of(tokio::time::Instant::now());
        if self.expected.is_some_and(|expected| expected != now) && self.stray.get().is_none() {
            self.stray.set(Some(now));
        }
        now
    }
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
    /// Of each node, the most bytes that it held in queues and reservations, and the most connections that it had when
    /// it asked for one under a limit.
    pub peaks: Vec<(u64, usize)>,
    /// How many frames were sent.
    pub frames: u64,
    /// What nodes said in words, in order.
    pub said: Vec<Said>,
    /// What nodes measured of themselves.
    pub measures: Measures,
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
        running: None,
        epoch: Duration::ZERO,
        step: 0,
        machines: nodes.iter().map(|name| Machine::new(name)).collect(),
        going_down: None,
        brought_down: Vec::new(),
        hindrances: 0,
        blocked: false,
        points: Points::default(),
        felt: Felt::default(),
        messages: Vec::new(),
        network: Network::new(seed, nodes.len()),
        timers: (0..=nodes.len()).map(|_| Timers::default()).collect(),
        pendings: Pendings::default(),
        frames: 0,
        flights: Flights::default(),
        said: Vec::new(),
        measures: Measures::default(),
        stray: None,
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
        felt: world.felt.by_step().clone(),
        points: world.points.passages(&world.names),
        peaks: world
            .machines
            .iter()
            .map(|machine| (machine.hindered.peak, machine.hindered.most_open))
            .collect(),
        frames: world.frames,
        flights: world.flights.into_all(),
        said: world.said,
        measures: world.measures,
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

/// Virtual time since the start of the run, within a step too; `None` without a simulation.
#[must_use]
pub fn elapsed() -> Option<Duration> {
    try_with(|world| Duration::from_micros(world.now_here()))
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

    /// A step of the simulator begins, which takes until `end`, in microseconds of virtual time: tasks of nodes that may
    /// run again are woken, and what waited to leave by then leaves.
    pub fn begin_step(&mut self, end: u64) {
        self.let_leave(end);
        self.network.floor = end;
        if self.hindrances > 0 || self.blocked {
            self.wake_those_who_run();
        }
    }

    /// `steps` of them have been made, in which nothing happened if they are several; `now` is virtual time in microseconds.
    pub fn end_steps(&mut self, steps: u64, now: u64) {
        self.step += steps;
        self.now = now;
        self.network.floor = now;
    }

    /// The code of `node` runs from now on, on a runtime whose clock showed `began` at the virtual time `at`, in
    /// microseconds. Its tasks are spawned in `tasks`. What its code waits for in time is `known` to this world.
    pub fn enter(
        &mut self,
        node: NodeId,
        began: tokio::time::Instant,
        at: u64,
        tasks: TaskSets,
        known: bool,
    ) {
        let expected = known.then_some(self.now);
        let stray = Cell::new(None);
        self.running = Some(Running { node, began, at, tasks, expected, stray, shows: self.now });
    }

    /// A task of the node that runs now goes on: what its clock shows.
    pub(super) fn look_at_clock(&mut self) {
        if let Some(running) = &mut self.running {
            running.shows = running.look();
        }
    }

    /// Where the tasks of the node are spawned that runs now.
    pub(super) fn tasks(&self) -> Option<&TaskSets> {
        self.running.as_ref().map(|running| &running.tasks)
    }

    /// No node's code runs any more.
    pub fn leave(&mut self) {
        if let Some(Running { node, stray, .. }) = self.running.take()
            && let Some(at) = stray.get()
        {
            self.note_stray(node, at);
        }
    }

    /// By this time, in microseconds, code of `node` went on that nobody knew to wait for anything.
    pub fn note_stray(&mut self, node: NodeId, at: u64) {
        self.stray.get_or_insert((node, at));
    }

    /// The code that runs now goes on at that time, in microseconds, and not before.
    pub fn expect(&mut self, event: u64) {
        if let Some(expected) = self.running.as_mut().and_then(|running| running.expected.as_mut())
        {
            *expected = event;
        }
    }

    /// A node whose code went on at a time that nobody knew it waits for, and that time, in microseconds, since the last
    /// call.
    pub fn take_stray(&mut self) -> Option<(NodeId, u64)> {
        self.stray.take()
    }

    /// The time since the Unix epoch at which the simulation began.
    pub fn set_epoch(&mut self, epoch: Duration) {
        self.epoch = epoch;
    }

    /// What code of a node waits for in time.
    pub(super) fn timers_of(&mut self, node: NodeId) -> &mut Timers {
        let last = self.timers.len() - 1;
        &mut self.timers[node.index().min(last)]
    }

    /// How many steps have been made.
    pub(crate) fn step(&self) -> u64 {
        self.step
    }

    /// Virtual time now, within a step too, in microseconds.
    pub(super) fn now_here(&self) -> u64 {
        self.running.as_ref().map_or(self.now, |running| running.now().max(self.now))
    }

    /// Records something at `node`, now.
    pub fn record(&mut self, node: NodeId, what: What) {
        self.felt.see(what);
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

    /// Says something in words, now, at the node that runs.
    pub(crate) fn say_here(&mut self, text: &str) {
        let node = self.here();
        // As with records.
        if node != NodeId::HARNESS && !self.is_dead(node) && self.said.len() < MOST_SAID {
            let now = self.now_here();
            self.said.push((now, node, text.chars().take(LONGEST_LINE).collect()));
        }
    }

    /// Takes a measurement of the node that runs, now: a gauge's value, or by how much a counter grows.
    pub(crate) fn measure_here(
        &mut self,
        name: &'static str,
        labels: &[(&'static str, &str)],
        counts: bool,
        value: f64,
    ) {
        let node = self.here();
        // As with records.
        if node != NodeId::HARNESS && !self.is_dead(node) {
            let (now, life) = (self.now_here(), self.incarnation(node));
            self.measures.take((node, life), now, (name, labels, counts), value);
        }
    }

    /// An occurrence of a fault is over: what it does to nodes and to what they send. (Cut, held and slow links, and
    /// clients, are the harness's.)
    pub fn end(&mut self, id: OccurrenceId) {
        self.messages.retain(|fault| fault.id != id);
        self.widen(id);
        self.unhinder(id);
        for machine in &mut self.machines {
            machine.disk.end(id);
        }
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
