//! The report of a batch of runs: its format, reading and writing it, and showing it to people.
//!
//! It knows nothing of how runs are made.

mod compare;
mod file;
mod format;
mod latency;
mod stats;
mod terminal;
mod trend;

pub use compare::{
    COMPARISON_FORMAT, Comparison, FailOn, Finding, Kind, Metric, Note, NoteKind, Options, Runs,
    ScenarioComparison, Share, Side, Weight, compare,
};
pub use file::{Error, parse, probe_writable, read, write, write_atomically};
pub use format::{
    Canary, CommandInfo, Counters, Evidence, FORMAT, Latency, Machine, Report, Run, ScenarioReport,
    Shard, SystemInfo, TimeBudget, Tool, Trace, TraceFault, TraceMessage, TraceRecord, Verdict,
    Violation,
};
pub use latency::{BadHistogram, LatencyRecorder};
pub use stats::Interval;
pub use terminal::summary;
pub use trend::{Trend, TrendPoint, trend};
