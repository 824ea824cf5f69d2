//! A row for each scenario, within 80 columns whatever its name and its numbers.

use super::style;
use crate::{
    Latency, Run, ScenarioReport, Verdict,
    digest::{executed_ms, recovery, sum, tally},
    text::{count, fit, short, span, speed},
};
use owo_colors::OwoColorize as _;
use tabled::{
    builder::Builder,
    settings::{Alignment, Padding, Style as Borders, object::Columns},
};
use unicode_width::UnicodeWidthStr as _;

/// The table is no wider than this.
const WIDTH: usize = 80;

/// A scenario's name is cut to what the other columns leave of this width.
pub(super) const NAME: usize = 40;

/// A scenario and its latencies.
type Row<'a> = (&'a ScenarioReport, &'a Result<Option<Latency>, String>);

pub(super) fn table(shown: &[Row<'_>], color: bool) -> String {
    let rows: Vec<_> = shown.iter().map(|row| cells(row, color)).collect();
    (8..=NAME)
        .rev()
        .map(|name| (name, lay_out(shown, &rows, name)))
        .find(|(name, (width, _))| *width <= WIDTH || *name == 8)
        .map_or_else(String::new, |(_, (_, text))| text)
}

/// All columns but the name.
fn cells((scenario, latency): &Row<'_>, color: bool) -> [String; 9] {
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

fn lay_out(shown: &[Row<'_>], rows: &[[String; 9]], name: usize) -> (usize, String) {
    let mut builder = Builder::default();
    builder.push_record([
        "scenario", "runs", "verdicts", "sim", "speed", "msgs", "faults", "p50", "p99", "recov",
    ]);
    for ((scenario, _), row) in shown.iter().zip(rows) {
        builder.push_record([fit(&scenario.name, name)].iter().chain(row));
    }
    let mut table = builder.build();
    table
        .with(Borders::empty())
        .with(Padding::new(0, 1, 0, 0))
        .modify(Columns::new(1..2), Alignment::right())
        .modify(Columns::new(3..), Alignment::right());
    let width = table.total_width();
    let mut text = String::new();
    for (number, line) in table.to_string().lines().enumerate() {
        text.push_str(line.trim_end());
        text.push('\n');
        if number == 0 {
            text.push_str(&"─".repeat(line.trim_end().width()));
            text.push('\n');
        }
    }
    (width, text)
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
