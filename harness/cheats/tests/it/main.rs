//! Every cheat is found out, and its honest twin passes, under the same scenario and seeds.
//!
//! One test a lie: `cargo test -p squall-cheats no_sync`. One binary; each file is a subject.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod disks;
mod escapes;
mod expects;
mod isolation;
mod leaks;
mod messages;
mod panics;
mod passing;

use squall_reports::{Run, Verdict};
use std::process::Command;

/// Runs of one cheat, or of its twin, under a scenario.
fn runs(scenario: &str, defect: &str, count: u32, more: &[&str]) -> Vec<Run> {
    let folder = tempfile::tempdir().unwrap();
    let (yaml, json) = (folder.path().join("scenario.yaml"), folder.path().join("report.json"));
    std::fs::write(&yaml, scenario).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cheats"))
        .arg("run")
        .arg(&yaml)
        .args(["--runs", &count.to_string(), "--defect", defect, "--no-progress", "--report"])
        .arg(&json)
        .args(more)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| code < 2), "{said}");
    let mut report = squall_reports::read(&json).unwrap();
    assert_eq!(report.scenarios.len(), 1, "{said}");
    report.scenarios.remove(0).runs
}

fn explain(run: &Run) -> String {
    format!(
        "seed {}: {} {:?} {:?} {:?}",
        run.seed, run.verdict, run.reason, run.violations, run.signals
    )
}

/// The liar fails in at least `caught` of `count` runs, each failure by one of `breaks` first; the twin passes all.
fn found_out(scenario: &str, id: &str, breaks: &[&str], caught: usize, count: u32) {
    let liar = runs(scenario, id, count, &[]);
    let failed: Vec<&Run> = liar.iter().filter(|run| run.verdict == Verdict::Failed).collect();
    let told: Vec<String> = liar.iter().map(explain).collect();
    assert!(
        failed.len() >= caught,
        "{id}: {} of {count} runs failed:\n{}",
        failed.len(),
        told.join("\n")
    );
    for run in failed {
        let by_name = run.violations.iter().any(|v| breaks.contains(&v.invariant.as_str()));
        assert!(by_name, "{id}: {}", explain(run));
    }
    honest(scenario, id, count);
}

/// The twin passes all runs.
fn honest(scenario: &str, id: &str, count: u32) {
    for run in runs(scenario, &format!("{id}.honest"), count, &[]) {
        assert_eq!(run.verdict, Verdict::Passed, "{id}.honest: {}", explain(&run));
    }
}

const POWER: &str = "
name: power
workload: { events: 100, rate: 80/s }
faults:
  - { at: 600ms, crash: server-1, restart_after: 200ms }
";

const CUT: &str = "
name: cut
workload: { events: 100, rate: 80/s }
faults:
  - { at: 600ms, partition: { isolate: server-1 }, for: 500ms }
";

const CALM: &str = "
name: calm
workload: { events: 40, rate: 80/s }
faults:
  - { at: 100ms, latency: { delay: 20ms..30ms }, for: 200ms }
";

/// A lie in no test is one that nobody has found out.
#[test]
fn each_lie_is_in_a_test() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let files = std::fs::read_dir(folder).unwrap();
    let tests: String =
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let listed = Command::new(env!("CARGO_BIN_EXE_cheats")).args(["list", "defects"]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let lines = listed.lines().filter(|line| !line.starts_with(' '));
    let mut lies = lines.filter_map(|line| line.split(' ').next());
    assert!(listed.contains("no-sync"), "{listed}");
    let untold = lies.find(|lie| {
        let lie = lie.trim_end_matches(".honest");
        !tests.contains(&format!("\"{lie}\"")) && !tests.contains(&format!("\"{lie}.honest\""))
    });
    assert_eq!(untold, None, "no test is about it");
}
