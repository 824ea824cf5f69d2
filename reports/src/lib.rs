//! The report of a batch of runs: its format, reading and writing it, and showing it to people.
//!
//! It knows nothing of how runs are made.

mod causes;
mod compare;
mod digest;
mod file;
mod format;
mod grid;
mod journal;
mod latency;
mod merge;
mod page;
pub mod render;
mod series;
mod stats;
mod text;
mod trace;
mod trend;

pub use compare::{
    COMPARISON_FORMAT, Comparison, FailOn, Finding, FindingKind, Metric, Note, NoteKind, Options,
    ScenarioComparison, Share, Side, VerdictCounts, Weight, compare,
};
pub use file::{
    Error, is_replaceable, parse, probe_writable, read, read_if_there, write, write_atomically,
};
pub use format::{
    Canary, CommandInfo, Counters, Course, Evidence, Exit, FORMAT, Latency, Machine, Report, Run,
    ScenarioReport, Shard, SystemInfo, Tally, TimeBudget, Tool, Trace, TraceFault, TraceMessage,
    TraceRecord, Verdict, Violation, World,
};
pub use journal::{Journal, Kept, UnderWay, journal_path, peek_journal, read_journal};
pub use latency::{BadHistogram, LatencyRecorder};
pub use merge::{MergeError, Merged, batch_difference, merge};
pub use series::{Family, MetricKind, Sample, Series, SeriesMetric, sample_name, sample_value};
pub use stats::Interval;
pub use text::{fit, is_harmful, printable, words::plural};
pub use trace::{openmetrics, perfetto, shiviz};
pub use trend::{Trend, TrendPoint, trend};

/// The JSON Schema of a report, as text.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(Report);
    serde_json::to_string_pretty(&schema).unwrap_or_default()
}
