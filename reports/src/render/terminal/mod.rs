//! A report for people: a table as wide as the terminal, then what did not pass, by cause, then what took long.

mod failures;
mod matrix;
mod style;
mod table;

use self::style::style;
use crate::{
    causes,
    digest::{self, ranked, sum, tally},
    format::{Report, ScenarioReport, Verdict},
    render::rendering::{Reader, Rendering},
    text::{
        numbers::{grouped, span},
        printable,
        words::plural,
    },
};
use owo_colors::{OwoColorize as _, Style};
use std::fmt::Write as _;

pub(super) const RENDERING: Rendering = Rendering {
    name: "terminal",
    help: "Tables, failures first",
    option: None,
    render: |report, reader| tell(report, reader, true),
};

/// So many scenarios of which there is nothing to tell stand in the table.
const QUIET: usize = 30;

/// Scenarios that are told of those that were skipped.
const SKIPPED: usize = 10;

/// Slow recoveries that are told.
const SLOW: usize = 5;

/// The table of scenarios, everything that did not pass by cause with the command that replays it, what is to be
/// known of runs that passed, slow recoveries, and a last line with the sum and the speed. Where there are more than 30
/// scenarios of which there is nothing to tell, they are folded to a line.
#[must_use]
pub fn summary(report: &Report, reader: Reader<'_>) -> String {
    tell(report, reader, false)
}

/// With `all`, every scenario is in the table, however many there are.
fn tell(report: &Report, reader: Reader<'_>, all: bool) -> String {
    let Reader { program, color, width } = reader;
    // What did not pass comes first.
    let scenarios = ranked(report);
    let latencies: Vec<_> =
        scenarios.iter().map(|scenario| digest::latency(&scenario.runs)).collect();
    let slow = digest::slow(report);
    let quiet: Vec<bool> = scenarios
        .iter()
        .zip(&latencies)
        .map(|(scenario, latency)| {
            // Of many runs some take long: only those that are told keep their row.
            let slow = slow.iter().take(SLOW).any(|slow| std::ptr::eq(slow.scenario, *scenario));
            digest::worst(scenario) == Some(Verdict::Passed) && latency.is_ok() && !slow
        })
        .collect();
    let fold = !all && quiet.iter().filter(|quiet| **quiet).count() > QUIET;
    let shown: Vec<_> = scenarios
        .iter()
        .zip(&latencies)
        .zip(&quiet)
        .filter(|(_, quiet)| !(fold && **quiet))
        .map(|((scenario, latency), _)| (*scenario, latency))
        .collect();
    let mut out = String::new();
    if !fold || !shown.is_empty() {
        out.push_str(&table::table(&shown, width, color));
    }
    if fold {
        let folded: Vec<&ScenarioReport> = scenarios
            .iter()
            .zip(&quiet)
            .filter_map(|(scenario, quiet)| quiet.then_some(*scenario))
            .collect();
        line(&mut out, &folded, !shown.is_empty());
    }
    out.push('\n');
    for (scenario, latency) in &shown {
        if let Err(error) = latency {
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(out, "{}: {error}\n", printable(&scenario.name));
        }
    }
    matrix::matrix(&mut out, report, width, color);
    failures::failures(&mut out, report, reader);
    noted(&mut out, report, program, color);
    slow_recoveries(&mut out, &slow, program, color);
    total(&mut out, report, color);
    out
}

/// `71 more scenarios passed: 1,420 runs, 4h01m simulated, recovery within 2.1s`
fn line(out: &mut String, folded: &[&ScenarioReport], more: bool) {
    let runs = || folded.iter().flat_map(|scenario| &scenario.runs);
    let recovery = match runs().filter_map(|run| run.recovery_ms).max() {
        Some(ms) => format!(", recovery within {}", crate::text::numbers::short_ms(ms)),
        None => String::new(),
    };
    let _ = writeln!(
        out,
        "{}{} scenarios passed: {}, {} simulated{recovery}",
        grouped(folded.len() as u64),
        if more { " more" } else { "" },
        plural(runs().count(), "run"),
        span(sum(runs(), |run| run.sim_ms)),
    );
}

fn noted(out: &mut String, report: &Report, program: &str, color: bool) {
    let mut notes = String::new();
    for scenario in &report.scenarios {
        failures::passed_with_notes(&mut notes, scenario, program);
    }
    if !notes.is_empty() {
        let style = if color { Style::new().yellow() } else { Style::new() };
        let _ = writeln!(out, "{}\n{notes}", "PASSED, AND TO BE KNOWN".style(style));
    }
}

fn slow_recoveries(out: &mut String, slow: &[digest::Slow<'_>], program: &str, color: bool) {
    if slow.is_empty() {
        return;
    }
    let style = if color { Style::new().yellow() } else { Style::new() };
    let _ = writeln!(out, "{}", "SLOW RECOVERIES".style(style));
    for digest::Slow { scenario, run, words } in slow.iter().take(SLOW) {
        let _ = writeln!(out, "  {}: {words}", printable(&scenario.name));
        let _ = writeln!(out, "    replay seed {}: {}", run.seed, digest::command(run, program));
    }
    if slow.len() > SLOW {
        let _ = writeln!(out, "  and {}", plural(slow.len() - SLOW, "more scenario"));
    }
    out.push('\n');
}

fn total(out: &mut String, report: &Report, color: bool) {
    let runs = || report.runs().map(|(_, run)| run);
    let counts: Vec<_> = tally(runs())
        .into_iter()
        .map(|(verdict, count)| {
            let count = grouped(count as u64);
            format!("{count} {verdict}").style(style(verdict, color)).to_string()
        })
        .collect();
    let counts = if counts.is_empty() { "nothing was run".to_owned() } else { counts.join(", ") };
    let _ = writeln!(
        out,
        "{}, {}: {counts}  ({})",
        plural(report.scenarios.len(), "scenario"),
        plural(runs().count(), "run"),
        digest::work(report),
    );
    if let Some(live) = digest::live(report) {
        let _ = writeln!(out, "{live}");
    }
    if let Some(read) = digest::read_to_the_end(report) {
        let _ = writeln!(out, "{read}");
    }
    let skipped = digest::skipped(report);
    if !skipped.is_empty() {
        let _ = writeln!(out, "skipped: {}", plural(skipped.len(), "scenario"));
        for (scenario, why) in skipped.iter().take(SKIPPED) {
            let _ = writeln!(out, "  {}: {}", printable(&scenario.name), printable(why));
        }
        if skipped.len() > SKIPPED {
            let _ = writeln!(out, "  and {} more", skipped.len() - SKIPPED);
        }
    }
    let planned: u64 = report.scenarios.iter().map(|one| one.planned).fold(0, u64::saturating_add);
    if report.partial && planned > 0 {
        let made = grouped(runs().count() as u64);
        let _ = writeln!(out, "partial: {made} of {} planned runs are in it", grouped(planned));
    }
    let idle: Vec<String> = causes::judged(report)
        .into_iter()
        .filter(|judged| judged.idle == judged.runs)
        .map(|judged| printable(judged.invariant))
        .collect();
    if !idle.is_empty() {
        let _ =
            writeln!(out, "not applicable, with nothing to judge in any run: {}", idle.join(", "));
    }
    if let Some(canary) = &report.canary {
        let runs = plural(usize::try_from(canary.runs).unwrap_or(usize::MAX), "run");
        let defect = printable(&canary.defect);
        let _ = match &canary.noticed_by {
            Some(by) => {
                writeln!(out, "canary: {defect} was noticed after {runs}: {}", printable(by))
            }
            None => writeln!(
                out,
                "{} nobody noticed the known defect {defect} in {runs}: would this pipeline go red?",
                "CANARY".style(style(Verdict::Failed, color)),
            ),
        };
    }
}

#[cfg(test)]
mod tests;
