//! What a failed run shows, and a canary that is noticed: with a system that has known mistakes.

use crate::{common::report, squall};
use squall_reports::Run;

#[test]
fn a_canary_that_is_noticed_says_by_which_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.json");
    let said = squall(&[
        "run",
        "scenarios/consumer/dies-before-effect.yaml",
        "--runs",
        "1",
        "--canary",
        "--report",
        &path.to_string_lossy(),
    ]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let canary = report(&path).canary.unwrap();
    assert!(canary.noticed_by.is_some_and(|by| by.starts_with("squall replay scenarios/")));
}

#[test]
fn a_failed_run_carries_its_diagram_and_viewers_get_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.json").to_string_lossy().into_owned();
    let file = "scenarios/consumer/dies-before-effect.yaml";
    let defect = ["--defect", "commit-before-apply"];
    let run = ["run", file, "--runs", "1", "--quiet", "--report", &path];
    let said = squall(&[&run[..], &defect].concat());
    assert_eq!(said.code, 1, "{}", said.err);
    let run: Run = report(path.as_ref()).scenarios.remove(0).runs.remove(0);
    let trace = run.trace.unwrap();
    assert!(trace.records.len() <= 160 && trace.messages.len() <= 100);
    let told = |evidence: &squall_reports::Evidence| {
        trace.records.iter().any(|record| record.index == evidence.index && record.evidence)
    };
    assert!(run.violations.iter().flat_map(|v| &v.evidence).take(100).all(told));
    assert!(run.violations.iter().flat_map(|v| &v.evidence).all(|e| !e.kind.is_empty()));
    assert!(trace.faults.iter().any(|fault| fault.text.starts_with("crash")));
    assert!(trace.messages.iter().any(|message| message.read_us.is_some()));
    for message in &trace.messages {
        assert!(message.read_us.is_none_or(|read| read >= message.sent_us));
    }
    for (form, begins) in [("perfetto", "{"), ("shiviz", "broker-1 {")] {
        let replay = ["replay", file, "--seed", "1", "--as", form];
        let said = squall(&[&replay[..], &defect].concat());
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(said.out.starts_with(begins), "{}", &said.out[..200]);
    }
}

#[test]
fn a_replay_tells_all_that_became_of_the_events_that_the_evidence_speaks_of() {
    for (file, seed, defect, told) in [
        (
            "scenarios/dependency/gateway-down-for-long.yaml",
            "1",
            "redrive-copies",
            &[" dead-lettered", " redriven", " follows from "][..],
        ),
        (
            "scenarios/message/poison-while-answers-are-lost.yaml",
            "2",
            "dead-letter-lost",
            &[" is poison"],
        ),
    ] {
        let said = squall(&["replay", file, "--seed", seed, "--defect", defect]);
        assert_eq!(said.code, 1, "{}", said.err);
        for what in told {
            assert!(said.out.contains(what), "{file}: nothing{what} in\n{}", said.out);
        }
    }
}
