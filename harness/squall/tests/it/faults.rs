//! Every fault is felt by a system of a page, which survives it: a fault that nothing feels is vacuous, and
//! a system that does not survive it fails.

use crate::{
    common::{report, scenario},
    tiny,
};
use squall_reports::Verdict;

/// A step for each kind of fault.
const STEPS: &[(&str, &str)] = &[
    ("crash", "{ at: 500ms, crash: server-1, restart_after: 200ms }"),
    ("restart", "{ between: 400ms..800ms, restart: leader }"),
    ("stop", "{ at: 500ms, stop: { node: servers, grace: 1s, down: 100ms } }"),
    ("rolling_restart", "{ at: 500ms, rolling_restart: { node: servers, every: 300ms } }"),
    (
        "crash_loop",
        "{ at: 300ms, crash_loop: { node: server-1, times: 3, up: 200ms, down: 100ms } }",
    ),
    ("power_failure", "{ at: 500ms, power_failure: { node: all, within: 300ms } }"),
    ("zone_failure", "{ at: 500ms, zone_failure: { node: any zone, within: 300ms } }"),
    ("zone_failure", "{ at: 500ms, zone_failure: zone here }"),
    ("pause", "{ at: 500ms, pause: server-1, for: 400ms }"),
    ("slow_node", "{ at: 500ms, slow_node: { node: server-1, one_in: 20 }, for: 400ms }"),
    ("partition", "{ at: 500ms, partition: { isolate: server-1 }, for: 400ms }"),
    ("partition", "{ at: 500ms, partition: { from: clients, to: servers }, for: 400ms }"),
    ("partition", "{ at: 500ms, partition: { between: [clients, servers] }, for: 400ms }"),
    ("flap", "{ at: 500ms, flap: { isolate: server-1, up: 100ms, down: 100ms }, for: 600ms }"),
    ("hold", "{ at: 500ms, hold: { isolate: servers }, for: 400ms }"),
    ("clog", "{ at: 500ms, clog: { within: 1500ms }, for: 2s }"),
    ("latency", "{ at: 500ms, latency: { delay: 40ms..60ms }, for: 400ms }"),
    (
        "latency",
        "{ at: 500ms, latency: { delay: 20ms, jitter: 60ms, distribution: normal }, for: 400ms }",
    ),
    (
        "latency",
        "{ at: 500ms, latency: { delay: 20ms, jitter: 1s, distribution: heavy_tailed }, for: 1s }",
    ),
    ("bandwidth", "{ at: 500ms, bandwidth: { limit: 400B/s, isolate: server-1 }, for: 400ms }"),
    ("reset", "{ every: 300ms, reset: { isolate: server-1 } }"),
    ("slow_close", "{ at: 500ms, slow_close: { node: clients, by: 300ms }, for: 500ms }"),
    ("lose", "{ at: 500ms, lose: { messages: 30%, on: answer }, for: 600ms }"),
    ("duplicate", "{ at: 500ms, duplicate: { messages: 50%, on: send } }"),
    ("corrupt", "{ at: 500ms, corrupt: { messages: 30% }, for: 500ms }"),
    ("late", "{ at: 500ms, late: { messages: 30%, on: answer, by: 400ms..600ms }, for: 500ms }"),
    ("poison", "{ at: 500ms, poison: { share: 30%, kind: rejected }, for: 500ms }"),
    ("disk_full", "{ at: 500ms, disk_full: server-1, for: 300ms }"),
    ("fail_sync", "{ at: 500ms, fail_sync: server-1, for: 300ms }"),
    ("io_error", "{ at: 500ms, io_error: { node: server-1, on: writes }, for: 300ms }"),
    ("slow_disk", "{ at: 500ms, slow_disk: { node: server-1, by: 50ms }, for: 300ms }"),
    ("lose_unsynced", "{ at: 500ms, lose_unsynced: server-1, restart_after: 100ms }"),
    ("torn_write", "{ at: 500ms, torn_write: server-1, restart_after: 100ms }"),
    ("clock_offset", "{ at: 500ms, clock_offset: { node: all, by: 2s, direction: behind } }"),
    ("clock_drift", "{ at: 500ms, clock_drift: { node: all, by: 50ms }, for: 400ms }"),
    ("clock_jump", "{ at: 500ms, clock_jump: { node: any server, by: 1m } }"),
    ("memory_limit", "{ at: 500ms, memory_limit: { node: server-1, bytes: 4B }, for: 300ms }"),
    (
        "connection_limit",
        "{ at: 500ms, connection_limit: { node: server-1, most: 0 }, for: 300ms }",
    ),
    ("dependency_down", "{ at: 500ms, dependency_down: servers, for: 300ms }"),
    ("dependency_slow", "{ at: 500ms, dependency_slow: { node: servers, by: 100ms }, for: 300ms }"),
    (
        "dependency_fails",
        "{ at: 500ms, dependency_fails: { node: servers, share: 50% }, for: 400ms }",
    ),
    ("dependency_late", "{ at: 500ms, dependency_late: { node: servers, by: 600ms }, for: 300ms }"),
    ("spike", "{ at: 300ms, spike: { factor: 3, lasting: 300ms } }"),
    ("burst", "{ at: 300ms, burst: { events: 30 } }"),
    ("ramp", "{ at: 300ms, ramp: { factor: 4, lasting: 400ms } }"),
    ("slow_consumer", "{ at: 500ms, slow_consumer: { node: servers, by: 30ms }, for: 300ms }"),
];

/// What `tiny` feels and does not survive: it has one copy of everything, or it sends one message on each
/// connection.
const TOO_MUCH: &[&str] = &["wipe", "bit_rot", "truncate", "replay", "reorder"];

fn run(step: &str) -> squall_reports::Run {
    let text = format!(
        "name: x\nworkload: {{ events: 100, rate: 80/s }}\nzones: {{ here: [server-1] }}\n\
         faults:\n  - {step}\n"
    );
    let (folder, path) = scenario(&text);
    let json = folder.path().join("report.json");
    let said = tiny(&["run", &path, "--runs", "1", "--report", &json.to_string_lossy()]);
    assert!(said.code < 2, "{step}: {}{}", said.out, said.err);
    report(&json).scenarios.remove(0).runs.remove(0)
}

#[test]
fn each_is_felt_and_survived() {
    let mut wrong = Vec::new();
    for (kind, step) in STEPS {
        let run = run(step);
        let felt = run.signals.get(&format!("{kind}_felt")).copied().unwrap_or(0);
        if run.verdict != Verdict::Passed || felt == 0 {
            let (verdict, reason) = (run.verdict, run.reason.unwrap_or_default());
            wrong.push(format!(
                "{step}: {verdict:?} {reason} {:?} {:?}",
                run.violations, run.signals
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_kind_is_here() {
    let listed = tiny(&["list", "faults"]).out;
    let listed: Vec<&str> = listed
        .lines()
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for kind in &listed {
        let tested = STEPS.iter().any(|(known, _)| known == kind) || TOO_MUCH.contains(kind);
        assert!(tested, "{kind} has no test");
    }
    assert_eq!(listed.len(), 46);
}

/// Its only copy is damaged: it can feel that, and no more.
#[test]
fn damage_to_the_only_copy_is_felt() {
    for kind in ["wipe", "bit_rot", "truncate"] {
        let step =
            format!("{{ at: 500ms, {kind}: server-1 }}\n  - {{ at: 700ms, restart: server-1 }}");
        let run = run(&step);
        assert!(run.signals.contains_key(&format!("{kind}_felt")), "{kind}: {:?}", run.signals);
        assert_ne!(run.verdict, Verdict::Passed, "{kind}");
    }
}

#[test]
fn what_nothing_feels_and_what_never_starts_is_vacuous() {
    // Nobody sends anything of this kind while the fault lasts, or ever.
    let step = "{ at: 500ms, lose: { messages: 30%, on: send, from: servers, to: clients } }";
    let unfelt = run(step);
    assert_eq!(unfelt.verdict, Verdict::Vacuous);
    assert!(unfelt.reason.unwrap().contains("line 5: the fault began and nothing ever felt it"));

    let step = "{ when: { reaches: server.synced, hit: 5000 }, restart: server-1 }";
    let unfired = run(step);
    assert_eq!(unfired.verdict, Verdict::Vacuous);
    assert!(unfired.reason.unwrap().contains("line 5: the trigger never fired"));
}

#[test]
fn a_trigger_at_a_fault_point_strikes_between_two_steps() {
    let run = run("{ when: { reaches: server.synced, hit: 30 }, restart: server-1 }");
    assert_eq!(run.verdict, Verdict::Passed, "{:?} {:?}", run.reason, run.violations);
    // The event was stored and its sender not told: it asks again.
    assert!(run.signals.contains_key("retried"), "{:?}", run.signals);
}
