//! One node's code, on a runtime of its own.

use crate::plan::Micros;
use squall_probe::{
    NodeId,
    sim::{self, TaskSets, derive},
};
use std::{
    cell::Cell,
    collections::BTreeSet,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::LocalSet,
    time::{Instant, Sleep, advance, sleep, sleep_until},
};

/// A node for which nothing happens is looked at after this time nevertheless, in microseconds: it might have timers that
/// nobody knows.
pub(super) const LOOK: Micros = 1_000_000;

/// Makes a node's software, which never comes to an end by itself.
pub(super) type Software = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>;

/// A node.
pub(super) struct Host {
    node: NodeId,
    seed: u64,
    software: Software,
    /// How often it was started.
    starts: u64,
    /// Its code waits in time with `squall_probe::time` alone: what it does not wait for can be jumped over.
    jumps: bool,
    running: Option<Running>,
}

/// Its software, while it runs.
struct Running {
    // Dropped in this order: first tokio's own tasks, then those of the sets.
    runtime: Runtime,
    local: LocalSet,
    tasks: TaskSets,
    /// Wakes whoever runs it.
    timer: Pin<Box<Sleep>>,
    /// What its code wakes.
    rouser: Arc<Rouser>,
    strays: Arc<Strays>,
    /// It was held up, and has not run since: by these faults.
    held_up: Option<BTreeSet<u16>>,
    /// What the runtime's clock showed at a virtual time.
    began: Instant,
    at: Micros,
    /// Virtual time, as far as it has come.
    now: Micros,
}

/// Tasks of the runtime itself, beside the sets: nobody knows whether they wait, and nothing but their runtime can hold
/// them up.
#[derive(Default)]
struct Strays {
    there_are: AtomicBool,
    /// How often one was polled.
    polls: AtomicU64,
}

impl Strays {
    fn there_are(&self) -> bool {
        self.there_are.load(Ordering::Relaxed)
    }
}

/// No node runs any more, however the run of one ends.
struct Left;

impl Drop for Left {
    fn drop(&mut self) {
        sim::try_with(sim::World::leave);
    }
}

impl Host {
    pub(super) fn new(node: NodeId, seed: u64, jumps: bool, software: Software) -> Self {
        Self { node, seed, software, starts: 0, jumps, running: None }
    }

    /// Starts its software at a virtual time, on a new runtime.
    pub(super) fn start(&mut self, at: Micros) {
        let strays = Arc::new(Strays::default());
        let runtime = runtime(derive(self.seed, "start", &[self.starts]), &strays);
        self.starts += 1;
        let local = unsupervised();
        let (began, timer) = runtime.block_on(async {
            // The clock began to stand still some time after it was made; timers count whole milliseconds from there.
            sleep(Duration::from_millis(1)).await;
            let began = Instant::now();
            (began, Box::pin(sleep_until(began)))
        });
        local.spawn_local((self.software)());
        let (supervised, unsupervised) = (Rc::new(LocalSet::new()), Rc::new(unsupervised()));
        let polled = supervised.clone();
        local.spawn_local(async move { polled.run_until(std::future::pending::<()>()).await });
        let polled = unsupervised.clone();
        local.spawn_local(sim::gated(self.node, async move {
            polled.run_until(std::future::pending::<()>()).await;
        }));
        let tasks = TaskSets { supervised, unsupervised };
        // It has not run yet.
        let rouser = Arc::new(Rouser::default());
        rouser.woken.store(true, Ordering::Relaxed);
        let (now, held_up) = (at, None);
        self.running =
            Some(Running { runtime, local, tasks, timer, rouser, strays, held_up, began, at, now });
    }

    /// Drops its code.
    pub(super) fn stop(&mut self) {
        self.running = None;
    }

    /// All its code waits, for nothing but what the world knows of; or it has none.
    pub(super) fn rests(&self) -> bool {
        self.running.as_ref().is_none_or(Running::rests)
    }

    /// Goes on from a virtual time until another.
    pub(super) fn run(&mut self, start: Micros, end: Micros) {
        let node = self.node;
        let Some(running) = &mut self.running else {
            // Its machine may have power, and answer.
            return sim::with(|world| world.happen(node, end - 1));
        };
        // Tasks of the sets are held up one by one.
        if running.strays.there_are()
            && let Some(by) = sim::with(|world| world.holds_up(node))
        {
            return running.hold_up(node, end, by);
        }
        if self.jumps && running.rests() {
            let next = sim::with(|world| world.next_event(node));
            if next.is_none_or(|next| next >= end) {
                if start - running.now >= LOOK {
                    running.catch_up(node, start);
                }
                return;
            }
        }
        running.run(node, start, end, self.jumps);
    }
}

impl Running {
    /// All its code waits, for nothing but what the world knows of.
    fn rests(&self) -> bool {
        !self.rouser.woken.load(Ordering::Relaxed) && !self.strays.there_are()
    }

    /// What its clock shows at a virtual time.
    fn shown(&self, time: Micros) -> Instant {
        self.began + Duration::from_micros(time - self.at)
    }

    /// Where nobody looked meanwhile, its clock is moved on before anybody does. Nothing that this world knows of happens
    /// until then; what wakes its code nevertheless is a timer that it does not know.
    fn catch_up(&mut self, node: NodeId, start: Micros) {
        if self.now == start {
            return;
        }
        let woken = self.rouser.woken.swap(false, Ordering::Relaxed);
        let deadline = self.shown(start);
        self.timer.as_mut().reset(deadline);
        self.runtime.block_on(self.timer.as_mut());
        self.now = start;
        if self.rouser.woken.fetch_or(woken, Ordering::Relaxed) {
            sim::with(|world| world.note_stray(node, start));
        }
    }

    /// Its runtime is not turned in this step, whatever happens to its machine.
    fn hold_up(&mut self, node: NodeId, end: Micros, by: Vec<u16>) {
        sim::with(|world| {
            world.happen(node, end - 1);
            if self.rouser.woken.load(Ordering::Relaxed) {
                by.iter().for_each(|fault| world.feel(*fault));
            }
        });
        self.held_up.get_or_insert_default().extend(by);
    }

    fn run(&mut self, node: NodeId, start: Micros, end: Micros, jumps: bool) {
        let held_up = self.held_up.take();
        let stood_still = if held_up.is_some() { start - self.now } else { 0 };
        if held_up.is_none() {
            self.catch_up(node, start);
        }
        let Self { runtime, local, tasks, timer, rouser, strays, began, at, now, .. } = self;
        let (began, at) = (*began, *at);
        sim::with(|world| world.enter(node, began, at, tasks.clone(), jumps));
        let _left = Left;
        let shown = move |time: Micros| began + Duration::from_micros(time - at);
        *now = end;
        let mut next = start;
        // From event to event its clock is moved by hand as soon as all code waits, for that is cheaper than to have the
        // runtime sleep. But that has the runtime's own tasks, and timers that nobody knows: they need the sleep.
        let (by_hand, waits) = (Cell::new(false), Cell::new(false));
        let polls = strays.polls.load(Ordering::Relaxed);
        let mut held_up = held_up.unwrap_or_default();
        let events = poll_fn(|context| {
            loop {
                if by_hand.get() && strays.there_are() {
                    by_hand.set(false);
                    timer.as_mut().reset(shown(next));
                }
                if by_hand.get() {
                    if !waits.take() {
                        return Poll::Pending;
                    }
                    advance_by(shown(next) - Instant::now());
                } else if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                // All that could go on at once has done so.
                if next > start && !held_up.is_empty() {
                    let felt = std::mem::take(&mut held_up);
                    if strays.polls.load(Ordering::Relaxed) > polls {
                        sim::with(|world| felt.iter().for_each(|fault| world.feel(*fault)));
                    }
                }
                if next == end {
                    return Poll::Ready(());
                }
                next = sim::with(|world| {
                    world.expect(next);
                    world.happen(node, next);
                    world.next_event(node).filter(|event| *event < end).unwrap_or(end)
                });
                by_hand.set(jumps && next < end && !strays.there_are());
                if !by_hand.get() {
                    timer.as_mut().reset(shown(next));
                }
            }
        });
        let mut set = pin!(local.run_until(events));
        let waker = Waker::from(rouser.clone());
        let mut jump = Some(Duration::from_micros(stood_still)).filter(|jump| !jump.is_zero());
        runtime.block_on(poll_fn(|context| {
            // Its clock went on while it stood still: all timers that are over by now go off at once.
            if let Some(jump) = jump.take() {
                advance_by(jump);
            }
            rouser.runtime.get_or_init(|| context.waker().clone());
            loop {
                rouser.woken.store(false, Ordering::Relaxed);
                let polled = set.as_mut().poll(&mut Context::from_waker(&waker));
                if polled.is_ready() || !by_hand.get() {
                    return polled;
                }
                waits.set(!rouser.woken.load(Ordering::Relaxed));
            }
        }));
        // Its runtime waited for nothing but the end when that came.
        rouser.woken.store(false, Ordering::Relaxed);
    }
}

/// Moves the clock of the runtime that runs on.
fn advance_by(time: Duration) {
    let moved = pin!(advance(time));
    // It moves the clock, and then lets others run.
    let _ = moved.poll(&mut Context::from_waker(Waker::noop()));
}

/// Wakes a node's runtime, and notes that somebody has.
#[derive(Default)]
struct Rouser {
    woken: AtomicBool,
    runtime: OnceLock<Waker>,
}

impl Wake for Rouser {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        if let Some(runtime) = self.runtime.get() {
            runtime.wake_by_ref();
        }
    }
}

/// Tasks of which one that panics takes the whole node along.
fn unsupervised() -> LocalSet {
    #[cfg_attr(not(tokio_unstable), allow(unused_mut))]
    let mut set = LocalSet::new();
    #[cfg(tokio_unstable)]
    set.unhandled_panic(tokio::runtime::UnhandledPanic::ShutdownRuntime);
    set
}

/// A runtime whose clock stands still until all its tasks wait, and then goes on to the next timer. `seed` is that of
/// what tokio itself draws. Tasks of the runtime itself are noted in `strays`: none of a set is one.
fn runtime(seed: u64, strays: &Arc<Strays>) -> Runtime {
    let mut builder = Builder::new_current_thread();
    #[cfg(tokio_unstable)]
    builder
        .unhandled_panic(tokio::runtime::UnhandledPanic::ShutdownRuntime)
        .rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()))
        .on_task_spawn({
            let strays = strays.clone();
            move |_| strays.there_are.store(true, Ordering::Relaxed)
        })
        .on_before_task_poll({
            let strays = strays.clone();
            move |_| {
                strays.polls.fetch_add(1, Ordering::Relaxed);
            }
        });
    #[cfg(not(tokio_unstable))]
    {
        let _ = seed;
        // Nobody says whether there are any.
        strays.there_are.store(true, Ordering::Relaxed);
    }
    let built = builder.enable_time().start_paused(true).build();
    built.expect("a runtime without I/O and threads needs nothing of the system")
}
