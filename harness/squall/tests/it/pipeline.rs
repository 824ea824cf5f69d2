//! What a pipeline relies on: nothing finished is lost, parts make the whole, nothing foreign is
//! overwritten, and the exit code says what happened.

use crate::{
    common::{Said, report, scenario},
    tiny,
};
use squall_reports::{Report, Verdict, journal_path};
use std::{
    fs,
    path::{Path, PathBuf},
};

const CALM: &str = "
name: calm
workload: { events: 40, rate: 80/s }
faults:
  - at: 100ms
    latency: { delay: 20ms..30ms }
    for: 200ms
expect:
  - no_loss
  - drains: { within: 20s }
";

/// A folder with a scenario in it, in which commands are run.
struct Place {
    folder: tempfile::TempDir,
    scenario: String,
}

impl Place {
    fn new() -> Self {
        let (folder, scenario) = scenario(CALM);
        Self { folder, scenario }
    }

    /// From now on every run of its scenario fails: nothing is as fast as that.
    fn asks_too_much(&self) {
        let text = CALM.replace("expect:\n", "expect:\n  - latency: { p50: 1ms }\n");
        fs::write(&self.scenario, text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    fn run(&self, more: &[&str]) -> Said {
        let arguments = ["run", &self.scenario, "--runs", "12", "--no-progress", "--quiet"];
        tiny(&[&arguments, more].concat())
    }

    fn whole(&self) -> Report {
        let said = self.run(&["--report", &self.text("whole.json")]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        report(&self.path("whole.json"))
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[test]
fn whenever_a_run_is_killed_it_goes_on_and_ends_as_if_it_had_not_been() {
    let place = Place::new();
    let whole = place.whole();
    let path = place.path("killed.json");
    let mut finished = 0;
    for milliseconds in [30, 90, 250, 500, 900] {
        let mut child = crate::start_tiny(&[
            "run",
            &place.scenario,
            "--runs",
            "12",
            "--quiet",
            "--resume",
            "--report",
            &text(&path),
        ]);
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Some(kept) = squall_reports::read_journal(&path).unwrap() {
            let now = kept.report.runs().count();
            assert!(now >= finished, "{now} of {finished} finished runs are left");
            finished = now;
        }
    }
    if journal_path(&path).exists() {
        let said = place.run(&["--report", &text(&path)]);
        assert_eq!(said.code, 2, "{}", said.err);
        assert!(said.err.contains("go on with --resume"), "{}", said.err);
    }
    let said = place.run(&["--report", &text(&path), "--resume"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert_eq!(report(&path).without_times(), whole.without_times());
    assert!(!journal_path(&path).exists());
}

#[cfg(unix)]
#[test]
fn a_terminated_run_says_that_it_is_partial_and_can_go_on() {
    let place = Place::new();
    let path = place.text("r.json");
    let arguments = ["run", &place.scenario, "--runs", "400", "--quiet", "--report", &path];
    let mut child = crate::start_tiny(&arguments);
    let journal = journal_path(Path::new(&path));
    while !fs::read(&journal).is_ok_and(|text| text.iter().filter(|b| **b == b'\n').count() > 2) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let partial = report(Path::new(&path));
    let made = partial.runs().count();
    assert!(partial.partial && (2..400).contains(&made), "{made}");
    assert!(!journal.exists());
    // Another batch does not go on with it.
    let said = place.run(&["--report", &path, "--resume"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("the seeds or what is executed twice differs"), "{}", said.err);
}

#[test]
fn a_batch_that_still_runs_is_told_as_far_as_it_is() {
    let place = Place::new();
    let mut head = place.whole();
    let told = |more: &[&str]| tiny(&[&["report", &place.text("r.json")], more].concat());
    assert_eq!(told(&[]).code, 2, "there is neither a report nor a journal");
    head.scenarios[0].runs.truncate(5);
    let path = place.path("r.json");
    let journal = squall_reports::Journal::create(&path, &head).unwrap();
    let said = told(&[]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.starts_with("not finished: 5 of 12 planned runs, from "), "{}", said.err);
    assert!(said.err.ends_with("squall is still at work on it\n"), "{}", said.err);
    assert!(said.out.contains("\npartial: 5 of 12 planned runs are in it\n"), "{}", said.out);
    // A page says it, too; and the batch goes on.
    assert!(told(&["--as", "html"]).out.contains("Not all of the planned runs are in it"));
    // An earlier report is not what is asked for while there is a batch at work.
    fs::copy(place.path("whole.json"), &path).unwrap();
    assert!(told(&[]).err.starts_with("not finished: 5 of 12 "));
    drop(journal);
    assert_eq!(told(&[]).err, "");
    fs::remove_file(&path).unwrap();
    let said = told(&[]);
    assert!(said.err.contains("it was cut off; `run --report ") && said.code == 0, "{}", said.err);
}

#[test]
fn a_scenario_that_has_failed_often_enough_makes_no_further_runs_whoever_is_faster() {
    let place = Place::new();
    place.asks_too_much();
    let fails = |name: &str, more: &[&str]| {
        let path = place.text(name);
        let arguments = ["--report", &path];
        let said = place.run(&[&arguments, more].concat());
        assert_eq!(said.code, 1, "{}", said.err);
        (report(Path::new(&path)), said)
    };
    let (one, said) = fails("one.json", &["--max-failures", "2", "--jobs", "1"]);
    let (three, _) = fails("three.json", &["--max-failures", "2", "--jobs", "3"]);
    assert_eq!(one.without_times(), three.without_times());
    let scenario = &one.scenarios[0];
    assert_eq!(scenario.runs.iter().map(|run| run.seed).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((scenario.planned, scenario.left_out, one.partial), (12, 10, true));
    assert!(said.err.ends_with("max failures: 10 of 12 runs were left out\n"), "{}", said.err);
    assert!(said.out.contains("10 more runs of \"calm\" left out"), "{}", said.out);
    // What was left out can be made later.
    let (all, _) = fails("three.json", &["--resume", "--jobs", "3"]);
    assert_eq!(
        (all.scenarios[0].runs.len(), all.scenarios[0].left_out, all.partial),
        (12, 0, false)
    );
}

#[test]
fn shards_make_the_whole_in_whatever_order() {
    let place = Place::new();
    let whole = place.whole();
    let mut shards = Vec::new();
    for index in 1..=3 {
        let name = format!("shard-{index}.json");
        let shard = format!("{index}/3");
        let said = place.run(&["--shard", &shard, "--report", &place.text(&name)]);
        assert_eq!(said.code, 0, "{}", said.err);
        shards.push(place.text(&name));
    }
    let counts: Vec<_> = shards.iter().map(|p| report(Path::new(p)).runs().count()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 12);
    assert!(counts.iter().all(|count| (3..=5).contains(count)), "{counts:?}");
    let merged = place.text("merged.json");
    let [a, b, c] = [&shards[0], &shards[1], &shards[2]];
    for order in [[a, b, c, a], [c, a, c, b]] {
        let mut arguments = vec!["merge", "--report", &merged];
        arguments.extend(order.map(String::as_str));
        let said = tiny(&arguments);
        assert_eq!(said.code, 0, "{}", said.err);
        // Byte for byte, but for the times.
        let bytes = |report: Report| serde_json::to_string(&report.without_times()).unwrap();
        assert_eq!(bytes(report(Path::new(&merged))), bytes(whole.clone()));
    }
    fs::remove_file(&merged).unwrap();
    let said = tiny(&["merge", "--report", &merged, a, c]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("missing: shard 2/3"), "{}", said.err);
    assert!(!Path::new(&merged).exists());
    let said = tiny(&["merge", "--report", &merged, a, c, "--allow-partial"]);
    assert_eq!(said.code, 1);
    assert!(report(Path::new(&merged)).partial);
}

#[test]
fn one_run_with_two_histories_raises_the_alarm() {
    let place = Place::new();
    let path = place.text("shard.json");
    assert_eq!(place.run(&["--shard", "1/1", "--report", &path]).code, 0);
    let mut other = report(Path::new(&path));
    other.scenarios[0].runs[3].hash = "0".repeat(32);
    let lie = place.text("lie.json");
    squall_reports::write(Path::new(&lie), &other).unwrap();
    let merged = place.text("merged.json");
    let said = tiny(&["merge", &path, &lie, "--report", &merged]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("seed 4 came with two histories"), "{}", said.err);
    assert_eq!(report(Path::new(&merged)).scenarios[0].runs[3].verdict, Verdict::Unstable);
}

#[test]
fn what_is_no_report_of_ours_is_not_overwritten() {
    let place = Place::new();
    let path = place.path("precious");
    let mine = "all my notes";
    fs::write(&path, mine).unwrap();
    let said = place.run(&["--report", &text(&path)]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("it is not overwritten"), "{}", said.err);
    assert_eq!(fs::read_to_string(&path).unwrap(), mine);
    // Cut off, or of another time.
    let whole = serde_json::to_string(&place.whole()).unwrap();
    let foreign = whole.replacen("squall-report/1", "squall-report/2", 1);
    for text_of in [&whole[..whole.len() / 2], &foreign] {
        fs::write(&path, text_of).unwrap();
        for more in [&["--resume"][..], &[]] {
            let said = place.run(&[&["--report", &text(&path)], more].concat());
            assert_eq!(said.code, 2, "{}", said.err);
        }
        for command in ["report", "merge"] {
            let mut arguments = vec![command, path.to_str().unwrap()];
            let merged = place.text("merged.json");
            if command == "merge" {
                arguments.extend(["--report", &merged]);
            }
            let said = tiny(&arguments);
            assert_eq!(said.code, 2, "{}", said.err);
            assert!(said.err.contains("precious"), "{}", said.err);
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), *text_of);
    }
    // An empty file is what mktemp makes, and an old report is replaced.
    fs::write(&path, "").unwrap();
    for _ in 0..2 {
        assert_eq!(place.run(&["--report", &text(&path)]).code, 0);
    }
}

#[test]
fn results_come_as_lines_of_json() {
    let place = Place::new();
    let said = place.run(&["--message-format", "json"]);
    assert_eq!(said.code, 0);
    let lines: Vec<serde_json::Value> =
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"started"));
    assert_eq!(kinds.last(), Some(&"finished"));
    let runs = lines.iter().filter(|line| line["type"] == "run");
    let mut seeds: Vec<u64> = runs.map(|line| line["seed"].as_u64().unwrap()).collect();
    seeds.sort_unstable();
    assert_eq!(seeds, (1..=12).collect::<Vec<_>>());
}

#[test]
fn a_canary_that_nobody_notices_fails_the_pipeline() {
    let place = Place::new();
    // Nothing loses power in this scenario.
    let said = place.run(&["--canary=no-sync"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("this pipeline cannot go red"), "{}", said.err);
    let said = place.run(&["--canary", "--defect", "no-sync"]);
    assert_eq!(said.code, 2, "{}", said.err);
    let said = place.run(&["--canary=nonsense"]);
    assert_eq!(said.code, 2, "{}", said.err);
}

#[test]
fn a_time_budget_makes_each_scenario_once_and_says_what_it_left_out() {
    let place = Place::new();
    fs::write(place.path("second.yaml"), CALM.replace("name: calm", "name: second")).unwrap();
    let folder = place.folder.path().to_string_lossy().into_owned();
    let path = place.text("r.json");
    let said = tiny(&[
        "run",
        &folder,
        "--runs",
        "5000",
        "--quiet",
        "--report",
        &path,
        "--time-budget",
        "2s",
        "--jobs",
        "1",
    ]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.err.contains("left out"), "{}", said.err);
    let report = report(Path::new(&path));
    let made: Vec<usize> = report.scenarios.iter().map(|s| s.runs.len()).collect();
    assert!(report.partial && made.iter().all(|made| *made > 0), "{made:?}");
    assert!(made[0].abs_diff(made[1]) <= 1, "breadth: {made:?}");
    let budget = report.time_budget.unwrap();
    assert_eq!(budget.wall_ms, 2_000);
    assert_eq!(budget.left_out, 10_000 - made.iter().sum::<usize>() as u64);
}

#[test]
fn the_plan_lists_what_the_shards_make() {
    let place = Place::new();
    let arguments = ["plan", &place.scenario, "--runs", "12", "--shards", "3", "--json"];
    let said = tiny(&arguments);
    assert_eq!(said.code, 0);
    let plan: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    for index in 1..=3_u64 {
        let path = place.text("s.json");
        let shard = format!("{index}/3");
        assert_eq!(place.run(&["--shard", &shard, "--report", &path]).code, 0);
        let made: Vec<u64> = report(Path::new(&path)).runs().map(|(_, run)| run.seed).collect();
        let items = plan["items"].as_array().unwrap().iter();
        let listed: Vec<u64> = items
            .filter(|item| item["shard"] == index)
            .map(|item| item["seed"].as_u64().unwrap())
            .collect();
        assert_eq!(made, listed);
    }
}

#[test]
fn every_report_that_is_written_has_the_published_schema() {
    let schema: serde_json::Value = serde_json::from_str(&tiny(&["schema", "report"]).out).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let place = Place::new();
    let path = place.text("r.json");
    let forms = [&["--defect", "no-sync"][..], &["--shard", "1/2"], &["--time-budget", "1s"]];
    for (more, fails) in forms.iter().flat_map(|more| [(more, false), (more, true)]) {
        if fails {
            place.asks_too_much();
        }
        let said = place.run(&[&["--report", &path], *more].concat());
        assert!(said.code < 2, "{}", said.err);
        let value: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert!(validator.is_valid(&value), "{:?}", validator.validate(&value));
    }
    assert!(!validator.is_valid(&serde_json::json!({ "format": 7 })));
}
