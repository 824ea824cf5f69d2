//! Panics: whose business they are.

use crate::{CALM, explain, found_out, runs};

/// A panic that nobody handles fails the run; one that is handled is told, and judged by what follows.
fn panics_handled(id: &str) {
    found_out(CALM, id, &["no_panic"], 3, 3);
    for run in runs(CALM, &format!("{id}.honest"), 2, &["--verify", "all"]) {
        let told = run.signals.get("panic_handled").is_some_and(|count| *count > 0);
        assert!(told, "{}", explain(&run));
    }
}

#[test]
fn panics() {
    panics_handled("panics");
}

#[test]
fn panics_in_a_call() {
    panics_handled("panics-in-a-call");
}
