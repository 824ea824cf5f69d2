//! Each limit is judged by itself, from its own start: one that nobody could keep is missed, and nothing else is broken
//! by it.

use crate::{
    common::{report, scenario},
    squall,
};
use squall_reports::Verdict;

fn violated(expect: &str) -> Vec<(Verdict, Vec<String>)> {
    let text = format!(
        "name: x\nworkload: {{ events: 300, rate: 250/s }}\nfaults:\n  - {{ at: 500ms, crash: leader, \
         restart_after: 1s }}\nexpect:\n{expect}"
    );
    let (folder, path) = scenario(&text);
    let json = folder.path().join("report.json");
    let said = squall(&["run", &path, "--runs", "2", "--report", &json.to_string_lossy()]);
    assert!(said.code < 2, "{}{}", said.out, said.err);
    let mut report = report(&json);
    let runs = report.scenarios.remove(0).runs;
    let broken = |violations: &[squall_reports::Violation]| {
        let mut names: Vec<String> = violations.iter().map(|v| v.invariant.clone()).collect();
        names.dedup();
        names
    };
    runs.iter().map(|run| (run.verdict, broken(&run.violations))).collect()
}

const LIMITS: [&str; 5] =
    ["drains", "eventual_consistency", "converges", "progress", "recovers_within"];

#[test]
fn a_limit_that_nobody_could_keep_is_missed_by_itself() {
    for limit in LIMITS {
        for (verdict, broken) in violated(&format!("  - {limit}: {{ within: 1ms }}\n")) {
            assert_eq!((verdict, broken), (Verdict::Failed, vec![limit.to_owned()]));
        }
    }
}

/// The run goes on behind its limits: what would have been done is not taken for lost.
#[test]
fn limits_that_are_all_too_short_break_nothing_else() {
    let all: String =
        LIMITS.iter().map(|limit| format!("  - {limit}: {{ within: 1ms }}\n")).collect();
    for (verdict, broken) in violated(&all) {
        assert_eq!(verdict, Verdict::Failed);
        assert!(broken.iter().all(|name| LIMITS.contains(&name.as_str())), "{broken:?}");
    }
}

#[test]
fn limits_that_can_be_kept_are_kept() {
    let all: String =
        LIMITS.iter().map(|limit| format!("  - {limit}: {{ within: 10s }}\n")).collect();
    for run in violated(&all) {
        assert_eq!(run, (Verdict::Passed, Vec::new()));
    }
}
