//! Steps that wait: for signals, for each other; what must not be seen; windows; latencies between zones. Each in runs of the
//! reference system.

use crate::{
    common::{report, scenario},
    squall,
};
use squall::testing::{Plan, parse};
use squall_command::ReferenceSystem;
use squall_reports::{Run, Verdict};

const HEAD: &str = "name: x\nworkload: { events: 400, rate: 200/s }\n";

/// One run of a scenario with these lines.
fn run(lines: &str) -> Run {
    run_of(lines, "1")
}

fn run_of(lines: &str, seed: &str) -> Run {
    let (folder, path) = scenario(&format!("{HEAD}{lines}"));
    let json = folder.path().join("report.json");
    let json_path = json.to_string_lossy();
    let said = squall(&[
        "run", &path, "--runs", "1", "--seed", seed, "--verify", "all", "--report", &json_path,
    ]);
    assert!(said.code < 2, "{lines}{}{}", said.out, said.err);
    report(&json).scenarios.remove(0).runs.remove(0)
}

/// When things happen in the run of a scenario with these lines, in seconds, by a part of what is printed.
fn when(lines: &str, what: &str) -> Vec<f64> {
    let (_folder, path) = scenario(&format!("{HEAD}{lines}"));
    let said = squall(&["replay", &path, "--seed", "1", "--full"]);
    let found = said.out.lines().filter(|line| line.contains(what));
    found.map(|line| line.trim().split('s').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn a_signal_triggers() {
    let lines = "faults:\n  - { at: 500ms, crash: leader, restart_after: 1s }\n  - { when: { signal: leader_changed }, \
                 delay: 100ms, pause: any consumer, for: 200ms }\n";
    let begins = when(lines, "fault 2 begins");
    let leads: Vec<f64> = when(lines, "leads term").into_iter().filter(|at| *at > 0.5).collect();
    assert!((begins[0] - leads[0] - 0.1).abs() < 0.02, "{begins:?} {leads:?}");
    assert_eq!(run(lines).verdict, Verdict::Passed);
}

/// A system elects while it starts, too: that is no answer to a fault, unless every fault waits for one.
#[test]
fn where_every_fault_waits_signals_count_from_the_start() {
    let lines = "faults: [{ when: { signal: rebalanced }, crash: leader, restart_after: 300ms }]\n";
    assert!(when(lines, "fault 1 begins")[0] < 0.5);
}

#[test]
fn the_second_sight_of_a_signal_triggers_and_one_that_never_comes_is_vacuous() {
    let twice = "faults:\n  - { every: 500ms, until: 1200ms, restart: leader }\n  - { when: { signal: restart_felt, hit: 2 }, \
                 pause: any consumer, for: 100ms }\n";
    assert!(when(twice, "fault 2 begins")[0] >= 1.0);
    let never = run("faults: [{ when: { signal: breaker_opened }, within: 1s, crash: leader }]\n");
    assert_eq!(never.verdict, Verdict::Vacuous);
    let reason = never.reason.unwrap();
    assert!(
        reason.contains("the trigger never fired: when signal: breaker_opened, hit: 1"),
        "{reason}"
    );
}

const CUT: &str =
    "  - { name: the cut, at: 500ms, partition: { isolate: leader, from: brokers }, for: 700ms }\n";

#[test]
fn a_step_begins_after_another_is_over_and_with_it() {
    let lines = format!(
        "faults:\n{CUT}  - {{ after: the cut, pause: any consumer, for: 100ms }}\n  - {{ when: {{ began: the cut }}, delay: \
         200ms, pause: any consumer, for: 100ms }}\n"
    );
    let (begins, over) = (when(&lines, "fault 1 begins")[0], when(&lines, "fault 1 is over")[0]);
    let (after, with) = (when(&lines, "fault 2 begins")[0], when(&lines, "fault 3 begins")[0]);
    assert!((over..over + 0.02).contains(&after), "{over} {after}");
    assert!((with - begins - 0.2).abs() < 0.02, "{begins} {with}");
    assert_eq!(run(&lines).verdict, Verdict::Passed);
}

#[test]
fn what_waits_for_what_lasts_long_waits_as_long() {
    let lines = "faults:\n  - { after: down, pause: any consumer, for: 100ms }\n  - { name: down, at: 500ms, dependency_down: \
                 gateways, for: 13s }\n";
    assert_eq!(run(lines).verdict, Verdict::Passed);
}

#[test]
fn a_name_moves_no_draw() {
    let plan = |step: &str| {
        let text = format!(
            "{HEAD}faults:\n  - {{ {step}between: 1s..2s, crash: any broker }}\n  - {{ every: 300ms, pause: any consumer }}\n"
        );
        let scenario = parse("x", text.as_bytes(), &ReferenceSystem).unwrap();
        Plan::new(&scenario, 7, &ReferenceSystem, &[])
    };
    assert_eq!(plan(""), plan("name: power fails, "));
}

#[test]
fn what_must_not_be_seen_fails_the_run() {
    let lines = "faults: [{ at: 500ms, crash: leader, restart_after: 1s }]\n";
    let seen = run(&format!("{lines}must_not_see: [leader_changed, dead_lettered]\n"));
    let broken: Vec<&str> = seen.violations.iter().map(|v| v.invariant.as_str()).collect();
    assert_eq!((seen.verdict, broken), (Verdict::Failed, vec!["must_not_see"]));
    assert!(seen.violations[0].summary.starts_with("leader_changed was seen "));
    let unseen = run(&format!("{lines}must_not_see: [dead_lettered]\n"));
    assert_eq!(unseen.verdict, Verdict::Passed);
}

#[test]
fn availability_is_judged_in_a_window() {
    let faults = "faults:\n  - { name: the cut, at: 500ms, hold: { between: [producers, brokers] }, for: 1s }\n";
    let judged = |expect: &str| {
        let run = run(&format!("{faults}expect: [available: {{ {expect} }}]\n"));
        (run.verdict, run.judged["available"])
    };
    let (whole, all) = judged("at_least: 50%");
    let (during, some) = judged("at_least: 50%, during: the cut");
    assert_eq!((whole, during), (Verdict::Passed, Verdict::Passed));
    assert!(
        (190..=210).contains(&some) && all == 400,
        "{some} of {all} were published in a second of two"
    );
    let (after, rest) = judged("at_least: 100%, after: the cut");
    assert!(after == Verdict::Passed && (90..=110).contains(&rest), "{after} {rest}");
}

/// Clients that hear nothing for longer than they are patient are told so, and only in the window.
#[test]
fn a_window_in_which_nothing_could_be_published_is_noticed() {
    let faults = "faults:\n  - { name: silence, at: 500ms, hold: { between: [producers, brokers] }, for: 6s }\n";
    let judged =
        |expect: &str| run(&format!("{faults}expect: [available: {{ {expect} }}]\n")).verdict;
    assert_eq!(judged("at_least: 90%, during: silence"), Verdict::Failed);
}

#[test]
fn zones_are_far_from_each_other() {
    let zones = "zones: { east: [broker-1, broker-2, producer-1, consumer-1], west: [broker-3, producer-2, consumer-2, store-1, gateway-1] }\n";
    let slowest = |network: &str| {
        let run = run(&format!("{zones}network: {network}\n"));
        assert_eq!(run.verdict, Verdict::Passed, "{:?}", run.violations);
        run.latency.unwrap().p50_us
    };
    let near = slowest("{ latency: 2ms..4ms }");
    let far = slowest("{ latency: 2ms..4ms, between zones: 80ms }");
    assert!(far > near + 80_000, "{near} {far}");
    // A fault that is shorter than what is usual there changes nothing, and is felt by nobody there.
    let slow = run(&format!(
        "{zones}network: {{ between zones: 80ms }}\nfaults: [{{ at: 500ms, latency: {{ between: [zone east, zone west], delay: 20ms, jitter: 1ms }}, for: 1s }}]\n"
    ));
    assert_eq!(slow.verdict, Verdict::Vacuous, "{:?}", slow.signals);
}

/// A step that waits for itself, names that there are not, and what belongs to whom.
#[test]
fn mistakes_are_told() {
    for (lines, code) in [
        ("faults: [{ name: a, after: a, crash: leader }]", "never"),
        (
            "faults: [{ name: a, after: b, crash: leader }, { name: b, when: { began: a }, crash: leader }]",
            "never",
        ),
        (
            "faults: [{ name: a, at: 1s, crash: leader }, { after: c, crash: leader }]",
            "unknown_step",
        ),
        ("faults: [{ after: c, crash: leader }]", "unknown_step"),
        (
            "faults: [{ name: a, at: 1s, crash: leader }, { name: a, at: 1s, crash: leader }]",
            "twice",
        ),
        ("faults: [{ name: '', at: 1s, crash: leader }]", "bad_value"),
        ("faults: [{ at: 1s, delay: 1s, crash: leader }]", "misplaced"),
        ("faults: [{ when: { signal: leader_chagned }, crash: leader }]", "unknown_signal"),
        ("faults: [{ when: { acked: 3, hit: 2 }, crash: leader }]", "misplaced"),
        ("must_not_see: [leader_chagned]", "unknown_signal"),
        ("must_see: [retried]\nmust_not_see: [retried]", "never"),
        ("expect: [available: { at_least: 90%, during: a }]", "unknown_step"),
        (
            "faults: [{ name: a, at: 1s, crash: leader }]\nexpect: [available: { at_least: 90%, during: a }]",
            "misplaced",
        ),
        (
            "faults: [{ name: a, at: 1s, pause: leader }]\nexpect: [available: { at_least: 90%, during: a, after: a }]",
            "two_of_a_kind",
        ),
        ("network: { between zones: 80ms }", "unknown_zone"),
        ("zones: { a: [broker-1], b: [broker-2] }\nnetwork: { between zones: 80 }", "bad_value"),
    ] {
        let told = parse("x", format!("{HEAD}{lines}\n").as_bytes(), &ReferenceSystem).unwrap_err();
        let codes: Vec<&str> = told.diagnostics.iter().map(|told| told.code).collect();
        assert!(
            codes.iter().all(|found| *found == format!("squall::{code}")),
            "{lines}: {codes:?}"
        );
    }
}
