//! A run that misbehaves ends its worker at worst, never the harness, and is told apart from others.

use crate::{CALM, explain, found_out, honest, runs};
use squall_reports::Verdict;

fn errored(id: &str, told: &str) {
    for (run, seed) in runs(CALM, id, 2, &[]).iter().zip(1..) {
        assert_eq!((run.verdict, run.seed), (Verdict::Errored, seed), "{}", explain(run));
        let reason = run.reason.as_deref().unwrap_or_default();
        assert!(reason.contains(told), "{id}: {reason}");
    }
    honest(CALM, id, 2);
}

#[test]
fn a_task_that_never_yields() {
    errored("spins", "made no step");
}

#[test]
fn a_stack_that_overflows() {
    errored("overflows", "overflow");
}

#[test]
fn an_abort() {
    errored("aborts", "aborted");
}

#[test]
fn memory_without_bound() {
    errored("hoards", "memory");
}

#[test]
fn a_system_that_never_answers_is_no_pass() {
    found_out(CALM, "never-answers", &["progress"], 2, 2);
}

#[test]
fn a_panic_fails_the_run_with_its_message_and_node() {
    for run in runs(CALM, "panics", 2, &[]) {
        let told = &run.violations[0].summary;
        let expected = "server-1 panicked: work that does not succeed at once";
        assert!(told.starts_with(expected), "{told}");
    }
}
