//! The format `squall-report/1`.
//!
//! Everything but [`Run::wall_us`], [`Report::started`] and [`Report::machine`] is a function of the
//! scenarios, the seeds and the system: two reports of the same command differ in nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// The name and major version of the format.
pub const FORMAT: &str = "squall-report/1";

/// What came of a batch of runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always `squall-report/1`.
    pub format: String,
    /// What made the report.
    pub tool: Tool,
    /// What was tested.
    pub system: SystemInfo,
    /// Where it ran; absent of a simulation.
    #[serde(default, skip_serializing_if = "World::is_simulation")]
    pub world: World,
    /// How it was asked for.
    pub command: CommandInfo,
    /// When, by the wall clock: RFC 3339, UTC.
    pub started: String,
    /// Where.
    pub machine: Machine,
    /// Runs that it should hold are missing: it was interrupted, its time budget was spent, or scenarios had failed often
    /// enough.
    #[serde(default, skip_serializing_if = "is_false")]
    pub partial: bool,
    /// Which part of the planned runs it holds, if it holds a part by plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The time that it was given, if it was limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_budget: Option<TimeBudget>,
    /// Whether the suite noticed a known defect, if that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// By scenario, in the order of their paths.
    pub scenarios: Vec<ScenarioReport>,
}

/// A part of a batch that is divided over machines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shard {
    /// From 1.
    pub index: u32,
    /// How many shards there are.
    pub of: u32,
    /// Hash of the whole division, in hexadecimal: only parts of one division can be merged.
    #[serde(default)]
    pub division: String,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// A batch that ends when its time is spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeBudget {
    /// Wall time that was given, in milliseconds.
    pub wall_ms: u64,
    /// Planned runs that were left out.
    pub left_out: u64,
}

/// A known defect was switched on, to see whether anybody notices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Canary {
    /// The defect.
    pub defect: String,
    /// Runs made with it.
    pub runs: u64,
    /// The first run that broke an invariant that the defect should break, by the command that makes it
    /// again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noticed_by: Option<String>,
}

/// The tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `squall`
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The system under test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SystemInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its configuration: name and value.
    pub config: BTreeMap<String, String>,
    /// Known defects that were switched on.
    pub defects: Vec<String>,
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandInfo {
    /// The first seed.
    pub first_seed: u64,
    /// Seeds per scenario, if the command said.
    pub runs: Option<u32>,
    /// Which runs were executed twice: `sample`, `all` or `none`.
    pub verify: String,
    /// Files of rules by which alerts were judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
}

/// The machine.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Machine {
    /// `linux`
    pub os: String,
    /// `x86_64`
    pub arch: String,
    /// How many cores there were.
    pub cpus: u32,
}

impl Machine {
    /// The one that this process runs on.
    #[must_use]
    pub fn here() -> Self {
        Self {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpus: std::thread::available_parallelism()
                .map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(u32::MAX)),
        }
    }
}

/// The runs of one scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioReport {
    /// Its name.
    pub name: String,
    /// What tells it from the others: its file, and in brackets which case of a matrix it is, if it is one.
    pub path: String,
    /// Which case of a matrix it is (`--matrix`): `brokers=3, rate=400/s`; empty if it is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub case: String,
    /// Hash of the file's bytes, in hexadecimal.
    pub hash: String,
    /// Runs that were planned, over all shards; 0 in reports of versions that did not say.
    #[serde(default)]
    pub planned: u64,
    /// Runs that were left out because others had failed often enough for one cause (`--max-failures`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// Lines of the file, from 1: `name`, the invariants under `expect`, `must_not_see`, `must_alert` and `must_not_alert`.
    #[serde(default)]
    pub lines: BTreeMap<String, u32>,
    /// Its tags; empty in reports of versions that did not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Why no runs of it were made, if it cannot be run in this world: it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// By seed.
    pub runs: Vec<Run>,
}

/// What became of a run.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything that was judged held.
    #[default]
    Passed,
    /// An invariant was violated.
    Failed,
    /// A fault was never felt, or what must be seen was not: the run proves nothing.
    Vacuous,
    /// Two executions of one plan differ.
    Unstable,
    /// The run ended its worker (it never yielded, overflowed its stack, aborted, grew without bound), or the system
    /// reached past the simulation.
    Errored,
    /// Of a run in a world whose time nobody can stop: nobody can say whether it passed. What the system held was not read
    /// to its end, the harness stood still, or a fault could not be carried out.
    Inconclusive,
}

/// Where runs were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum World {
    /// In a simulator: a run is a function of its plan.
    #[default]
    Simulation,
    /// With real processes: what is made again is the same storm, not the same run.
    Live,
}

impl ScenarioReport {
    /// Its file.
    #[must_use]
    pub fn file(&self) -> &str {
        let case = format!(" [{}]", self.case);
        self.path.strip_suffix(&case).unwrap_or(&self.path)
    }
}

impl World {
    fn is_simulation(&self) -> bool {
        *self == Self::Simulation
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Vacuous => "vacuous",
            Self::Unstable => "unstable",
            Self::Errored => "errored",
            Self::Inconclusive => "inconclusive",
        })
    }
}

/// One run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// What became of it.
    pub verdict: Verdict,
    /// Why it is vacuous, inconclusive, unstable or errored, or what is to be known beside: of its failure, or of what it lost as was
    /// to be expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Hash of the history, in hexadecimal; empty if there is none.
    pub hash: String,
    /// It was executed twice, with equal hashes unless it is unstable.
    pub verified: bool,
    /// Virtual time, in milliseconds.
    pub sim_ms: u64,
    /// Wall time, in microseconds, of all its executions.
    pub wall_us: u64,
    /// From the healing until everything was caught up, in milliseconds of virtual time; absent if it
    /// never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_ms: Option<u64>,
    /// What was seen, how often.
    pub signals: BTreeMap<String, u64>,
    /// Nodes whose software ended by itself or was killed, by time: the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exits: Vec<Exit>,
    /// What was violated: causes first, each with what follows from it.
    pub violations: Vec<Violation>,
    /// How many facts each invariant has judged that the system promises, by its name: things that happened and could
    /// have violated it.
    /// With 0 it has not held, it is not applicable. Empty in reports of versions that did not count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub judged: BTreeMap<String, u64>,
    /// Alerts that fired, by name: when the first of that name did, in milliseconds of virtual time. Only of scenarios that
    /// ask for alerts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub alerts: BTreeMap<String, u64>,
    /// Totals.
    pub counters: Counters,
    /// From publish to each group's effect; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// The command that makes this run again; of a live run, that tells its history again.
    pub replay: String,
    /// The file that holds the history of a live run, if it was kept: it can be judged again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<String>,
    /// What a diagram of it shows; there is one for failed runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
}

/// A part of a history, for a space-time diagram: what the evidence speaks of, what the faults and
/// the nodes did, and the messages around it. It is a function of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// Names of nodes. Others refer to them by index, from 0; `squall` itself is no node.
    pub nodes: Vec<String>,
    /// Faults, by beginning.
    pub faults: Vec<TraceFault>,
    /// Records, by index.
    pub records: Vec<TraceRecord>,
    /// Messages, by sending.
    pub messages: Vec<TraceMessage>,
    /// Records and messages of the whole run that are not in it.
    pub left_out: u64,
    /// The whole run in short; absent in reports of versions that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub course: Option<Course>,
}

/// A whole run in equal parts of time, for a strip above its diagram. All lists have an entry a part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Course {
    /// How long a part is, in microseconds of virtual time.
    pub part_us: u64,
    /// Publishes invoked.
    pub published: Vec<u64>,
    /// Effects.
    pub applied: Vec<u64>,
    /// The longest latency of these effects, in microseconds; 0 where there are none.
    pub latency_us: Vec<u64>,
    /// Events that were acknowledged and have no effect yet, in any group, when the part ends. What was taken out of
    /// the log or the queue otherwise (dead letters, expiry) is not among them.
    pub lag: Vec<u64>,
}

/// An occurrence of a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceFault {
    /// The fault in words: `crash: leader`.
    pub text: String,
    /// Its line in the scenario.
    pub line: u32,
    /// The nodes it acts on.
    pub nodes: Vec<u16>,
    /// When it began, in microseconds of virtual time.
    pub from_us: u64,
    /// When it was over; absent if it was never healed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_us: Option<u64>,
}

impl TraceFault {
    /// Whether it acts at a time, in microseconds.
    #[must_use]
    pub fn acts_at(&self, us: u64) -> bool {
        self.from_us <= us && self.to_us.is_none_or(|to| us < to)
    }
}

/// A record of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceRecord {
    /// Its place in the history, from 0.
    pub index: u64,
    /// Virtual time, in microseconds.
    pub at_us: u64,
    /// The node; absent for squall itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u16>,
    /// What it is: `publish_ok`, `append`, `lead`, `crash`, …
    pub kind: String,
    /// What happened, in words.
    pub text: String,
    /// The event it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<u64>,
    /// The event's key, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<u64>,
    /// It proves a violation.
    #[serde(default, skip_serializing_if = "is_false")]
    pub evidence: bool,
}

/// A frame between two nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceMessage {
    /// The sender.
    pub from: u16,
    /// The receiver.
    pub to: u16,
    /// When it was sent, in microseconds of virtual time.
    pub sent_us: u64,
    /// When it was read; absent if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_us: Option<u64>,
    /// Its kind: `publish`, `replicate`, …
    pub kind: String,
}

/// A node's software ended without being asked to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exit {
    /// When, in microseconds of virtual time.
    pub at_us: u64,
    /// The node.
    pub node: String,
    /// The error that it ended with, or what killed it.
    pub reason: String,
}

/// An invariant that did not hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// Its name.
    pub invariant: String,
    /// What is wrong, in a sentence.
    pub summary: String,
    /// The records that prove it, and those by which it came to it, in order.
    pub evidence: Vec<Evidence>,
    /// The invariant whose violation explains this one; that one stands before it. Absent for a cause, and in
    /// reports of versions that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consequence_of: Option<String>,
}

/// A record of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Its place in the history, from 0.
    pub index: u64,
    /// Virtual time, in microseconds.
    pub at_us: u64,
    /// The node.
    pub node: String,
    /// What it is: `publish_ok`, `append`, `lead`, `crash`, …; empty in reports of versions that did
    /// not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// What happened, in words.
    pub text: String,
}

/// Totals of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counters {
    /// Publishes invoked.
    pub events_published: u64,
    /// Publishes that ended ok.
    pub acknowledged: u64,
    /// Publishes that surely did not happen.
    pub failed: u64,
    /// Publishes that were indeterminate at some time.
    pub indeterminate: u64,
    /// Deliveries to consumers, again counted.
    pub delivered: u64,
    /// Effects.
    pub applied: u64,
    /// Dead letters.
    pub dead_lettered: u64,
    /// Frames sent between nodes.
    pub messages: u64,
    /// Occurrences of faults that began.
    pub faults: u64,
    /// Of a live run in which a client read all that the system holds, to the end that the system names: what of the
    /// acknowledged was not there, and what was there more than once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tally: Option<Tally>,
}

/// What a client found when it read all that a system holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Events whose publish had ended ok when the reading began.
    pub acknowledged: u64,
    /// Those of them that were not there.
    pub lost: u64,
    /// Entries beyond the first of each event.
    pub duplicated: u64,
}

/// A distribution of latencies, in microseconds of virtual time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// How many.
    pub count: u64,
    /// The smallest.
    pub min_us: u64,
    /// Half are at most this.
    pub p50_us: u64,
    /// 90 % are at most this.
    pub p90_us: u64,
    /// 99 % are at most this.
    pub p99_us: u64,
    /// The largest.
    pub max_us: u64,
    /// All of it: an HdrHistogram (V2, three significant digits, from 1 us to an hour), in
    /// hexadecimal.
    pub histogram: String,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference.
fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference.
fn is_false(value: &bool) -> bool {
    !value
}

impl Report {
    /// There are runs, and all of them passed.
    #[must_use]
    pub fn all_passed(&self) -> bool {
        let mut runs = self.runs().peekable();
        runs.peek().is_some() && runs.all(|(_, run)| run.verdict == Verdict::Passed)
    }

    /// Every run with its scenario.
    pub fn runs(&self) -> impl Iterator<Item = (&ScenarioReport, &Run)> {
        self.scenarios
            .iter()
            .flat_map(|scenario| scenario.runs.iter().map(move |run| (scenario, run)))
    }

    /// A copy without what depends on the machine and the moment.
    #[must_use]
    pub fn without_times(&self) -> Self {
        let mut report = self.clone();
        report.started.clear();
        report.machine = Machine::default();
        for run in report.scenarios.iter_mut().flat_map(|scenario| &mut scenario.runs) {
            run.wall_us = 0;
        }
        report
    }
}
