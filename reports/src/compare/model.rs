//! What a comparison says, as data: all renderings are made from it, and so is its JSON.

use crate::{
    stats::{Interval, Z, wilson},
    text::{numbers::percent, words::plural},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The name and major version of the format.
pub const COMPARISON_FORMAT: &str = "squall-comparison/1";

/// How to compare.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Options {
    /// Scenarios whose files differ are compared all the same.
    pub changed: bool,
    /// The smallest change of recovery, latency or throughput that matters, as a share: 0.1 is 10 %.
    pub minimum_effect: f64,
    /// Scenarios that are in the base only are no reason to fail.
    pub allow_missing: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { changed: false, minimum_effect: 0.1, allow_missing: false }
    }
}

/// What makes `squall compare` fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailOn {
    /// A regression, a scenario of the base that the head does not have, an alarm: what the reports
    /// contradict, or that nothing could be compared, is not a pass.
    #[default]
    Regression,
    /// These, and any finding that is not good news.
    Any,
    /// Nothing.
    None,
}

/// What came of comparing two sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Always [`COMPARISON_FORMAT`].
    pub format: String,
    /// The earlier side.
    pub base: Side,
    /// The side in question.
    pub head: Side,
    /// How they were compared.
    pub options: Options,
    /// Scenarios with runs on both sides that judge something, compared.
    pub compared: usize,
    /// What to know before reading on: alarms first.
    pub notes: Vec<Note>,
    /// The worst first.
    pub findings: Vec<Finding>,
    /// Every scenario of either side, by path.
    pub scenarios: Vec<ScenarioComparison>,
}

/// The reports of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// How many.
    pub reports: usize,
    /// Names and versions of the systems.
    pub systems: Vec<String>,
    /// Names and versions of the tools.
    pub tools: Vec<String>,
    /// Scenarios with runs.
    pub scenarios: usize,
    /// Runs that count: each seed of a scenario once.
    pub runs: usize,
}

/// How much a note matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NoteKind {
    /// The reports contradict each other, or nothing could be compared.
    Alarm,
    /// The two sides differ in more than the version.
    Caution,
    /// Good to know.
    Info,
}

/// Something to know before reading on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Note {
    /// How much it matters.
    pub kind: NoteKind,
    /// In a sentence.
    pub text: String,
}

/// What a finding means for the version in question; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// It is worse, by proof or beyond what chance explains.
    Regression,
    /// Somebody should look: it fails, or less was tested.
    Attention,
    /// It is better.
    Improvement,
    /// Nothing to do.
    Info,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// The base never failed so in this scenario.
    New,
    /// The base failed so; the head does not, in more runs than chance explains.
    Resolved,
    /// Both fail so.
    Ongoing,
    /// Seen, but too seldom to say.
    Rare,
    /// What led to it does not happen any more: weaker evidence, not a pass.
    NotExercised,
    /// The pass rate, or a number, changed.
    Changed,
    /// The scenario is in the base only.
    Vanished,
    /// The scenario is in the head only.
    Added,
    /// The scenario's file differs.
    Edited,
}

/// A finding: one scenario, and what of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What it means.
    pub weight: Weight,
    /// What it is.
    pub kind: FindingKind,
    /// The scenario's path; empty if it is of all scenarios together.
    pub scenario: String,
    /// The scenario's name.
    pub name: String,
    /// An invariant; `errored`, `unstable`, `vacuous`; `pass rate`, `recovery`, `latency`,
    /// `throughput`; `signals`; or `scenario`.
    pub subject: String,
    /// The base ran the same plan and passed, and chance does not explain that the head fails.
    pub proof: bool,
    /// What was found, in a sentence or two.
    pub text: String,
    /// How often in the base, if it counts runs.
    pub base: Option<Share>,
    /// How often in the head.
    pub head: Option<Share>,
    /// How probable it is by chance alone: two-sided, before correction.
    pub p: Option<f64>,
    /// The same, corrected for all tests of the comparison (Holm).
    pub corrected: Option<f64>,
    /// Clean runs that are still missing until it is believed to be resolved.
    pub clean_runs_missing: Option<u64>,
    /// Seeds of the base with it, all of them.
    pub base_seeds: Vec<u64>,
    /// Seeds of the head with it, all of them.
    pub head_seeds: Vec<u64>,
    /// The shapes of the evidence that are new.
    pub signatures: Vec<String>,
    /// What the first run with it shows.
    pub example: Option<String>,
    /// The command that makes that run again.
    pub replay: Option<String>,
    /// The command that makes it with the base, if that may tell whether it is new.
    pub on_base: Option<String>,
}

/// A number of runs out of some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Share {
    /// How many have it.
    pub count: usize,
    /// Out of how many.
    pub of: usize,
    /// Where the rate lies: Wilson's interval, 95 %.
    #[serde(flatten)]
    pub interval: Interval,
}

/// The verdicts of a scenario's runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct VerdictCounts {
    /// All of them.
    pub runs: usize,
    /// Passed of all that are not vacuous: a vacuous run is no evidence for passing.
    pub passed: Share,
    /// Runs that prove nothing.
    pub vacuous: usize,
    /// Runs with two different executions.
    pub unstable: usize,
    /// Runs that ended their worker.
    pub errored: usize,
}

/// A number of each run, on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// Runs of the base that have it.
    pub base_runs: usize,
    /// Runs of the head that have it.
    pub head_runs: usize,
    /// Its median in the base; absent if half of the runs never recovered.
    pub base_median: Option<f64>,
    /// Its median in the head.
    pub head_median: Option<f64>,
    /// Runs of the base that never recovered: known to take longer than they lasted, and no more.
    pub base_never: usize,
    /// Runs of the head that never recovered.
    pub head_never: usize,
    /// How many times as much it is in the head (Hodges and Lehmann, of logarithms); absent if beyond
    /// any number.
    pub ratio: Option<f64>,
    /// The lower end of its 95 % interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// The chance that a run of the head has more than one of the base (Vargha and Delaney's A).
    pub superiority: f64,
    /// How probable it is by chance alone, before correction.
    pub p: f64,
    /// The same, corrected for all numbers of the comparison (Holm).
    pub corrected: f64,
}

/// A scenario on both sides.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ScenarioComparison {
    /// Its path.
    pub path: String,
    /// Its name.
    pub name: String,
    /// The runs were compared.
    pub compared: bool,
    /// In the base; absent if it has none.
    pub base: Option<VerdictCounts>,
    /// In the head; absent if it has none.
    pub head: Option<VerdictCounts>,
    /// Runs of the same seed and plan that were compared with each other: the number of pairs. Absent if runs were compared as two samples.
    pub pairs: Option<usize>,
    /// Of the pairs, those with the same history.
    pub same_history: usize,
    /// Of the pass rate: how probable it is by chance alone, before correction.
    pub p: Option<f64>,
    /// The same, corrected (Holm).
    pub corrected: Option<f64>,
    /// The smallest drop of the pass rate that would have been seen, as a share: in four of five
    /// comparisons, corrected for all tests of this one. Absent if there are too few runs to see any.
    pub detectable_drop: Option<f64>,
    /// A new failure that hits this share of runs would have come up in the head, with 95 %, if only as
    /// something to look at.
    pub shows_by: Option<f64>,
    /// `recovery` in ms, `latency` (each run's 99th percentile) in us, `throughput` in effects per
    /// second, all of virtual time.
    pub metrics: BTreeMap<String, Metric>,
}

impl Comparison {
    /// How many findings have this weight.
    #[must_use]
    pub fn count(&self, weight: Weight) -> usize {
        self.findings.iter().filter(|finding| finding.weight == weight).count()
    }

    /// Scenarios that are in the base only.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.findings.iter().filter(|finding| finding.kind == FindingKind::Vanished).count()
    }

    /// Whether the command should fail. That nothing was compared is not a pass.
    #[must_use]
    pub fn fails(&self, on: FailOn) -> bool {
        let regressed = self.compared == 0
            || self.count(Weight::Regression) > 0
            || (self.missing() > 0 && !self.options.allow_missing)
            || self.notes.iter().any(|note| note.kind == NoteKind::Alarm);
        match on {
            FailOn::None => false,
            FailOn::Regression => regressed,
            FailOn::Any => regressed || self.count(Weight::Attention) > 0,
        }
    }
}

impl Share {
    /// With its interval.
    pub(crate) fn new(count: usize, of: usize) -> Self {
        Self { count, of, interval: wilson(count, of, Z) }
    }

    /// The rate; of nothing, nothing.
    pub(crate) fn rate(&self) -> f64 {
        if self.of == 0 { 0.0 } else { self.count as f64 / self.of as f64 }
    }

    /// `24 of 50 runs (48 %, 34 to 62 %)`
    pub(crate) fn words(&self) -> String {
        if self.of == 0 {
            return "0 of 0 runs".to_owned();
        }
        let Interval { low, high } = self.interval;
        format!(
            "{} of {} ({} %, {} to {} %)",
            self.count,
            plural(self.of, "run"),
            percent(self.rate()),
            percent(low),
            percent(high),
        )
    }
}
