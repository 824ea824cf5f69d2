//! A comparison as a page, of the same make as the report's: what came of it and what could have been seen, findings by
//! cause with the story of the run that shows each, and the scenarios with both sides beside each other.

use crate::{
    causes::Of,
    compare::{
        conclusion::{Seen, cells, compared, conclusion, factor, power, seen, side},
        model::{
            Comparison, FailOn, Finding, FindingKind, Note, NoteKind, ScenarioComparison,
            VerdictCounts, Weight,
        },
        single::not_vacuous,
    },
    format::{Report, Run},
    page::{
        Page,
        charts::{Rate, Sample, Scale},
        fill,
        story::{Item, choose},
    },
    text::{
        clip_within,
        numbers::{grouped, percent, short, short_ms},
        printable,
        words::{list, plural},
    },
};
use askama::Template;

/// A page is smaller than this, in bytes, whatever was found: stories are left out first.
const LIMIT: usize = 1_500_000;

/// Findings of a group that are told, and stories of a page.
const FINDINGS: usize = 40;
const STORIES: usize = 200;

#[derive(Template)]
#[template(path = "compare/page.html")]
struct ComparisonBody {
    verdict: &'static str,
    glyph: &'static str,
    conclusion: String,
    tiles: Vec<Tile>,
    power: Option<String>,
    base: String,
    head: String,
    notes: Vec<Remark>,
    groups: Vec<String>,
    /// What merely goes on.
    rest: Vec<String>,
    rest_title: String,
    rows: Vec<Row>,
    rows_title: String,
}

/// A number that is seen at one glance.
struct Tile {
    class: &'static str,
    number: String,
    words: &'static str,
}

struct Remark {
    class: &'static str,
    word: &'static str,
    text: String,
}

#[derive(Template)]
#[template(path = "compare/group.html")]
struct Group {
    class: &'static str,
    /// The class of its title.
    chip: &'static str,
    title: String,
    subject: String,
    extent: String,
    names: String,
    open: bool,
    findings: Vec<Article>,
}

struct Article {
    name: String,
    proof: bool,
    text: String,
    example: Option<String>,
    signatures: Vec<String>,
    command: Option<String>,
    on_base: Option<String>,
    /// The run that shows it, which is told with another finding.
    same: Option<usize>,
    /// The run that shows it, told.
    story: String,
}

struct Row {
    name: String,
    path: String,
    base: Option<Rate>,
    head: Option<Rate>,
    p: String,
    recovery: String,
    recovery_ratio: String,
    latency: String,
    latency_ratio: String,
    throughput: String,
    sees: String,
}

impl Comparison {
    /// One page of HTML. `base` and `head` are the reports that were compared: they have the runs' numbers and traces.
    #[must_use]
    pub fn html(&self, base: &[Report], head: &[Report]) -> String {
        let bad = self.fails(FailOn::Regression);
        let (mut told, rest): (Vec<&Finding>, Vec<&Finding>) =
            self.findings.iter().partition(|finding| !goes_on(finding));
        told.extend(&rest);
        let mut items: Vec<Item<'_>> = Vec::new();
        // Of each finding the place of its story, and whether that stands with another.
        let mut stories: Vec<Option<(usize, bool)>> = Vec::new();
        for finding in &told {
            let run = shows(finding, base, head).filter(|(_, run)| !run.violations.is_empty());
            stories.push(run.and_then(|of| match items.iter().position(|item| item.is(of)) {
                Some(known) => Some((known, true)),
                None if items.len() >= STORIES => None,
                None => {
                    let first = finding.weight == Weight::Regression || items.len() < 12;
                    let item = Item::new(of, items.len(), first, "squall").about(&finding.subject);
                    let open = items.is_empty() && finding.weight == Weight::Regression;
                    items.push(if open { item.opened() } else { item });
                    Some((items.len() - 1, false))
                }
            }));
        }
        let rows = rows(self, base, head);
        let fixed = Page::frame() + rows.len() * 4_000 + self.findings.len() * 1_500;
        let chosen = choose(&items, LIMIT.saturating_sub(fixed));
        let story = |place: usize| {
            let (item, elsewhere) = stories.get(place).copied().flatten()?;
            Some((item, if elsewhere { "" } else { chosen.runs.get(item)? }))
        };
        let groups = grouped_findings(&told);
        let shown = |place: usize, (first, members): &(usize, Vec<usize>)| {
            group(&told, *first, members, place == 0 && !goes_on(told[*first]), &story)
        };
        let (some, others): (Vec<_>, Vec<_>) =
            groups.iter().enumerate().partition(|(_, (first, _))| !goes_on(told[*first]));
        let render = |all: Vec<(usize, &(usize, Vec<usize>))>| {
            all.into_iter().map(|(place, of)| shown(place, of)).collect::<Vec<_>>()
        };
        let body = ComparisonBody {
            verdict: if bad { "bad" } else { "good" },
            glyph: if bad { "✗" } else { "✓" },
            conclusion: conclusion(self),
            tiles: tiles(self),
            power: power(self),
            base: printable(&side(&self.base)),
            head: printable(&side(&self.head)),
            notes: self.notes.iter().map(remark).collect(),
            groups: render(some),
            rest_title: format!("What goes on: {}", plural(rest.len(), "finding")),
            rest: render(others),
            rows_title: format!("{} compared", plural(rows.len(), "scenario")),
            rows,
        };
        Page { title: "compare", body: &fill(&body), traces: Some(&chosen.data) }.html()
    }
}

/// There is nothing new to it.
fn goes_on(finding: &Finding) -> bool {
    finding.weight == Weight::Info
        || (finding.weight == Weight::Attention && finding.kind == FindingKind::Ongoing)
}

/// The run that a finding's command makes, or the first that shows it.
fn shows<'a>(finding: &Finding, base: &'a [Report], head: &'a [Report]) -> Option<Of<'a>> {
    let of = |reports: &'a [Report], seeds: &[u64]| {
        let runs = || {
            let scenarios = reports.iter().flat_map(|report| &report.scenarios);
            let scenarios = scenarios.filter(|scenario| scenario.path == finding.scenario);
            scenarios.flat_map(|scenario| scenario.runs.iter().map(move |run| (scenario, run)))
        };
        let replay = finding.replay.as_deref();
        runs()
            .find(|(_, run)| seeds.contains(&run.seed) && Some(run.replay.as_str()) == replay)
            .or_else(|| runs().find(|(_, run)| seeds.first() == Some(&run.seed)))
    };
    of(head, &finding.head_seeds).or_else(|| of(base, &finding.base_seeds))
}

/// Findings of one meaning and one subject, as places: the first of them, and all.
fn grouped_findings(findings: &[&Finding]) -> Vec<(usize, Vec<usize>)> {
    let mut all: Vec<(usize, Vec<usize>)> = Vec::new();
    for (place, finding) in findings.iter().enumerate() {
        let same = |other: &Finding| {
            (other.weight, other.title()) == (finding.weight, finding.title())
                && other.subject == finding.subject
        };
        match all.iter_mut().find(|(first, _)| same(findings[*first])) {
            Some((_, places)) => places.push(place),
            None => all.push((place, vec![place])),
        }
    }
    all
}

fn group<'a>(
    findings: &[&Finding],
    first: usize,
    members: &[usize],
    open: bool,
    story: &impl Fn(usize) -> Option<(usize, &'a str)>,
) -> String {
    let finding = findings[first];
    let (class, chip) = match finding.weight {
        Weight::Regression => ("bad", "bad"),
        Weight::Attention => ("look", ""),
        Weight::Improvement => ("good", "good"),
        Weight::Info => ("", "none"),
    };
    let names: Vec<String> =
        members.iter().map(|place| clip_within(&findings[*place].name, 80)).collect();
    fill(&Group {
        class,
        chip,
        title: finding.title().to_lowercase(),
        subject: clip_within(&finding.subject, 80),
        extent: match finding.scenario.is_empty() {
            true => "all scenarios together".to_owned(),
            false => plural(members.len(), "scenario"),
        },
        names: list(&names, 4),
        open,
        findings: members
            .iter()
            .take(FINDINGS)
            .map(|at| article(findings[*at], story(*at)))
            .collect(),
    })
}

fn tiles(comparison: &Comparison) -> Vec<Tile> {
    let count = |weight, class, words| {
        let number = comparison.count(weight);
        Tile { class: if number > 0 { class } else { "" }, number: grouped(number as u64), words }
    };
    let mut tiles = vec![
        count(Weight::Regression, "bad", "regressions"),
        count(Weight::Attention, "look", "to look at"),
        count(Weight::Improvement, "good", "improvements"),
        Tile {
            class: "",
            number: grouped(comparison.compared as u64),
            words: "scenarios compared",
        },
    ];
    if let Some(Seen { drop, shows_by, .. }) = seen(comparison) {
        let points = |share: f64| format!("{} points", percent(share));
        tiles.push(Tile {
            class: if drop.is_none() { "look" } else { "" },
            number: drop.map_or_else(|| "none".to_owned(), points),
            words: "smallest drop of the pass rate that it would have found (median scenario)",
        });
        if let Some(rate) = shows_by {
            tiles.push(Tile {
                class: "",
                number: format!("{} %", percent(rate)),
                words: "of runs is what a new failure must hit to come up (median scenario)",
            });
        }
    }
    tiles
}

/// A row for each scenario that was compared; all distributions on one scale.
fn rows(comparison: &Comparison, base: &[Report], head: &[Report]) -> Vec<Row> {
    let of = |reports: &[Report], path: &str, value: fn(&Run) -> Option<Option<u64>>| {
        let scenarios = reports.iter().flat_map(|report| &report.scenarios);
        let runs = scenarios.filter(|scenario| scenario.path == path).flat_map(|one| &one.runs);
        Sample::of(runs.filter(|run| not_vacuous(run)).filter_map(value))
    };
    let recovery = |run: &Run| Some(run.recovery_ms);
    let latency = |run: &Run| run.latency.as_ref().map(|latency| Some(latency.p99_us));
    type Samples = [Sample; 4];
    let all: Vec<(&ScenarioComparison, Samples)> = compared(comparison)
        .map(|one| {
            let path = &one.path;
            let recoveries = [of(base, path, recovery), of(head, path, recovery)];
            let [first, second] = recoveries;
            (one, [first, second, of(base, path, latency), of(head, path, latency)])
        })
        .collect();
    let recoveries = Scale::of(all.iter().flat_map(|(_, samples)| &samples[..2]));
    let latencies = Scale::of(all.iter().flat_map(|(_, samples)| &samples[2..]));
    let rate = |side: &Option<VerdictCounts>| {
        side.as_ref().and_then(|counts| Rate::of(counts.passed.count, counts.passed.of))
    };
    all.iter()
        .map(|(one, samples)| {
            let [_, _, p, _, _, throughput, sees] = cells(one);
            let ratio = |name: &str| one.metrics.get(name).map(factor).unwrap_or_default();
            Row {
                name: clip_within(&one.name, 200),
                path: clip_within(&one.path, 300),
                base: rate(&one.base),
                head: rate(&one.head),
                p,
                recovery: recoveries.pair(&samples[0], &samples[1], short_ms),
                recovery_ratio: ratio("recovery"),
                latency: latencies.pair(&samples[2], &samples[3], short),
                latency_ratio: ratio("latency"),
                throughput,
                sees,
            }
        })
        .collect()
}

fn remark(note: &Note) -> Remark {
    let (class, word) = match note.kind {
        NoteKind::Alarm => ("alarm", "Alarm"),
        NoteKind::Caution => ("warning", "Caution"),
        NoteKind::Info => ("note", ""),
    };
    Remark { class, word, text: printable(&note.text) }
}

fn article(finding: &Finding, story: Option<(usize, &str)>) -> Article {
    let told = story.is_some_and(|(_, text)| !text.is_empty());
    Article {
        name: printable(&finding.name),
        proof: finding.proof,
        text: printable(&finding.text),
        example: finding.example.as_deref().map(printable),
        signatures: finding.signatures.iter().map(|shape| printable(shape)).collect(),
        // A story has its own.
        command: finding
            .arguments()
            .filter(|_| !told)
            .map(|arguments| format!("squall {}", printable(arguments))),
        on_base: finding.on_base.as_deref().map(printable),
        same: story.map(|(item, _)| item).filter(|_| !told),
        story: story.map(|(_, text)| text.to_owned()).unwrap_or_default(),
    }
}
