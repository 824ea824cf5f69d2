//! `squall new`, and `squall watch`: what they write and run is a scenario that means something here.

use crate::{common::report, schema::refused, squall};
use squall_reports::Verdict;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

const MODES: [&str; 9] = [
    "broker",
    "producer",
    "consumer",
    "network",
    "message",
    "resource",
    "clock",
    "dependency",
    "load",
];

#[test]
fn each_template_runs_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    for mode in MODES {
        let file = folder.path().join(format!("what-{mode}-does.yaml"));
        let path = file.to_string_lossy();
        let said = squall(&["new", mode, &path]);
        assert_eq!(said.code, 0, "{}", said.err);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(refused(&text), "", "{text}");
        assert!(text.contains(&format!("name: \"what {mode} does\"")), "{text}");
        // What is there is not overwritten.
        assert_eq!(squall(&["new", mode, &path]).code, 2);
    }
    let json = folder.path().join("report.json");
    let arguments = [
        "run",
        &folder.path().to_string_lossy(),
        "--runs",
        "3",
        "--report",
        &json.to_string_lossy(),
    ];
    let said = squall(&arguments);
    let report = report(&json);
    for (scenario, run) in report.runs() {
        let why = (&run.reason, &run.violations);
        assert_eq!(run.verdict, Verdict::Passed, "{} {}: {why:?}", scenario.path, run.seed);
    }
    assert_eq!((said.code, report.runs().count()), (0, 27));
}

#[test]
fn a_template_in_the_library_leads_to_the_schema() {
    let shown = squall(&["new", "network", "--name", "a: b"]).out;
    assert!(shown.contains("name: \"a: b\"") && !shown.contains("$schema"), "{shown}");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("scenario.schema.json"), "{}").unwrap();
    let file = folder.path().join("mine/x.yaml");
    assert_eq!(squall(&["new", "network", &file.to_string_lossy()]).code, 0);
    let text = fs::read_to_string(file).unwrap();
    assert!(
        text.starts_with("# yaml-language-server: $schema=../scenario.schema.json\n"),
        "{text}"
    );
}

#[test]
fn what_is_watched_runs_again_when_it_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.yaml");
    let text = "name: x\nworkload: { events: 20, rate: 100/s }\n";
    fs::write(&file, text).unwrap();
    let mut watching = Command::new(env!("CARGO_BIN_EXE_squall"))
        .args(["watch", &file.to_string_lossy(), "--runs", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (tell, told) = mpsc::channel();
    let out = watching.stdout.take().unwrap();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            let _ = tell.send(line);
        }
    });
    let wait_for = |what: &str| loop {
        let line = told.recv_timeout(Duration::from_secs(60)).unwrap();
        if line.contains(what) {
            break;
        }
    };
    wait_for("waiting for a file to be saved");
    fs::write(&file, text.replace("name: x", "name: another")).unwrap();
    wait_for("another");
    wait_for("waiting for a file to be saved");
    watching.kill().unwrap();
    watching.wait().unwrap();
    assert_eq!(squall(&["watch", "no/such/file"]).code, 2);
}

#[test]
fn a_replay_shows_what_is_asked_for() {
    let replay = |more: &[&str]| {
        let scenario = "scenarios/consumer/dies-between-effect-and-mark.yaml";
        let said = squall(
            &[&["replay", scenario, "--seed", "1", "--defect", "commit-before-apply"][..], more]
                .concat(),
        );
        said.out
    };
    let lines = |out: &str| -> Vec<String> {
        out.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let whole = lines(&replay(&["--full"]));
    let node = lines(&replay(&["--node", "broker-1"]));
    assert!(!node.is_empty() && node.len() < whole.len());
    assert!(node.iter().all(|line| line.split_whitespace().nth(1) == Some("broker-1")), "{node:?}");
    let event = lines(&replay(&["--event", "e5"]));
    let is_it = |line: &String| line.split(|c: char| !c.is_alphanumeric()).any(|word| word == "e5");
    assert!(!event.is_empty() && event.iter().all(is_it), "{event:?}");
    assert_eq!(event.len(), whole.iter().filter(|line| is_it(line)).count());
    let early = lines(&replay(&["--to", "500ms"]));
    let late = lines(&replay(&["--from", "0.500001s"]));
    assert_eq!(early.len() + late.len(), whole.len());
    let around = lines(&replay(&["--around", "20ms"]));
    assert!(!around.is_empty() && around.len() < whole.len());
    let key = lines(&replay(&["--key", "3"]));
    assert!(key.iter().any(|line| line.contains("(key 3)")) && key.len() > 3, "{key:?}");
    assert!(replay(&["--signals"]).contains("crash_felt"));
    let sorted = |lines: &[String]| {
        lines.is_sorted_by_key(|line| {
            line.trim().split('s').next().unwrap().parse::<f64>().unwrap_or(0.0).to_bits()
        })
    };
    assert!(sorted(&whole) && sorted(&around));
    let scenario = "scenarios/consumer/dies-between-effect-and-mark.yaml";
    for (more, told) in [
        (["--node", "broker1"], "Did you mean `broker-1`?"),
        (["--around", "1s"], "no evidence"),
        (["--event", "x"], "expected an event"),
    ] {
        let said = squall(&[&["replay", scenario, "--seed", "1"][..], &more].concat());
        assert!(said.code == 2 && said.err.contains(told), "{more:?}: {}", said.err);
    }
}
