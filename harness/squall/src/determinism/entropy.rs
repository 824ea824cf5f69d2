//! The operating system's randomness (std's hash keys, any crate's generator) as a function of the seed.

#![allow(unsafe_code)] // Overrides a function of libc.

use squall_probe::mix;
use std::cell::Cell;

thread_local! {
    /// The state of this thread's generator, while it runs a simulation.
    static STATE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// From here on this thread's randomness is a function of `seed`.
pub(super) fn begin(seed: u64) {
    STATE.set(Some(mix(seed)));
}

/// This thread's randomness is the kernel's again.
pub(super) fn end() {
    STATE.set(None);
}

/// A simulation runs on this thread.
pub(super) fn is_simulated() -> bool {
    STATE.try_with(Cell::get).ok().flatten().is_some()
}

/// Fills `bytes` if a simulation runs on this thread; whether it does.
pub(super) fn fill(bytes: &mut [u8]) -> bool {
    let Some(mut state) = STATE.try_with(Cell::get).ok().flatten() else { return false };
    for chunk in bytes.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        chunk.copy_from_slice(&mix(state).to_le_bytes()[..chunk.len()]);
    }
    STATE.set(Some(state));
    true
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
    if is_simulated() {
        // SAFETY: the caller vouches for `length` bytes at `buffer`.
        fill(unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) });
        return libc::ssize_t::try_from(length).expect("no buffer is longer than isize::MAX");
    }
    // SAFETY: the caller's buffer and length, passed on unchanged.
    let got = unsafe { libc::syscall(libc::SYS_getrandom, buffer, length, flags) };
    libc::ssize_t::try_from(got).unwrap_or(-1)
}
