//! The scenarios in tables, those that did not pass first; and what is to be known of runs that passed.

use crate::{
    digest::{self, sum},
    format::{Latency, Report, Run, ScenarioReport, Verdict},
    grid::{Cell, Grid, grids},
    page::{
        charts::{Axis, Rate},
        fill,
        story::{lines, name},
        verdicts::{VerdictCount, counts, word},
    },
    render::html::broke::Broke,
    text::{
        clip_within,
        numbers::{grouped, short, span},
    },
};
use askama::Template;

/// Notes on runs that passed, and slow recoveries, that are told.
const NOTES: usize = 12;

#[derive(Template)]
#[template(path = "render/html/scenarios.html")]
struct Scenarios {
    axis: String,
    matrices: Vec<Matrix>,
    tables: Vec<Table>,
    notes: Vec<Note>,
    slow: Vec<Note>,
}

/// The cases of a matrix.
struct Matrix {
    name: String,
    columns: Vec<String>,
    /// By row: its name, and the words and the verdict of each cell.
    rows: Vec<(String, Vec<(String, &'static str)>)>,
}

struct Table {
    id: &'static str,
    title: String,
    /// Of scenarios that did not pass.
    wrong: bool,
    rows: Vec<Row>,
}

struct Row {
    /// Where its first run that is told stands.
    run: Option<usize>,
    name: String,
    path: String,
    tags: String,
    /// For the filter, a line each.
    verdicts: String,
    counts: Vec<VerdictCount>,
    runs: String,
    planned: Option<String>,
    rate: Option<Rate>,
    histogram: String,
    recovery: String,
    p50: String,
    p99: String,
    sim: String,
}

/// What is to be known of a run that passed.
struct Note {
    name: String,
    words: String,
    command: String,
}

/// The tables. `program` is how the reader calls squall.
pub(super) fn render(report: &Report, broke: &Broke<'_>, program: &str) -> String {
    let axis = Axis::of(report.runs().map(|(_, run)| run));
    let passed = |scenario: &&ScenarioReport| digest::worst(scenario) == Some(Verdict::Passed);
    let (right, wrong): (Vec<&ScenarioReport>, Vec<_>) =
        digest::ranked(report).into_iter().partition(passed);
    let table = |id, what: &str, scenarios: Vec<&ScenarioReport>| Table {
        id,
        title: format!("{} {what}", grouped(scenarios.len() as u64)),
        wrong: id == "wrong",
        rows: scenarios.iter().map(|scenario| row(scenario, broke, axis)).collect(),
    };
    let scenarios = |all: &[&ScenarioReport]| if all.len() == 1 { "scenario" } else { "scenarios" };
    let idle = wrong.iter().filter(|scenario| scenario.runs.is_empty()).count();
    let not_run = if idle > 0 { format!(", {idle} of them not run") } else { String::new() };
    let titles = [
        format!("{} did not pass{not_run}", scenarios(&wrong)),
        format!("{} passed", scenarios(&right)),
    ];
    let mut tables = vec![table("wrong", &titles[0], wrong), table("right", &titles[1], right)];
    tables.retain(|table| !table.rows.is_empty());
    let note = |(scenario, run): (&ScenarioReport, &Run)| {
        let reason = run.reason.as_ref().filter(|_| run.verdict == Verdict::Passed)?;
        Some(Note {
            name: format!("{}, seed {}", clip_within(&name(scenario), 120), run.seed),
            words: clip_within(reason, 400),
            command: clip_within(&digest::command(run, program), 240),
        })
    };
    let slow = digest::slow(report).into_iter().map(|slow| Note {
        name: clip_within(&name(slow.scenario), 120),
        words: slow.words,
        command: clip_within(&digest::command(slow.run, program), 240),
    });
    fill(&Scenarios {
        axis: axis.head(),
        matrices: grids(report).iter().map(matrix).collect(),
        tables,
        notes: report.runs().filter_map(note).take(NOTES).collect(),
        slow: slow.take(NOTES).collect(),
    })
}

fn matrix(grid: &Grid) -> Matrix {
    let turned = grid.turned();
    let grid = if grid.rows.len() == 1 { &turned } else { grid };
    let clipped = |text: &String| clip_within(text, 120);
    let cell = |cell: &Option<Cell>| match cell {
        None => ("–".to_owned(), "none"),
        Some(cell) => (cell.words(), word(cell.worst)),
    };
    let rows = grid.rows.iter().zip(&grid.cells);
    Matrix {
        name: clip_within(&grid.name, 200),
        columns: match grid.columns.as_slice() {
            [one] if one.is_empty() => vec!["passed".to_owned()],
            columns => columns.iter().map(clipped).collect(),
        },
        rows: rows.map(|(row, cells)| (clipped(row), cells.iter().map(cell).collect())).collect(),
    }
}

fn row(scenario: &ScenarioReport, broke: &Broke<'_>, axis: Axis) -> Row {
    let runs: Vec<&Run> = scenario.runs.iter().collect();
    let passed = runs.iter().filter(|run| run.verdict == Verdict::Passed).count();
    let latency = digest::latency(&scenario.runs);
    let quantile = |of: fn(&Latency) -> u64| match &latency {
        Ok(Some(latency)) => short(of(latency)),
        Ok(None) => "–".to_owned(),
        Err(_) => "?".to_owned(),
    };
    let never = runs.iter().filter(|run| run.recovery_ms.is_none()).count();
    let median = digest::recovery(&scenario.runs);
    let tally = digest::tally(&scenario.runs);
    Row {
        run: broke.first_of(scenario),
        name: name(scenario),
        path: clip_within(&scenario.path, 300),
        tags: lines(scenario.tags.iter().map(String::as_str)),
        verdicts: lines(tally.iter().map(|(verdict, _)| word(Some(*verdict)))),
        counts: counts(&scenario.runs),
        runs: grouped(runs.len() as u64),
        planned: (scenario.planned > runs.len() as u64).then(|| grouped(scenario.planned)),
        rate: Rate::of(passed, runs.len()),
        histogram: axis.histogram(&runs, false),
        recovery: if never > 0 && median != "never" {
            format!("{median}, {never} never")
        } else {
            median
        },
        p50: quantile(|latency| latency.p50_us),
        p99: quantile(|latency| latency.p99_us),
        sim: span(sum(&scenario.runs, |run| run.sim_ms)),
    }
}
