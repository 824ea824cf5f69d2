//! The example `transactions`: it keeps what it promises, and each mistake that it can be told to make is found out by the
//! name of what it breaks.

use crate::{
    common::{self, report, scenario},
    example,
};

const WORKLOAD: &str = "workload: { events: 150, rate: 200/s }\nnodes: { producers: 2 }\n";

/// Faults, and the mistakes that they bring to light, each with the invariant by which.
const STORMS: [(&str, &[(&str, &str)]); 5] = [
    // In a calm run consumers are quick enough to see what is open.
    ("", &[("reads-open", "transaction_atomicity")]),
    (
        "faults:\n  - { every: 130ms, crash: broker-1, restart_after: 80ms }\n",
        &[("shows-aborted", "transaction_atomicity"), ("no-sync", "durability")],
    ),
    (
        "faults:\n  - { when: { reaches: broker.committed, hit: 3 }, crash: broker-1, restart_after: 80ms }\n",
        &[
            ("commits-piecemeal", "transaction_atomicity"),
            ("forgets-outcomes", "no_duplicate_append"),
        ],
    ),
    (
        "faults:
  - { every: 300ms, kill: { node: any producer, down: 80ms } }
  - { every: 400ms, crash: consumer-1, restart_after: 50ms }
  - { at: 100ms, duplicate: { messages: 20% }, for: 1s }
  - { at: 300ms, lose: { messages: 10% }, for: 1s }\n",
        &[],
    ),
    // A later sync that succeeds says nothing of what an earlier one did not save.
    (
        "faults:
  - { at: 200ms, fail_sync: brokers, for: 100ms }
  - { at: 500ms, fail_sync: brokers, for: 60ms }\n",
        &[],
    ),
];

/// What was violated, and how many facts of transactions there were.
fn broken(faults: &str, more: &[&str]) -> (Vec<String>, u64) {
    let (folder, path) = scenario(&format!("name: it\n{WORKLOAD}{faults}"));
    let json = folder.path().join("report.json");
    let arguments = ["run", &path, "--runs", "5", "--quiet", "--report", json.to_str().unwrap()];
    let said = common::run(&example("transactions"), &[&arguments, more].concat());
    assert!(said.code < 2, "{faults} {more:?}: {}{}", said.out, said.err);
    let report = report(&json);
    let violations = report.runs().flat_map(|(_, run)| &run.violations);
    let judged = report.runs().map(|(_, run)| run.judged["transaction_atomicity"]).min();
    assert_eq!(said.code == 0, report.runs().all(|(_, run)| run.violations.is_empty()));
    (violations.map(|violation| violation.invariant.clone()).collect(), judged.unwrap_or(0))
}

#[test]
fn nothing_is_wrong_with_it() {
    for (faults, _) in STORMS {
        let (broken, judged) = broken(faults, &["--verify", "all"]);
        assert!(broken.is_empty() && judged > 90, "{faults}: {broken:?}, {judged}");
    }
}

#[test]
fn each_mistake_is_found_out_by_its_name() {
    for (faults, mistakes) in STORMS {
        for (mistake, invariant) in mistakes {
            let (broken, _) = broken(faults, &["--defect", mistake]);
            assert!(broken.iter().any(|broken| broken == invariant), "{mistake}: {broken:?}");
        }
    }
}
