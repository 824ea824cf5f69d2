//! A report for people: a table within 80 columns, then what did not pass.

use crate::{Latency, LatencyRecorder, Report, Run, ScenarioReport, Verdict, Violation};
use owo_colors::{OwoColorize as _, Style};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};
use tabled::{
    builder::Builder,
    settings::{Alignment, Padding, Style as Borders, object::Columns},
};
use unicode_width::UnicodeWidthStr as _;

/// The table is no wider than this.
pub(crate) const WIDTH: usize = 80;

/// A scenario's name is cut to what the other columns leave of this width.
const NAME: usize = 40;

/// Seeds that are named for one kind of failure.
const SEEDS: usize = 3;

/// Records of evidence that are shown.
const EVIDENCE: usize = 6;

/// Verdicts in the order in which they are told.
const ORDER: [Verdict; 5] =
    [Verdict::Failed, Verdict::Errored, Verdict::Unstable, Verdict::Vacuous, Verdict::Passed];

/// The table of scenarios, everything that did not pass with the command that replays it, and a
/// last line with the sum and the speed. `program` is how the reader calls squall.
#[must_use]
pub fn summary(report: &Report, program: &str, color: bool) -> String {
    // What did not pass comes first.
    let mut scenarios: Vec<&ScenarioReport> = report.scenarios.iter().collect();
    scenarios.sort_by_key(|scenario| {
        let worst = tally(&scenario.runs).first().map(|(verdict, _)| *verdict);
        ORDER.iter().position(|verdict| Some(*verdict) == worst).unwrap_or(ORDER.len())
    });
    let latencies: Vec<_> = scenarios.iter().map(|scenario| latency(&scenario.runs)).collect();
    let rows: Vec<_> = scenarios
        .iter()
        .zip(&latencies)
        .map(|(scenario, latency)| row(scenario, latency.as_ref(), color))
        .collect();
    let mut out = table(&scenarios, &rows);
    out.push('\n');
    for (scenario, latency) in scenarios.iter().zip(&latencies) {
        if let Err(error) = latency {
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(out, "{}: {error}\n", printable(&scenario.name));
        }
    }
    for scenario in scenarios {
        failures(&mut out, scenario, program, color);
    }
    total(&mut out, report, color);
    out
}

/// How many runs have which verdict, of those that any has.
fn tally<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<(Verdict, usize)> {
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for run in runs {
        *counts.entry(run.verdict).or_default() += 1;
    }
    ORDER.into_iter().filter_map(|verdict| Some((verdict, *counts.get(&verdict)?))).collect()
}

fn table(scenarios: &[&ScenarioReport], rows: &[[String; 9]]) -> String {
    (8..=NAME)
        .rev()
        .map(|name| (name, lay_out(scenarios, rows, name)))
        .find(|(name, (width, _))| *width <= WIDTH || *name == 8)
        .map_or_else(String::new, |(_, (_, text))| text)
}

/// All columns but the name.
fn row(
    scenario: &ScenarioReport,
    latency: Result<&Option<Latency>, &String>,
    color: bool,
) -> [String; 9] {
    let runs = &scenario.runs;
    let sum = |of: fn(&Run) -> u64| runs.iter().map(of).fold(0, u64::saturating_add);
    let quantile = |of: fn(&Latency) -> u64| match latency {
        Ok(Some(latency)) => short(of(latency)),
        Ok(None) => "-".to_owned(),
        Err(_) => "?".to_owned(),
    };
    [
        count(runs.len() as u64),
        verdicts(runs, color),
        span(sum(|run| run.sim_ms)),
        speed(sum(executed_ms), sum(|run| run.wall_us)),
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

fn style(verdict: Verdict, color: bool) -> Style {
    match verdict {
        _ if !color => Style::new(),
        Verdict::Passed => Style::new().green(),
        Verdict::Vacuous => Style::new().yellow().bold(),
        Verdict::Failed | Verdict::Unstable | Verdict::Errored => Style::new().red().bold(),
    }
}

/// All latencies; none if there are none, and why not if a run's cannot be read.
fn latency(runs: &[Run]) -> Result<Option<Latency>, String> {
    let mut all = LatencyRecorder::default();
    for run in runs {
        if let Some(latency) = &run.latency {
            all.try_add(latency).map_err(|error| format!("seed {}: {error}", run.seed))?;
        }
    }
    Ok(all.summary())
}

/// The median of the recovery times; a run that never recovered counts as longer than any.
fn recovery(runs: &[Run]) -> String {
    let mut times: Vec<Option<u64>> = runs.iter().map(|run| run.recovery_ms).collect();
    times.sort_unstable_by_key(|time| (time.is_none(), *time));
    match times.get(times.len() / 2) {
        None => "-".to_owned(),
        Some(None) => "never".to_owned(),
        Some(Some(ms)) => short(ms.saturating_mul(1_000)),
    }
}

/// What is the same for several runs is told once: the violations of an invariant, whatever else
/// was violated with it, and else a reason.
fn failures(out: &mut String, scenario: &ScenarioReport, program: &str, color: bool) {
    let of = |verdict| scenario.runs.iter().filter(move |run| run.verdict == verdict);
    let failed: Vec<&Run> = of(Verdict::Failed).collect();
    if !failed.is_empty() {
        headline(out, Verdict::Failed, scenario, &failed, color);
        violated(out, &failed, program);
    }
    for verdict in ORDER {
        if matches!(verdict, Verdict::Passed | Verdict::Failed) {
            continue;
        }
        let mut reasons: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
        for run in of(verdict) {
            reasons.entry(run.reason.as_deref().unwrap_or_default()).or_default().push(run);
        }
        for (reason, runs) in reasons {
            let Some(first) = runs.first() else { continue };
            headline(out, verdict, scenario, &runs, color);
            let _ = writeln!(out, "  {}", printable(reason));
            for violation in &first.violations {
                let _ = write!(out, "  {}: ", printable(&violation.invariant));
                proof(out, violation);
            }
            replay(out, first, program);
            out.push('\n');
        }
    }
}

fn headline(
    out: &mut String,
    verdict: Verdict,
    scenario: &ScenarioReport,
    runs: &[&Run],
    color: bool,
) {
    let _ = writeln!(
        out,
        "{} {}  ({} {})",
        verdict.to_string().to_uppercase().style(style(verdict, color)),
        printable(&scenario.name),
        if runs.len() == 1 { "seed" } else { "seeds" },
        seeds(runs),
    );
}

fn seeds(runs: &[&Run]) -> String {
    let seeds: Vec<_> = runs.iter().take(SEEDS).map(|run| run.seed.to_string()).collect();
    let more = match runs.len().saturating_sub(SEEDS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", seeds.join(", "))
}

/// A line for each invariant, the one that most runs violate first, with what its first run shows.
fn violated(out: &mut String, failed: &[&Run], program: &str) {
    let mut invariants: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
    for run in failed {
        let names: BTreeSet<&str> =
            run.violations.iter().map(|violation| violation.invariant.as_str()).collect();
        for name in names {
            invariants.entry(name).or_default().push(run);
        }
    }
    let mut invariants: Vec<_> = invariants.into_iter().collect();
    invariants.sort_by_key(|(_, runs)| Reverse(runs.len()));
    let mut shown: Vec<&Run> = Vec::new();
    for (name, runs) in &invariants {
        let number = plural(runs.len(), "seed");
        let _ = writeln!(out, "  {}: {number} ({})", printable(name), seeds(runs));
        let Some(first) = runs.first() else { continue };
        for violation in first.violations.iter().filter(|violation| violation.invariant == *name) {
            out.push_str("    ");
            proof(out, violation);
        }
        if shown.iter().all(|run| run.seed != first.seed) {
            shown.push(first);
        }
    }
    if shown.is_empty() {
        let _ = writeln!(out, "  no violation is told");
        shown.extend(failed.first());
    }
    for run in shown {
        replay(out, run, program);
    }
    out.push('\n');
}

fn proof(out: &mut String, violation: &Violation) {
    let _ = writeln!(out, "{}", printable(&violation.summary));
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

fn replay(out: &mut String, run: &Run, program: &str) {
    let command = printable(run.replay.strip_prefix("squall ").unwrap_or(&run.replay));
    let _ = writeln!(out, "  replay seed {}: {program} {command}", run.seed);
}

fn total(out: &mut String, report: &Report, color: bool) {
    let runs = || report.runs().map(|(_, run)| run);
    let sim = runs().map(executed_ms).fold(0, u64::saturating_add);
    let wall = runs().map(|run| run.wall_us).fold(0, u64::saturating_add);
    let counts: Vec<_> = tally(runs())
        .into_iter()
        .map(|(verdict, count)| {
            format!("{count} {verdict}").style(style(verdict, color)).to_string()
        })
        .collect();
    let counts = if counts.is_empty() { "nothing was run".to_owned() } else { counts.join(", ") };
    let _ = writeln!(
        out,
        "{}, {}: {counts}  ({} simulated in {} of work: {})",
        plural(report.scenarios.len(), "scenario"),
        plural(runs().count(), "run"),
        span(sim),
        short(wall),
        speed(sim, wall),
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
pub(crate) fn fit(text: &str, width: usize) -> String {
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

/// At most five characters.
pub(crate) fn count(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{}k", number / 1_000),
        1_000_000..10_000_000 => format!("{}.{}M", number / 1_000_000, number / 100_000 % 10),
        10_000_000..1_000_000_000 => format!("{}M", number / 1_000_000),
        1_000_000_000..1_000_000_000_000 => format!("{}G", number / 1_000_000_000),
        _ => ">999G".to_owned(),
    }
}

/// A long time, from milliseconds: `4m12s`. At most seven characters.
fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds / 3_600 {
        0 if seconds < 60 => format!("{seconds}s"),
        0 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        hours @ 1..1_000 => format!("{hours}h{:02}m", seconds / 60 % 60),
        hours @ 1_000..100_000 => format!("{hours}h"),
        _ => ">99999h".to_owned(),
    }
}

/// A short time, from microseconds: `18ms`, `1.4s`.
pub(crate) fn short(us: u64) -> String {
    match us {
        0..1_000 => format!("{us}us"),
        1_000..1_000_000 => format!("{}ms", us / 1_000),
        1_000_000..100_000_000 => format!("{}.{}s", us / 1_000_000, us / 100_000 % 10),
        _ => span(us / 1_000),
    }
}

/// Virtual against wall time: `0.4x`, `36x`.
fn speed(sim_ms: u64, wall_us: u64) -> String {
    match sim_ms.saturating_mul(10_000).checked_div(wall_us) {
        Some(tenths @ 0..100) => format!("{}.{}x", tenths / 10, tenths % 10),
        Some(tenths) => format!("{}x", count(tenths / 10)),
        None => "-".to_owned(),
    }
}

/// The virtual time of all executions of a run, as its wall time is: what was executed twice took
/// its time twice.
fn executed_ms(run: &Run) -> u64 {
    run.sim_ms.saturating_mul(if run.verified { 2 } else { 1 })
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
            let text = summary(&report(name, runs), "squall", false);
            let (table, _) = text.split_once("\n\n").unwrap();
            for line in table.lines() {
                assert!(line.width() <= 80, "{} columns: {line}", line.width());
            }
        }
    }

    #[test]
    fn the_largest_numbers_of_a_report_neither_overflow_nor_widen_the_table() {
        let most = u64::MAX;
        let counters =
            crate::Counters { messages: most, faults: most, ..crate::Counters::default() };
        let extreme = Run {
            seed: most,
            verified: true,
            sim_ms: most,
            wall_us: most,
            recovery_ms: Some(most),
            counters,
            latency: None,
            ..run(1)
        };
        let mut longest = LatencyRecorder::default();
        longest.record(most);
        let mut all = vec![Run { latency: longest.summary(), ..extreme.clone() }];
        for verdict in ORDER {
            all.extend(vec![Run { verdict, ..extreme.clone() }; 12_345]);
        }
        let report = report("all of them", all);
        let text = summary(&report, "squall", false);
        let (table, _) = text.split_once("\n\n").unwrap();
        for line in table.lines() {
            assert!(line.width() <= 80, "{} columns: {line}", line.width());
        }
        assert!(table.contains(">999G  >999G"), "{table}");
        for us in (0..64).map(|bit| 1_u64 << bit).flat_map(|us| [us - 1, us]).chain([most]) {
            assert!(short(us).len() <= 7 && span(us).len() <= 7, "{us}");
            assert!(count(us).len() <= 5 && speed(us, 1).len() <= 6, "{us}");
        }
        assert_eq!(speed(36, 1_000), "36x");
        assert_eq!(speed(36, 100_000), "0.3x");
    }

    fn violation(invariant: &str, summary: &str) -> Violation {
        let evidence = crate::Evidence {
            index: 3,
            at_us: 1_250_000,
            node: "broker-1".into(),
            text: "acknowledges e7".into(),
            ..crate::Evidence::default()
        };
        Violation { invariant: invariant.into(), summary: summary.into(), evidence: vec![evidence] }
    }

    fn failed(seed: u64, violations: &[&Violation]) -> Run {
        let violations = violations.iter().map(|violation| (*violation).clone()).collect();
        Run { verdict: Verdict::Failed, violations, ..run(seed) }
    }

    #[test]
    fn failures_are_folded_by_invariant_with_seeds_evidence_and_command() {
        let lost = violation("no_loss", "e7 is lost");
        let twice = violation("idempotency", "e8 is applied twice");
        let runs = vec![
            run(1),
            failed(2, &[&lost]),
            failed(3, &[&lost, &twice, &lost]),
            failed(4, &[&lost]),
            failed(5, &[&twice, &lost]),
        ];
        let text = summary(&report("a scenario", runs), "./squall", false);
        let expected = "FAILED a scenario  (seeds 2, 3, 4 and 1 more)
  no_loss: 4 seeds (2, 3, 4 and 1 more)
    e7 is lost
      1.250s  broker-1     acknowledges e7
  idempotency: 2 seeds (3, 5)
    e8 is applied twice
      1.250s  broker-1     acknowledges e7
  replay seed 2: ./squall replay s.yaml --seed 2
  replay seed 3: ./squall replay s.yaml --seed 3

1 scenario, 5 runs: 4 failed, 1 passed  (1m00s simulated in 300ms of work: 200x)
";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn a_failed_run_without_violations_is_told_nevertheless() {
        let text = summary(&report("a scenario", vec![failed(9, &[])]), "squall", false);
        let expected = "FAILED a scenario  (seed 9)
  no violation is told
  replay seed 9: squall replay s.yaml --seed 9
";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn reasons_are_folded_with_their_violations() {
        let unstable = |seed, violations: &[&Violation]| Run {
            verdict: Verdict::Unstable,
            reason: Some("record 3 differs".into()),
            ..failed(seed, violations)
        };
        let runs = vec![unstable(1, &[&violation("no_loss", "e7 is lost")]), unstable(2, &[])];
        let text = summary(&report("a scenario", runs), "squall", false);
        let expected = "UNSTABLE a scenario  (seeds 1, 2)
  record 3 differs
  no_loss: e7 is lost
      1.250s  broker-1     acknowledges e7
  replay seed 1: squall replay s.yaml --seed 1

";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn latencies_that_cannot_be_read_are_told() {
        let damaged = Latency { histogram: "00".into(), ..Latency::default() };
        let runs = vec![run(1), Run { latency: Some(damaged), ..run(2) }];
        let text = summary(&report("a scenario", runs), "squall", false);
        let row = text.lines().nth(2).unwrap();
        let cells: Vec<&str> = row.split_whitespace().rev().take(3).collect();
        assert_eq!(cells, ["420ms", "?", "?"], "{row}");
        let error = "a scenario: seed 2: the histogram of latencies cannot be read: \
                     it is shorter than its header\n\n";
        assert!(text.contains(error), "{text}");
    }

    #[test]
    fn what_did_not_pass_comes_first() {
        let of = |name: &str, verdicts: &[Verdict]| ScenarioReport {
            name: name.into(),
            runs: verdicts.iter().map(|verdict| Run { verdict: *verdict, ..run(1) }).collect(),
            ..ScenarioReport::default()
        };
        let scenarios = vec![
            of("idle", &[]),
            of("good", &[Verdict::Passed]),
            of("empty", &[Verdict::Passed, Verdict::Vacuous]),
            of("bad", &[Verdict::Passed, Verdict::Failed]),
            of("lost", &[Verdict::Errored, Verdict::Passed]),
            of("worse", &[Verdict::Vacuous, Verdict::Failed]),
            of("shaky", &[Verdict::Unstable]),
        ];
        let text = summary(&Report { scenarios, ..Report::default() }, "squall", false);
        let words = |line: &str| line.split_whitespace().take(4).collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = text.lines().skip(2).take(11).map(words).collect();
        let expected = [
            "bad 2 1 failed",
            "1 passed",
            "worse 2 1 failed",
            "1 vacuous",
            "lost 2 1 errored",
            "1 passed",
            "shaky 1 1 unstable",
            "empty 2 1 vacuous",
            "1 passed",
            "good 1 passed 12s",
            "idle 0 none 0s",
        ];
        assert_eq!(lines, expected, "{text}");
        let told: Vec<&str> =
            text.lines().filter(|line| line.contains("  (seed ")).map(|l| &l[..8]).collect();
        assert_eq!(
            told,
            ["FAILED b", "FAILED w", "VACUOUS ", "ERRORED ", "UNSTABLE", "VACUOUS "],
            "{text}"
        );
        let last = "7 scenarios, 10 runs: 2 failed, 1 errored, 1 unstable, 2 vacuous, 4 passed  ";
        assert!(text.lines().last().is_some_and(|line| line.starts_with(last)), "{text}");
    }

    #[test]
    fn the_speed_of_all_counts_what_was_executed_twice_twice() {
        let twice = Run { verified: true, ..run(1) };
        let text = summary(&report("s", vec![twice]), "squall", false);
        assert!(text.ends_with("(24s simulated in 60ms of work: 400x)\n"), "{text}");
    }

    #[test]
    fn what_would_move_the_cursor_is_told_in_words() {
        let evil = "a\nb\tc\r\u{1b}[2J\u{9b}1m\u{7}\u{202e}d\u{2028}e";
        let violated = |verdict| Run {
            verdict,
            reason: Some(evil.into()),
            violations: vec![Violation {
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
