//! Markdown, for a comment on a pull request and for the summary of a job: what did not pass first,
//! then what was slow, the rest folded. Foreign words stand in code only, where there is no markup.

mod document;

use self::document::{Document, Failure};
use crate::{
    causes,
    digest::{self, ranked, recovery, sum, tally, worst},
    format::{Report, Run, ScenarioReport, Verdict},
    grid::{Grid, grids},
    render::{
        problems::{self, COMMAND, Problem, TEXT, headline, path, told},
        rendering::Rendering,
    },
    text::{
        clip,
        markup::{code, fence},
        numbers::{count, grouped, short, short_ms, span},
        words::plural,
    },
};
use std::fmt::Write as _;

pub(super) const RENDERING: Rendering = Rendering {
    name: "markdown",
    help: "Markdown, as for a pull request's comment",
    option: Some("Write Markdown, as for a pull request's comment, to this file"),
    render: |report, _| markdown_within(report, "squall", COMMENT),
};

/// What a comment on a pull request may hold, in bytes.
const COMMENT: usize = 65_536;

/// Runs of a scenario that are told with their evidence.
const RUNS: usize = 3;

/// Invariants and verdicts of a scenario that are listed.
const LISTED: usize = 8;

/// Slow recoveries that are told.
const SLOW: usize = 10;

/// Invariants that judged nothing and are named.
const IDLE: usize = 40;

/// Tables of a matrix's cases that are told, and the most cases of one.
const MATRICES: usize = 3;
const CASES: usize = 36;

/// Known defects that are named.
const DEFECTS: usize = 8;

/// A report as GitHub's markdown, all of it. `program` is how the reader calls squall.
#[must_use]
pub fn markdown(report: &Report, program: &str) -> String {
    markdown_within(report, program, usize::MAX)
}

/// As [`markdown`], of at most `bytes`: GitHub takes 1,048,576 for the summary of a job, and
/// 65,536 characters, which are no fewer bytes, for a comment. What there is no room for is folded
/// from the end: the scenarios that passed, slow recoveries, the evidence of what did not pass, each
/// whole or not at all. The last line says what was left out. Where there is no room for the
/// headline, nothing is told.
#[must_use]
pub fn markdown_within(report: &Report, program: &str, bytes: usize) -> String {
    let scenarios = ranked(report);
    let wrong = |scenario: &&&ScenarioReport| {
        worst(scenario).is_some_and(|verdict| verdict != Verdict::Passed)
    };
    let right: Vec<&ScenarioReport> =
        scenarios.iter().filter(|scenario| !wrong(scenario)).copied().collect();
    let slow = digest::slow(report);
    let document = Document {
        title: title(report),
        head: head(report),
        failures: scenarios.iter().filter(wrong).map(|of| failure(of, program)).collect(),
        slow: slow.iter().take(SLOW).map(|slow| slow_row(slow, program)).collect(),
        slower: match slow.len().saturating_sub(SLOW) {
            0 => String::new(),
            more => format!("\nand {}\n", plural(more, "more scenario")),
        },
        passed: passed(&right),
        rows: right.iter().map(|scenario| row(scenario)).collect(),
    };
    document.within(bytes)
}

fn title(report: &Report) -> String {
    let all = report.scenarios.len();
    let of = |verdict| report.scenarios.iter().filter(|all| worst(all) == verdict).count();
    let (passed, idle) = (of(Some(Verdict::Passed)), of(None));
    let wrong = all - passed - idle;
    match (wrong, passed) {
        (0, 0) => "## squall: nothing was run\n".to_owned(),
        (0, _) => format!("## squall: {} passed\n", plural(passed, "scenario")),
        _ => format!("## squall: {} of {} did not pass\n", wrong, plural(all, "scenario")),
    }
}

/// The cases of a matrix, as far as a comment has room for them.
fn matrix(out: &mut String, grid: &Grid) {
    let turned = grid.turned();
    let grid = if grid.rows.len() == 1 { &turned } else { grid };
    if grid.rows.len() * grid.columns.len() > CASES {
        return;
    }
    let name =
        |text: &String| if text.is_empty() { "passed".to_owned() } else { code(&clip(text, TEXT)) };
    let columns: Vec<String> = grid.columns.iter().map(name).collect();
    let _ = writeln!(out, "\n{}: runs that passed\n", code(&clip(&grid.name, TEXT)));
    let _ =
        writeln!(out, "| | {} |\n| :-- |{}", columns.join(" | "), " --: |".repeat(columns.len()));
    for (row, cells) in grid.rows.iter().zip(&grid.cells) {
        let cells: Vec<String> = cells
            .iter()
            .map(|cell| match cell {
                None => "–".to_owned(),
                Some(cell) if cell.worst == Some(Verdict::Passed) => cell.words(),
                Some(cell) => format!("**{}**", cell.words()),
            })
            .collect();
        let _ = writeln!(out, "| {} | {} |", name(row), cells.join(" | "));
    }
}

/// The verdicts in a table, what was tested, and what is missing.
fn head(report: &Report) -> String {
    let mut out = String::from("\n| verdict | scenarios | runs |\n| :-- | --: | --: |\n");
    let runs = || report.runs().map(|(_, run)| run);
    for (verdict, number) in tally(runs()) {
        let scenarios = report.scenarios.iter().filter(|all| worst(all) == Some(verdict)).count();
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "| {verdict} | {scenarios} | {} |", grouped(number as u64));
    }
    let idle = report.scenarios.iter().filter(|scenario| scenario.runs.is_empty()).count();
    if idle > 0 {
        let _ = writeln!(out, "| not run | {idle} | 0 |");
    }
    let system =
        format!("{} {}", clip(&report.system.name, TEXT), clip(&report.system.version, TEXT));
    let _ = write!(
        out,
        "\n{} from seed {}, {}",
        code(system.trim()),
        report.command.first_seed,
        digest::work(report),
    );
    let defects = &report.system.defects;
    if !defects.is_empty() {
        let names: Vec<String> =
            defects.iter().take(DEFECTS).map(|name| code(&clip(name, TEXT))).collect();
        let more = if defects.len() > DEFECTS { ", …" } else { "" };
        let _ = write!(out, "; known defects are switched on: {}{more}", names.join(", "));
    }
    out.push('\n');
    for grid in grids(report).iter().take(MATRICES) {
        matrix(&mut out, grid);
    }
    if let Some(live) = digest::live(report) {
        let _ = writeln!(out, "\n{live}");
    }
    if let Some(read) = digest::read_to_the_end(report) {
        let _ = writeln!(out, "\n{read}");
    }
    let idle: Vec<String> = causes::judged(report)
        .into_iter()
        .filter(|judged| judged.idle == judged.runs)
        .take(IDLE)
        .map(|judged| code(&clip(judged.invariant, TEXT)))
        .collect();
    if !idle.is_empty() {
        let _ = writeln!(
            out,
            "\nNot applicable, with nothing to judge in any run: {}",
            idle.join(", ")
        );
    }
    missing(&mut out, report);
    if let Some(canary) = &report.canary {
        let (defect, runs) = (code(&clip(&canary.defect, TEXT)), grouped(canary.runs));
        let _ = match &canary.noticed_by {
            Some(by) => {
                let by = code(&clip(by, COMMAND));
                writeln!(out, "\nThe known defect {defect} is noticed: {by}")
            }
            None => {
                writeln!(out, "\n**The known defect {defect} was not noticed in {runs} runs.**")
            }
        };
    }
    out
}

fn missing(out: &mut String, report: &Report) {
    let planned = report.scenarios.iter().fold(0, |all: u64, one| all.saturating_add(one.planned));
    let runs = report.runs().count() as u64;
    if !report.partial && report.shard.is_none() {
        return;
    }
    out.push_str("\n**Not all of the planned runs are in it");
    if planned > runs {
        let _ = write!(out, ": {} of {}", grouped(runs), grouped(planned));
    }
    if let Some(shard) = &report.shard {
        let _ = write!(out, "; shard {shard}");
    }
    if let Some(budget) = report.time_budget {
        let (time, left) = (short_ms(budget.wall_ms), grouped(budget.left_out));
        let _ = write!(out, "; {time} were given, and {left} left out");
    }
    out.push_str(".**\n");
}

fn name(scenario: &ScenarioReport) -> String {
    code(&problems::name(scenario))
}

fn failure(scenario: &ScenarioReport, program: &str) -> Failure {
    let problems = problems::of(scenario);
    let mut shown: Vec<&Run> = Vec::new();
    for run in problems.iter().filter_map(|problem| problem.runs.first()) {
        if shown.len() < RUNS && shown.iter().all(|other| !std::ptr::eq(*other, *run)) {
            shown.push(run);
        }
    }
    let place = format!("{}:{}", clip(&path(scenario), TEXT), problems::line(scenario, None));
    let mut full = format!("\n### {}\n\n{}\n\n", name(scenario), code(&place));
    for problem in problems.iter().take(LISTED) {
        let _ = writeln!(full, "- {}", listed(problem));
    }
    if problems.len() > LISTED {
        let _ = writeln!(full, "- and {} more", problems.len() - LISTED);
    }
    full.push('\n');
    let lines: Vec<String> = shown.iter().map(|run| told(run, program)).collect();
    full.push_str(&fence(&lines.join("\n")));
    let mut short = format!("- {}: {}", name(scenario), code(&headline(scenario, &problems)));
    if let Some(run) = shown.first() {
        let _ = write!(short, ", {}", code(&clip(&digest::command(run, program), COMMAND)));
    }
    short.push('\n');
    Failure { full, short }
}

/// `no_loss` violated in 4 of 20 runs
fn listed(problem: &Problem<'_>) -> String {
    match problem.invariant {
        Some(_) => {
            let check = code(&problem.check());
            let follow: Vec<String> = problem
                .follow
                .iter()
                .take(LISTED)
                .map(|(name, _)| code(&clip(name, TEXT)))
                .collect();
            let more = if problem.follow.len() > LISTED { ", …" } else { "" };
            let follow = match follow.is_empty() {
                true => String::new(),
                false => format!("; from it follow {}{more}", follow.join(", ")),
            };
            format!("{check} is violated in {}{follow}", problem.how_often())
        }
        None => {
            format!("**{}** in {}: {}", problem.verdict, problem.how_often(), code(&problem.what()))
        }
    }
}

fn slow_row(slow: &digest::Slow<'_>, program: &str) -> String {
    let command = clip(&digest::command(slow.run, program), COMMAND);
    format!("| {} | {} | {} |\n", name(slow.scenario), slow.words, code(&command))
}

/// `95 scenarios passed in 1,900 runs, 2 had none`
fn passed(right: &[&ScenarioReport]) -> String {
    let idle = right.iter().filter(|scenario| scenario.runs.is_empty()).count();
    let runs = right.iter().map(|scenario| scenario.runs.len()).sum();
    let none = match idle {
        0 => String::new(),
        _ => format!(", {} not run", plural(idle, "scenario")),
    };
    format!("{} passed in {}{none}", plural(right.len() - idle, "scenario"), plural(runs, "run"))
}

/// A row of the table of what passed.
fn row(scenario: &ScenarioReport) -> String {
    let runs = &scenario.runs;
    let (p50, p99) = match digest::latency(runs) {
        Ok(Some(latency)) => (short(latency.p50_us), short(latency.p99_us)),
        Ok(None) => ("-".to_owned(), "-".to_owned()),
        Err(_) => ("?".to_owned(), "?".to_owned()),
    };
    format!(
        "| {} | {} | {} | {} | {} | {p50} | {p99} | {} |\n",
        name(scenario),
        grouped(runs.len() as u64),
        span(sum(runs, |run| run.sim_ms)),
        count(sum(runs, |run| run.counters.messages)),
        count(sum(runs, |run| run.counters.faults)),
        recovery(runs),
    )
}
