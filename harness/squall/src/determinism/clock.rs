//! libc's clock, and with it `std::time`: virtual time on a simulation's thread.
//!
//! Reads of the clock go through the vdso, where no filter of system calls sees them. The answer is virtual time,
//! so that what reads a clock in a library's depths is a function of the run all the same; that a node did is noted.

#![allow(unsafe_code)] // Overrides a function of libc.

use super::{entropy, escape};
use squall_probe::{NodeId, sim};
use std::{cell::Cell, time::Duration};

thread_local! {
    /// The clock is being read: what answers may read it again, and is told the last answer.
    static BUSY: Cell<bool> = const { Cell::new(false) };
    /// Virtual time at the last answer.
    static LAST: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    /// How long the thread was to sleep, which it did not.
    static SLEPT: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The wall clock at the start of every run: 2025-01-01T00:00:00Z.
pub(crate) const EPOCH: Duration = Duration::from_secs(1_735_689_600);

/// Monotonic clocks begin here: programs subtract from an `Instant`, and it must not be below zero.
const BOOTED: Duration = Duration::from_secs(1_000_000);

/// What a clock says on this thread, if a simulation runs on it.
pub(super) fn read(wall: bool) -> Option<Duration> {
    if !entropy::is_simulated() {
        return None;
    }
    // tokio's runtime reads the clock twice a step for its statistics, outside of any task: any time will do.
    if tokio::task::try_id().is_some() && !BUSY.replace(true) {
        if sim::current_node() != NodeId::HARNESS {
            escape::note(escape::Call::Clock { wall });
        }
        LAST.set(sim::elapsed().unwrap_or_else(|| LAST.get()));
        let node = if wall { sim::since_epoch() } else { None };
        BUSY.set(false);
        if let Some(node) = node {
            return Some(node + SLEPT.get());
        }
    }
    Some(if wall { EPOCH } else { BOOTED } + LAST.get() + SLEPT.get())
}

/// The thread is to sleep for `time`: its clocks go on, and it does not sleep.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(super) fn sleep(time: Duration) {
    SLEPT.set(SLEPT.get() + time);
}

/// Overrides libc's `clock_gettime` for the whole process.
///
/// # Safety
/// `time` must be valid for a write, as for libc's.
#[cfg(target_os = "linux")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(
    clock: libc::clockid_t,
    time: *mut libc::timespec,
) -> libc::c_int {
    if let Some(now) = read(is_wall(clock)) {
        // SAFETY: the caller vouches for `time`.
        unsafe { time.write(timespec(now)) };
        return 0;
    }
    // SAFETY: the caller's arguments, passed on unchanged.
    let code = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) };
    libc::c_int::try_from(code).unwrap_or(-1)
}

/// It tells the time of day.
#[cfg(target_os = "linux")]
pub(super) fn is_wall(clock: libc::clockid_t) -> bool {
    [libc::CLOCK_REALTIME, libc::CLOCK_REALTIME_COARSE, libc::CLOCK_TAI].contains(&clock)
}

#[cfg(target_os = "linux")]
pub(super) fn timespec(time: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: time.as_secs().try_into().expect("simulated clocks are near 2025"),
        tv_nsec: time.subsec_nanos().into(),
    }
}
