//! Faults on a system of a page, which feels and survives them, or does not.

use crate::{
    common::{report, scenario},
    tiny,
};
use squall_reports::Verdict;

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

fn felt_and_survived(kind: &str, step: &str) {
    let run = run(step);
    assert_eq!(run.verdict, Verdict::Passed, "{step}: {:?} {:?}", run.reason, run.violations);
    assert!(run.signals.contains_key(&format!("{kind}_felt")), "{step}: {:?}", run.signals);
}

/// Its only copy is damaged: it can feel that, and no more.
fn felt_and_not_survived(kind: &str) {
    let step = format!("{{ at: 500ms, {kind}: server-1 }}\n  - {{ at: 700ms, restart: server-1 }}");
    let run = run(&step);
    assert!(run.signals.contains_key(&format!("{kind}_felt")), "{kind}: {:?}", run.signals);
    assert_ne!(run.verdict, Verdict::Passed, "{kind}");
}

/// One test a form: its name, the fault, and the step.
macro_rules! forms {
    ($($name:ident: $kind:ident $step:literal;)*) => {
        $(
            #[test]
            fn $name() {
                felt_and_survived(stringify!($kind), $step);
            }
        )*
    };
}

// Forms that the faults' own examples do not have. Those are run in `harness/command`.
forms! {
    zone_failure_of_a_named_zone: zone_failure "{ at: 500ms, zone_failure: zone here }";
    partition_one_way: partition
        "{ at: 500ms, partition: { from: clients, to: servers }, for: 400ms }";
    partition_between_sides: partition
        "{ at: 500ms, partition: { between: [clients, servers] }, for: 400ms }";
    latency_that_is_normal: latency
        "{ at: 500ms, latency: { delay: 20ms, jitter: 60ms, distribution: normal }, for: 400ms }";
    latency_that_is_heavy_tailed: latency
        "{ at: 500ms, latency: { delay: 20ms, jitter: 1s, distribution: heavy_tailed }, for: 1s }";
    poison_of_any_kind: poison "{ at: 500ms, poison: 30%, for: 500ms }";
    memory_limit_of_the_only_copy: memory_limit
        "{ at: 500ms, memory_limit: { node: server-1, bytes: 4B }, for: 300ms }";
    dependency_down_for_the_whole_system: dependency_down
        "{ at: 500ms, dependency_down: servers, for: 300ms }";
    dependency_late_for_the_whole_system: dependency_late
        "{ at: 500ms, dependency_late: { node: servers, by: 600ms }, for: 300ms }";
}

#[test]
fn wipe_of_the_only_copy() {
    felt_and_not_survived("wipe");
}

#[test]
fn bit_rot_of_the_only_copy() {
    felt_and_not_survived("bit_rot");
}

#[test]
fn truncate_of_the_only_copy() {
    felt_and_not_survived("truncate");
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
