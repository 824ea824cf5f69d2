//! What is told, to the letter.

use super::{summary as told, table::NAME, *};
use crate::{
    digest::ORDER,
    format::{Latency, Run, Violation},
    latency::LatencyRecorder,
    text::fit,
};
use unicode_width::UnicodeWidthStr as _;

fn summary(report: &Report, program: &str, color: bool) -> String {
    told(report, Reader { program, color, width: 80 })
}

fn summary_all(report: &Report, program: &str, color: bool) -> String {
    tell(report, Reader { program, color, width: 80 }, true)
}

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
    for name in ["short", &"x".repeat(200), &"漢字".repeat(40), "e\u{301}".repeat(90).as_str()] {
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
    let counters = crate::format::Counters {
        messages: most,
        faults: most,
        ..crate::format::Counters::default()
    };
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
}

fn violation(invariant: &str, summary: &str) -> Violation {
    let evidence = crate::format::Evidence {
        index: 3,
        at_us: 1_250_000,
        node: "broker-1".into(),
        text: "acknowledges e7".into(),
        ..crate::format::Evidence::default()
    };
    Violation {
        invariant: invariant.into(),
        summary: summary.into(),
        evidence: vec![evidence],
        ..Violation::default()
    }
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
    let expected = "FAILED no_loss: 4 runs in 1 scenario
  a scenario  (seeds 2, 3, 4 and 1 more)
    e7 is lost
      1.250s  broker-1     acknowledges e7
    replay seed 2: ./squall replay s.yaml --seed 2

FAILED idempotency: 2 runs in 1 scenario
  a scenario  (seeds 3, 5)
    e8 is applied twice
      1.250s  broker-1     acknowledges e7
    replay seed 3: ./squall replay s.yaml --seed 3

1 scenario, 5 runs: 4 failed, 1 passed  (1m00s simulated in 300ms of work: 200x)
";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_cause_of_many_scenarios_is_told_once() {
    let lost = violation("no_loss", "e7 is lost");
    let scenario = |number: u64| {
        let path = format!("s{number}.yaml");
        let replay = format!("squall replay {path} --seed 1");
        let runs = vec![Run { replay, ..failed(1, &[&lost]) }, run(2)];
        ScenarioReport { name: format!("scenario {number}"), path, runs, ..Default::default() }
    };
    let report = Report { scenarios: (1..=9).map(scenario).collect(), ..Report::default() };
    let expected = "FAILED no_loss: 9 runs in 9 scenarios
  scenario 1  (seed 1)
    e7 is lost
      1.250s  broker-1     acknowledges e7
    replay seed 1: squall replay s1.yaml --seed 1
  scenario 2  (seed 1)
    replay seed 1: squall replay s2.yaml --seed 1
";
    let text = summary(&report, "squall", false);
    assert!(text.contains(expected), "{text}");
    let rest = "
  and in 4 more scenarios: scenario 6; scenario 7; scenario 8; scenario 9

9 scenarios, 18 runs: 9 failed, 9 passed";
    assert!(text.contains(rest), "{text}");
    let narrow = told(&report, Reader { width: 60, ..Reader::OF_A_FILE });
    assert!(
        narrow.contains("\n  and in 4 more scenarios: scenario 6; scenario 7; scenario\n  8;"),
        "{narrow}"
    );
}

#[test]
fn a_reason_is_told_with_its_numbers_where_they_differ() {
    let vacuous = |line: u32| Run {
        verdict: Verdict::Vacuous,
        reason: Some(format!("line {line}: never fired")),
        ..run(1)
    };
    let mut report = report("a", vec![vacuous(8)]);
    report.scenarios.push(ScenarioReport {
        name: "b".into(),
        runs: vec![vacuous(12)],
        ..Default::default()
    });
    let expected = "VACUOUS 2 runs in 2 scenarios
  line 8: never fired
  a  (seed 1)
    replay seed 1: squall replay s.yaml --seed 1
  b  (seed 1)
    line 12: never fired
    replay seed 1: squall replay s.yaml --seed 1
";
    let text = summary(&report, "squall", false);
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_wide_terminal_is_used() {
    let name = "a scenario whose name is longer than what eighty columns leave of it, by far";
    let report = report(name, vec![run(1)]);
    let rows = |width| {
        let text = told(&report, Reader { width, ..Reader::OF_A_FILE });
        text.lines().nth(2).unwrap().to_owned()
    };
    assert!(rows(160).starts_with(name), "{}", rows(160));
    for width in [60, 80, 100, 120] {
        assert!(
            rows(width).contains('…') && rows(width).width() <= width.max(70),
            "{}",
            rows(width)
        );
    }
    assert!(rows(120).width() > 110, "{}", rows(120));
}

#[test]
fn a_report_that_is_not_whole_says_so() {
    let mut report = report("s", vec![run(1)]);
    report.scenarios[0].planned = 4;
    assert!(!summary(&report, "squall", false).contains("partial"));
    report.partial = true;
    let text = summary(&report, "squall", false);
    assert!(text.contains("\npartial: 1 of 4 planned runs are in it\n"), "{text}");
}

#[test]
fn what_follows_from_a_cause_is_one_line_in_every_rendering() {
    let cause = violation("durability", "3 of 9 acknowledged events are in no log");
    let follows = |name: &str| Violation {
        consequence_of: Some("durability".into()),
        ..violation(name, "and so this is wrong, too")
    };
    let (lost, lags) = (follows("no_loss"), follows("drains"));
    let runs = vec![failed(2, &[&cause, &lost, &lags]), failed(3, &[&cause, &lags])];
    let mut report = report("a scenario", runs);
    report.scenarios[0].runs[0].judged =
        [("durability".into(), 9), ("no_loss".into(), 9), ("breaker".into(), 0)].into();
    let text = summary(&report, "./squall", false);
    let expected = "FAILED durability: 2 runs in 1 scenario
  a scenario  (seeds 2, 3)
    3 of 9 acknowledged events are in no log
      1.250s  broker-1     acknowledges e7
    from it follow (runs): no_loss (1), drains (2)
    replay seed 2: ./squall replay s.yaml --seed 2
";
    assert!(text.contains(expected), "{text}");
    assert!(
        text.ends_with("not applicable, with nothing to judge in any run: breaker\n"),
        "{text}"
    );
    let markdown = crate::render::markdown(&report, "squall");
    assert!(markdown.contains("; from it follow `no_loss`, `drains`"), "{markdown}");
    assert!(markdown.contains("nothing to judge in any run: `breaker`"), "{markdown}");
    let told = |name: &str| {
        let named = crate::render::RENDERINGS.iter().find(|rendering| rendering.name == name);
        named.unwrap().render(&report, crate::render::Reader::OF_A_FILE)
    };
    let junit = told("junit");
    let html = told("html");
    for text in [&text, &markdown, &junit, &html] {
        assert!(text.contains("from it follow"), "{text}");
        assert!(!text.contains("and so this is wrong, too"), "{text}");
    }
    assert!(html.contains("Not applicable"), "{html}");
}

#[test]
fn a_failed_run_without_violations_is_told_nevertheless() {
    let text = summary(&report("a scenario", vec![failed(9, &[])]), "squall", false);
    let expected = "FAILED 1 run in 1 scenario
  no violation is told
  a scenario  (seed 9)
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
    let expected = "UNSTABLE 2 runs in 1 scenario
  record 3 differs
  a scenario  (seeds 1, 2)
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
    let headline = |line: &&str| line.starts_with(|c: char| c.is_ascii_uppercase());
    let told: Vec<&str> = text.lines().filter(headline).collect();
    let groups = [
        "FAILED 2 runs in 2 scenarios",
        "ERRORED 1 run in 1 scenario",
        "UNSTABLE 1 run in 1 scenario",
        "VACUOUS 2 runs in 2 scenarios",
    ];
    assert_eq!(told, groups, "{text}");
    let last = "7 scenarios, 10 runs: 2 failed, 1 errored, 1 unstable, 2 vacuous, 4 passed  ";
    assert!(text.lines().last().is_some_and(|line| line.starts_with(last)), "{text}");
}

#[test]
fn the_speed_of_all_counts_what_was_executed_twice_twice() {
    let twice = Run { verified: true, ..run(1) };
    let text = summary(&report("s", vec![twice]), "squall", false);
    assert!(text.ends_with("(12s simulated, 12s of it twice, in 60ms of work: 400x)\n"), "{text}");
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
            evidence: vec![crate::format::Evidence {
                node: evil.into(),
                text: evil.into(),
                ..crate::format::Evidence::default()
            }],
            ..Violation::default()
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

fn passing(name: &str, recovery_ms: &[u64]) -> ScenarioReport {
    let runs = recovery_ms.iter().zip(1..).map(|(ms, seed)| Run {
        recovery_ms: Some(*ms),
        replay: format!("squall replay {name}.yaml --seed {seed}"),
        ..run(seed)
    });
    ScenarioReport { name: name.into(), runs: runs.collect(), ..ScenarioReport::default() }
}

#[test]
fn slow_recoveries_come_after_the_failures_with_their_commands() {
    let lost = violation("no_loss", "e7 is lost");
    let mut scenarios: Vec<_> = (0..20).map(|i| passing(&format!("s{i}"), &[420; 3])).collect();
    for i in 0..6 {
        scenarios.push(passing(&format!("slow{i}"), &[500, 9_000 - i, 500]));
    }
    let mut bad = passing("bad", &[420]);
    bad.runs.push(failed(9, &[&lost]));
    scenarios.push(bad);
    let report = Report { scenarios, ..Report::default() };
    let text = summary(&report, "squall", false);
    let expected = "    replay seed 9: squall replay s.yaml --seed 9

SLOW RECOVERIES
  slow0: 9.0s, and half of its runs within 500ms
    replay seed 2: squall replay slow0.yaml --seed 2
";
    assert!(text.contains(expected), "{text}");
    let rest = "
  slow4: 8.9s, and half of its runs within 500ms
    replay seed 2: squall replay slow4.yaml --seed 2
  and 1 more scenario

27 scenarios, 80 runs: 1 failed, 79 passed  ";
    assert!(text.contains(rest), "{text}");
}

#[test]
fn many_scenarios_of_which_there_is_nothing_to_tell_are_a_line() {
    let quiet = |number: u64| (0..number).map(|i| passing(&format!("s{i}"), &[420; 20]));
    let mut scenarios: Vec<_> = quiet(71).collect();
    let report = |scenarios: &[ScenarioReport]| Report {
        scenarios: scenarios.to_vec(),
        ..Report::default()
    };
    let text = summary(&report(&scenarios), "squall", false);
    let line = "71 scenarios passed: 1,420 runs, 4h44m simulated, recovery within 420ms\n\n\
                71 scenarios, 1,420 runs: 1,420 passed  ";
    assert!(text.starts_with(line), "{text}");
    // What is remarkable stays.
    let damaged = Latency { histogram: "00".into(), ..Latency::default() };
    let mut unreadable = passing("unreadable", &[420]);
    unreadable.runs[0].latency = Some(damaged);
    scenarios.push(unreadable);
    scenarios.push(passing("slow", &[500, 9_000, 500]));
    scenarios.push(passing("idle", &[]));
    let text = summary(&report(&scenarios), "squall", false);
    let names: Vec<_> = text.lines().skip(2).take(4).map(|line| &line[..5]).collect();
    assert_eq!(names, ["unrea", "slow ", "idle ", "71 mo"], "{text}");
    let all = summary_all(&report(&scenarios), "squall", false);
    for scenario in &scenarios {
        let cell: String = scenario.name.chars().take(5).collect();
        assert!(all.lines().any(|line| line.starts_with(&cell)), "{cell} is not in\n{all}");
    }
    // Of many that are slow, those that are told.
    let many: Vec<_> = (0..40).map(|i| passing(&format!("s{i}"), &[500, 9_000, 500])).collect();
    let text = summary(&report(&many), "squall", false);
    assert!(text.lines().nth(7).is_some_and(|line| line.starts_with("35 more ")), "{text}");
    // Thirty are no crowd.
    let thirty: Vec<_> = quiet(30).collect();
    assert_eq!(summary(&report(&thirty), "s", true), summary_all(&report(&thirty), "s", true));
}
