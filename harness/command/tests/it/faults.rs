//! The example of each fault, on the reference system: it is felt, and survived. A fault that nothing feels is vacuous, and
//! a system that does not survive it fails.

use crate::{common::report, squall};
use squall::testing::{FAULTS, parse};
use squall_command::ReferenceSystem;
use squall_reports::Verdict;
use std::fs;

#[test]
fn each_example_is_felt_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    for kind in FAULTS {
        let mut text = format!(
            "name: {}\nworkload: {{ events: 500, rate: 200/s }}\nzones: {{ here: [broker-1] }}\n\
             faults:\n  - {}\n",
            kind.key, kind.example
        );
        let scenario = parse("example", text.as_bytes(), &ReferenceSystem).unwrap();
        if scenario.faults[0].fault.injection().destroys_disks() {
            // What is gone from a disk is noticed by who starts on it.
            text += "  - { at: 2200ms, restart: brokers }\n";
        }
        fs::write(folder.path().join(format!("{}.yaml", kind.key)), text).unwrap();
    }
    let json = folder.path().join("report.json");
    let (path, json_path) = (folder.path().to_string_lossy(), json.to_string_lossy());
    let said = squall(&["run", &path, "--runs", "1", "--verify", "none", "--report", &json_path]);
    let wrong: Vec<String> = report(&json)
        .runs()
        .filter(|(scenario, run)| {
            let felt = run.signals.get(&format!("{}_felt", scenario.name));
            run.verdict != Verdict::Passed || felt.is_none()
        })
        .map(|(scenario, run)| format!("{}: {:?} {:?}", scenario.name, run.verdict, run.reason))
        .collect();
    assert!(wrong.is_empty(), "{}\n{}{}", wrong.join("\n"), said.out, said.err);
    assert_eq!(report(&json).scenarios.len(), FAULTS.len());
}
