//! `squall run --maelstrom`: real processes under scenarios. What workloads find is tested in `harness/maelstrom`.

use crate::{common, squall};
use squall_reports::{Verdict, World};

const NODES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/maelstrom");

/// A run of a node of the examples, with its report.
fn run(node: &str, workload: &str, more: &[&str]) -> (common::Said, squall_reports::Report) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let (command, report) = (format!("python3 {NODES}/{node}"), file.to_string_lossy());
    let fixed = [
        "run",
        "--maelstrom",
        &command,
        "--workload",
        workload,
        "--report",
        &report,
        "--no-progress",
    ];
    let said = squall(&[&fixed[..], more].concat());
    let report =
        if file.exists() { common::report(&file) } else { squall_reports::Report::default() };
    for run in report.scenarios.iter().flat_map(|scenario| &scenario.runs) {
        let history = run.history.as_ref().map(std::path::Path::new);
        assert!(history.is_none_or(std::path::Path::exists), "{history:?}");
    }
    (said, report)
}

/// The verdict of a run under faults, and why.
fn under(faults: &str, node: &str, workload: &str) -> (Verdict, String) {
    let text = format!(
        "name: x\nworkload: {{ events: 90, rate: 30/s }}\nexpect:\n  - recovers_within: {{ within: 3s }}\nfaults:\n{faults}"
    );
    let (_folder, path) = common::scenario(&text);
    let (said, report) = run(node, workload, &[&path]);
    let run = report.scenarios.first().and_then(|scenario| scenario.runs.first());
    let run = run.unwrap_or_else(|| panic!("{}{}", said.out, said.err));
    assert_eq!(said.code, i32::from(run.verdict != Verdict::Passed), "{}", said.out);
    let broken = run.violations.iter().map(|violation| violation.invariant.as_str());
    let reason = run.reason.clone().unwrap_or_default();
    (run.verdict, broken.collect::<Vec<_>>().join(", ") + " " + &reason)
}

#[test]
fn without_a_scenario_nothing_goes_wrong() {
    let (said, report) = run("echo.py", "echo", &["--time-limit", "1", "--rate", "40"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let made = &report.scenarios[0].runs[0];
    assert_eq!((made.verdict, report.world), (Verdict::Passed, World::Live));
    assert!(made.counters.acknowledged > 20 && made.latency.is_some(), "{made:?}");
    assert!(
        made.replay.contains("--maelstrom") && made.replay.contains("--seed 1"),
        "{}",
        made.replay
    );
}

#[test]
fn nodes_from_n0_are_cut_off_paused_and_killed() {
    let storm = "  - { at: 200ms, partition: { isolate: n0 }, for: 300ms }
  - { at: 600ms, pause: n1, for: 300ms }
  - { at: 1s, crash: n2, restart_after: 100ms }
  - { at: 1500ms, latency: { delay: 10ms, jitter: 20ms }, for: 300ms }\n";
    assert_eq!(under(storm, "kafka.py", "kafka"), (Verdict::Passed, " ".to_owned()));
}

#[test]
fn messages_are_lost_doubled_late_and_out_of_order() {
    let storm = "  - { at: 100ms, duplicate: { messages: 50% }, for: 500ms }
  - { at: 600ms, reorder: { messages: 50%, by: 100ms..400ms }, for: 400ms }
  - { at: 1s, late: { messages: 50%, by: 100ms..200ms }, for: 300ms }
  - { at: 1300ms, lose: { messages: 50% }, for: 500ms }\n";
    let (verdict, why) = under(storm, "pn_counter.py", "pn-counter");
    assert_eq!(verdict, Verdict::Passed, "{why}");
    let (verdict, why) = under(storm, "wrong/pn_counter_counts_copies.py", "pn-counter");
    assert!(verdict == Verdict::Failed && why.starts_with("wrong-sum "), "{verdict} {why}");
}

#[test]
fn services_go_down_and_come_back() {
    let storm = "  - { at: 300ms, crash: lin-kv, restart_after: 300ms }
  - { at: 1s, stop: { node: any node, grace: 500ms, down: 100ms } }\n";
    let (verdict, why) = under(storm, "kafka.py", "kafka");
    assert_eq!(verdict, Verdict::Passed, "{why}");
}

#[test]
fn a_wrong_node_fails_under_the_fault_that_shows_it() {
    let crash = "  - { at: 500ms, crash: n0, restart_after: 50ms }\n";
    let (verdict, why) = under(crash, "wrong/unique_ids_collide_after_restart.py", "unique-ids");
    assert!(verdict == Verdict::Failed && why.starts_with("duplicated "), "{verdict} {why}");
}

#[test]
fn a_fault_that_hits_nothing_proves_nothing() {
    let (verdict, why) = under(
        "  - { at: 200ms, partition: { isolate: n1 }, for: 1s }\n",
        "unique_ids.py",
        "unique-ids",
    );
    assert!(verdict == Verdict::Vacuous && why.contains("nothing ever felt it"), "{verdict} {why}");
}

#[test]
fn what_cannot_be_done_is_said_before_anything_starts() {
    let (_folder, path) =
        common::scenario("name: x\nfaults:\n  - { at: 1s, disk_full: n0, for: 1s }\n");
    let (said, report) = run("no-such-node.py", "echo", &[&path]);
    let skipped = report.scenarios[0].skipped.as_deref().unwrap_or_default();
    assert!(skipped.starts_with("not supported here: line 3"), "{skipped} {}", said.out);
    assert_ne!(said.code, 0, "nothing was run");
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    let (_folder, path) = common::scenario("name: x\nfaults:\n  - { at: 1s, crash: n7 }\n");
    let (said, _) = run("echo.py", "echo", &[&path]);
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(
        said.err.contains("there is no node `n7`") && said.err.contains("n0 to n2"),
        "{}",
        said.err
    );
    for (arguments, message) in [
        (&["--workload", "ecko"][..], "a similar value exists: 'echo'"),
        (&["--workload", "echo", "--topology", "ring"][..], "tree2"),
        (&["--workload", "echo", "--rate", "0"][..], "from 0.1 to 10000"),
        (&["--workload", "echo", "--world", "simulation"][..], "--maelstrom runs real processes"),
        (&[][..], "--workload <WORKLOAD>"),
    ] {
        let said = squall(&[&["run", "--maelstrom", "true"], arguments].concat());
        assert!(said.code == 2 && said.err.contains(message), "{arguments:?}: {}", said.err);
    }
}

#[test]
fn a_node_that_never_becomes_ready_is_an_error_with_its_log() {
    let said = squall(&["run", "--maelstrom", "no-such-program", "-w", "echo", "--no-progress"]);
    assert_eq!(said.code, 1);
    assert!(
        said.out.contains("never became ready: n0 ended before it answered `init`"),
        "{}",
        said.out
    );
    assert!(said.out.contains("no-such-program: not found"), "{}", said.out);
}

#[test]
fn what_was_kept_is_judged_and_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let (_scenario, path) = common::scenario(
        "name: a short crash\nworkload: { events: 120, rate: 40/s }\nfaults:\n  - { at: 500ms, crash: n0, restart_after: 50ms }\n",
    );
    let command = format!("python3 {NODES}/wrong/unique_ids_collide_after_restart.py");
    let keep = folder.path().to_string_lossy();
    let said = squall(&[
        "run",
        "--maelstrom",
        &command,
        "-w",
        "unique-ids",
        "--keep",
        &keep,
        "--no-progress",
        &path,
    ]);
    assert_eq!(said.code, 1, "{}", said.out);
    let kept = folder.path().join("a-short-crash-seed-1");
    assert!(kept.join("n0.log").exists());
    let history = kept.join("history.jsonl.gz");
    let history = history.to_string_lossy();
    let judged = squall(&["judge", &history]);
    assert_eq!(judged.code, 1, "{}", judged.err);
    assert!(judged.out.contains("failed \"a short crash\" seed 1"), "{}", judged.out);
    assert!(
        judged.out.contains("duplicated: the id \"n0-0\" was given 2 times: by n0, n0"),
        "{}",
        judged.out
    );
    let told = squall(&["replay", &history]);
    assert_eq!(told.code, 1, "{}", told.err);
    for text in ["squall   n0 is killed", "generate ok \"n0-0\"", "duplicated  "] {
        assert!(told.out.contains(text), "{text}: {}", told.out);
    }
    let page = folder.path().join("page.html");
    for option in [&["--html", &page.to_string_lossy()][..], &["--again", "2"], &["--signals"]] {
        let refused = squall(&[&["replay", &history], option].concat());
        assert_eq!(refused.code, 2, "{option:?}: {}{}", refused.out, refused.err);
    }
    assert!(!page.exists());
    std::fs::write(kept.join("history.jsonl.gz"), b"\x1f\x8bnot gzip").unwrap();
    let broken = squall(&["judge", &history]);
    assert_eq!(broken.code, 2, "{}", broken.out);
}
