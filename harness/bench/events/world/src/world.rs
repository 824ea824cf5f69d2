//! Hosts, tasks and packets.

use bytes::Bytes;
use rand::{RngExt as _, SeedableRng as _};
use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap, VecDeque},
    future::{Future, poll_fn},
    hash::{BuildHasherDefault, Hasher},
    ops::RangeInclusive,
    pin::Pin,
    rc::Rc,
    task::{Poll, Waker},
    time::Duration,
};
use tokio::{
    runtime::{Builder, LocalOptions, LocalRuntime},
    sync::Notify,
    task::{Id, JoinHandle, LocalSet},
    time::{Instant, sleep_until},
};

/// A life of a host: after a crash it has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Host {
    pub index: u32,
    pub incarnation: u32,
}

/// Task ids are counted: they need no more of a hasher.
#[derive(Default)]
struct ById(u64);

impl Hasher for ById {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

thread_local! {
    static CURRENT: Cell<Option<Host>> = const { Cell::new(None) };
    static TASKS: RefCell<HashMap<Id, Host, BuildHasherDefault<ById>>> = RefCell::default();
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// The host whose task runs.
pub fn current() -> Option<Host> {
    CURRENT.get()
}

/// What is on its way, and when it arrives. Of what arrives at one time the first to be sent comes first.
struct Packet {
    due: Reverse<(Instant, u64)>,
    to: Rc<Pipe>,
    bytes: Option<Bytes>,
}

impl PartialEq for Packet {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}
impl Eq for Packet {}
impl PartialOrd for Packet {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Packet {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

/// One direction of a connection.
pub(crate) struct Pipe {
    pub(crate) from: Host,
    pub(crate) to: Host,
    /// The last packet arrives then: none overtakes another.
    last: Cell<Option<Instant>>,
    pub(crate) arrived: RefCell<VecDeque<Bytes>>,
    pub(crate) ended: Cell<bool>,
    pub(crate) reader: RefCell<Option<Waker>>,
}

impl Pipe {
    pub(crate) fn new(from: Host, to: Host) -> Rc<Self> {
        Rc::new(Self {
            from,
            to,
            last: Cell::new(None),
            arrived: RefCell::default(),
            ended: Cell::new(false),
            reader: RefCell::default(),
        })
    }
}

pub(crate) struct State {
    names: BTreeMap<String, u32>,
    incarnations: Vec<u32>,
    pub(crate) listeners: BTreeMap<(u32, u16), Rc<crate::net::Backlog>>,
    packets: BinaryHeap<Packet>,
    sent: u64,
    latency_ms: RangeInclusive<u64>,
    rng: rand_chacha::ChaCha8Rng,
    /// A packet is the first now.
    sooner: Rc<Notify>,
}

pub(crate) fn with<R>(act: impl FnOnce(&mut State) -> R) -> R {
    STATE.with_borrow_mut(|state| act(state.as_mut().expect("a world is there")))
}

/// As [`with`], for destructors, which may run when the world is gone.
pub(crate) fn try_with<R>(act: impl FnOnce(&mut State) -> R) -> Option<R> {
    STATE.try_with(|state| Some(act(state.try_borrow_mut().ok()?.as_mut()?))).ok().flatten()
}

impl State {
    pub(crate) fn latency(&mut self) -> Duration {
        Duration::from_millis(self.rng.random_range(self.latency_ms.clone()))
    }

    pub(crate) fn named(&self, name: &str) -> Option<Host> {
        let index = *self.names.get(name)?;
        Some(Host { index, incarnation: self.incarnations[index as usize] })
    }

    pub(crate) fn lives(&self, host: Host) -> bool {
        self.incarnations[host.index as usize] == host.incarnation
    }

    /// Sends bytes, or the end of the stream.
    pub(crate) fn send(&mut self, pipe: &Rc<Pipe>, bytes: Option<Bytes>) {
        if !self.lives(pipe.from) {
            return;
        }
        let due = Instant::now() + self.latency();
        let due = pipe.last.get().map_or(due, |last| last.max(due));
        pipe.last.set(Some(due));
        self.sent += 1;
        if self.packets.peek().is_none_or(|first| due < first.due.0.0) {
            self.sooner.notify_one();
        }
        self.packets.push(Packet { due: Reverse((due, self.sent)), to: pipe.clone(), bytes });
    }

    /// Hands out what has arrived; when the next packet does.
    fn deliver(&mut self) -> Option<Instant> {
        let now = Instant::now();
        while let Some(first) = self.packets.peek() {
            if first.due.0.0 > now {
                return Some(first.due.0.0);
            }
            let Packet { to: pipe, bytes, .. } = self.packets.pop().expect("it was there");
            if !self.lives(pipe.to) {
                continue;
            }
            match bytes {
                Some(bytes) => pipe.arrived.borrow_mut().push_back(bytes),
                None => pipe.ended.set(true),
            }
            if let Some(reader) = pipe.reader.borrow_mut().take() {
                reader.wake();
            }
        }
        None
    }
}

async fn carry_packets() {
    let sooner = with(|state| state.sooner.clone());
    loop {
        match with(State::deliver) {
            Some(next) => {
                tokio::select! {
                    biased;
                    () = sooner.notified() => {}
                    () = sleep_until(next) => {}
                }
            }
            None => sooner.notified().await,
        }
    }
}

/// Spawns a task of `host`.
pub fn spawn_on(host: Host, future: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
    let before = CURRENT.replace(Some(host));
    let handle = tokio::task::spawn_local(future);
    CURRENT.set(before);
    handle
}

/// What drives the tasks.
enum Runtime {
    /// Every task is the runtime's own: hooks tell of each.
    Hooks(LocalRuntime),
    /// Each host has a `LocalSet`, driven by a task of this one. (In a `LocalRuntime` they would stay empty:
    /// `spawn_local` gives it to the runtime.)
    Sets(tokio::runtime::Runtime, LocalSet),
}

impl Runtime {
    fn block_on(&self, future: impl Future<Output = ()>) {
        match self {
            Self::Hooks(runtime) => runtime.block_on(future),
            Self::Sets(runtime, set) => set.block_on(runtime, future),
        }
    }
}

/// All hosts of this thread.
pub struct World {
    runtime: Option<Runtime>,
    sets: RefCell<BTreeMap<Host, Rc<RefCell<Option<LocalSet>>>>>,
}

impl World {
    /// Tasks are known by tokio's hooks alone. Links take this long, in milliseconds.
    pub fn new(seed: u64, latency_ms: RangeInclusive<u64>) -> Self {
        Self::of(seed, latency_ms, |mut builder| {
            builder.build_local(LocalOptions::default()).map(Runtime::Hooks)
        })
    }

    /// Each host has a `LocalSet` of its own.
    pub fn with_sets(seed: u64, latency_ms: RangeInclusive<u64>) -> Self {
        Self::of(seed, latency_ms, |mut builder| {
            builder.build().map(|runtime| Runtime::Sets(runtime, LocalSet::new()))
        })
    }

    fn of(
        seed: u64,
        latency_ms: RangeInclusive<u64>,
        build: impl FnOnce(Builder) -> std::io::Result<Runtime>,
    ) -> Self {
        let mut builder = Builder::new_current_thread();
        builder.enable_time().start_paused(true);
        builder.on_task_spawn(|task| {
            if let Some(host) = CURRENT.get() {
                TASKS.with_borrow_mut(|tasks| tasks.insert(task.id(), host));
            }
        });
        builder.on_before_task_poll(|task| {
            CURRENT.set(TASKS.with_borrow(|tasks| tasks.get(&task.id()).copied()));
        });
        builder.on_after_task_poll(|_| CURRENT.set(None));
        builder.on_task_terminate(|task| {
            // The runtime may be dropped with its thread.
            let _ = TASKS.try_with(|tasks| tasks.borrow_mut().remove(&task.id()));
        });
        let runtime = build(builder).expect("it needs nothing of the system");
        STATE.set(Some(State {
            names: BTreeMap::new(),
            incarnations: Vec::new(),
            listeners: BTreeMap::new(),
            packets: BinaryHeap::new(),
            sent: 0,
            latency_ms,
            rng: rand_chacha::ChaCha8Rng::seed_from_u64(seed),
            sooner: Rc::new(Notify::new()),
        }));
        runtime.block_on(async { drop(tokio::task::spawn_local(carry_packets())) });
        Self { runtime: Some(runtime), sets: RefCell::default() }
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is there until the world is dropped")
    }

    /// Adds a host, and starts its software.
    pub fn host(&self, name: &str, software: impl Future<Output = ()> + 'static) -> Host {
        let host = with(|state| {
            let index = state.incarnations.len() as u32;
            state.incarnations.push(0);
            state.names.insert(name.to_owned(), index);
            Host { index, incarnation: 0 }
        });
        self.start_software(host, software);
        host
    }

    fn start_software(&self, host: Host, software: impl Future<Output = ()> + 'static) {
        if let Runtime::Hooks(_) = self.runtime() {
            return self.runtime().block_on(async { drop(spawn_on(host, software)) });
        }
        let set = LocalSet::new();
        set.spawn_local(software);
        let set = Rc::new(RefCell::new(Some(set)));
        self.sets.borrow_mut().insert(host, set.clone());
        let driver = poll_fn(move |context| {
            let before = CURRENT.replace(Some(host));
            let polled = match &mut *set.borrow_mut() {
                Some(set) => Pin::new(set).poll(context),
                None => Poll::Ready(()),
            };
            CURRENT.set(before);
            polled
        });
        self.runtime().block_on(async { drop(tokio::task::spawn_local(driver)) });
    }

    /// From now on nothing that this life of the host does has an effect on others. What it spawned in its `LocalSet`, if
    /// it has one, is dropped.
    pub fn crash(&self, host: Host) {
        with(|state| {
            state.incarnations[host.index as usize] += 1;
            state.listeners.retain(|(index, _), _| *index != host.index);
        });
        let set = self.sets.borrow_mut().remove(&host);
        self.runtime().block_on(async move { drop(set.and_then(|set| set.take())) });
    }

    /// Starts a crashed host again.
    pub fn start(&self, index: u32, software: impl Future<Output = ()> + 'static) -> Host {
        let incarnation = with(|state| state.incarnations[index as usize]);
        let host = Host { index, incarnation };
        self.start_software(host, software);
        host
    }

    /// Acts where tasks can be spawned.
    pub fn enter(&self, act: impl FnOnce()) {
        self.runtime().block_on(async { act() });
    }

    /// Runs until this much more of virtual time has passed.
    pub fn run_for(&self, time: Duration) {
        self.runtime().block_on(async move { tokio::time::sleep(time).await });
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Tasks end first: they still use what is below.
        self.sets.take();
        drop(self.runtime.take());
        STATE.set(None);
        TASKS.with_borrow_mut(HashMap::clear);
    }
}
