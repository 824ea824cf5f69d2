//! The suite notices every known mistake, by the invariant that it should break.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod common;

use common::{report, squall};

/// Some defects with a scenario that is made for them; `squall audit` has all.
const MATRIX: &[(&str, &str, &str)] = &[
    ("ack-before-fsync", "broker/power-failure", "durability"),
    ("ack-before-quorum", "broker/leader-cut-off-from-brokers", "no_loss"),
    ("check-then-mark", "consumer/dies-between-effect-and-mark", "idempotency"),
    ("dedup-in-memory", "consumer/dies-between-effect-and-mark", "idempotency"),
    ("commit-before-apply", "consumer/dies-before-effect", "no_loss"),
    ("producer-retries-blindly", "producer/acks-lost", "no_duplicate_append"),
];

#[test]
fn every_defect_is_noticed_by_its_invariant() {
    for (defect, scenario, invariant) in MATRIX {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let path_text = path.to_string_lossy();
        let scenario = format!("scenarios/{scenario}.yaml");
        let said = squall(&[
            "run", &scenario, "--runs", "5", "--defect", defect, "--report", &path_text,
            "--verify", "none",
        ]);
        assert_eq!(said.code, 1, "{defect}: {}{}", said.out, said.err);
        let report = report(&path);
        let noticed = report
            .runs()
            .flat_map(|(_, run)| &run.violations)
            .any(|violation| violation.invariant == *invariant);
        assert!(noticed, "{defect}: {}", said.out);
        assert_eq!(report.system.defects, [*defect]);
        assert!(said.out.contains(&format!("--defect {defect}")));
    }
}
