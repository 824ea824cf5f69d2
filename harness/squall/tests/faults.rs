//! Every fault is felt by a system of a page, which survives it: a fault that nothing feels is vacuous, and
//! a system that does not survive it fails.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod common;

use common::{report, scenario, squall, tiny};
use squall_reports::Verdict;

/// A step for each kind of fault, and what it must leave in the run.
const STEPS: &[(&str, &str)] = &[
    ("crash", "{ at: 500ms, crash: server-1, restart_after: 200ms }"),
    ("restart", "{ between: 400ms..800ms, restart: leader }"),
    (
        "crash_loop",
        "{ at: 300ms, crash_loop: { node: server-1, times: 3, up: 200ms, down: 100ms } }",
    ),
    ("partition", "{ at: 500ms, partition: { isolate: server-1 }, for: 400ms }"),
    ("partition", "{ at: 500ms, partition: { from: clients, to: servers }, for: 400ms }"),
    ("partition", "{ at: 500ms, partition: { between: [clients, servers] }, for: 400ms }"),
    ("hold", "{ at: 500ms, hold: { isolate: servers }, for: 400ms }"),
    ("latency", "{ at: 500ms, latency: { delay: 40ms..60ms }, for: 400ms }"),
    ("duplicate", "{ at: 500ms, duplicate: { messages: 50%, on: send } }"),
    ("reorder", "{ at: 500ms, reorder: { messages: 50%, by: 20ms..60ms } }"),
    ("lose", "{ at: 500ms, lose: { messages: 30%, on: answer }, for: 600ms }"),
    ("disk_full", "{ at: 500ms, disk_full: server-1, for: 300ms }"),
    ("fail_sync", "{ at: 500ms, fail_sync: server-1, for: 300ms }"),
];

fn run(step: &str) -> squall_reports::Run {
    let text = format!("name: x\nworkload: {{ events: 100, rate: 80/s }}\nfaults:\n  - {step}\n");
    let (folder, path) = scenario(&text);
    let json = folder.path().join("report.json");
    let said = tiny(&["run", &path, "--runs", "1", "--report", &json.to_string_lossy()]);
    assert!(said.code < 2, "{step}: {}{}", said.out, said.err);
    report(&json).scenarios.remove(0).runs.remove(0)
}

#[test]
fn each_is_felt_and_survived() {
    for (_, step) in STEPS {
        let run = run(step);
        assert_eq!(run.verdict, Verdict::Passed, "{step}: {:?} {:?}", run.reason, run.violations);
        assert!(run.counters.faults > 0, "{step}");
    }
}

#[test]
fn each_kind_is_here() {
    let listed = squall(&["list", "faults"]).out;
    let listed: Vec<&str> = listed
        .lines()
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for kind in &listed {
        assert!(STEPS.iter().any(|(known, _)| known == kind), "{kind} has no test");
    }
    assert_eq!(listed.len(), 11);
}

#[test]
fn what_nothing_feels_and_what_never_starts_is_vacuous() {
    // Nobody sends anything of this kind while the fault lasts, or ever.
    let step = "{ at: 500ms, lose: { messages: 30%, on: send, from: servers, to: clients } }";
    let unfelt = run(step);
    assert_eq!(unfelt.verdict, Verdict::Vacuous);
    assert!(unfelt.reason.unwrap().contains("line 4: the fault began and nothing ever felt it"));

    let step = "{ when: { reaches: server.synced, hit: 5000 }, restart: server-1 }";
    let unfired = run(step);
    assert_eq!(unfired.verdict, Verdict::Vacuous);
    assert!(unfired.reason.unwrap().contains("line 4: the trigger never fired"));
}

#[test]
fn a_trigger_at_a_fault_point_strikes_between_two_steps() {
    let run = run("{ when: { reaches: server.synced, hit: 30 }, restart: server-1 }");
    assert_eq!(run.verdict, Verdict::Passed, "{:?} {:?}", run.reason, run.violations);
    // The event was stored and its sender not told: it asks again.
    assert!(run.signals.contains_key("retried"), "{:?}", run.signals);
}
