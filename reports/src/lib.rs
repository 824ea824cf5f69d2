//! The report of a batch of runs: its format, reading and writing it, and showing it to people.
//!
//! It knows nothing of how runs are made.

mod digest;
mod file;
mod format;
mod html;
mod journal;
mod latency;
mod merge;
mod terminal;
mod text;

pub use file::{Error, parse, probe_writable, read, write, write_atomically};
pub use format::{
    Canary, CommandInfo, Counters, Evidence, FORMAT, Latency, Machine, Report, Run, ScenarioReport,
    Shard, SystemInfo, TimeBudget, Tool, Trace, TraceFault, TraceMessage, TraceRecord, Verdict,
    Violation,
};
pub use html::html;
pub use journal::{Journal, Kept, journal_path, read_journal};
pub use latency::{BadHistogram, LatencyRecorder};
pub use merge::{MergeError, Merged, merge};
pub use terminal::{summary, summary_all};
