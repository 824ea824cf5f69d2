//! What broke: runs that did not pass, by cause, whatever their scenario.

use crate::{
    causes::{Group, Of, across},
    digest,
    format::{Report, Run, ScenarioReport, Verdict},
    page::{
        fill,
        story::{Item, name},
        verdicts::{glyph, word},
    },
    text::{
        clip_within,
        numbers::record_time,
        words::{plural, seeds},
    },
};
use askama::Template;

/// Runs that did not pass, of which more are not listed one by one.
const WRONG: usize = 1_000;

/// Runs of a cause that are listed elsewhere and linked.
const LINKS: usize = 12;

/// The groups of a report, and the runs in them.
pub(super) struct Broke<'a> {
    /// Every run that is told, once: under the first of its causes, then one that passed.
    pub(super) items: Vec<Item<'a>>,
    groups: Vec<Placed<'a>>,
    program: String,
}

/// A group, and where its runs are told.
struct Placed<'a> {
    group: Group<'a>,
    /// Its own items, by place; the first is the example.
    own: Vec<usize>,
    /// Items of other groups that show this cause as well.
    elsewhere: Vec<usize>,
    /// Runs that are not told.
    unlisted: usize,
}

impl<'a> Broke<'a> {
    /// Gathers them. `program` is how the reader calls squall.
    pub(super) fn of(report: &'a Report, program: &str) -> Self {
        let all = across(report);
        let total: usize = all.iter().map(|group| group.runs.len()).sum();
        let most = if total <= WRONG { usize::MAX } else { (WRONG / all.len().max(1)).max(5) };
        let mut items: Vec<Item<'a>> = Vec::new();
        let mut groups: Vec<Placed<'a>> = Vec::new();
        for group in all {
            let (mut own, mut elsewhere, mut unlisted) = (Vec::new(), Vec::new(), 0);
            // The first that has a trace tells most.
            let mut runs: Vec<Of<'_>> = group.runs.clone();
            if let Some(example) = runs.iter().position(|(_, run)| run.trace.is_some()) {
                runs[..=example].rotate_right(1);
            }
            for of in runs {
                match items.iter().position(|item| item.is(of)) {
                    Some(known) => elsewhere.push(known),
                    None if own.len() >= most => unlisted += 1,
                    None => {
                        let first = own.is_empty();
                        let item = Item::new(of, items.len(), first, program);
                        own.push(items.len());
                        items.push(if first && groups.is_empty() { item.opened() } else { item });
                    }
                }
            }
            groups.push(Placed { group, own, elsewhere, unlisted });
        }
        Self { items, groups, program: program.to_owned() }
    }

    /// Has a run that passed told as well, and gives its place among the items; none if it did not pass.
    pub(super) fn add_passed(&mut self, run: Of<'a>, program: &str) -> Option<usize> {
        let place = self.items.len();
        let passed = run.1.verdict == Verdict::Passed;
        passed.then(|| self.items.push(Item::new(run, place, true, program).opened()))?;
        Some(place)
    }

    /// Where a scenario's first run that is told stands.
    pub(super) fn first_of(&self, scenario: &ScenarioReport) -> Option<usize> {
        self.items.iter().position(|item| std::ptr::eq(item.scenario(), scenario))
    }

    /// The section, with what was chosen to be told of each item.
    pub(super) fn render(&self, told: &[String]) -> String {
        let groups = self.groups.iter().enumerate();
        fill(&Causes { groups: groups.map(|(at, placed)| self.shown(at, placed, told)).collect() })
    }

    fn shown(&self, at: usize, placed: &Placed<'_>, told: &[String]) -> Shown {
        let Placed { group, own, elsewhere, unlisted } = placed;
        let text = |place: &usize| told.get(*place).map(String::as_str).unwrap_or_default();
        let scenarios = group.scenarios().len();
        let example = own.first().or(elsewhere.first()).copied().unwrap_or(0);
        let (scenario, run) = group.runs[0];
        let others = own.get(1..).unwrap_or_default();
        let mut by_scenario: Vec<(&ScenarioReport, Vec<usize>)> = Vec::new();
        for place in others {
            let scenario = self.items[*place].scenario();
            match by_scenario.iter_mut().find(|(known, _)| std::ptr::eq(*known, scenario)) {
                Some((_, places)) => places.push(*place),
                None => by_scenario.push((scenario, vec![*place])),
            }
        }
        let follow =
            group.follow.iter().map(|(name, runs)| format!("{} ({runs})", clip_within(name, 60)));
        Shown {
            verdict: word(Some(group.verdict)),
            glyph: glyph(Some(group.verdict)),
            cause: match group.cause.trim() {
                "" => "nothing more is told".to_owned(),
                cause => clip_within(cause, 200),
            },
            extent: format!(
                "{} in {}",
                plural(group.runs.len(), "run"),
                plural(scenarios, "scenario")
            ),
            scenario: clip_within(&name(scenario), 80),
            seed: run.seed,
            at: proven(group.cause, run),
            example,
            follow: follow.take(12).collect::<Vec<_>>().join(", "),
            open: at == 0,
            command: clip_within(
                &digest::command(self.items.get(example).map_or(run, Item::run), &self.program),
                400,
            ),
            first: own.first().map(text).unwrap_or_default().to_owned(),
            more: format!(
                "{} in {}",
                plural(others.len() + unlisted, "more run"),
                plural(by_scenario.len(), "scenario"),
            ),
            others: by_scenario
                .into_iter()
                .map(|(scenario, places)| {
                    let all: Vec<u64> =
                        places.iter().map(|place| self.items[*place].run().seed).collect();
                    let words = format!("{}: {}", plural(all.len(), "run"), seeds(&all));
                    (clip_within(&name(scenario), 160), words, places.iter().map(text).collect())
                })
                .collect(),
            unlisted: *unlisted,
            elsewhere: elsewhere
                .iter()
                .take(LINKS)
                .map(|place| {
                    let item = &self.items[*place];
                    (*place, item.run().seed, clip_within(&name(item.scenario()), 60))
                })
                .collect(),
            elsewhere_more: elsewhere.len().saturating_sub(LINKS),
        }
    }
}

/// When the evidence of an invariant's first violation in a run was whole.
fn proven(invariant: &str, run: &Run) -> Option<String> {
    let first = run.violations.iter().find(|violation| violation.invariant == invariant)?;
    first.evidence.iter().map(|evidence| evidence.at_us).max().map(record_time)
}

#[derive(Template)]
#[template(path = "render/html/causes.html")]
struct Causes {
    groups: Vec<Shown>,
}

struct Shown {
    verdict: &'static str,
    glyph: &'static str,
    cause: String,
    extent: String,
    /// Where it was seen first.
    scenario: String,
    seed: u64,
    at: Option<String>,
    example: usize,
    follow: String,
    open: bool,
    command: String,
    /// The example, told.
    first: String,
    more: String,
    /// By scenario: its name, its seeds, its runs.
    others: Vec<(String, String, String)>,
    unlisted: usize,
    elsewhere: Vec<(usize, u64, String)>,
    elsewhere_more: usize,
}
