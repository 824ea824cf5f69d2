//! The suite notices every known mistake, each by an invariant that it should break: `squall audit`, for each
//! defect in the scenario that is made for it.

use crate::{common, squall};

/// Each defect with its scenario.
const MATRIX: &[(&str, &str)] = &[
    ("unclean-election", "broker/laggard-leads"),
    ("stale-leader-acks", "broker/leader-cut-off-from-brokers"),
    ("reads-uncommitted", "broker/power-failure"),
    ("producer-state-forgotten", "broker/power-failure"),
    ("disk-is-believed", "resource/restored-replica"),
    ("sequence-is-sacred", "resource/restored-log"),
    ("commits-go-backwards", "consumer/zombie"),
    ("fsync-retried", "resource/sync-fails-then-power"),
    ("dir-not-synced", "broker/power-failure"),
    ("crc-unchecked", "resource/bit-rot"),
    ("torn-tail-kept", "resource/damaged-voter"),
    ("enospc-is-success", "resource/disk-full-then-power"),
    ("frames-unchecked", "network/corruption"),
    ("dedup-evicts-early", "consumer/dies-between-effect-and-mark"),
    ("dedup-expires-by-clock", "clock/jump"),
    ("commit-off-by-one", "consumer/dies-before-effect"),
    ("zombie-consumer", "consumer/rebalance-storm"),
    ("dead-letter-lost", "message/poison-while-answers-are-lost"),
    ("poison-blocks", "consumer/poison"),
    ("redrive-copies", "dependency/gateway-down-for-long"),
    ("shutdown-drops-inflight", "pattern/graceful-stop"),
    ("unbounded-buffer", "consumer/slow"),
    ("timeout-is-failure", "producer/held-beyond-timeout"),
    ("sticks-to-dead-leader", "broker/rolling-restart"),
    ("no-request-timeout", "network/majority"),
    ("retry-hot-loop", "dependency/gateway-down"),
    ("retry-no-jitter", "dependency/gateway-down"),
    ("breaker-never-opens", "dependency/gateway-down"),
    ("breaker-stuck-open", "dependency/gateway-down"),
    ("new-key-each-attempt", "dependency/gateway-answers-late"),
    ("timeout-means-declined", "dependency/gateway-answers-late"),
    ("compensate-twice", "pattern/compensation-is-repeated"),
    ("saga-state-volatile", "pattern/orchestrator-fails-over"),
    ("degrades-payment", "load/spike-during-failover"),
    ("projection-ignores-version", "pattern/projection-is-rebuilt"),
    ("snapshot-ahead", "pattern/projection-is-rebuilt"),
    ("ack-before-fsync", "broker/power-failure"),
    ("ack-before-quorum", "broker/leader-cut-off-from-brokers"),
    ("check-then-mark", "consumer/dies-between-effect-and-mark"),
    ("dedup-in-memory", "consumer/dies-between-effect-and-mark"),
    ("commit-before-apply", "consumer/dies-before-effect"),
    ("producer-retries-blindly", "producer/acks-lost"),
    ("promise-not-synced", "broker/votes-before-power-fails"),
    ("recovery-forgets-promise", "resource/bit-rot"),
    ("poison-committed-first", "consumer/poison"),
    ("dedup-by-high-water", "dependency/gateway-down-for-long"),
    ("rotation-ignores-failures", "pattern/out-of-rotation"),
    ("unbounded-producer-queue", "producer/outage-beyond-patience"),
    ("gives-up-batch", "producer/outage-beyond-patience"),
    ("wedged-after-outage", "producer/outage-beyond-patience"),
    ("retry-drops-key", "dependency/connections-to-the-gateway-break"),
    ("gateway-forgets-keys", "regressions/store-torn-between-records"),
    ("gateway-answers-unsynced", "regressions/store-torn-between-records"),
    ("store-answers-unsynced", "regressions/store-torn-between-records"),
    ("snapshot-in-two-files", "consumer/power-between-two-writes"),
    ("position-before-snapshot", "consumer/power-between-two-writes"),
    ("snapshot-while-catching-up", "consumer/dies-while-catching-up"),
    ("replay-by-own-clock", "pattern/projection-is-rebuilt"),
    ("replay-begins-behind", "pattern/projection-is-rebuilt"),
    ("replay-ends-late", "pattern/projection-is-rebuilt"),
];

#[test]
fn every_defect_is_noticed_by_what_it_should_break() {
    let mut unnoticed = Vec::new();
    for (defect, scenario) in MATRIX {
        let scenario = format!("scenarios/{scenario}.yaml");
        let arguments = [
            "audit",
            &scenario,
            "--defect",
            defect,
            "--runs",
            "8",
            "--at-least",
            "100",
            "--jobs",
            "1",
            "--no-progress",
        ];
        let said = squall(&arguments);
        if said.code != 0 {
            unnoticed.push(format!("{defect}: {}{}", said.out, said.err));
        }
    }
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
}

#[test]
fn the_matrix_has_every_defect() {
    let said = squall(&["list", "defects"]);
    let listed = said.out.lines().filter(|line| !line.starts_with(' ')).count();
    assert_eq!(listed, MATRIX.len(), "{}", said.out);
    for (defect, _) in MATRIX {
        assert!(said.out.contains(defect));
    }
}

#[test]
fn a_suite_that_does_not_look_is_found_out() {
    let arguments = [
        "audit",
        "scenarios/broker/crash-loop.yaml",
        "--defect",
        "timeout-is-failure",
        "--runs",
        "1",
        "--at-least",
        "100",
        "--no-progress",
    ];
    let said = squall(&arguments);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.out.contains("Nobody noticed: timeout-is-failure"), "{}", said.out);
}

/// What an audit says follows from scenarios, seeds and defects: not from the machine, nor from who finished first.
#[test]
fn an_audit_says_the_same_whoever_finishes_first() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        let text = format!(
            "name: {name}\nworkload: {{ events: 60, rate: 100/s }}\nsettle: 0s\n\
             faults:\n  - {{ at: 200ms, restart: any consumer }}\n"
        );
        std::fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let suite = folder.path().to_string_lossy().into_owned();
    let audit = |jobs: &str| {
        let path = folder.path().join(format!("audit-{jobs}.json"));
        let arguments = [
            "audit",
            &suite,
            "--defect",
            "commit-off-by-one",
            "--runs",
            "1",
            "--jobs",
            jobs,
            "--no-progress",
            "--report",
            &path.to_string_lossy(),
        ];
        let said = squall(&arguments);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        (said.out, std::fs::read_to_string(&path).unwrap())
    };
    let (alone, beside) = (audit("1"), audit("3"));
    assert_eq!(alone, beside);
    assert!(alone.0.contains("by commit_after_apply, run 1"), "{}", alone.0);
}

#[test]
fn what_is_stored_and_was_not_published_is_noticed() {
    let (folder, path) = common::scenario(
        "name: publishes are damaged on the way
workload: { events: 300, rate: 200/s }
faults:
  - { at: 100ms, corrupt: { messages: 3%, on: [publish] }, for: 1300ms }
expect: [agreement]
",
    );
    let report = folder.path().join("report.json");
    let report_path = report.to_string_lossy();
    let arguments = ["run", &path, "--runs", "10", "--no-progress", "--report", &report_path];
    let said = squall(&[&arguments[..], &["--defect", "frames-unchecked"]].concat());
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    let runs = &common::report(&report).scenarios[0].runs;
    let told = |run: &squall_reports::Run| {
        // Where the number of an event was damaged, nobody published it at all.
        run.violations.iter().any(|v| {
            ["agreement", "no_phantom"].contains(&v.invariant.as_str())
                && v.summary.contains("published")
        })
    };
    // In the others few frames were damaged, in what is not stored or on the way to a broker that does not lead.
    let hit = runs.iter().filter(|run| told(run));
    assert!(hit.count() >= 7);
    assert!(runs.iter().all(|run| told(run) || run.verdict != squall_reports::Verdict::Failed));
    // Where frames carry a checksum, nothing comes of it.
    squall(&arguments);
    let runs = &common::report(&report).scenarios[0].runs;
    assert!(runs.iter().all(|run| run.verdict != squall_reports::Verdict::Failed));
}
