//! A report for people: a table within 80 columns, then what did not pass.

use crate::{Latency, LatencyRecorder, Report, Run, ScenarioReport, Verdict};
use owo_colors::{OwoColorize as _, Style};
use std::{collections::BTreeMap, fmt::Write as _};
use tabled::{
    builder::Builder,
    settings::{Alignment, Padding, Style as Borders, object::Columns},
};
use unicode_width::UnicodeWidthStr as _;

/// The table is no wider than this.
const WIDTH: usize = 80;

/// A scenario's name is cut to what the other columns leave of this width.
const NAME: usize = 40;

/// Seeds that are named for one kind of failure.
const SEEDS: usize = 3;

/// Records of evidence that are shown.
const EVIDENCE: usize = 6;

/// The table of scenarios, everything that did not pass with the command that replays it, and a last
/// line with the sum. `program` is how the reader calls squall.
#[must_use]
pub fn summary(report: &Report, program: &str, color: bool) -> String {
    // What did not pass comes first.
    let mut scenarios: Vec<&ScenarioReport> = report.scenarios.iter().collect();
    scenarios
        .sort_by_key(|scenario| scenario.runs.iter().all(|run| run.verdict == Verdict::Passed));
    let mut out = table(&scenarios, color);
    out.push('\n');
    for scenario in scenarios {
        failures(&mut out, scenario, program, color);
    }
    total(&mut out, report, color);
    out
}

fn table(scenarios: &[&ScenarioReport], color: bool) -> String {
    let rows: Vec<_> = scenarios.iter().map(|scenario| row(scenario, color)).collect();
    (8..=NAME)
        .rev()
        .map(|name| (name, lay_out(scenarios, &rows, name)))
        .find(|(name, (width, _))| *width <= WIDTH || *name == 8)
        .map_or_else(String::new, |(_, (_, text))| text)
}

/// All columns but the name.
fn row(scenario: &ScenarioReport, color: bool) -> [String; 9] {
    let runs = &scenario.runs;
    let sum = |of: fn(&Run) -> u64| runs.iter().map(of).fold(0, u64::saturating_add);
    let latency = latency(runs);
    let quantile = |of: fn(&Latency) -> u64| {
        latency.as_ref().map_or("-".to_owned(), |latency| short(of(latency)))
    };
    // What was executed twice took its time twice.
    let sim = sum(|run| run.sim_ms.saturating_mul(if run.verified { 2 } else { 1 }));
    [
        runs.len().to_string(),
        verdicts(runs, color),
        span(sum(|run| run.sim_ms)),
        speed(sim, sum(|run| run.wall_us)),
        count(sum(|run| run.counters.messages)),
        count(sum(|run| run.counters.faults)),
        quantile(|latency| latency.p50_us),
        quantile(|latency| latency.p99_us),
        recovery(runs),
    ]
}

fn lay_out(scenarios: &[&ScenarioReport], rows: &[[String; 9]], name: usize) -> (usize, String) {
    let mut builder = Builder::default();
    builder.push_record([
        "scenario", "runs", "verdicts", "sim", "speed", "msgs", "faults", "p50", "p99", "recov",
    ]);
    for (scenario, row) in scenarios.iter().zip(rows) {
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
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for run in runs {
        *counts.entry(run.verdict).or_default() += 1;
    }
    if counts.is_empty() {
        return "none".to_owned();
    }
    // One a line: the column stays narrow, and what is wrong stands out.
    let lines: Vec<String> = counts
        .into_iter()
        .map(|(verdict, count)| {
            let text = if verdict == Verdict::Passed && count == runs.len() {
                "passed".to_owned()
            } else {
                format!("{count} {verdict}")
            };
            text.style(style(verdict, color)).to_string()
        })
        .collect();
    lines.join("\n")
}

fn style(verdict: Verdict, color: bool) -> Style {
    match verdict {
        _ if !color => Style::new(),
        Verdict::Passed => Style::new().green(),
        Verdict::Vacuous => Style::new().yellow().bold(),
        Verdict::Failed | Verdict::Unstable | Verdict::Errored => Style::new().red().bold(),
    }
}

fn latency(runs: &[Run]) -> Option<Latency> {
    let mut all = LatencyRecorder::default();
    for latency in runs.iter().filter_map(|run| run.latency.as_ref()) {
        all.add(latency);
    }
    all.summary()
}

/// The median of the recovery times; a run that never recovered counts as longer than any.
fn recovery(runs: &[Run]) -> String {
    let mut times: Vec<u64> = runs.iter().map(|run| run.recovery_ms.unwrap_or(u64::MAX)).collect();
    times.sort_unstable();
    match times.get(times.len() / 2) {
        None => "-".to_owned(),
        Some(&u64::MAX) => "never".to_owned(),
        Some(&ms) => short(ms.saturating_mul(1_000)),
    }
}

/// What is the same for several runs is told once.
fn failures(out: &mut String, scenario: &ScenarioReport, program: &str, color: bool) {
    let mut kinds: BTreeMap<(Verdict, String), Vec<&Run>> = BTreeMap::new();
    for run in &scenario.runs {
        let kind = match run.verdict {
            Verdict::Passed => continue,
            Verdict::Failed => {
                let mut names: Vec<_> =
                    run.violations.iter().map(|violation| violation.invariant.as_str()).collect();
                names.dedup();
                printable(&names.join(", "))
            }
            Verdict::Vacuous | Verdict::Unstable | Verdict::Errored => {
                printable(run.reason.as_deref().unwrap_or_default())
            }
        };
        kinds.entry((run.verdict, kind)).or_default().push(run);
    }
    for ((verdict, kind), runs) in kinds {
        let Some(first) = runs.first() else { continue };
        let seeds: Vec<_> = runs.iter().take(SEEDS).map(|run| run.seed.to_string()).collect();
        let more = match runs.len().saturating_sub(SEEDS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let plural = if runs.len() == 1 { "seed" } else { "seeds" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{} {}  ({plural} {}{more})\n  {kind}",
            verdict.to_string().to_uppercase().style(style(verdict, color)),
            printable(&scenario.name),
            seeds.join(", "),
        );
        for violation in &first.violations {
            let (invariant, summary) = (&violation.invariant, &violation.summary);
            let _ = writeln!(out, "  {}: {}", printable(invariant), printable(summary));
            for evidence in violation.evidence.iter().take(EVIDENCE) {
                let _ = writeln!(
                    out,
                    "    {:>3}.{:03}s  {:<12} {}",
                    evidence.at_us / 1_000_000,
                    evidence.at_us / 1_000 % 1_000,
                    printable(&evidence.node),
                    printable(&evidence.text),
                );
            }
        }
        let command = first.replay.strip_prefix("squall ").unwrap_or(&first.replay);
        let command = printable(command);
        let _ = writeln!(out, "  replay seed {}: {program} {command}\n", first.seed);
    }
}

fn total(out: &mut String, report: &Report, color: bool) {
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    let (mut runs, mut sim, mut wall) = (0, 0, 0);
    for (_, run) in report.runs() {
        *counts.entry(run.verdict).or_default() += 1;
        runs += 1;
        sim = u64::saturating_add(sim, run.sim_ms);
        wall = u64::saturating_add(wall, run.wall_us);
    }
    let counts: Vec<_> = counts
        .into_iter()
        .map(|(verdict, count)| {
            format!("{count} {verdict}").style(style(verdict, color)).to_string()
        })
        .collect();
    let counts = if counts.is_empty() { "nothing was run".to_owned() } else { counts.join(", ") };
    let _ = writeln!(
        out,
        "{}, {}: {counts}  ({} simulated in {} of work)",
        plural(report.scenarios.len(), "scenario"),
        plural(runs, "run"),
        span(sim),
        short(wall),
    );
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A report may come from anywhere: what moves the cursor, colours, or turns the direction of
/// writing must not reach the terminal. It is told as Rust writes it: `\n`, `\u{1b}`.
pub(crate) fn printable(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2066}'..='\u{2069}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if harmful(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Cuts a text to a width in terminal cells.
fn fit(text: &str, width: usize) -> String {
    let text = printable(text);
    if text.width() <= width {
        return text;
    }
    let mut cut = String::new();
    // Characters may take no cell at all: of them, some suffice.
    for c in text.chars().take(4 * width) {
        cut.push(c);
        if cut.width() >= width {
            cut.pop();
            break;
        }
    }
    cut.push('…');
    cut
}

fn count(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{}k", number / 1_000),
        1_000_000..10_000_000 => format!("{}.{}M", number / 1_000_000, number / 100_000 % 10),
        _ => format!("{}M", number / 1_000_000),
    }
}

/// A long time, from milliseconds: `4m12s`.
fn span(ms: u64) -> String {
    match ms / 1_000 {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        seconds => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

/// A short time, from microseconds: `18ms`, `1.4s`.
fn short(us: u64) -> String {
    match us {
        0..1_000 => format!("{us}us"),
        1_000..1_000_000 => format!("{}ms", us / 1_000),
        1_000_000..100_000_000 => format!("{}.{}s", us / 1_000_000, us / 100_000 % 10),
        _ => span(us / 1_000),
    }
}

/// Virtual against wall time.
fn speed(sim_ms: u64, wall_us: u64) -> String {
    match sim_ms.saturating_mul(1_000).checked_div(wall_us) {
        Some(times) => format!("{times}x"),
        None => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64) -> Run {
        let mut latency = LatencyRecorder::default();
        latency.record(18_000 + seed);
        Run {
            seed,
            sim_ms: 12_000,
            wall_us: 60_000,
            recovery_ms: Some(420),
            latency: latency.summary(),
            replay: format!("squall replay s.yaml --seed {seed}"),
            ..Run::default()
        }
    }

    fn report(name: &str, runs: Vec<Run>) -> Report {
        let scenario = ScenarioReport { name: name.into(), runs, ..ScenarioReport::default() };
        Report { scenarios: vec![scenario], ..Report::default() }
    }

    #[test]
    fn the_table_fits_eighty_columns_whatever_the_name() {
        let mut big = run(1);
        big.counters.messages = 987_654_321;
        big.counters.faults = 9_999;
        big.sim_ms = 359_000_000;
        big.recovery_ms = None;
        big.verdict = Verdict::Unstable;
        for name in ["short", &"x".repeat(200), &"漢字".repeat(40), "e\u{301}".repeat(90).as_str()]
        {
            let mut runs = vec![run(2); 1_000];
            runs.push(big.clone());
            let report = report(name, runs);
            let scenarios: Vec<&ScenarioReport> = report.scenarios.iter().collect();
            let text = table(&scenarios, false);
            for line in text.lines() {
                assert!(line.width() <= 80, "{} columns: {line}", line.width());
            }
        }
    }

    #[test]
    fn a_failure_is_told_once_with_its_seeds_evidence_and_command() {
        let failed = |seed| Run {
            verdict: Verdict::Failed,
            violations: vec![crate::Violation {
                invariant: "no_loss".into(),
                summary: "e7 is lost".into(),
                evidence: vec![crate::Evidence {
                    index: 3,
                    at_us: 1_250_000,
                    node: "broker-1".into(),
                    text: "acknowledges e7".into(),
                }],
            }],
            ..run(seed)
        };
        let runs = vec![run(1), failed(2), failed(3), failed(4), failed(5)];
        let text = summary(&report("a scenario", runs), "./squall", false);
        let expected = "FAILED a scenario  (seeds 2, 3, 4 and 1 more)
  no_loss
  no_loss: e7 is lost
      1.250s  broker-1     acknowledges e7
  replay seed 2: ./squall replay s.yaml --seed 2

1 scenario, 5 runs: 1 passed, 4 failed  (1m00s simulated in 300ms of work)
";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn what_would_move_the_cursor_is_told_in_words() {
        let evil = "a\nb\tc\r\u{1b}[2J\u{9b}1m\u{7}\u{202e}d\u{2028}e";
        let violated = |verdict| Run {
            verdict,
            reason: Some(evil.into()),
            violations: vec![crate::Violation {
                invariant: evil.into(),
                summary: evil.into(),
                evidence: vec![crate::Evidence {
                    node: evil.into(),
                    text: evil.into(),
                    ..crate::Evidence::default()
                }],
            }],
            replay: evil.into(),
            ..run(1)
        };
        for verdict in [Verdict::Failed, Verdict::Vacuous, Verdict::Unstable, Verdict::Errored] {
            let text = summary(&report(evil, vec![violated(verdict)]), "squall", false);
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
            assert!(!text.contains(['\u{202e}', '\u{2028}']), "{text:?}");
            let escaped = r"a\nb\tc\r\u{1b}[2J\u{9b}1m\u{7}\u{202e}d\u{2028}e";
            assert!(text.contains(escaped), "{text}");
        }
    }

    #[test]
    fn names_of_any_characters_are_cut_to_their_cells() {
        for name in ["\n".repeat(50), "❤\u{fe0f}".repeat(50), "👩\u{200d}👧".repeat(50)] {
            for width in 8..=NAME {
                let cut = fit(&name, width);
                assert!(cut.width() <= width && cut.ends_with('…'), "{cut}");
            }
        }
        assert_eq!(fit("漢字漢字漢字", 8), "漢字漢…");
        assert_eq!(fit("four", 8), "four");
    }

    #[test]
    fn nothing_run_is_said_and_is_no_success() {
        let report = report("idle", Vec::new());
        assert!(!report.all_passed());
        assert!(summary(&report, "squall", false).contains("nothing was run"));
    }
}
