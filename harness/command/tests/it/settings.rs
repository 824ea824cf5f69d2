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
        ("brokers=99", "brokers=99: `99` is not a number of nodes: expected a whole number"),
        ("rate=fast", "rate=fast: `fast` is not a rate: expected a rate, such as 400/s"),
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

#[test]
fn a_matrix_is_each_case_once_in_reports_that_can_be_gone_on_with_merged_and_compared() {
    let (folder, path) = scenario(TEXT);
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let matrix = ["--matrix", "brokers=3,5", "--matrix", "the cut.for=100ms,300ms"];
    let run = |more: &[&str]| {
        squall(&[&["run", &path, "--runs", "2", "--no-progress"][..], &matrix, more].concat())
    };
    let whole = run(&["--report", &at("whole.json")]);
    assert_eq!(whole.code, 0, "{}{}", whole.out, whole.err);
    let told = report(&folder.path().join("whole.json"));
    let cases: Vec<&str> = told.scenarios.iter().map(|scenario| scenario.case.as_str()).collect();
    let all = [
        "brokers=3, the cut.for=100ms",
        "brokers=3, the cut.for=300ms",
        "brokers=5, the cut.for=100ms",
        "brokers=5, the cut.for=300ms",
    ];
    assert_eq!(cases, all);
    for scenario in &told.scenarios {
        assert_eq!(scenario.path, format!("{path} [{}]", scenario.case));
        assert_eq!((scenario.file(), scenario.runs.len()), (path.as_str(), 2));
        let set = scenario.case.split(", ").all(|set| scenario.runs[0].replay.contains(set));
        assert!(set, "{}", scenario.runs[0].replay);
    }
    // Each has the table.
    let text = squall(&["report", &at("whole.json")]);
    assert!(text.out.contains("MATRIX x: runs that passed"), "{}", text.out);
    assert!(text.out.contains("\nbrokers=5               2/2               2/2\n"), "{}", text.out);
    let markdown = squall(&["report", &at("whole.json"), "--as", "markdown"]);
    assert!(markdown.out.contains("| `brokers=5` | 2/2 | 2/2 |"), "{}", markdown.out);
    let page = squall(&["report", &at("whole.json"), "--as", "html"]);
    assert!(page.out.contains("<th scope=\"row\">brokers=5<td>"), "the page has it, too");
    // What is there is not made again, and what a shard makes is found in the whole.
    let again = run(&["--report", &at("whole.json"), "--resume"]);
    assert_eq!(again.code, 0, "{}", again.err);
    let same = report(&folder.path().join("whole.json"));
    assert_eq!(same.scenarios, told.scenarios);
    for shard in ["1/2", "2/2"] {
        let name = at(&format!("{}.json", &shard[..1]));
        let said = run(&["--shard", shard, "--report", &name]);
        assert_eq!(said.code, 0, "{}", said.err);
    }
    let merged = squall(&["merge", &at("1.json"), &at("2.json"), "--report", &at("merged.json")]);
    assert_eq!(merged.code, 0, "{}", merged.err);
    let merged = report(&folder.path().join("merged.json"));
    let hashes = |report: &squall_reports::Report| -> Vec<String> {
        report.runs().map(|(_, run)| run.hash.clone()).collect()
    };
    assert_eq!(hashes(&merged), hashes(&told));
    let compared = squall(&["compare", &at("whole.json"), &at("merged.json")]);
    assert!(compared.code == 0 && compared.out.contains("4 scenarios"), "{}", compared.out);
    // A case alone is that case.
    let alone = squall(&[
        "run",
        &path,
        "--runs",
        "2",
        "--set",
        "brokers=5",
        "--set",
        "the cut.for=300ms",
        "--report",
        &at("alone.json"),
    ]);
    assert_eq!(alone.code, 0);
    let alone = report(&folder.path().join("alone.json"));
    assert_eq!(alone.scenarios[0].runs[0].hash, told.scenarios[3].runs[0].hash);
}

#[test]
fn a_matrix_that_makes_no_sense_is_told() {
    let (_folder, path) = scenario(TEXT);
    for (arguments, told) in [
        (&["--matrix", "brokers"][..], "expected KEY=VALUE,VALUE,…"),
        (&["--matrix", "brokers=3,,5"], "expected KEY=VALUE,VALUE,…"),
        (&["--matrix", "brokers=3,3"], "`3` stands there twice"),
        (&["--matrix", "brokers=3,99"], "`99` is not a number of nodes"),
        (&["--matrix", "brokrs=3,5"], "did you mean `brokers`?"),
        (&["--matrix", "brokers=3", "--matrix", "brokers=5"], "is in --matrix twice"),
        (&["--matrix", "brokers=3", "--set", "brokers=5"], "is in --matrix and in --set"),
    ] {
        let said = squall(&[&["plan", &path][..], arguments].concat());
        assert_eq!(said.code, 2, "{arguments:?}: {}", said.out);
        assert!(said.err.contains(told), "{arguments:?}: {}", said.err);
    }
    let planned = squall(&["plan", &path, "--runs", "1", "--matrix", "brokers=3,5"]);
    assert!(planned.out.contains("[brokers=5]"));
}
