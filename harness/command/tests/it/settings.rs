//! `--set`: one scenario with other numbers, in every command that reads it.

use crate::{
    common::{report, scenario},
    squall,
};

const TEXT: &str = "name: x\nworkload: { events: 100, rate: 100/s }\nfaults:\n  - { name: the cut, at: 300ms, \
                    partition: { isolate: leader }, for: 300ms }\n";

#[test]
fn a_setting_takes_the_place_of_what_the_file_says() {
    let (_folder, path) = scenario(TEXT);
    let planned = |set: &[&str]| {
        let arguments = [&["run", &path, "--dry-run"][..], set].concat();
        let said = squall(&arguments);
        assert_eq!(said.code, 0, "{set:?}: {}", said.err);
        said.out
    };
    assert!(!planned(&[]).contains("broker-4"));
    assert!(planned(&["--set", "brokers=5"]).contains("broker-5"));
    assert!(planned(&["--set", "nodes.brokers=4"]).contains("broker-4"));
    assert!(planned(&["--set", "latency=1ms..2ms"]).contains("1ms..2ms"));
    assert!(planned(&["--set", "the cut.for=200ms"]).contains("for 0.200000s"));
    let both = planned(&["--set", "the cut.at=500ms", "--set", "events=80"]);
    assert!(both.contains("at 0.500000s"), "{both}");
    assert!(both.contains("x [the cut.at=500ms, events=80]"), "{both}");
}

#[test]
fn a_setting_that_makes_no_sense_is_told() {
    let (_folder, path) = scenario(TEXT);
    for (set, told) in [
        ("brokrs=5", "did you mean `brokers`?"),
        ("brokers=99", "`99` is not a number of nodes"),
        ("the cut.for=2", "a time without a unit"),
        ("the cut.fro=2s", "a fault has no `fro`"),
        ("workload.event=2", "workload has no `event`"),
        ("brokers", "expected KEY=VALUE"),
    ] {
        let said = squall(&["check", &path, "--set", set]);
        assert_eq!(said.code, 2, "{set}");
        assert!(said.err.contains(told), "{set}: {}", said.err);
    }
}

#[test]
fn the_command_that_makes_a_run_again_has_its_settings() {
    let (folder, path) = scenario(TEXT);
    let json = folder.path().join("report.json");
    let json_path = json.to_string_lossy();
    let arguments =
        ["run", &path, "--runs", "1", "--set", "the cut.for=200ms", "--report", &json_path];
    assert_eq!(squall(&arguments).code, 0);
    let run = report(&json).scenarios.remove(0).runs.remove(0);
    assert!(run.replay.contains(" --set 'the cut.for=200ms' "), "{}", run.replay);
    let replayed = squall(&[
        "replay",
        &path,
        "--seed",
        "1",
        "--set",
        "the cut.for=200ms",
        "--expect",
        &run.hash,
    ]);
    assert!(!replayed.out.contains("not the same run"), "{}", replayed.out);
    let other = squall(&["replay", &path, "--seed", "1", "--expect", &run.hash]);
    assert!(other.out.contains("not the same run"), "{}", other.out);
}
