//! A number of reports in a row: how the pass rate, the recovery and the latency went from version to
//! version.
//!
//! It shows and judges nothing: scenarios come and go between versions, and what changed beyond chance
//! is [`crate::compare`]'s to say. Points are in the order in which the reports are given.

use crate::{
    format::{Report, Run, Verdict},
    latency::LatencyRecorder,
    stats::{Interval, Z, upper_median, wilson},
    text::{numbers::short, words::plural},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The reports in a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Trend {
    /// In the order in which they were given.
    pub points: Vec<TrendPoint>,
}

/// A report in short.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TrendPoint {
    /// What it is called: its file.
    pub label: String,
    /// The system's version.
    pub version: String,
    /// When it was made: RFC 3339, UTC.
    pub started: String,
    /// Scenarios with runs.
    pub scenarios: usize,
    /// Scenarios that the report before it does not have, or has with another file.
    pub added: usize,
    /// Scenarios of the report before it that it does not have, or has with another file.
    pub removed: usize,
    /// It has the same tests as the report before it: the same scenarios, files and seeds. Always true of the first.
    pub same_tests: bool,
    /// What tells it from the others: its version, its day, its commit (the configuration's `commit` or `revision`), or
    /// its file, whichever differ.
    pub told_by: String,
    /// Runs.
    pub runs: usize,
    /// Runs that prove nothing; they are no pass.
    pub vacuous: usize,
    /// Runs that passed.
    pub passed: usize,
    /// Runs that failed, ended their worker, or were not deterministic.
    pub failures: usize,
    /// Passed of all: 1 only if every run passed. Absent if there is none.
    pub pass_rate: Option<f64>,
    /// Where the pass rate lies: Wilson's interval, 95 %.
    pub interval: Interval,
    /// Median recovery in milliseconds of virtual time; absent if half of the runs never recovered.
    pub recovery_ms: Option<u64>,
    /// The 99th percentile of all latencies, in microseconds of virtual time; absent if there is none,
    /// or some cannot be read.
    pub p99_us: Option<u64>,
}

/// Puts reports in a row; each with a label.
#[must_use]
pub fn trend(reports: &[(String, Report)]) -> Trend {
    let mut points: Vec<TrendPoint> = Vec::new();
    let mut before: Option<Tests<'_>> = None;
    let told_by = told_by(reports);
    for ((label, report), told_by) in reports.iter().zip(told_by) {
        let tests = tests(report);
        let earlier = before.as_ref().unwrap_or(&tests);
        let added = tests.keys().filter(|test| !earlier.contains_key(*test)).count();
        let removed = earlier.keys().filter(|test| !tests.contains_key(*test)).count();
        points.push(TrendPoint {
            added,
            removed,
            same_tests: *earlier == tests,
            scenarios: tests.len(),
            told_by,
            ..point(label, report)
        });
        before = Some(tests);
    }
    Trend { points }
}

/// Scenarios with runs, by path and hash, and the seeds of each.
type Tests<'a> = BTreeMap<(&'a str, &'a str), BTreeSet<u64>>;

fn tests(report: &Report) -> Tests<'_> {
    let scenarios = report.scenarios.iter().filter(|scenario| !scenario.runs.is_empty());
    scenarios
        .map(|scenario| {
            let seeds = scenario.runs.iter().map(|run| run.seed).collect();
            ((scenario.path.as_str(), scenario.hash.as_str()), seeds)
        })
        .collect()
}

/// What tells each of the reports from the others: of version, day, commit and file the first that differs for all of them;
/// else those of the first three that differ at all, and the file where they do not suffice.
fn told_by(reports: &[(String, Report)]) -> Vec<String> {
    let commit = |report: &Report| {
        let known = ["commit", "revision"].iter().find_map(|key| report.system.config.get(*key));
        known.map(|hash| hash.chars().take(10).collect()).unwrap_or_default()
    };
    let day = |report: &Report| report.started.chars().take(10).collect::<String>();
    let of = |what: &dyn Fn(&Report) -> String| -> Vec<String> {
        reports.iter().map(|(_, report)| what(report)).collect()
    };
    let distinct = |words: &[String]| {
        let all: BTreeSet<&String> = words.iter().filter(|word| !word.is_empty()).collect();
        all.len()
    };
    let kinds = [of(&|report| report.system.version.clone()), of(&day), of(&commit)];
    if let Some(all) = kinds.iter().find(|words| distinct(words) == reports.len()) {
        return all.clone();
    }
    let differing: Vec<&Vec<String>> = kinds.iter().filter(|words| distinct(words) > 1).collect();
    let joined: Vec<String> = (0..reports.len())
        .map(|place| {
            let words = differing.iter().map(|words| words[place].as_str());
            words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    if distinct(&joined) == reports.len() {
        return joined;
    }
    reports.iter().map(|(label, _)| label.clone()).collect()
}

fn point(label: &str, report: &Report) -> TrendPoint {
    let runs: Vec<&Run> = report.runs().map(|(_, run)| run).collect();
    let of = |verdict| runs.iter().filter(|run| run.verdict == verdict).count();
    let passed = of(Verdict::Passed);
    let vacuous = of(Verdict::Vacuous) + of(Verdict::Inconclusive);
    TrendPoint {
        label: label.to_owned(),
        version: report.system.version.clone(),
        started: report.started.clone(),
        runs: runs.len(),
        vacuous,
        passed,
        failures: runs.len() - vacuous - passed,
        pass_rate: (!runs.is_empty()).then(|| passed as f64 / runs.len() as f64),
        interval: wilson(passed, runs.len(), Z),
        recovery_ms: recovery(&runs),
        p99_us: p99(&runs),
        ..TrendPoint::default()
    }
}

/// The upper median; a run that never recovered counts as longer than any.
fn recovery(runs: &[&Run]) -> Option<u64> {
    let mut times: Vec<Option<u64>> = runs
        .iter()
        .filter(|run| !matches!(run.verdict, Verdict::Vacuous | Verdict::Inconclusive))
        .map(|run| run.recovery_ms)
        .collect();
    times.sort_unstable_by_key(|time| (time.is_none(), *time));
    upper_median(&times).copied().flatten()
}

fn p99(runs: &[&Run]) -> Option<u64> {
    let mut all = LatencyRecorder::default();
    for latency in runs.iter().filter_map(|run| run.latency.as_ref()) {
        all.try_add(latency).ok()?;
    }
    all.summary().map(|latency| latency.p99_us)
}

impl TrendPoint {
    /// The median recovery in words.
    pub(super) fn recovery(&self) -> String {
        match self.recovery_ms {
            Some(ms) => short(ms.saturating_mul(1_000)),
            None if self.pass_rate.is_none() => "-".to_owned(),
            None => "never".to_owned(),
        }
    }
}

impl Trend {
    /// What makes points not alike.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let moved: Vec<String> = self
            .points
            .iter()
            .filter(|point| point.added + point.removed > 0)
            .map(|point| format!("{} (+{} -{})", point.label, point.added, point.removed))
            .collect();
        let mut notes = Vec::new();
        if !moved.is_empty() {
            notes.push(format!(
                "Scenarios came, went or changed, and the pass rate is not of the same tests: {}.",
                moved.join(", ")
            ));
        }
        let seeds = |point: &&TrendPoint| !point.same_tests && point.added + point.removed == 0;
        let reseeded: Vec<&str> =
            self.points.iter().filter(seeds).map(|point| point.label.as_str()).collect();
        if !reseeded.is_empty() {
            notes.push(format!("Other seeds than the report before: {}.", reseeded.join(", ")));
        }
        if self.points.iter().any(|point| !point.same_tests) {
            notes.push("What is not of the same tests is not joined by a line.".to_owned());
        }
        let vacuous: usize = self.points.iter().map(|point| point.vacuous).sum();
        if vacuous > 0 {
            notes.push(format!("{} vacuous: no failure, and no pass.", plural(vacuous, "run")));
        }
        notes
    }
}
