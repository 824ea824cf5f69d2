//! What did not pass, by scenario and invariant: what annotations and code quality tell.

use crate::{
    causes::{Broken, Cause, broken, by_cause},
    digest::{self, ORDER, seeds, tally},
    format::{Report, Run, ScenarioReport, Verdict},
    text::{clip, numbers::grouped, words::plural},
};
use std::{cmp::Reverse, collections::BTreeMap, fmt::Write as _};
use xxhash_rust::xxh3::xxh3_128;

/// Characters of a text that was written by a scenario or a system.
pub(super) const TEXT: usize = 300;

/// Characters of a command: cut, it is worth nothing.
pub(super) const COMMAND: usize = 4_000;

/// Violations of a run that are told.
const VIOLATIONS: usize = 8;

/// Records of evidence of a violation.
const EVIDENCE: usize = 6;

/// Invariants that are named in a headline.
const NAMES: usize = 3;

/// Runs of a scenario that failed by the same invariant, or did not pass for the same verdict.
pub(super) struct Problem<'a> {
    pub(super) scenario: &'a ScenarioReport,
    pub(super) verdict: Verdict,
    /// Which invariant's violation is the cause of failed runs, if they tell.
    pub(super) invariant: Option<&'a str>,
    /// Invariants whose violations follow from it, with how many runs show them.
    pub(super) follow: Vec<(&'a str, usize)>,
    /// In the order of the report; there is one at least.
    pub(super) runs: Vec<&'a Run>,
}

impl Problem<'_> {
    /// What it is called: the invariant, else the verdict.
    pub(super) fn check(&self) -> String {
        match self.invariant {
            Some(invariant) => clip(invariant, TEXT),
            None => self.verdict.to_string(),
        }
    }

    /// The scenario's name, or its file if it has none.
    pub(super) fn name(&self) -> String {
        name(self.scenario)
    }

    /// What the first run shows, in a sentence.
    pub(super) fn what(&self) -> String {
        let Some(run) = self.runs.first() else { return String::new() };
        let text = match self.invariant {
            None => run.reason.as_deref(),
            Some(name) => {
                let mut all = run.violations.iter();
                all.find(|violation| violation.invariant == name).map(|found| &*found.summary)
            }
        };
        clip(text.unwrap_or("no reason is told"), TEXT)
    }

    /// `4 of 20 runs (seeds 2, 3, 4 and 1 more)`
    pub(super) fn how_often(&self) -> String {
        format!(
            "{} of {} ({} {})",
            self.runs.len(),
            plural(self.scenario.runs.len(), "run"),
            if self.runs.len() == 1 { "seed" } else { "seeds" },
            seeds(&self.runs),
        )
    }

    /// The line of the scenario that it speaks of, from 1: the invariant's, or that of the step which its reason names,
    /// else the name's.
    pub(super) fn line(&self) -> u32 {
        let reason = self.runs.first().and_then(|run| run.reason.as_deref());
        let step = reason.filter(|_| self.invariant.is_none()).and_then(|reason| {
            reason.strip_prefix("line ")?.split_once(": ")?.0.parse::<u32>().ok()
        });
        if let Some(line) = step {
            return line.max(1);
        }
        line(self.scenario, self.invariant)
    }
}

/// Names problems so that they are the same in two reports: by the scenario and the invariant, by no seed, no time and no
/// machine.
#[derive(Debug, Default)]
pub(super) struct Fingerprints(BTreeMap<String, u32>);

impl Fingerprints {
    /// Unique among those of a report, in hexadecimal.
    pub(super) fn of(&mut self, problem: &Problem<'_>) -> String {
        let path = path(problem.scenario);
        // Where the file lies outside the folder that squall was called in, its folder depends on the machine.
        let elsewhere = path.starts_with('/') || path.contains(':');
        let file = if elsewhere { path.rsplit('/').next().unwrap_or_default() } else { &path };
        let (name, check) = (&problem.scenario.name, problem.check());
        let identity = format!("{file}\0{name}\0{}\0{check}", problem.verdict);
        // Scenarios that cannot be told apart are counted: two issues are never one.
        let nth = self.0.entry(identity.clone()).or_default();
        *nth += 1;
        format!("{:032x}", xxh3_128(format!("{identity}\0{nth}").as_bytes()))
    }
}

/// The line of an invariant of a scenario; without one, of its name; else the first.
pub(super) fn line(scenario: &ScenarioReport, invariant: Option<&str>) -> u32 {
    let lines = &scenario.lines;
    let line = invariant.and_then(|name| lines.get(name)).or_else(|| lines.get("name"));
    line.copied().unwrap_or(1).max(1)
}

/// A scenario's name, or its file if it has none.
pub(super) fn name(scenario: &ScenarioReport) -> String {
    clip(if scenario.name.is_empty() { &scenario.path } else { &scenario.name }, TEXT)
}

/// A scenario's file as pipelines want it: with slashes, and without a leading `./`.
pub(super) fn path(scenario: &ScenarioReport) -> String {
    let path = crate::text::printable(&scenario.file().replace('\\', "/"));
    path.trim_start_matches("./").to_owned()
}

/// What did not pass, the most severe first, of that what most runs show.
pub(super) fn problems(report: &Report) -> Vec<Problem<'_>> {
    let mut all: Vec<Problem<'_>> = report.scenarios.iter().flat_map(of).collect();
    all.sort_by_key(|problem| {
        let severity = ORDER.iter().position(|verdict| *verdict == problem.verdict);
        (severity, Reverse(problem.runs.len()))
    });
    all
}

/// What did not pass of a scenario, the most severe first.
pub(super) fn of(scenario: &ScenarioReport) -> Vec<Problem<'_>> {
    let mut all = Vec::new();
    for verdict in ORDER.into_iter().filter(|verdict| *verdict != Verdict::Passed) {
        let of: Vec<&Run> = scenario.runs.iter().filter(|run| run.verdict == verdict).collect();
        let (telling, silent): (Vec<&Run>, Vec<&Run>) = of
            .into_iter()
            .partition(|run| verdict == Verdict::Failed && !run.violations.is_empty());
        for Cause { invariant, runs, follow } in by_cause(&telling) {
            all.push(Problem { scenario, verdict, invariant: Some(invariant), follow, runs });
        }
        if !silent.is_empty() {
            let follow = Vec::new();
            all.push(Problem { scenario, verdict, invariant: None, follow, runs: silent });
        }
    }
    all
}

/// `4 of 20 runs failed, 1 errored: no_loss, drains`; `problems` are the scenario's.
pub(super) fn headline(scenario: &ScenarioReport, problems: &[Problem<'_>]) -> String {
    let mut out = String::new();
    for (verdict, number) in tally(&scenario.runs) {
        if verdict != Verdict::Passed {
            let number = grouped(number as u64);
            // Writing to a String cannot fail, here and below.
            let _ = match out.is_empty() {
                true => {
                    let runs = plural(scenario.runs.len(), "run");
                    write!(out, "{number} of {runs} {verdict}")
                }
                false => write!(out, ", {number} {verdict}"),
            };
        }
    }
    let mut names: Vec<String> =
        problems.iter().filter(|problem| problem.invariant.is_some()).map(Problem::check).collect();
    if names.is_empty() {
        names.extend(problems.first().map(Problem::what));
    }
    let more = if names.len() > NAMES { ", …" } else { "" };
    names.truncate(NAMES);
    if !names.is_empty() {
        let _ = write!(out, ": {}{more}", names.join(", "));
    }
    out
}

/// What a run shows and the command that makes it again, in lines.
pub(super) fn told(run: &Run, program: &str) -> String {
    let mut out = format!("seed {} {}\n", run.seed, run.verdict);
    if let Some(reason) = &run.reason {
        let _ = writeln!(out, "  {}", clip(reason, TEXT));
    }
    let mut left = VIOLATIONS;
    let mut more = 0;
    for Broken { invariant, violations, follow } in broken(run) {
        more += violations.len().saturating_sub(left);
        if left == 0 {
            more += follow.len();
            continue;
        }
        for violation in violations.iter().take(left) {
            let (name, summary) = (clip(invariant, TEXT), clip(&violation.summary, TEXT));
            let _ = writeln!(out, "  {name}: {summary}");
            for evidence in violation.evidence.iter().take(EVIDENCE) {
                let _ = writeln!(out, "    {}", digest::evidence(evidence, TEXT));
            }
            if violation.evidence.len() > EVIDENCE {
                let more = plural(violation.evidence.len() - EVIDENCE, "more record");
                let _ = writeln!(out, "    and {more}");
            }
        }
        left = left.saturating_sub(violations.len());
        if !follow.is_empty() {
            let names: Vec<String> =
                follow.iter().take(VIOLATIONS).map(|name| clip(name, TEXT)).collect();
            let more = if follow.len() > VIOLATIONS { ", …" } else { "" };
            let _ = writeln!(out, "    from it follow: {}{more}", names.join(", "));
        }
    }
    if more > 0 {
        let _ = writeln!(out, "  and {}", plural(more, "more violation"));
    }
    let _ = writeln!(out, "  replay: {}", clip(&digest::command(run, program), COMMAND));
    out
}
