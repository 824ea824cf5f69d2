//! Scenarios that nobody wrote: what is found is found again by its file alone, whoever looks and however fast.

use crate::{
    common::{Said, scenario},
    squall,
};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

/// Explores with a defect, into a folder.
fn explore(out: &Path, more: &[&str]) -> Said {
    let out = out.to_string_lossy().into_owned();
    let arguments = ["explore", "--no-progress", "--out", &out];
    squall(&[&arguments, more].concat())
}

/// The files of a folder, by name.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .filter_map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // One that is being written has another name, which is gone when it is whole.
            (!name.starts_with(".tmp"))
                .then(|| fs::read_to_string(path).map(|text| (name, text)).ok())?
        })
        .collect();
    all.sort();
    all
}

#[test]
fn a_finding_is_a_small_file_that_fails_by_itself_for_the_same_cause() {
    let folder = tempfile::tempdir().unwrap();
    let defect = ["--defect", "ack-before-fsync"];
    let said =
        explore(folder.path(), &[&["--runs", "64", "--max-findings", "1"][..], &defect].concat());
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    let found = files(folder.path());
    let [(name, text)] = found.as_slice() else { panic!("{found:?}") };
    let cause = name.split('-').next().unwrap();
    assert!(said.out.starts_with(cause), "{}", said.out);
    assert!(text.starts_with("# Found by squall explore (seed 1, run "), "{text}");
    assert!(text.contains("What goes wrong: ") && text.contains("What it breaks: "), "{text}");
    let steps = text.matches("\n  - ").count();
    assert!((1..=3).contains(&steps), "{text}");
    let path = folder.path().join(name).to_string_lossy().into_owned();
    let run = |more: &[&str]| squall(&[&["run", &path, "--runs", "1", "--quiet"], more].concat());
    assert_eq!(run(&defect).code, 1);
    // It is the defect that it finds.
    assert_eq!(run(&[]).code, 0, "{text}");
}

#[test]
fn the_same_is_drawn_run_and_made_small_whatever_the_jobs() {
    let explored = |jobs: &str| {
        let folder = tempfile::tempdir().unwrap();
        let (out, corpus) = (folder.path().join("out"), folder.path().join("corpus"));
        let corpus_text = corpus.to_string_lossy().into_owned();
        let said = explore(
            &out,
            &["--runs", "40", "--shrink", "30", "--defect", "commit-before-apply", "--jobs", jobs]
                .iter()
                .copied()
                .chain(["--corpus", &corpus_text])
                .collect::<Vec<_>>(),
        );
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        (files(&out), files(&corpus))
    };
    let (one, three) = (explored("1"), explored("3"));
    assert!(!one.0.is_empty() && one.1.len() > 5, "{:?}", one.1.len());
    assert_eq!(one, three);
}

#[test]
fn in_a_correct_system_nothing_is_found_and_few_scenarios_are_duds() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let text = report.to_string_lossy().into_owned();
    let out = folder.path().join("out");
    let said = explore(&out, &["--runs", "64", "--seed", "5", "--report", &text, "--show"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert_eq!(files(&out), []);
    let told: serde_json::Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!((&told["runs"], &told["failed"]), (&64.into(), &0.into()));
    let duds = told["vacuous"].as_u64().unwrap();
    assert!(duds * 3 < 64, "{duds} of 64 were vacuous");
    // Each run says what it was drawn from.
    assert_eq!(said.out.lines().filter(|line| line.starts_with("run ")).count(), 64);
}

#[test]
fn what_one_explorer_kept_another_begins_with_and_corpora_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let text = |name: &str| place(name).to_string_lossy().into_owned();
    for (corpus, seed) in [("a", "1"), ("b", "2")] {
        let more = ["--runs", "16", "--seed", seed, "--corpus", &text(corpus)];
        assert_eq!(explore(&place("out"), &more).code, 0);
    }
    let said = squall(&["corpus", "merge", &text("all"), &text("a"), &text("b")]);
    assert_eq!(said.code, 0, "{}", said.err);
    let (a, b, all) = (files(&place("a")), files(&place("b")), files(&place("all")));
    assert!(all.len() <= a.len() + b.len() && all.len() > a.len().min(b.len()), "{}", said.out);
    for file in &all {
        assert!(a.contains(file) || b.contains(file), "{}", file.0);
        assert!(file.1.starts_with("# squall-corpus/1\n# reached: "), "{}", file.1);
    }
    std::fs::write(place("b").join("half.yaml"), "# squall-corpus/1\nname: [").unwrap();
    let said = squall(&["corpus", "merge", &text("all"), &text("b")]);
    let told = "b: half.yaml: no entry of a corpus for reference-system, left as it is\n";
    assert!(said.code == 0 && said.err.ends_with(told), "{}", said.err);
    let said = squall(&["corpus", "merge", &text("all"), &text("nowhere")]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("nowhere is no folder"), "{}", said.err);
}

#[test]
fn of_an_explorer_that_is_killed_every_file_is_whole_and_another_goes_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let (out, corpus) = (folder.path().join("out"), folder.path().join("corpus"));
    for seed in ["1", "2"] {
        let before = corpus.read_dir().map_or(0, Iterator::count);
        let mut explorer = Command::new(env!("CARGO_BIN_EXE_squall"))
            .args(["explore", "--no-progress", "--seed", seed, "--defect", "reads-uncommitted"])
            .args([Path::new("--out"), &out, Path::new("--corpus"), &corpus])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // It is killed while it writes, wherever that is.
        while corpus.read_dir().map_or(0, Iterator::count) < before + 5 {
            assert!(explorer.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::sleep(Duration::from_millis(1));
        }
        explorer.kill().unwrap();
        explorer.wait().unwrap();
    }
    let names = |folder: &Path| -> Vec<String> {
        let all = folder.read_dir().into_iter().flatten();
        all.map(|entry| entry.unwrap().path().to_string_lossy().into_owned()).collect()
    };
    for path in names(&out).iter().chain(&names(&corpus)).filter(|path| path.ends_with(".yaml")) {
        let said = squall(&["check", path]);
        assert_eq!(said.code, 0, "{}", said.err);
    }
    let count = names(&corpus).len();
    let corpus = corpus.to_string_lossy().into_owned();
    // What it draws depends on when the others were killed; what that finds, if anything, it tells.
    let report = folder.path().join("report.json");
    let text = report.to_string_lossy().into_owned();
    let more = ["--runs", "16", "--seed", "3", "--corpus", &corpus, "--report", &text];
    let said = explore(&out, &more);
    let told: serde_json::Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(told["runs"], 16, "{}{}", said.out, said.err);
    let found = told["findings"].as_array().unwrap().len();
    assert_eq!(said.code, i32::from(found > 0), "{}{}", said.out, said.err);
    assert!(count >= 10 && names(Path::new(&corpus)).len() > count);
}

#[test]
fn the_time_bounds_the_whole_and_what_is_not_small_then_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let report = folder.path().join("report.json");
    let report_text = report.to_string_lossy().into_owned();
    // The first run fails already, and the time is over before anything simpler was tried.
    let first = ["--runs", "1", "--time", "1ms", "--report", &report_text];
    let defect = ["--defect", "reads-uncommitted"];
    let mut said = explore(&out, &[&first[..], &defect].concat());
    while said.out.starts_with("0 scenarios") {
        // Nothing was begun in that time: there is nothing to go on with.
        said = explore(&out, &[&["--runs", "1", "--time", "50ms"], &first[4..], &defect].concat());
    }
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains(" tries; not small yet\n"), "{}", said.out);
    assert!(
        said.out.ends_with("exploring again with the same --out goes on there\n"),
        "{}",
        said.out
    );
    let told: serde_json::Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(told["findings"][0]["unfinished"], true);
    let [(name, large)] = files(&out).try_into().unwrap();
    assert!(
        large.starts_with("# Found by squall explore (seed 1, run 1), not small yet"),
        "{large}"
    );
    // Without the defect it is another system: it is left as it is.
    let said = explore(&out, &["--runs", "1", "--seed", "5"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.err.contains(
            "was not small yet, and was found with --defect reads-uncommitted: it stays as it is"
        ),
        "{}",
        said.err
    );
    assert_eq!(files(&out), [(name.clone(), large.clone())]);
    // It fails for another cause than its file tells, or not at all any more: it is left, too.
    let others = folder.path().join("others");
    fs::create_dir(&others).unwrap();
    let another = large.replace("# What it breaks: ", "# What it breaks: rotation: ");
    fs::write(others.join(&name), &another).unwrap();
    let mended = large.replace(", with the defect reads-uncommitted", "");
    fs::write(others.join("mended.yaml"), &mended).unwrap();
    let few = ["--runs", "1", "--seed", "5", "--shrink", "1"];
    let said = explore(&others, &[&few[..], &defect].concat());
    assert!(said.err.contains(" now, not rotation: it stays as it is"), "{}", said.err);
    assert_eq!(fs::read_to_string(others.join(&name)).unwrap(), another);
    let said = explore(&others, &["--runs", "1", "--seed", "5"]);
    assert!(said.err.contains("was not small yet, and passed now: it stays as it is"));
    assert_eq!(fs::read_to_string(others.join("mended.yaml")).unwrap(), mended);
    // With it, it is gone on with, before anything else is drawn, and then it is small.
    let said = explore(
        &out,
        &[&["--runs", "9", "--max-findings", "1", "--shrink", "20"][..], &defect].concat(),
    );
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains(", found by an earlier explorer (seed 1, run 1)\n"), "{}", said.out);
    assert!(said.out.contains("\n0 scenarios in ") && !said.out.contains("not small yet"));
    let [(_, small)] = files(&out).try_into().unwrap();
    let head = "# Found by squall explore (seed 1, run 1), fails with ";
    assert!(small.starts_with(head) && small.contains("workload: { events: "), "{small}");
    let said = explore(&out, &[&["--runs", "1", "--shrink", "1"][..], &defect].concat());
    assert!(!said.out.contains("an earlier explorer"), "{}", said.out);
}

#[test]
fn two_explorers_at_the_same_time_share_a_corpus_and_a_folder_of_findings() {
    let folder = tempfile::tempdir().unwrap();
    let (out, corpus) = (folder.path().join("out"), folder.path().join("corpus"));
    let both = ["1", "2"].map(|seed| {
        Command::new(env!("CARGO_BIN_EXE_squall"))
            .args(["explore", "--no-progress", "--runs", "20", "--shrink", "10", "--seed", seed])
            .args(["--defect", "commits-go-backwards", "--jobs", "1"])
            .args([Path::new("--out"), &out, Path::new("--corpus"), &corpus])
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    });
    for mut explorer in both {
        assert_eq!(explorer.wait().unwrap().code(), Some(1));
    }
    for (name, text) in files(&out).iter().chain(&files(&corpus)) {
        assert!(name.ends_with(".yaml") && !text.contains("not small yet"), "{name}: {text}");
    }
    // Both kept what they reached, and whoever comes next begins with all of it.
    let kept = files(&corpus);
    for seed in ["1", "2"] {
        let of = format!("name: explored {seed} ");
        assert!(kept.iter().any(|(_, text)| text.contains(&of)), "{kept:?}");
    }
    let corpus_text = corpus.to_string_lossy().into_owned();
    let said = explore(&out, &["--runs", "1", "--seed", "3", "--corpus", &corpus_text]);
    let all: usize = said
        .out
        .split(" scenarios kept")
        .next()
        .unwrap()
        .rsplit(' ')
        .next()
        .unwrap()
        .replace(',', "")
        .parse()
        .unwrap();
    assert!(all >= kept.len(), "{}", said.out);
}

#[test]
fn what_is_being_made_small_is_kept_as_small_as_it_is_when_the_explorer_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (_base, base) = scenario(HEAVY);
    let arguments =
        ["--runs", "64", "--max-findings", "1", "--defect", "fsync-retried", "--jobs", "1"];
    let mut explorer = Command::new(env!("CARGO_BIN_EXE_squall"))
        .args(["explore", "--no-progress", "--seed", "1", "--base"])
        .arg(&base)
        .args(arguments)
        .args([Path::new("--out"), &out])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let text = || {
        let files = if out.is_dir() { files(&out) } else { Vec::new() };
        files.into_iter().find(|(name, _)| name.ends_with(".yaml"))
    };
    let found = loop {
        assert!(explorer.try_wait().unwrap().is_none(), "it ended by itself");
        match text() {
            Some((_, text)) => break text,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    while text().is_none_or(|(_, text)| text == found) {
        assert!(explorer.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(1));
    }
    explorer.kill().unwrap();
    explorer.wait().unwrap();
    let (_, smaller) = text().unwrap();
    assert!(smaller.len() < found.len() && smaller.contains(", not small yet"), "{smaller}");
    let said = explore(&out, &arguments);
    assert!(said.out.contains(", found by an earlier explorer (seed 1, run "), "{}", said.out);
    let (_, small) = text().unwrap();
    assert!(small.contains("), fails with ") && small.matches("\n  - ").count() <= 2, "{small}");
}

const BURDENED: &str = "
name: burdened
nodes: { consumers: 3, stores: 1 }
workload: { events: 300, rate: 300/s }
faults:
  - { at: 200ms, latency: { delay: 30ms..50ms }, for: 300ms }
  - { between: 300ms..500ms, power_failure: { node: brokers, within: 300ms } }
  - { at: 600ms, pause: any consumer, for: 200ms }
  - { every: 200ms, reset: { isolate: any consumer } }
";

#[test]
fn what_a_failure_does_not_take_is_taken_away_and_the_same_is_left_whatever_the_jobs() {
    let (folder, path) = scenario(BURDENED);
    let shrink = |more: &[&str]| {
        let all = ["shrink", &path, "--seed", "3", "--no-progress"];
        squall(&[&all, &["--defect", "ack-before-fsync"][..], more].concat())
    };
    let said = shrink(&["--jobs", "1", "--steps"]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert_eq!(said.out.matches("\n  - ").count(), 1, "{}", said.out);
    assert!(said.err.contains("1 of 4 faults"), "{}", said.err);
    assert!(said.err.contains("without "), "{}", said.err);
    assert_eq!(shrink(&["--jobs", "3"]).out, said.out);
    // What was written on the way is where it goes on.
    let small = folder.path().join("small.yaml").to_string_lossy().into_owned();
    assert_eq!(shrink(&["--output", &small, "--tries", "4"]).code, 1);
    let again = ["shrink", &small, "--seed", "3", "--defect", "ack-before-fsync", "--no-progress"];
    let again = squall(&again);
    assert_eq!((again.code, again.out.matches("\n  - ").count()), (1, 1), "{}", again.out);
    // That it takes that seed, the file tells.
    let head = ", and fails with seed 3, not with the first: ";
    assert!(again.out.lines().next().unwrap().contains(head), "{}", again.out);
}

/// Twelve faults, of which a sync that fails and a power failure are enough for two of the known mistakes.
const HEAVY: &str = "
name: heavy
nodes: { consumers: 2 }
workload: { events: 200, rate: 200/s }
faults:
  - { at: 50ms, latency: { delay: 10ms..30ms }, for: 300ms }
  - { every: 150ms, reset: { isolate: any consumer } }
  - { at: 150ms, pause: any consumer, for: 100ms }
  - { when: { acked: 20 }, duplicate: { messages: 30% }, for: 200ms }
  - { at: 200ms, fail_sync: brokers, for: 200ms }
  - { at: 250ms, slow_disk: any store, for: 300ms }
  - { at: 300ms, dependency_slow: gateways, for: 300ms }
  - { when: { delivered: 40 }, slow_consumer: any consumer, for: 100ms }
  - { at: 450ms, crash: brokers }
  - { at: 500ms, reorder: { messages: 20% }, for: 200ms }
  - { at: 700ms, restart: any consumer }
  - { at: 800ms, bandwidth: { limit: 100kB/s }, for: 100ms }
";

#[test]
fn of_many_faults_the_few_that_it_takes_are_left_and_the_same_whatever_the_jobs() {
    let (_folder, path) = scenario(HEAVY);
    for (defect, seed, cause, needed) in [
        ("fsync-retried", "1", "progress: ", "fail_sync: "),
        ("ack-before-fsync", "3", "durability: ", "crash: "),
    ] {
        let shrink = |jobs: &str| {
            let all = ["shrink", &path, "--seed", seed, "--defect", defect, "--jobs", jobs];
            squall(&[&all[..], &["--no-progress"]].concat())
        };
        let said = shrink("2");
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        assert!(said.err.starts_with(cause), "{}", said.err);
        assert!((1..=2).contains(&said.out.matches("\n  - ").count()), "{}", said.out);
        assert!(said.out.contains(needed), "{}", said.out);
        assert_eq!(shrink("3").out, said.out);
    }
}

#[test]
fn what_does_not_fail_is_not_made_small() {
    let (_folder, path) = scenario(BURDENED);
    let said = squall(&["shrink", &path, "--seed", "3", "--no-progress"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("does not fail"), "{}", said.err);
    let said = squall(&["explore", "--base", "nowhere.yaml"]);
    assert_eq!(said.code, 2);
}

#[test]
fn why_a_run_fails_is_found_out_by_leaving_faults_out() {
    let (_folder, path) = scenario(
        "
name: one of two
workload: { events: 200, rate: 200/s }
faults:
  - { at: 200ms, latency: { delay: 30ms..50ms }, for: 300ms }
  - { at: 500ms, power_failure: { node: brokers, within: 300ms } }
",
    );
    let said = squall(&["replay", &path, "--seed", "3", "--defect", "ack-before-fsync", "--why"]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("  dead weight  line 5: latency: "), "{}", said.out);
    assert!(said.out.contains("  needed       line 6: power_failure: "), "{}", said.out);
    let from = said.out.split("inevitable from ").nth(1).expect(&said.out);
    let seconds: f64 = from.split('s').next().unwrap().parse().unwrap();
    assert!((0.5..0.7).contains(&seconds), "{from}");
    let said = squall(&["replay", &path, "--seed", "3", "--why"]);
    assert_eq!(said.code, 0);
    assert!(said.out.contains("it does not fail: there is nothing to explain"), "{}", said.out);
}
