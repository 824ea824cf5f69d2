//! A run that is told on a page, and how much of it.

use super::{
    picture::picture,
    steps::{Life, Step, life},
};
use crate::{
    causes::{Of, broken},
    digest,
    format::{Run, ScenarioReport, Trace, Verdict, Violation},
    page::{
        fill::fill,
        verdicts::{glyph, word},
    },
    text::{
        clip_within,
        numbers::{grouped, record_time, short, short_ms},
    },
};
use askama::Template;

/// How much of a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Detail {
    /// Its verdict and its command.
    Bare,
    /// The first of what proves it.
    Reduced,
    /// Everything.
    Full,
}

/// A run that is told.
pub(crate) struct Item<'a> {
    scenario: &'a ScenarioReport,
    run: &'a Run,
    /// Among all of the page; its address is `#r` and this number.
    pub(crate) number: usize,
    /// It is told in full before others are.
    pub(crate) first: bool,
    /// It is open from the beginning.
    open: bool,
    command: String,
    /// The invariant on whose violation it opens; else the first cause.
    about: &'a str,
    pub(super) picture: Option<Trace>,
}

impl<'a> Item<'a> {
    /// A run to be told. `program` is how the reader calls squall.
    pub(crate) fn new((scenario, run): Of<'a>, number: usize, first: bool, program: &str) -> Self {
        let command = digest::command(run, program);
        let picture = picture(run);
        Self { scenario, run, number, first, open: false, command, about: "", picture }
    }

    /// It opens on the violation of this invariant, if there is one.
    pub(crate) fn about(self, invariant: &'a str) -> Self {
        Self { about: invariant, ..self }
    }

    /// Open from the beginning.
    pub(crate) fn opened(self) -> Self {
        Self { open: true, ..self }
    }

    /// Its scenario.
    pub(crate) fn scenario(&self) -> &'a ScenarioReport {
        self.scenario
    }

    /// The run.
    pub(crate) fn run(&self) -> &'a Run {
        self.run
    }

    /// It tells this run.
    pub(crate) fn is(&self, (scenario, run): Of<'_>) -> bool {
        std::ptr::eq(self.scenario, scenario) && std::ptr::eq(self.run, run)
    }
}

/// The name of a scenario, as a page calls it.
pub(crate) fn name(scenario: &ScenarioReport) -> String {
    let name = if scenario.name.trim().is_empty() { &scenario.path } else { &scenario.name };
    if name.trim().is_empty() {
        "a scenario without a name".to_owned()
    } else {
        clip_within(name, 300)
    }
}

/// What a filter goes by, a line each: it stands in an attribute.
pub(crate) fn lines<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.take(24).map(|word| clip_within(word, 60)).collect::<Vec<_>>().join("\n")
}

#[derive(Template)]
#[template(path = "page/story/run.html")]
struct Shown {
    number: usize,
    open: bool,
    verdict: &'static str,
    glyph: &'static str,
    seed: u64,
    scenario: String,
    why: String,
    /// For filters: tags and invariants, a line each.
    tags: String,
    invariants: String,
    /// What the run is about: the first of its causes.
    cause: Option<ShownViolation>,
    reason: Option<String>,
    command: String,
    /// What the cause is about, in a word, and its events.
    subject: String,
    events: String,
    steps: Vec<Step>,
    steps_more: usize,
    /// It has a diagram.
    drawn: bool,
    /// Other violations, with their evidence.
    others: Vec<ShownViolation>,
    others_more: usize,
    /// All records of the trace, for browsers without scripts.
    records: Vec<ShownEvidence>,
    facts: Vec<(&'static str, String)>,
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

/// How many of what is told.
struct Limits {
    violations: usize,
    evidence: usize,
    steps: usize,
    records: usize,
    /// Characters of a text.
    text: usize,
}

impl Detail {
    fn limits(self) -> Limits {
        match self {
            Self::Full => {
                Limits { violations: 12, evidence: 16, steps: 60, records: 200, text: 400 }
            }
            Self::Reduced => Limits { violations: 2, evidence: 3, steps: 6, records: 0, text: 160 },
            Self::Bare => Limits { violations: 0, evidence: 0, steps: 0, records: 0, text: 90 },
        }
    }
}

impl Item<'_> {
    /// Tells it.
    pub(super) fn render(&self, detail: Detail) -> String {
        let run = self.run;
        let limits = detail.limits();
        let text = limits.text;
        let why = match (run.violations.first(), &run.reason) {
            (Some(first), _) => clip_within(&first.summary, text.min(160)),
            (None, Some(reason)) => clip_within(reason, text.min(160)),
            (None, None) if run.verdict == Verdict::Passed => "how it met its faults".to_owned(),
            (None, None) => "nothing more is told".to_owned(),
        };
        let causes = broken(run);
        // What follows stands under the last violation of its cause.
        let mut shown: Vec<(&Violation, String)> = causes
            .iter()
            .flat_map(|one| {
                let last = one.violations.len().saturating_sub(1);
                one.violations.iter().enumerate().map(move |(place, violation)| {
                    let follow = if place == last { &one.follow[..] } else { &[] };
                    (*violation, follow.join(", "))
                })
            })
            .collect();
        let opens = shown.iter().position(|(violation, _)| violation.invariant == self.about);
        if let Some(place) = opens {
            shown[..=place].rotate_right(1);
        }
        let first = (!shown.is_empty() && detail > Detail::Bare).then(|| shown.remove(0));
        let about = |(violation, follow): &(&Violation, String), evidence: usize| ShownViolation {
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
        };
        let Life { events, steps, more, .. } = match (&first, &self.picture) {
            (Some((violation, _)), Some(trace)) => life(trace, violation, limits.steps, text),
            _ => Life { events: Vec::new(), steps: Vec::new(), more: 0 },
        };
        let life = Life { events, steps, more };
        let opened = first.as_ref().map(|(violation, _)| violation.invariant.as_str());
        let of_it = causes.iter().find(|one| Some(one.invariant) == opened);
        let follow = of_it.map(|one| one.follow.join(", ")).unwrap_or_default();
        let names = run.violations.iter().map(|violation| violation.invariant.as_str());
        let mut invariants: Vec<&str> = names.collect();
        invariants.sort_unstable();
        invariants.dedup();
        fill(&Shown {
            number: self.number,
            open: self.open && detail > Detail::Bare,
            verdict: word(Some(run.verdict)),
            glyph: glyph(Some(run.verdict)),
            seed: run.seed,
            scenario: clip_within(
                &name(self.scenario),
                if detail == Detail::Full { 300 } else { 60 },
            ),
            why,
            tags: lines(self.scenario.tags.iter().map(String::as_str)),
            invariants: lines(invariants.into_iter()),
            cause: first.as_ref().map(|(violation, _)| {
                let mut cause = about(&(*violation, follow), 0);
                cause.more = 0;
                cause
            }),
            reason: run
                .reason
                .as_ref()
                .filter(|_| detail > Detail::Bare)
                .map(|reason| clip_within(reason, text)),
            command: clip_within(&self.command, if detail == Detail::Full { 2_000 } else { 240 }),
            subject: life.name(),
            events: life.events.iter().take(50).map(u64::to_string).collect::<Vec<_>>().join(" "),
            steps: life.steps,
            steps_more: if detail == Detail::Bare { 0 } else { life.more },
            drawn: self.picture.is_some() && detail > Detail::Bare,
            others: shown
                .iter()
                .take(limits.violations)
                .map(|one| about(one, limits.evidence))
                .collect(),
            others_more: shown.len().saturating_sub(limits.violations),
            // Of the first of each cause: a page of many failures stays small.
            records: self.records(if self.first { limits.records } else { 0 }, text),
            facts: if detail == Detail::Bare { Vec::new() } else { facts(run, detail) },
        })
    }

    fn records(&self, most: usize, text: usize) -> Vec<ShownEvidence> {
        let Some(trace) = &self.picture else { return Vec::new() };
        let node = |place: Option<u16>| place.and_then(|at| trace.nodes.get(usize::from(at)));
        let record = |record: &crate::format::TraceRecord| ShownEvidence {
            index: record.index,
            at: record_time(record.at_us),
            node: clip_within(node(record.node).map_or("squall", String::as_str), 60),
            text: clip_within(&record.text, text),
        };
        trace.records.iter().take(most).map(record).collect()
    }
}

fn facts(run: &Run, detail: Detail) -> Vec<(&'static str, String)> {
    let executed = match (run.verified, run.verdict) {
        (true, Verdict::Unstable) => "executed twice, and not the same",
        (true, _) => "executed twice, and the same",
        (false, _) => "executed once",
    };
    let recovery = match run.recovery_ms {
        Some(ms) => format!("in {}", short_ms(ms)),
        None => "never".to_owned(),
    };
    let mut all = vec![
        ("Recovered", recovery),
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
