//! A row for each scenario, within the reader's width whatever its name and its numbers.

use crate::{
    digest::{executed_ms, recovery, sum, tally},
    format::{Latency, Run, ScenarioReport, Verdict},
    render::terminal::style::style,
    text::{
        numbers::{count, short, span, speed},
        table::{Table, WIDTH},
    },
};
use owo_colors::OwoColorize as _;

/// The most of a scenario's name that is told where the reader has 80 columns; wider ones give it what is left.
pub(super) const NAME: usize = 40;

/// A scenario and its latencies.
type TableRow<'a> = (&'a ScenarioReport, &'a Result<Option<Latency>, String>);

const COLUMNS: [&str; 10] =
    ["scenario", "runs", "verdicts", "sim", "speed", "msgs", "faults", "p50", "p99", "recov"];

pub(super) fn table(shown: &[TableRow<'_>], width: usize, color: bool) -> String {
    let names: Vec<&str> = shown.iter().map(|(scenario, _)| scenario.name.as_str()).collect();
    let cells: Vec<Vec<String>> = shown.iter().map(|row| cells(row, color).to_vec()).collect();
    let widths = 8..=NAME.max((NAME + width).saturating_sub(WIDTH));
    Table { columns: &COLUMNS, names: &names, cells: &cells, width, widths, left: &[0, 2] }.text()
}

/// All columns but the name.
fn cells((scenario, latency): &TableRow<'_>, color: bool) -> [String; 9] {
    let runs = &scenario.runs;
    let quantile = |of: fn(&Latency) -> u64| match latency {
        Ok(Some(latency)) => short(of(latency)),
        Ok(None) => "-".to_owned(),
        Err(_) => "?".to_owned(),
    };
    [
        count(runs.len() as u64),
        verdicts(runs, color),
        span(sum(runs, |run| run.sim_ms)),
        speed(sum(runs, executed_ms), sum(runs, |run| run.wall_us)),
        count(sum(runs, |run| run.counters.messages)),
        count(sum(runs, |run| run.counters.faults)),
        quantile(|latency| latency.p50_us),
        quantile(|latency| latency.p99_us),
        recovery(runs),
    ]
}

fn verdicts(runs: &[Run], color: bool) -> String {
    let tally = tally(runs);
    if tally.is_empty() {
        return "none".to_owned();
    }
    // One a line: the column stays narrow, and what is wrong stands out.
    let lines: Vec<String> = tally
        .into_iter()
        .map(|(verdict, number)| {
            let text = if verdict == Verdict::Passed && number == runs.len() {
                "passed".to_owned()
            } else {
                format!("{} {verdict}", count(number as u64))
            };
            text.style(style(verdict, color)).to_string()
        })
        .collect();
    lines.join("\n")
}
