//! One node's code, on a runtime of its own.

use crate::plan::Micros;
use squall_probe::{
    NodeId,
    sim::{self, derive},
};
use std::{
    future::{Future, poll_fn},
    pin::Pin,
    rc::Rc,
    task::Poll,
    time::Duration,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::LocalSet,
    time::{Instant, Sleep, sleep, sleep_until},
};

/// Makes a node's software, which never comes to an end by itself.
pub(super) type Software = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>;

/// A node.
pub(super) struct Host {
    node: NodeId,
    seed: u64,
    software: Software,
    /// How often it was started.
    starts: u64,
    running: Option<Running>,
}

/// Its software, while it runs.
struct Running {
    // Dropped in this order: first tokio's own tasks, then those of the sets.
    runtime: Runtime,
    local: LocalSet,
    /// Tasks that are their supervisors' business when they panic.
    tasks: Rc<LocalSet>,
    /// Wakes whoever runs it.
    timer: Pin<Box<Sleep>>,
    /// What the runtime's clock showed at a virtual time.
    began: Instant,
    at: Micros,
}

/// No node runs any more, however the run of one ends.
struct Left;

impl Drop for Left {
    fn drop(&mut self) {
        sim::try_with(sim::World::leave);
    }
}

impl Host {
    pub(super) fn new(node: NodeId, seed: u64, software: Software) -> Self {
        Self { node, seed, software, starts: 0, running: None }
    }

    /// Starts its software at a virtual time, on a new runtime.
    pub(super) fn start(&mut self, at: Micros) {
        let runtime = runtime(derive(self.seed, "start", &[self.starts]));
        self.starts += 1;
        #[cfg_attr(not(tokio_unstable), allow(unused_mut))]
        let mut local = LocalSet::new();
        #[cfg(tokio_unstable)]
        local.unhandled_panic(tokio::runtime::UnhandledPanic::ShutdownRuntime);
        let (began, timer) = runtime.block_on(async {
            // The clock began to stand still some time after it was made; timers count whole milliseconds from there.
            sleep(Duration::from_millis(1)).await;
            let began = Instant::now();
            (began, Box::pin(sleep_until(began)))
        });
        local.spawn_local((self.software)());
        let tasks = Rc::new(LocalSet::new());
        let polled = tasks.clone();
        local.spawn_local(async move { polled.run_until(std::future::pending::<()>()).await });
        self.running = Some(Running { runtime, local, tasks, timer, began, at });
    }

    /// Drops its code.
    pub(super) fn stop(&mut self) {
        self.running = None;
    }

    /// Goes on until a virtual time.
    pub(super) fn run(&mut self, end: Micros) {
        let node = self.node;
        let Some(running) = &mut self.running else {
            // Its machine may have power, and answer.
            return sim::with(|world| world.land_by(node, end - 1));
        };
        let Running { runtime, local, tasks, timer, began, at } = running;
        let (began, at) = (*began, *at);
        sim::with(|world| world.enter(node, began, at, tasks.clone()));
        let _left = Left;
        // Not a future for each landing: most of a run is made of this.
        let mut next = at;
        runtime.block_on(local.run_until(poll_fn(|context| {
            loop {
                if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                let lands = sim::with(|world| {
                    world.land_by(node, next);
                    world.next_landing(node)
                });
                if next == end {
                    return Poll::Ready(());
                }
                next = lands.filter(|lands| *lands < end).unwrap_or(end);
                timer.as_mut().reset(began + Duration::from_micros(next - at));
            }
        })));
    }
}

/// A runtime whose clock stands still until all its tasks wait, and then goes on to the next timer. `seed` is that of
/// what tokio itself draws.
fn runtime(seed: u64) -> Runtime {
    let mut builder = Builder::new_current_thread();
    #[cfg(tokio_unstable)]
    builder
        .unhandled_panic(tokio::runtime::UnhandledPanic::ShutdownRuntime)
        .rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()));
    let _ = seed;
    let built = builder.enable_time().start_paused(true).build();
    built.expect("a runtime without I/O and threads needs nothing of the system")
}
