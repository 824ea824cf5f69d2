//! The report of a batch of runs: its format, reading and writing it, and showing it to people.
//!
//! It knows nothing of how runs are made.

mod file;
mod format;
mod latency;
mod stats;
mod terminal;

pub use file::{Error, parse, probe_writable, read, write, write_atomically};
pub use format::{
    Canary, CommandInfo, Counters, Evidence, FORMAT, Latency, Machine, Report, Run, ScenarioReport,
    Shard, SystemInfo, TimeBudget, Tool, Trace, TraceFault, TraceMessage, TraceRecord, Verdict,
    Violation,
};
pub use latency::{BadHistogram, LatencyRecorder};
pub use terminal::summary;
