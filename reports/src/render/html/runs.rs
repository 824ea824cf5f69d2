//! The scenarios of the page, each with its runs: those that did not pass first, by what is wrong
//! with them, then a table of those that did.

use crate::{
    causes::broken,
    digest::{self, ORDER},
    format::{Report, Run, ScenarioReport, Trace, Verdict, Violation},
    page::fill,
    render::html::{
        charts::{Axis, Rate},
        overview::{self, VerdictCount, glyph, word},
        picture::picture,
    },
    text::{
        clip_within,
        numbers::{grouped, record_time, short, short_ms},
        words::plural,
    },
};
use askama::Template;
use std::{cmp::Reverse, collections::BTreeMap, collections::BTreeSet};

/// Runs that did not pass, and that did, of which more are not listed one by one.
const WRONG: usize = 1_000;
const PASSED: usize = 3_000;

/// Runs of a scenario that are open from the beginning.
const OPEN: usize = 5;

/// How much of a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detail {
    /// Its verdict and its command.
    Bare,
    /// The first of what proves it.
    Reduced,
    /// Everything.
    Full,
}

/// A run that did not pass.
pub(super) struct Item<'a> {
    run: &'a Run,
    /// Among all of them.
    number: usize,
    /// Of its scenario.
    scenario: usize,
    /// It is the first that violates what it does.
    pub(super) first: bool,
    open: bool,
    command: String,
    pub(super) picture: Option<Trace>,
}

/// Everything under the overview.
pub(super) struct Scenarios<'a> {
    pub(super) items: Vec<Item<'a>>,
    sections: Vec<Section<'a>>,
}

struct Section<'a> {
    number: usize,
    scenario: &'a ScenarioReport,
    histogram: String,
    groups: Vec<Group>,
    passed: String,
}

/// Runs with which the same is wrong.
struct Group {
    title: String,
    /// Of the items.
    from: usize,
    to: usize,
    /// Seeds of those that are not listed.
    more: usize,
}

/// Notes on runs of a scenario that passed.
const NOTES: usize = 3;

/// What is wrong with a run: the same of several runs is told once.
type Symptom<'a> = (Option<usize>, BTreeSet<&'a str>, &'a str);

fn symptom(run: &Run) -> Symptom<'_> {
    let names: BTreeSet<&str> = broken(run).iter().map(|one| one.invariant).collect();
    let reason = if names.is_empty() { run.reason.as_deref().unwrap_or_default() } else { "" };
    (ORDER.iter().position(|verdict| *verdict == run.verdict), names, reason)
}

/// Gathers what is shown of the runs. `program` is how the reader calls squall.
pub(super) fn scenarios<'a>(report: &'a Report, program: &str) -> Scenarios<'a> {
    let ranked = digest::ranked(report);
    let axis = Axis::of(report.runs().map(|(_, run)| run));
    let count = |passed: bool| {
        report.runs().filter(|(_, run)| (run.verdict == Verdict::Passed) == passed).count()
    };
    let groups: Vec<Vec<Vec<&Run>>> =
        ranked.iter().map(|scenario| grouped_runs(scenario)).collect();
    let share = |total: usize, most: usize, parts: usize, least: usize| {
        if total <= most { usize::MAX } else { (most / parts.max(1)).max(least) }
    };
    let wrong = share(count(false), WRONG, groups.iter().map(Vec::len).sum(), 5);
    let passed = share(count(true), PASSED, ranked.len(), 20);
    let mut items = Vec::new();
    let mut sections = Vec::new();
    for (number, (scenario, groups)) in ranked.iter().zip(groups).enumerate() {
        let mut told = Vec::new();
        for (place, runs) in groups.into_iter().enumerate() {
            let from = items.len();
            items.extend(runs.iter().take(wrong).enumerate().map(|(at, run)| Item {
                run,
                number: from + at,
                scenario: number,
                first: at == 0,
                open: at == 0 && place < OPEN,
                command: digest::command(run, program),
                picture: picture(run),
            }));
            let to = items.len();
            told.push(Group {
                title: group_title(&runs),
                from,
                to,
                more: runs.len() - (to - from),
            });
        }
        let runs: Vec<&Run> = scenario.runs.iter().collect();
        sections.push(Section {
            number,
            scenario,
            histogram: axis.histogram(&runs, true),
            groups: told,
            passed: passed_runs(scenario, program, passed),
        });
    }
    Scenarios { items, sections }
}

/// Runs that did not pass, by what is wrong: the worst verdict first, then what most have.
fn grouped_runs(scenario: &ScenarioReport) -> Vec<Vec<&Run>> {
    let mut groups: BTreeMap<Symptom<'_>, Vec<&Run>> = BTreeMap::new();
    for run in scenario.runs.iter().filter(|run| run.verdict != Verdict::Passed) {
        groups.entry(symptom(run)).or_default().push(run);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|((verdict, ..), runs)| (*verdict, Reverse(runs.len())));
    groups.into_iter().map(|(_, runs)| runs).collect()
}

fn group_title(runs: &[&Run]) -> String {
    let Some(first) = runs.first() else { return String::new() };
    let (_, names, reason) = symptom(first);
    let names: Vec<_> = names.into_iter().map(|name| clip_within(name, 60)).collect();
    let what = match (names.is_empty(), reason.is_empty()) {
        (false, _) => clip_within(&names.join(", "), 300),
        (true, false) => clip_within(reason, 300),
        (true, true) => format!("{}, and nothing more is told", first.verdict),
    };
    format!("{what} · {} ({})", plural(runs.len(), "run"), seeds(runs))
}

fn seeds(runs: &[&Run]) -> String {
    format!("{} {}", if runs.len() == 1 { "seed" } else { "seeds" }, digest::seeds(runs))
}

#[derive(Template)]
#[template(path = "render/html/passed.html")]
struct Passed {
    title: String,
    /// What is to be known of some all the same.
    notes: Vec<String>,
    rows: Vec<PassedRow>,
    more: usize,
}

struct PassedRow {
    seed: u64,
    recovery: String,
    sim: String,
    p50: String,
    p99: String,
    hash: String,
    verified: bool,
    command: String,
}

fn passed_runs(scenario: &ScenarioReport, program: &str, most: usize) -> String {
    let passed: Vec<&Run> =
        scenario.runs.iter().filter(|run| run.verdict == Verdict::Passed).collect();
    if passed.is_empty() {
        return String::new();
    }
    let quantile = |of: Option<u64>| of.map_or_else(|| "–".to_owned(), short);
    let row = |run: &&Run| PassedRow {
        seed: run.seed,
        recovery: recovery(run),
        sim: short_ms(run.sim_ms),
        p50: quantile(run.latency.as_ref().map(|latency| latency.p50_us)),
        p99: quantile(run.latency.as_ref().map(|latency| latency.p99_us)),
        hash: clip_within(&run.hash, 64),
        verified: run.verified,
        command: clip_within(&digest::command(run, program), 240),
    };
    let note = |run: &&Run| {
        let reason = run.reason.as_ref()?;
        Some(format!("Seed {}: {}", run.seed, clip_within(reason, 400)))
    };
    fill(&Passed {
        notes: passed.iter().filter_map(note).take(NOTES).collect(),
        title: format!("{} passed ({})", plural(passed.len(), "run"), seeds(&passed)),
        rows: passed.iter().take(most).map(row).collect(),
        more: passed.len().saturating_sub(most),
    })
}

fn recovery(run: &Run) -> String {
    run.recovery_ms.map_or_else(|| "never".to_owned(), short_ms)
}

#[derive(Template)]
#[template(path = "render/html/scenario.html")]
struct ScenarioSection<'a> {
    number: usize,
    name: String,
    path: String,
    hash: String,
    counts: Vec<VerdictCount>,
    planned: Option<String>,
    rate: Option<Rate>,
    histogram: &'a str,
    groups: Vec<(&'a str, String, usize)>,
    passed: &'a str,
}

/// The sections, with what was chosen to be told of each item.
pub(super) fn render(scenarios: &Scenarios<'_>, items: &[String]) -> String {
    let section = |section: &Section<'_>| {
        let scenario = section.scenario;
        let runs = scenario.runs.len();
        let passed = scenario.runs.iter().filter(|run| run.verdict == Verdict::Passed).count();
        let of = |group: &Group| items.get(group.from..group.to).unwrap_or_default().concat();
        let groups = &section.groups;
        fill(&ScenarioSection {
            number: section.number,
            name: overview::name(scenario),
            path: clip_within(&scenario.path, 300),
            hash: clip_within(&scenario.hash, 64),
            counts: overview::counts(&scenario.runs),
            planned: (scenario.planned > runs as u64).then(|| grouped(scenario.planned)),
            rate: Rate::of(passed, runs),
            histogram: &section.histogram,
            groups: groups
                .iter()
                .map(|group| (group.title.as_str(), of(group), group.more))
                .collect(),
            passed: &section.passed,
        })
    };
    scenarios.sections.iter().map(section).collect()
}

#[derive(Template)]
#[template(path = "render/html/run.html")]
struct Shown {
    id: String,
    number: usize,
    open: bool,
    verdict: &'static str,
    glyph: &'static str,
    seed: u64,
    why: String,
    recovery: String,
    reason: Option<String>,
    facts: Vec<(&'static str, String)>,
    command: String,
    violations: Vec<ShownViolation>,
    more: usize,
    /// It has a diagram.
    drawn: bool,
}

struct ShownViolation {
    invariant: String,
    summary: String,
    evidence: Vec<ShownEvidence>,
    more: usize,
    /// Invariants whose violations follow from it.
    follow: String,
}

struct ShownEvidence {
    index: u64,
    at: String,
    node: String,
    text: String,
}

impl Item<'_> {
    /// Tells it.
    pub(super) fn render(&self, detail: Detail) -> String {
        let run = self.run;
        // Violations, records of each, characters of each text.
        let (most, evidence, text) = match detail {
            Detail::Full => (12, 16, 400),
            Detail::Reduced => (3, 3, 160),
            Detail::Bare => (0, 0, 80),
        };
        let why = match (run.violations.first(), &run.reason) {
            (Some(first), _) => {
                clip_within(&format!("{}: {}", first.invariant, first.summary), text.min(160))
            }
            (None, Some(reason)) => clip_within(reason, text.min(160)),
            (None, None) => "nothing more is told".to_owned(),
        };
        let causes = broken(run);
        // What follows stands under the last violation of its cause.
        let shown: Vec<(&Violation, String)> = causes
            .iter()
            .flat_map(|one| {
                let last = one.violations.len().saturating_sub(1);
                one.violations.iter().enumerate().map(move |(place, violation)| {
                    let follow = if place == last { &one.follow[..] } else { &[] };
                    (*violation, follow.join(", "))
                })
            })
            .collect();
        let violations = shown.iter().take(most).map(|(violation, follow)| ShownViolation {
            invariant: clip_within(&violation.invariant, text),
            summary: clip_within(&violation.summary, text),
            follow: clip_within(follow, text),
            evidence: violation
                .evidence
                .iter()
                .take(evidence)
                .map(|record| ShownEvidence {
                    index: record.index,
                    at: record_time(record.at_us),
                    node: clip_within(&record.node, 60),
                    text: clip_within(&record.text, text),
                })
                .collect(),
            more: violation.evidence.len().saturating_sub(evidence),
        });
        fill(&Shown {
            id: format!("s{}-{}-{}", self.scenario, run.seed, self.number),
            number: self.number,
            open: self.open && detail == Detail::Full,
            verdict: word(Some(run.verdict)),
            glyph: glyph(Some(run.verdict)),
            seed: run.seed,
            why,
            recovery: match run.recovery_ms {
                Some(ms) => format!("recovered in {}", short_ms(ms)),
                None => "never recovered".to_owned(),
            },
            reason: run
                .reason
                .as_ref()
                .filter(|_| detail > Detail::Bare)
                .map(|reason| clip_within(reason, text)),
            facts: if detail == Detail::Bare { Vec::new() } else { facts(run, detail) },
            command: clip_within(&self.command, if detail == Detail::Full { 2_000 } else { 240 }),
            violations: violations.collect(),
            more: shown.len().saturating_sub(most),
            drawn: self.picture.is_some() && detail > Detail::Bare,
        })
    }
}

fn facts(run: &Run, detail: Detail) -> Vec<(&'static str, String)> {
    let executed = match (run.verified, run.verdict) {
        (true, Verdict::Unstable) => "executed twice, and not the same",
        (true, _) => "executed twice, and the same",
        (false, _) => "executed once",
    };
    let mut all = vec![
        ("Simulated", format!("{} in {} of work", short_ms(run.sim_ms), short(run.wall_us))),
        ("History", format!("{} {executed}", clip_within(&run.hash, 64)).trim().to_owned()),
    ];
    if detail < Detail::Full {
        return all;
    }
    let count = &run.counters;
    let numbers = |all: &[(u64, &str)]| {
        let all: Vec<_> = all
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{} {what}", grouped(*number)))
            .collect();
        all.join(", ")
    };
    let events = numbers(&[
        (count.events_published, "published"),
        (count.acknowledged, "acknowledged"),
        (count.failed, "failed"),
        (count.indeterminate, "indeterminate"),
        (count.delivered, "delivered"),
        (count.applied, "applied"),
        (count.dead_lettered, "dead-lettered"),
    ]);
    all.push(("Events", events));
    all.push(("Traffic", numbers(&[(count.messages, "messages"), (count.faults, "faults")])));
    if let Some(latency) = &run.latency {
        let text = format!("p50 {}, p99 {}", short(latency.p50_us), short(latency.p99_us));
        all.push(("Latency", text));
    }
    let signals = run.signals.iter().take(40);
    let signals: Vec<_> = signals
        .map(|(name, number)| format!("{} {}", clip_within(name, 60), grouped(*number)))
        .collect();
    all.push(("Seen", signals.join(", ")));
    let judged = |idle: bool| {
        let all = run.judged.iter().filter(move |(_, facts)| (**facts == 0) == idle).take(60);
        all.map(move |(name, facts)| match idle {
            true => clip_within(name, 60),
            false => format!("{} {}", clip_within(name, 60), grouped(*facts)),
        })
        .collect::<Vec<_>>()
        .join(", ")
    };
    all.push(("Facts judged", judged(false)));
    all.push(("Not applicable", judged(true)));
    all.retain(|(_, text)| !text.is_empty());
    all
}
