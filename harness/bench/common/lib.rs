//! Each simulator has a process of its own (a runner), for each overrides what it needs of libc. It reads jobs, one a
//! line, and answers what each took.

use serde::{Deserialize, Serialize};
use std::{
    io::{self, BufRead as _, Write as _},
    time::Duration,
};

/// What a runner is asked to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Job {
    /// Run the reference system.
    System(SystemJob),
    /// Step hosts that do nothing.
    Steps { hosts: usize, steps: u32, what: Stepped },
    /// Wait for timers of some minutes, for this long.
    Waits { hosts: u32, seconds: u64 },
    /// Send messages back and forth.
    Echo(Echo),
    /// Replicate a log.
    Log(Log),
}

/// What of an idle simulation is stepped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stepped {
    /// All of it.
    All,
    /// The links and the clock of the network: no host runs.
    Links,
    /// As many runtimes with a `LocalSet`, without the simulator.
    Runtimes,
    /// As many runtimes, without `LocalSet` and simulator.
    BareRuntimes,
}

/// The reference system, its workload, and for how long.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SystemJob {
    pub nodes: Vec<SystemNode>,
    pub seed: u64,
    pub tick_ms: u32,
    /// Of a link, in milliseconds: least and most.
    pub latency_ms: (u32, u32),
    /// How long, in microseconds of virtual time.
    pub lasts_us: u64,
}

/// A node of the reference system.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SystemNode {
    pub name: String,
    pub role: String,
    pub index: u32,
    /// When it publishes what.
    pub orders: Vec<Order>,
}

/// An event that a producer publishes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Order {
    pub at_us: u64,
    pub id: u64,
    pub key: u32,
    pub size: u32,
}

/// Messages of this size go from one host to another and come back, on this number of connections, one at a time on each.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Echo {
    pub connections: u32,
    /// Of each connection.
    pub messages: u32,
    pub bytes: usize,
}

/// A leader and two followers; clients append entries, this number under way at a time, each acknowledged when two of
/// three have it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Log {
    pub entries: u32,
    pub under_way: u32,
    pub bytes: usize,
}

/// What came of a job.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Of the processor, user and system.
    pub seconds: f64,
    /// Messages, entries, acknowledged publishes: what was to be done, done.
    pub done: u64,
}

/// What this process has used of processors so far, user and system, threads that ended included.
pub fn cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // The system call itself: simulators override libc's function.
    // SAFETY: it writes to `time` and nowhere else.
    let told = unsafe {
        libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time)
    };
    assert_eq!(told, 0, "every Linux tells what a process has used");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The seconds of processor that `piece` takes.
pub fn seconds<R>(piece: impl FnOnce() -> R) -> (f64, R) {
    let before = cpu();
    let result = std::hint::black_box(piece());
    ((cpu() - before).as_secs_f64(), result)
}

/// Serves jobs until standard input ends. `run` answers what was done.
pub fn serve(mut run: impl FnMut(Job) -> u64) {
    for line in io::stdin().lock().lines() {
        let line = line.expect("whoever started this process writes text");
        let job = serde_json::from_str(&line).expect("whoever started this process writes jobs");
        let (seconds, done) = seconds(|| run(job));
        let answer = serde_json::to_string(&Answer { seconds, done }).expect("numbers are JSON");
        let mut out = io::stdout().lock();
        writeln!(out, "{answer}").and_then(|()| out.flush()).expect("somebody waits for it");
    }
}
