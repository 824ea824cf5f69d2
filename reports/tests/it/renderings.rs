//! What every rendering makes of a report, to the letter. `INSTA_UPDATE=always` accepts changes.

use crate::checks;
use squall_reports::{
    Canary, Counters, Evidence, FORMAT, LatencyRecorder, Report, Run, ScenarioReport, Shard,
    SystemInfo, TimeBudget, Tool, Verdict, Violation,
    render::{self, RENDERINGS, Reader, Rendering},
};
use std::collections::{BTreeMap, BTreeSet};

fn run(path: &str, seed: u64) -> Run {
    let mut latency = LatencyRecorder::default();
    latency.record(18_000 + seed);
    Run {
        seed,
        hash: "ab".into(),
        sim_ms: 12_000,
        wall_us: 60_000,
        recovery_ms: Some(420),
        counters: Counters {
            events_published: 800,
            messages: 9_000,
            faults: 2,
            ..Counters::default()
        },
        latency: latency.summary(),
        replay: format!("squall replay {path} --seed {seed}"),
        ..Run::default()
    }
}

fn scenario(path: &str, name: &str, runs: Vec<Run>) -> ScenarioReport {
    let lines = BTreeMap::from([("name".to_owned(), 3), ("no_loss".to_owned(), 12)]);
    ScenarioReport {
        name: name.into(),
        path: path.into(),
        planned: 4,
        lines,
        runs,
        ..ScenarioReport::default()
    }
}

fn lost(event: u32) -> Violation {
    let evidence = |at_us, text: &str| Evidence {
        at_us,
        node: "broker-1".into(),
        text: text.into(),
        ..Evidence::default()
    };
    Violation {
        invariant: "no_loss".into(),
        summary: format!("e{event} was acknowledged and is in no log"),
        evidence: vec![evidence(1_250_000, "acknowledges"), evidence(2_000_000, "crashes")],
        ..Violation::default()
    }
}

/// One of each.
fn sample() -> Report {
    let bad = "scenarios/broker/power-failure.yaml";
    let of = |path: &str, verdict, reason: &str| {
        let run = Run { verdict, reason: Some(reason.into()), ..run(path, 3) };
        scenario(path, path.rsplit('/').next().unwrap_or(path), vec![run])
    };
    let failed =
        |seed| Run { verdict: Verdict::Failed, violations: vec![lost(7)], ..run(bad, seed) };
    let slow =
        |seed, ms| Run { recovery_ms: Some(ms), ..run("scenarios/consumer/slow.yaml", seed) };
    let stuck = "it never yielded";
    Report {
        format: FORMAT.into(),
        tool: Tool { name: "squall".into(), version: "0.1.0".into() },
        system: SystemInfo {
            name: "reference".into(),
            version: "0.1.0".into(),
            defects: vec!["ack-before-fsync".into()],
            ..SystemInfo::default()
        },
        started: "2026-11-21T00:00:00Z".into(),
        partial: true,
        shard: Some(Shard { index: 1, of: 4, ..Shard::default() }),
        time_budget: Some(TimeBudget { wall_ms: 60_000, left_out: 12 }),
        canary: Some(Canary { defect: "ack-before-quorum".into(), runs: 40, noticed_by: None }),
        scenarios: vec![
            scenario(bad, "power failure", vec![run(bad, 1), failed(2), failed(3), run(bad, 4)]),
            scenario("scenarios/broker/good.yaml", "good", vec![run("good.yaml", 1)]),
            scenario(
                "scenarios/consumer/slow.yaml",
                "slow",
                vec![slow(1, 500), slow(2, 9_000), slow(3, 500)],
            ),
            scenario("scenarios/idle.yaml", "idle", Vec::new()),
            of("scenarios/stuck.yaml", Verdict::Errored, stuck),
            of("scenarios/shaky.yaml", Verdict::Unstable, "record 3 differs"),
            of("scenarios/vain.yaml", Verdict::Vacuous, "no fault bit"),
        ],
        ..Report::default()
    }
}

fn rendered(name: &str, report: &Report) -> String {
    checks::rendered(name, report)
}

/// Each entry of the table, to the letter. What a page is drawn by stands in files of its own.
#[test]
fn every_rendering_to_the_letter() {
    for rendering in RENDERINGS {
        let text = rendering.render(&sample(), Reader::OF_A_FILE);
        let mut shown = String::new();
        let mut rest = text.as_str();
        for (begin, end) in [("<style>", "</style>"), ("</script>\n<script>", "</script>")] {
            if let Some((before, after)) = rest.split_once(begin) {
                shown.push_str(before);
                shown.push_str(begin);
                rest = &after[after.find(end).unwrap()..];
            }
        }
        insta::assert_snapshot!(rendering.name, shown + rest);
    }
}

/// Names are of the command line, and nobody else's.
#[test]
fn names_are_told_apart() {
    let names: BTreeSet<&str> = RENDERINGS.iter().map(|rendering| rendering.name).collect();
    assert_eq!(names.len(), RENDERINGS.len());
    for Rendering { name, help, option, .. } in RENDERINGS {
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
        assert!(!help.is_empty() && option.is_none_or(|option| option.starts_with("Write ")));
    }
}

/// What a report holds, all of it one text.
fn hostile(text: &str) -> Report {
    let text = || text.to_owned();
    let evidence = Evidence { node: text(), text: text(), ..Evidence::default() };
    let violation = Violation {
        invariant: text(),
        summary: text(),
        evidence: vec![evidence; 9],
        ..Violation::default()
    };
    let verdicts = [Verdict::Failed, Verdict::Errored, Verdict::Unstable, Verdict::Vacuous];
    let mut scenarios: Vec<ScenarioReport> = verdicts
        .into_iter()
        .chain([Verdict::Passed])
        .map(|verdict| {
            let run = Run {
                verdict,
                reason: Some(text()),
                violations: vec![violation.clone(); 10],
                replay: text(),
                // Histograms take their time to read.
                latency: None,
                ..run("s.yaml", 1)
            };
            let runs = vec![run; 7];
            let lines = BTreeMap::from([(text(), 7)]);
            ScenarioReport { name: text(), path: text(), lines, runs, ..ScenarioReport::default() }
        })
        .collect();
    scenarios[4].runs[0].recovery_ms = Some(9_000);
    Report {
        system: SystemInfo {
            name: text(),
            version: text(),
            defects: vec![text()],
            ..SystemInfo::default()
        },
        started: text(),
        canary: Some(Canary { defect: text(), runs: 1, noticed_by: Some(text()) }),
        scenarios,
        ..sample()
    }
}

#[test]
fn hostile_texts_are_harmless_in_every_rendering() {
    let together = checks::HOSTILE.concat();
    for text in checks::HOSTILE.into_iter().chain([&*together, &*"`|".repeat(900), ""]) {
        let report = hostile(text);
        checks::all(&report, 65_536);
        checks::all(&Report { scenarios: vec![ScenarioReport::default()], ..report }, 1_000);
    }
    checks::all(&sample(), 2_000);
    checks::all(&Report::default(), 100);
}

#[test]
fn what_was_hostile_is_still_told() {
    let report = hostile("\u{0}]]><b>@x|\u{202e}");
    let xml = rendered("junit", &report);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let case = document.descendants().find(|node| node.has_tag_name("testcase")).unwrap();
    assert_eq!(case.attribute("name"), Some(r"\u{0}]]><b>@x|\u{202e}"));
    let commands = checks::workflow_commands(&render::workflow_commands(&report));
    assert_eq!(commands[0], (r"\u{0}]]><b>@x|\u{202e}".to_owned(), "7".to_owned()));
}

/// `harness/checks/junit-schema` checks what stands here by the schema.
#[test]
fn junit_files_for_the_schema() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let write = |name: &str, report: &Report| {
        std::fs::write(folder.join(name), rendered("junit", report)).unwrap();
    };
    write("junit-sample.xml", &sample());
    write("junit-hostile.xml", &hostile(&checks::HOSTILE.concat()));
    write("junit-nothing.xml", &Report::default());
    std::fs::write(
        folder.join("openmetrics.txt"),
        rendered("openmetrics", &hostile(&checks::HOSTILE.concat())),
    )
    .unwrap();
}

#[test]
fn annotations_are_ten_and_the_last_says_how_many_more() {
    let runs = |verdict| vec![Run { verdict, ..run("s.yaml", 1) }];
    let of = |number: u64, verdict| {
        (0..number).map(move |i| scenario(&format!("{i}.yaml"), "s", runs(verdict)))
    };
    let report = |scenarios: Vec<_>| Report { scenarios, ..Report::default() };
    let ten = render::annotations(&report(of(10, Verdict::Failed).collect()));
    assert!(ten.len() == 10 && ten.iter().all(|annotation| annotation.place.is_some()));
    let more = report(of(8, Verdict::Vacuous).chain(of(4, Verdict::Failed)).collect());
    let text = render::workflow_commands(&more);
    let starts: Vec<&str> =
        text.lines().map(|line| line.split_once(',').map_or(line, |(start, _)| start)).collect();
    assert_eq!(
        starts[..5],
        ["0", "1", "2", "3"]
            .map(|i| format!("::error file={i}.yaml"))
            .iter()
            .map(String::as_str)
            .chain(["::warning file=0.yaml"])
            .collect::<Vec<_>>()
    );
    assert_eq!(
        starts[9],
        "::warning title=3 more::3 more pairs of scenarios and invariants did not pass: the report has all of them."
    );
    assert_eq!(starts.len(), 10);
}

#[test]
fn fingerprints_depend_on_no_seed_no_time_and_no_machine() {
    let prints = |report: &Report| -> Vec<String> {
        let issues: Vec<serde_json::Value> =
            serde_json::from_str(&rendered("gitlab", report)).unwrap();
        issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap().to_owned()).collect()
    };
    let mut other = sample();
    other.started.clear();
    for scenario in &mut other.scenarios {
        scenario.path = format!("./{}", scenario.path).replace('/', "\\");
        for run in &mut scenario.runs {
            (run.seed, run.wall_us, run.sim_ms) = (run.seed + 7, 1, 2);
            run.violations.iter_mut().for_each(|violation| violation.summary.push('!'));
        }
    }
    assert_eq!(prints(&sample()), prints(&other));
    // Where the file lies elsewhere, its folder is the machine's.
    let at = |folder: &str| {
        let mut report = sample();
        for scenario in &mut report.scenarios {
            scenario.path = format!("{folder}/{}", scenario.path);
        }
        report
    };
    assert_eq!(prints(&at("/home/a")), prints(&at("/runner/b")));
    assert!(
        serde_json::from_str::<Vec<()>>(&rendered("gitlab", &Report::default()))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn markdown_folds_from_the_end_and_says_what_is_missing() {
    let mut report = sample();
    let (bad, good) = (report.scenarios[0].clone(), report.scenarios[1].clone());
    report.scenarios.extend(vec![bad; 99]);
    report.scenarios.extend(vec![good; 399]);
    for run in report.scenarios.iter_mut().flat_map(|scenario| &mut scenario.runs) {
        run.latency = None;
    }
    let whole = render::markdown(&report, "squall");
    assert!(!whole.contains("Left out"), "{whole}");
    let within = |bytes| render::markdown_within(&report, "squall", bytes);
    let parts =
        ["\n### `power failure`\n", "\n- `power failure`: ", "| `slow` | 9.0s", "| `good` | 1 |"];
    let counts = |text: &str| parts.map(|part| text.matches(part).count());
    assert_eq!(counts(&whole), [100, 0, 1, 400]);
    assert_eq!(within(whole.len()), whole);
    let mut last = [101, 0, 2, 401];
    for bytes in (0..whole.len()).rev().step_by(1_999) {
        let text = within(bytes);
        assert!(text.len() <= bytes);
        checks::markdown(&text);
        let [full, short, slow, rows] = counts(&text);
        // No evidence is told before a scenario is left out, no row before a slow recovery is.
        assert!(rows == 0 || slow == 1, "{text}");
        assert!(slow == 0 || full + short == 100, "{text}");
        assert!(full <= last[0] && rows <= last[3], "{bytes}");
        assert!(bytes < 2_000 || text.contains("Left out, to stay within "), "{text}");
        last = [full, short, slow, rows];
    }
    let most = within(50_000);
    assert!(most.len() > 49_000, "{} bytes", most.len());
    let note =
        "\n\nLeft out, to stay within 15,000 bytes: 1 slow recovery, 402 scenarios that passed.\n";
    assert!(within(15_000).ends_with(note), "{}", within(15_000));
}
