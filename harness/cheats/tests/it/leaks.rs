//! What reaches a run from outside, and what a run leaves behind.

use crate::{CALM, explain, runs};
use squall_reports::Verdict;

/// All runs pass, verified, with the same histories whatever the processes.
fn stable(id: &str) {
    let all = ["--verify", "all", "--jobs"];
    let one = runs(CALM, id, 4, &[&all[..], &["1"]].concat());
    let three = runs(CALM, id, 4, &[&all[..], &["3"]].concat());
    for (one, three) in one.iter().zip(&three) {
        assert_eq!(one.verdict, Verdict::Passed, "{id}: {}", explain(one));
        assert!(one.verified);
        assert_eq!(one.hash, three.hash, "{id}: seed {}", one.seed);
    }
}

#[test]
fn leaks_through_a_static() {
    let id = "leaks-through-a-static";
    for jobs in ["1", "2"] {
        for run in runs(CALM, id, 6, &["--verify", "all", "--jobs", jobs]) {
            assert_eq!(run.verdict, Verdict::Unstable, "{}", explain(&run));
            let reason = run.reason.unwrap_or_default();
            assert!(reason.contains("suspects: what outlives a run (a `static`"), "{reason}");
        }
    }
    for run in runs(CALM, id, 21, &["--verify", "sample", "--jobs", "1"]) {
        let verdict = if run.seed % 10 == 1 { Verdict::Unstable } else { Verdict::Passed };
        assert_eq!(run.verdict, verdict, "{}", explain(&run));
    }
    stable("leaks-through-a-static.honest");
}

#[test]
fn hash_order() {
    for run in runs(CALM, "hash-order", 4, &["--verify", "all"]) {
        assert_eq!(run.verdict, Verdict::Unstable, "{}", explain(&run));
        let reason = run.reason.unwrap_or_default();
        assert!(reason.contains("suspects: the order of a HashMap"), "{reason}");
    }
    stable("hash-order.honest");
}

#[test]
fn prints() {
    let start = std::time::Instant::now();
    stable("prints");
    stable("prints.honest");
    assert!(start.elapsed().as_secs() < 20);
}
