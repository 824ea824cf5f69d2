//! The simulated half, for the harness: one [`World`] on the thread of a run.
//!
//! The harness installs a world, registers nodes as it starts them, and between two steps of the
//! simulator reads and changes it. Software under test never sees it.

pub mod disk;
mod flights;
mod hindrance;
mod tasks;
mod wire;

pub use flights::{Flight, Flights};
pub(crate) use hindrance::gated_sender;
pub(crate) use hindrance::stop_asked;
pub use hindrance::{Gated, Hindrance, Struck, gated, gated_here, in_gated_task};
pub(crate) use tasks::spawn;
pub use wire::{Bandwidth, MessageFault, Wire};
pub(crate) use wire::{Feels, UnderWay, room, slows};

use crate::{Name, NodeId, Phase, Record, What, mix};
use disk::{Disk, Unsynced};
use std::{cell::RefCell, collections::BTreeMap, io, path::Path, task::Waker, time::Duration};
use tokio::runtime::{Handle, Id};
use xxhash_rust::xxh3::xxh3_64_with_seed;

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Names used in a run, numbered in the order of first use.
#[derive(Debug, Default, Clone)]
pub struct Names {
    texts: Vec<String>,
    index: BTreeMap<String, Name>,
}

impl Names {
    /// The name's number, handed out now if it is new.
    pub fn intern(&mut self, text: &str) -> Name {
        if let Some(name) = self.index.get(text) {
            return *name;
        }
        // A run with 65,535 names has bigger trouble than the last of them sharing a number.
        let name = Name(u16::try_from(self.texts.len()).unwrap_or(u16::MAX));
        self.texts.push(text.to_owned());
        self.index.insert(text.to_owned(), name);
        name
    }

    /// The text of a name.
    #[must_use]
    pub fn text(&self, name: Name) -> &str {
        self.texts.get(usize::from(name.0)).map_or("?", String::as_str)
    }
}

/// One occurrence of a fault: what it did ends with it, and nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OccurrenceId {
    /// The step of the scenario: what records call the fault.
    pub step: u16,
    /// Which occurrence of the step, from 0.
    pub occurrence: u32,
}

/// What link faults do to one direction. Faults are named by their steps.
#[derive(Debug, Clone, Default)]
pub struct Disturbance {
    /// Those that cut it: nothing gets through.
    pub cuts: Vec<u16>,
    /// Those that slow it down, and whether by more than the network's own latency ever is.
    pub slows: Vec<(u16, bool)>,
    /// The longest that a slow frame takes, in milliseconds.
    pub most_ms: u32,
}

/// A trigger that waits at a fault point.
#[derive(Debug, Clone)]
pub struct Armed {
    /// Whose trigger, as the harness numbers them.
    pub trigger: u32,
    /// The point.
    pub point: Name,
    /// It fires at this passage, counted over all nodes from 1.
    pub hit: u32,
}

/// Whether a node's software runs, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// Its process was killed. Code that has not noticed yet changes nothing any more.
    Killed,
    /// Its process has ended, and its machine lives.
    Ended,
    /// Its machine has no power. Code that has not noticed yet changes nothing any more.
    Dark,
}

impl Life {
    /// What its code still does is of no effect.
    fn is_over(self) -> bool {
        matches!(self, Self::Killed | Self::Dark)
    }
}

#[derive(Debug)]
struct NodeEntry {
    name: String,
    incarnation: u32,
    runtime: Option<Id>,
    life: Life,
    disk: Disk,
    /// What its dead software goes on writing to.
    ghost: Disk,
    hindered: hindrance::Hindered,
    /// It was asked to end.
    stopping: bool,
    stop_waiters: Vec<Waker>,
}

/// Where records go: hashed, judged and kept by the harness.
pub type Sink = Box<dyn FnMut(&Record)>;

/// All that the simulation knows beside what turmoil knows.
pub struct World {
    seed: u64,
    /// Names of groups, points, kinds of message and signals.
    pub names: Names,
    nodes: Vec<NodeEntry>,
    sink: Sink,
    /// Virtual time in microseconds at the last step.
    pub now: u64,
    /// Steps made; fault points wait for the next.
    pub step: u64,
    /// Passages of each point over all nodes.
    passed: BTreeMap<Name, u32>,
    armed: Vec<Armed>,
    /// Triggers at fault points that fired since the harness last looked, with the node.
    pub fired: Vec<(u32, NodeId)>,
    /// Message faults that act now.
    pub messages: Vec<MessageFault>,
    /// Directions (from, to) on which link faults act now.
    pub disturbed: BTreeMap<(NodeId, NodeId), Disturbance>,
    /// How often each fault was felt, by index in the plan.
    pub touched: BTreeMap<u16, u64>,
    /// The node whose code is being dropped.
    going_down: Option<NodeId>,
    /// How many hindrances act.
    hindrances: usize,
    /// A node may be blocked in a call.
    blocked: bool,
    /// Nodes that faults brought down from within since the harness last looked.
    pub struck: Vec<Struck>,
    /// Faults that limit what a direction carries.
    pub bandwidth: Vec<Bandwidth>,
    /// The longest that the network itself takes for a frame, in milliseconds.
    pub latency_ms: u32,
    waiting_to_connect: Vec<Waker>,
    waiting_for_room: Vec<Waker>,
    wires: wire::Wires,
    /// What was injected and has not come to its end.
    pending: BTreeMap<u64, wire::Pending>,
    pendings: u64,
    /// Publishes that faults changed, and that nobody has answered or seen yet.
    changed: BTreeMap<crate::EventId, Vec<u16>>,
    /// Frames sent.
    pub frames: u64,
    /// Each of them, if somebody will look at them.
    pub flights: Option<Flights>,
    /// Nodes of which a task panicked whose handle nobody held, since the harness last looked.
    pub unhandled: Vec<NodeId>,
    /// Publishes whose outcome nobody will ever learn, since the harness last looked.
    pub abandoned: Vec<crate::EventId>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("seed", &self.seed).field("now", &self.now).finish()
    }
}

/// Begins a simulation on this thread.
pub fn install(seed: u64, nodes: &[String], sink: Sink) {
    let nodes = nodes
        .iter()
        .map(|name| NodeEntry {
            name: name.clone(),
            incarnation: 0,
            runtime: None,
            life: Life::Running,
            disk: Disk::default(),
            ghost: Disk::default(),
            hindered: hindrance::Hindered::default(),
            stopping: false,
            stop_waiters: Vec::new(),
        })
        .collect();
    let world = World {
        seed,
        names: Names::default(),
        nodes,
        sink,
        now: 0,
        step: 0,
        passed: BTreeMap::new(),
        armed: Vec::new(),
        fired: Vec::new(),
        messages: Vec::new(),
        disturbed: BTreeMap::new(),
        touched: BTreeMap::new(),
        going_down: None,
        hindrances: 0,
        blocked: false,
        struck: Vec::new(),
        bandwidth: Vec::new(),
        latency_ms: 0,
        waiting_to_connect: Vec::new(),
        waiting_for_room: Vec::new(),
        wires: wire::Wires::default(),
        pending: BTreeMap::new(),
        pendings: 0,
        changed: BTreeMap::new(),
        frames: 0,
        flights: None,
        unhandled: Vec::new(),
        abandoned: Vec::new(),
    };
    WORLD.with(|slot| *slot.borrow_mut() = Some(world));
}

/// Ends the simulation of this thread.
pub fn uninstall() -> Option<World> {
    WORLD.with(|slot| slot.borrow_mut().take())
}

/// A simulation runs on this thread.
#[must_use]
pub fn is_active() -> bool {
    with(|_| ()).is_some()
}

/// The node whose software runs now; [`NodeId::HARNESS`] between steps and outside a simulation.
#[must_use]
pub fn current_node() -> NodeId {
    here()
}

/// Virtual time since the start of the run, within a step too; `None` without a simulation.
#[must_use]
pub fn elapsed() -> Option<Duration> {
    with(|world| Duration::from_micros(world.now_here()))
}

/// The time since the Unix epoch, as the node that runs now believes it to be; `None` when none runs.
#[must_use]
pub fn since_epoch() -> Option<Duration> {
    if !is_active() {
        return None;
    }
    let simulated = turmoil::since_epoch()?;
    let error = with(World::clock_error_here).unwrap_or(0);
    let wrong = Duration::from_micros(error.unsigned_abs());
    Some(if error < 0 { simulated.saturating_sub(wrong) } else { simulated + wrong })
}

/// Acts on this thread's world; `None` when there is none.
pub fn with<R>(act: impl FnOnce(&mut World) -> R) -> Option<R> {
    // Destructors may run while the thread ends or the world is in use: they have no world.
    WORLD
        .try_with(|slot| slot.try_borrow_mut().ok().and_then(|mut world| world.as_mut().map(act)))
        .ok()
        .flatten()
}

/// The node whose software runs now, [`NodeId::HARNESS`] between steps.
pub(crate) fn here() -> NodeId {
    with(|world| world.here()).unwrap_or(NodeId::HARNESS)
}

/// The node whose disk is meant, and which of its lives; `None` outside a simulation.
fn disk_here() -> Option<(NodeId, u32)> {
    with(|world| {
        // Destructors of a node that goes down run on no runtime, and on its disk all the same.
        let node = match world.here() {
            NodeId::HARNESS => world.going_down.unwrap_or(NodeId::HARNESS),
            node => node,
        };
        (node, world.incarnation(node))
    })
}

/// Acts on the disk of the node whose software runs now; `None` outside a simulation.
pub(crate) fn on_disk<R>(act: impl FnOnce(&mut Disk) -> io::Result<R>) -> Option<io::Result<R>> {
    let (node, incarnation) = disk_here()?;
    let nobody = || Err(io::Error::other("no node runs here"));
    Some(on_disk_of(node, incarnation, act).unwrap_or_else(nobody))
}

/// Opens a file of the node whose software runs now; `None` outside a simulation.
pub(crate) fn open(path: &Path) -> Option<io::Result<disk::Handle>> {
    let (node, incarnation) = disk_here()?;
    let opened = on_disk(|disk| disk.open(path))?;
    Some(opened.map(|inode| disk::Handle::new(node, incarnation, inode)))
}

/// Acts on a node's disk, for the software of one of its lives.
pub(crate) fn on_disk_of<R>(
    node: NodeId,
    incarnation: u32,
    act: impl FnOnce(&mut Disk) -> io::Result<R>,
) -> Option<io::Result<R>> {
    let index = usize::from(node.0);
    // The disk is taken out, so that what acts on it may look at the world.
    let taken = with(|world| {
        let entry = world.nodes.get_mut(index)?;
        if incarnation != entry.incarnation {
            return Some(None);
        }
        let over = entry.life.is_over();
        let disk = if over { &mut entry.ghost } else { &mut entry.disk };
        Some(Some((std::mem::take(disk), over)))
    })??;
    let Some((mut disk, over)) = taken else {
        return Some(Err(io::Error::other("opened before the node went down")));
    };
    let result = act(&mut disk);
    with(|world| {
        if over {
            world.nodes[index].ghost = disk;
            return;
        }
        let (refused, cut) = (disk.take_refused(), disk.take_power_cut());
        let slowness = disk.take_slowness();
        world.nodes[index].disk = disk;
        for fault in refused {
            world.refuse(node, fault);
        }
        if let Some((fault, ms)) = slowness {
            world.feel(fault);
            let until = world.now_here() + ms * 1_000;
            world.block(node, until);
        }
        if let Some(cut) = cut {
            world.strike(node, cut.fault, true);
            world.lose_power(node, cut.unsynced);
        }
    });
    Some(result)
}

/// Returns when this node's packets reach `host` and come back; an error if one of the two may not have
/// another connection.
pub(crate) async fn reachable(host: &str) -> io::Result<()> {
    let from = here();
    let mut felt = false;
    std::future::poll_fn(|context| {
        with(|world| {
            let Some(to) = world.node_named(host) else { return std::task::Poll::Ready(Ok(())) };
            if world.is_dead(from) {
                return std::task::Poll::Pending;
            }
            if world.unavailable(to) || world.out_of_connections(to) {
                return std::task::Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into()));
            }
            if world.out_of_connections(from) {
                let error = io::Error::other("too many open files");
                return std::task::Poll::Ready(Err(error));
            }
            if !world.cut_between(from, to) {
                return std::task::Poll::Ready(Ok(()));
            }
            if !std::mem::replace(&mut felt, true) {
                world.meet_cut(from, to);
                world.meet_cut(to, from);
            }
            world.waiting_to_connect.push(context.waker().clone());
            std::task::Poll::Pending
        })
        .unwrap_or(std::task::Poll::Ready(Ok(())))
    })
    .await
}

/// Nothing that `host` says reaches this node: a link is cut, or its machine is down.
pub(crate) fn silent(host: &str) -> bool {
    let from = here();
    with(|world| {
        world.node_named(host).is_some_and(|to| {
            let entry = world.nodes.get(usize::from(to.0));
            entry.is_some_and(|entry| entry.runtime.is_none()) || world.cut_between(from, to)
        })
    })
    .unwrap_or(false)
}

impl World {
    /// A seed for one purpose, independent of all others.
    #[must_use]
    pub fn seed_for(&self, purpose: &str, node: NodeId, number: u64) -> u64 {
        let seed = mix(mix(self.seed ^ u64::from(node.0)) ^ number);
        xxh3_64_with_seed(purpose.as_bytes(), seed)
    }

    pub(crate) fn seed_here(&self, purpose: &str) -> u64 {
        let node = self.here();
        let incarnation = self.incarnation(node);
        self.seed_for(purpose, node, u64::from(incarnation))
    }

    fn here(&self) -> NodeId {
        let Ok(handle) = Handle::try_current() else { return NodeId::HARNESS };
        let runtime = Some(handle.id());
        let index = self.nodes.iter().position(|node| node.runtime == runtime);
        index.and_then(|index| u16::try_from(index).ok()).map_or(NodeId::HARNESS, NodeId)
    }

    fn cut(&self, from: NodeId, to: NodeId) -> bool {
        self.disturbed.get(&(from, to)).is_some_and(|disturbance| !disturbance.cuts.is_empty())
    }

    /// In one direction or the other nothing gets through.
    fn cut_between(&self, a: NodeId, b: NodeId) -> bool {
        self.cut(a, b) || self.cut(b, a)
    }

    /// Something was sent into a cut, if the direction is cut.
    fn meet_cut(&mut self, from: NodeId, to: NodeId) {
        if let Some(disturbance) = self.disturbed.get(&(from, to)) {
            for fault in &disturbance.cuts {
                *self.touched.entry(*fault).or_default() += 1;
            }
        }
    }

    /// An occurrence of a fault is over: what it does to nodes and to what they send. (Links and clients
    /// are the harness's.)
    pub fn end(&mut self, id: OccurrenceId) {
        self.messages.retain(|fault| fault.id != id);
        let limits = self.bandwidth.len();
        self.bandwidth.retain(|limit| limit.id != id);
        if self.bandwidth.len() < limits {
            for waker in self.waiting_for_room.drain(..) {
                waker.wake();
            }
        }
        self.unhinder(id);
        for node in &mut self.nodes {
            node.disk.end(id);
        }
    }

    fn node_named(&self, name: &str) -> Option<NodeId> {
        let index = self.nodes.iter().position(|node| node.name == name)?;
        u16::try_from(index).ok().map(NodeId)
    }

    /// The software of `node` starts: called from within its own runtime.
    pub fn node_starts(&mut self, node: NodeId) {
        if let Some(entry) = self.nodes.get_mut(usize::from(node.0)) {
            entry.runtime = Handle::try_current().ok().map(|handle| handle.id());
        }
    }

    /// How often `node` has been restarted.
    #[must_use]
    pub fn incarnation(&self, node: NodeId) -> u32 {
        self.nodes.get(usize::from(node.0)).map_or(0, |entry| entry.incarnation)
    }

    /// The machine of `node` loses power: first its disk dies, then everything else. From here on nothing that
    /// its code still does changes anything, until it starts again: it reads and writes a copy of the disk, what
    /// it sends goes nowhere, and what it tells is not recorded. Tell [`World::node_stops`] when its code is gone.
    pub fn cut_power(&mut self, node: NodeId) {
        self.lose_power(node, Unsynced::Drawn);
    }

    fn lose_power(&mut self, node: NodeId, unsynced: Unsynced) {
        let seed = self.seed_for("disk crash", node, u64::from(self.incarnation(node)));
        let Some(entry) = self.nodes.get_mut(usize::from(node.0)) else { return };
        if entry.life == Life::Dark {
            return;
        }
        if entry.life == Life::Running {
            entry.ghost = entry.disk.ghost();
        }
        entry.disk = entry.disk.after_power_cut(seed, unsynced);
        entry.life = Life::Dark;
        self.wires.fall_silent(node);
    }

    /// The process of `node` is killed, and its machine lives: what it wrote stays, synced or not, and its peers
    /// hear that its connections are closed. Its code, destructors included, changes nothing any more.
    pub fn kill(&mut self, node: NodeId) {
        if let Some(entry) = self.nodes.get_mut(usize::from(node.0))
            && entry.life == Life::Running
        {
            entry.ghost = entry.disk.ghost();
            entry.life = Life::Killed;
        }
    }

    /// The code of `node` will be dropped now: what its destructors do to files, they do to its disk.
    pub fn node_goes_down(&mut self, node: NodeId) {
        self.going_down = Some(node);
    }

    /// The code of `node` is gone.
    pub fn node_stops(&mut self, node: NodeId) {
        self.going_down = None;
        if let Some(entry) = self.nodes.get_mut(usize::from(node.0)) {
            entry.incarnation += 1;
            entry.runtime = None;
            entry.stopping = false;
            entry.stop_waiters.clear();
            entry.ghost = Disk::default();
            if entry.life != Life::Dark {
                entry.life = Life::Ended;
            }
        }
        self.forget_hindrances(node);
        // What waited in it for a narrow link takes no room any more.
        for limit in &mut self.bandwidth {
            limit.busy_until.retain(|(from, _), _| *from != node);
        }
    }

    /// `node` has power, and its software starts. Its peers can learn now that it has forgotten them.
    pub fn node_returns(&mut self, node: NodeId) {
        if let Some(entry) = self.nodes.get_mut(usize::from(node.0)) {
            entry.life = Life::Running;
        }
        self.wires.wake_peers_of(node);
        self.wake_connects();
    }

    /// Whether nothing that the code of `node` does has an effect any more.
    #[must_use]
    pub fn is_dead(&self, node: NodeId) -> bool {
        self.nodes.get(usize::from(node.0)).is_some_and(|entry| entry.life.is_over())
    }

    /// As [`World::is_dead`], of the node whose code runs now.
    pub(crate) fn is_dead_here(&self) -> bool {
        self.nodes.iter().any(|entry| entry.life.is_over()) && self.is_dead(self.here())
    }

    /// The machine of `node` has no power.
    #[must_use]
    pub fn is_dark(&self, node: NodeId) -> bool {
        self.nodes.get(usize::from(node.0)).is_some_and(|entry| entry.life == Life::Dark)
    }

    /// The disk of `node`.
    pub fn disk(&mut self, node: NodeId) -> Option<&mut Disk> {
        self.nodes.get_mut(usize::from(node.0)).map(|entry| &mut entry.disk)
    }

    /// Virtual time now, within a step too.
    fn now_here(&self) -> u64 {
        turmoil::sim_elapsed().map_or(self.now, |elapsed| {
            u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX).max(self.now)
        })
    }

    /// A fault changed a publish: it is felt when somebody answers it or sees it.
    pub fn feel_when_seen(&mut self, event: crate::EventId, fault: u16) {
        self.changed.entry(event).or_default().push(fault);
    }

    /// Records something at `node`, now.
    pub fn record(&mut self, node: NodeId, what: What) {
        if !self.changed.is_empty()
            && let What::Publish { phase: Phase::Ok | Phase::Fail, event, .. }
            | What::Append { event, .. }
            | What::Deliver { event, .. } = what
        {
            for fault in self.changed.remove(&event).unwrap_or_default() {
                self.feel(fault);
            }
        }
        let now = self.now_here();
        (self.sink)(&Record { at: now, node, what });
    }

    pub(crate) fn record_here(&mut self, what: What) {
        let node = self.here();
        // The dead tell no tales: neither code that runs on to its next await, nor destructors, which run
        // between steps, on no runtime.
        if node != NodeId::HARNESS && !self.is_dead(node) {
            self.record(node, what);
        }
    }

    /// Lets `trigger` wait at its fault point. Passages from now on count.
    pub fn arm(&mut self, mut trigger: Armed) {
        trigger.hit += self.passed.get(&trigger.point).copied().unwrap_or(0);
        self.armed.push(trigger);
    }

    /// How often a point was passed, over all nodes.
    #[must_use]
    pub fn passages(&self, point: Name) -> u32 {
        self.passed.get(&point).copied().unwrap_or(0)
    }

    /// All points that were passed, with how often.
    pub fn points(&self) -> impl Iterator<Item = (&str, u32)> {
        self.passed.iter().map(|(name, count)| (self.names.text(*name), *count))
    }

    /// Counts a passage; the current step, if a trigger fired and the passer must wait.
    pub(crate) fn pass_point(&mut self, name: &str) -> Option<u64> {
        let node = self.here();
        if self.is_dead(node) {
            return None;
        }
        let point = self.names.intern(name);
        let hit = self.passed.entry(point).or_default();
        *hit += 1;
        let hit = *hit;
        let before = self.fired.len();
        let fired = &mut self.fired;
        self.armed.retain(|armed| {
            let fires = armed.point == point && armed.hit == hit;
            if fires {
                fired.push((armed.trigger, node));
            }
            !fires
        });
        if self.fired.len() == before {
            return None;
        }
        self.record_here(What::Point { point, hit });
        Some(self.step)
    }

    /// Some cut was healed: lets waiting connects look again.
    pub fn wake_connects(&mut self) {
        for waker in self.waiting_to_connect.drain(..) {
            waker.wake();
        }
    }

    /// Breaks the open connections between two nodes, in both directions: each end meets a reset, which a
    /// fault feels if it is the cause.
    pub fn reset_connections(&mut self, a: NodeId, b: NodeId, by: Option<u16>) {
        self.wires.reset(a, b, by);
    }

    /// Something that was injected and has not come to its end, in words, if there is any: a frame that
    /// waits to be late, a link that is being narrow, an answer of a slow disk.
    #[must_use]
    pub fn under_way(&self) -> Option<String> {
        let name = |node: NodeId| {
            self.nodes.get(usize::from(node.0)).map_or("the harness", |entry| &*entry.name)
        };
        let pending = self.pending.values().find(|pending| pending.until > self.now);
        let pending = pending.map(|wire::Pending { what, kind, from, to, .. }| {
            format!("{what} ({kind} from {} to {})", name(*from), name(*to))
        });
        pending
            .or_else(|| {
                let (from, to) = self.wires.on_its_way(self.now)?;
                Some(format!("a tampered frame on the wire (from {} to {})", name(from), name(to)))
            })
            .or_else(|| {
                let blocked = self.nodes.iter().find(|node| node.hindered.blocked(self.now))?;
                Some(format!("a call of {} to a slow disk", blocked.name))
            })
    }
}
