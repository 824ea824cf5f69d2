//! Each library's system passes under faults of nodes, links and its own messages, each run twice, which must be the same.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use squall_reports::Verdict;
use std::process::Command;

/// A crash, a pause, and a fault on each kind of message.
fn passes(program: &str, kinds: [&str; 2], allow: &str) {
    let [request, answer] = kinds;
    let scenario = format!(
        "name: glue
workload: {{ events: 120, rate: 60/s }}
faults:
  - {{ at: 200ms, latency: {{ delay: 20ms..40ms }}, for: 300ms }}
  - {{ at: 600ms, crash: server-1, restart_after: 200ms }}
  - {{ at: 1s, lose: {{ on: [{request}], messages: 30% }}, for: 300ms }}
  - {{ at: 1400ms, lose: {{ on: [{answer}], messages: 30% }}, for: 300ms }}
  - {{ at: 1800ms, pause: server-1, for: 300ms }}
must_see: [retried]
{allow}
"
    );
    let folder = tempfile::tempdir().unwrap();
    let (yaml, json) = (folder.path().join("scenario.yaml"), folder.path().join("report.json"));
    std::fs::write(&yaml, scenario).unwrap();
    let output = Command::new(program)
        .arg("run")
        .arg(&yaml)
        .args(["--runs", "3", "--verify", "all", "--no-progress", "--report"])
        .arg(&json)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| code < 2), "{said}");
    let report = squall_reports::read(&json).unwrap();
    for run in &report.scenarios[0].runs {
        assert_eq!(run.verdict, Verdict::Passed, "{:?} {:?}\n{said}", run.reason, run.violations);
    }
}

#[test]
fn a_codec() {
    passes(env!("CARGO_BIN_EXE_codec"), ["store", "stored"], "");
}

#[test]
fn hyper() {
    passes(env!("CARGO_BIN_EXE_hyper"), ["POST", "response"], "allow: [clock]");
}

#[test]
fn axum() {
    passes(env!("CARGO_BIN_EXE_axum"), ["POST", "response"], "allow: [clock]");
}

#[test]
fn tonic() {
    passes(env!("CARGO_BIN_EXE_tonic"), ["DATA", "HEADERS"], "allow: [clock]");
}
