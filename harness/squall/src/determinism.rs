//! What would still leak the outside world into a run, closed.
//!
//! Three leaks, each measured (see `ARCHITECTURE.md`): the operating system's randomness (std's hash
//! keys, any crate's generator), tokio's process-wide task numbers, and the panic hook, which must
//! know which node panicked.

#![allow(unsafe_code)] // The one exception of the workspace: overriding `getrandom`.

use squall_probe::{NodeId, mix, sim};
use std::{
    cell::{Cell, RefCell},
    panic,
    sync::Once,
};

thread_local! {
    /// The state of this thread's generator, while it runs a simulation.
    static ENTROPY: Cell<Option<u64>> = const { Cell::new(None) };
    static PANIC: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// A panic in the system under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// Whose task.
    pub node: NodeId,
    /// The message and the place.
    pub message: String,
}

/// Runs `simulate` on a fresh thread on which `getrandom` is a function of `seed` and task numbers
/// are aligned. One at a time in a process, or the alignment is void.
///
/// # Errors
/// The thread panicked outside the system under test: the harness itself is broken.
pub fn isolated<R: Send>(seed: u64, simulate: impl FnOnce() -> R + Send) -> Result<R, String> {
    install_hook();
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("simulation".into())
            .stack_size(8 << 20)
            .spawn_scoped(scope, move || {
                align_task_ids();
                ENTROPY.with(|entropy| entropy.set(Some(mix(seed))));
                let result = simulate();
                ENTROPY.with(|entropy| entropy.set(None));
                result
            })
            .map_err(|error| format!("cannot start a thread: {error}"))?
            .join()
            .map_err(|_| "the simulation's thread panicked".to_owned())
    })
}

/// The first panic since the last call, on this thread.
pub(crate) fn take_panic() -> Option<Panic> {
    PANIC.with(|slot| slot.borrow_mut().take())
}

/// Panics of a simulated node are kept for the verdict; all others go where they went before.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let simulated = ENTROPY.try_with(Cell::get).ok().flatten().is_some();
            if !simulated {
                return before(info);
            }
            let message = info.payload_as_str().unwrap_or("a panic without a message");
            let place = info
                .location()
                .map(|at| format!(" at {}:{}", at.file(), at.line()))
                .unwrap_or_default();
            let node = sim::current_node();
            let panic = Panic { node, message: format!("{message}{place}") };
            let _ = PANIC.try_with(|slot| {
                if let Ok(mut slot) = slot.try_borrow_mut() {
                    // What follows from a panic is not its cause.
                    slot.get_or_insert(panic);
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

/// Overrides libc's `getrandom` for the whole process: on a simulation's thread its bytes are a
/// function of the seed, elsewhere the kernel's.
///
/// # Safety
/// `buffer` must be valid for `length` bytes, as for libc's.
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(
    buffer: *mut libc::c_void,
    length: libc::size_t,
    flags: libc::c_uint,
) -> libc::ssize_t {
    let Some(state) = ENTROPY.try_with(Cell::get).ok().flatten() else {
        // SAFETY: the caller's buffer and length, passed on unchanged.
        let got = unsafe { libc::syscall(libc::SYS_getrandom, buffer, length, flags) };
        return libc::ssize_t::try_from(got).unwrap_or(-1);
    };
    // SAFETY: the caller vouches for `length` bytes at `buffer`.
    let bytes = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) };
    let mut state = state;
    for chunk in bytes.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        chunk.copy_from_slice(&mix(state).to_le_bytes()[..chunk.len()]);
    }
    let _ = ENTROPY.try_with(|entropy| entropy.set(Some(state)));
    libc::ssize_t::try_from(length).unwrap_or(libc::ssize_t::MAX)
}
