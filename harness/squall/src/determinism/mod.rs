//! What would still leak the outside world into a run, closed; what a system does past the simulation, noticed.
//!
//! Leaks, each measured (see `ARCHITECTURE.md`): the operating system's randomness (`entropy`), the clock
//! (`clock`), tokio's process-wide task numbers, and the panic hook, which must know which node panicked.
//! Everything else that a program does to the world is a system call, and a simulation's thread needs next to
//! none: `syscalls` lets no other pass, and `escape` says what it was. The two last and `entropy` and `clock`
//! are where the workspace is `unsafe`.

mod allow;
pub(crate) mod calls;
#[cfg_attr(not(target_os = "linux"), allow(dead_code))] // Nobody overrides anything there.
mod clock;
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
mod entropy;
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
mod escape;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod syscalls;

pub use allow::Allow;
pub(crate) use clock::EPOCH;
pub use escape::Escape;

use squall_probe::{NodeId, sim};
use std::{cell::RefCell, io, panic, sync::Once};

thread_local! {
    static PANICS: RefCell<Vec<Panic>> = const { RefCell::new(Vec::new()) };
}

/// A panic in the system under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// Whose task.
    pub node: NodeId,
    /// The message and the place.
    pub message: String,
}

/// What came of a simulation, beside its result.
#[derive(Debug)]
pub struct Watched<R> {
    /// What `simulate` returned.
    pub result: R,
    /// The first thing that got past the simulation.
    pub escape: Option<Escape>,
    /// Why nobody looked whether something did.
    pub unwatched: Option<String>,
}

/// Why a simulation came to no end on its thread: the harness itself is broken.
#[derive(Debug, thiserror::Error)]
pub enum IsolationError {
    /// The system starts no thread.
    #[error("cannot start a thread: {0}")]
    NoThread(#[source] io::Error),
    /// It panicked outside the system under test.
    #[error("the simulation's thread panicked")]
    Panicked,
}

/// Runs `simulate` on a fresh thread on which randomness is a function of `seed`, clocks tell virtual time, task
/// numbers are aligned, and only `allow` gets past the simulation. One at a time in a process, or the alignment
/// is void.
///
/// # Errors
/// The harness itself is broken.
pub fn isolated<R: Send>(
    seed: u64,
    allow: &[Allow],
    simulate: impl FnOnce() -> R + Send,
) -> Result<Watched<R>, IsolationError> {
    install_hook();
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("simulation".into())
            .stack_size(8 << 20)
            .spawn_scoped(scope, move || {
                // First of all: a thread's hash keys are drawn once, by whatever hashes first.
                entropy::begin(seed);
                align_task_ids();
                escape::watch(allow);
                let unwatched = guard(allow).err();
                let result = simulate();
                let escape = escape::take();
                entropy::end();
                Watched { result, escape, unwatched }
            })
            .map_err(IsolationError::NoThread)?
            .join()
            .map_err(|_| IsolationError::Panicked)
    })
}

/// Whether something got past the simulation on this thread.
pub(crate) fn escaped() -> bool {
    escape::noted()
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn guard(allow: &[Allow]) -> Result<(), String> {
    syscalls::guard(allow)
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn guard(_: &[Allow]) -> Result<(), String> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    Err(format!("system calls are not filtered on {os} on {arch}"))
}

/// The panics since the last call, on this thread.
pub(crate) fn take_panics() -> Vec<Panic> {
    PANICS.with(|panics| std::mem::take(&mut *panics.borrow_mut()))
}

/// Puts back what [`take_panics`] took.
pub(crate) fn put_panics(taken: Vec<Panic>) {
    PANICS.with(|panics| *panics.borrow_mut() = taken);
}

/// Said of a panic in a task that tokio, not squall_probe, spawned.
const UNSUPERVISED: &str = " (if its supervisor handles that: under squall a task of tokio's own spawn takes its whole node \
                            along; use squall_probe::task::spawn)";

/// Panics of a simulated node are kept for the verdict; all others go where they went before.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !entropy::is_simulated() {
                return before(info);
            }
            let message = info.payload_as_str().unwrap_or("a panic without a message");
            let place = info
                .location()
                .map(|at| format!(" at {}:{}", at.file(), at.line()))
                .unwrap_or_default();
            let node = sim::current_node();
            let hint =
                if node == NodeId::HARNESS || sim::in_gated_task() { "" } else { UNSUPERVISED };
            let panic = Panic { node, message: format!("{message}{place}{hint}") };
            let _ = PANICS.try_with(|panics| {
                if let Ok(mut panics) = panics.try_borrow_mut() {
                    panics.push(panic);
                }
            });
        }));
    });
}

/// tokio spreads a current-thread runtime's tasks over lists by `id % 4` and drops them list by list,
/// and ids count every task the process ever spawned: so begin each run at the same remainder.
fn align_task_ids() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    for _ in 0..128 {
        let id: u64 = runtime.spawn(async {}).id().to_string().parse().unwrap_or(63);
        if id % 64 == 63 {
            break;
        }
    }
}
