//! A run that misbehaves ends its worker at worst, never the harness, and is told apart from others.

use crate::{
    common::{report, scenario},
    tiny,
};
use squall_reports::{Run, Verdict};

const CALM: &str = "
name: calm
workload: { events: 60, rate: 60/s }
faults:
  - at: 100ms
    latency: { delay: 20ms..30ms }
    for: 400ms
";

/// Two runs with a defect; the report's runs and the exit code.
fn runs(defect: &str, more: &[&str]) -> (i32, Vec<Run>) {
    let (folder, path) = scenario(CALM);
    let json = folder.path().join("report.json");
    let json_text = json.to_string_lossy();
    let mut arguments = vec!["run", &path, "--runs", "2", "--report", &json_text];
    if !defect.is_empty() {
        arguments.extend(["--defect", defect]);
    }
    arguments.extend(more);
    let said = tiny(&arguments);
    assert!(said.code < 2, "{}\n{}", said.out, said.err);
    let runs = report(&json).scenarios.remove(0).runs;
    assert_eq!(runs.len(), 2, "{}", said.out);
    (said.code, runs)
}

fn errored(defect: &str, reason: &str) {
    let (code, runs) = runs(defect, &[]);
    assert_eq!(code, 1);
    for (run, seed) in runs.iter().zip(1..) {
        assert_eq!((run.verdict, run.seed), (Verdict::Errored, seed));
        let told = run.reason.as_deref().unwrap_or_default();
        assert!(told.contains(reason), "{told}");
    }
}

#[test]
fn without_a_defect_it_passes() {
    let (code, runs) = runs("", &["--verify", "all"]);
    assert_eq!(code, 0);
    assert!(runs.iter().all(|run| run.verdict == Verdict::Passed && run.verified));
    assert!(runs.iter().all(|run| run.counters.acknowledged == 60));
}

#[test]
fn a_panic_fails_the_run_with_its_message_and_node() {
    let (code, runs) = runs("panic", &[]);
    assert_eq!(code, 1);
    for run in runs {
        assert_eq!(run.verdict, Verdict::Failed);
        assert_eq!(run.violations[0].invariant, "no_panic");
        let expected = "server-1 panicked: the tiny server does not like the number 20";
        assert!(run.violations[0].summary.starts_with(expected), "{}", run.violations[0].summary);
    }
}

#[test]
fn a_task_that_never_yields() {
    errored("spin", "made no step");
}

#[test]
fn a_stack_that_overflows() {
    errored("overflow", "overflow");
}

#[test]
fn an_abort() {
    errored("abort", "aborted");
}

#[test]
fn memory_without_bound() {
    errored("hoard", "memory");
}

#[test]
fn the_real_clock_is_found_out() {
    errored("clock", "escaped: server-1 called std::time::SystemTime::now");
}

#[test]
fn a_system_that_never_answers_is_no_pass() {
    let (code, runs) = runs("mute", &[]);
    assert_eq!(code, 1);
    assert!(runs.iter().all(|run| run.verdict == Verdict::Failed));
}

#[test]
fn a_disk_that_is_not_synced_is_found_out_by_a_crash() {
    let (folder, path) = scenario(
        "
name: power failure
workload: { events: 100, rate: 100/s }
faults:
  - between: 300ms..700ms
    crash: server-1
    restart_after: 100ms
",
    );
    let json = folder.path().join("report.json");
    let run = |defect: &[&str]| {
        let json = json.to_string_lossy();
        let arguments = [&["run", &path, "--runs", "10", "--report", &json], defect].concat();
        tiny(&arguments).code
    };
    assert_eq!(run(&[]), 0);
    assert_eq!(run(&["--defect", "no-sync"]), 1);
    let report = report(&json);
    let names = |run: &Run| run.violations.iter().map(|v| v.invariant.clone()).collect::<Vec<_>>();
    assert!(report.runs().any(|(_, run)| names(run).contains(&"durability".to_owned())));
}
