//! A run's numbers over its time, and the alerts that a scenario asks for. Prometheus' promtool is played by a script here:
//! `harness/checks/alerts` has the real one.

use crate::{
    common::{report, scenario},
    squall,
};
use squall_reports::Verdict;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

/// Its consumers are down from 3s to 8s.
const OUTAGE: &str = "name: x\nworkload: { events: 300, rate: 30/s }\n\
    faults: [{ at: 3s, crash: consumers, restart_after: 5s }]\n";

/// The values of a sample by second; none where there is none.
fn values(text: &str, name: &str) -> Vec<Option<f64>> {
    let mut all = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix(name)) {
        let (value, at) = line.trim().split_once(' ').unwrap();
        let second = at.strip_suffix(".000").unwrap().parse::<usize>().unwrap();
        all.resize(second, None);
        all.push(Some(value.parse().unwrap()));
    }
    assert!(!all.is_empty(), "{name} is not in\n{text}");
    all
}

#[test]
fn a_run_s_numbers_are_openmetrics_and_go_with_their_nodes() {
    let (_folder, path) = scenario(OUTAGE);
    let said = squall(&["replay", &path, "--seed", "1", "--as", "openmetrics"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.ends_with("# EOF\n"));
    let families: Vec<&str> =
        said.out.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let mut sorted = families.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(families, sorted, "each family stands once");

    let consumer = "{job=\"reference-system\",instance=\"consumer-1\",role=\"consumer\"}";
    let up = values(&said.out, &format!("up{consumer}"));
    assert_eq!(
        up[..10].iter().flatten().copied().collect::<Vec<_>>(),
        [1., 1., 1., 0., 0., 0., 0., 0., 1., 1.]
    );
    // Told by its own code: gone with it, and from 0 after it.
    let events = values(&said.out, &format!("orders_events_total{consumer}"));
    assert!(events[2].unwrap() > 20.0 && events[4].is_none(), "{events:?}");
    assert!(events[8].unwrap() < events[2].unwrap(), "{events:?}");
    // Brokers go on telling of those who are gone, and so does the record.
    let broker =
        "{job=\"reference-system\",instance=\"broker-1\",role=\"broker\",group=\"shipping\"}";
    for lag in [format!("orders_lag{broker}"), "squall_lag{group=\"shipping\"}".to_owned()] {
        let lag = values(&said.out, &lag);
        assert!(lag[7].unwrap() > lag[5].unwrap() && lag[5].unwrap() > 30.0, "{lag:?}");
        assert_eq!(*lag.last().unwrap(), Some(0.0), "{lag:?}");
    }
    let fault = values(&said.out, "squall_fault{fault=\"crash: every consumer\",line=\"3\"}");
    assert_eq!(fault[..9].iter().flatten().sum::<f64>(), 5.0, "{fault:?}");
    let latency = "squall_effect_latency_seconds";
    let last = |part: &str| *values(&said.out, &format!("{latency}{part}")).last().unwrap();
    assert_eq!(
        last("_bucket{group=\"fulfilment\",le=\"+Inf\"}"),
        last("_count{group=\"fulfilment\"}")
    );

    let leader: f64 = (1..=3)
        .map(|broker| format!("squall_leader{{job=\"reference-system\",instance=\"broker-{broker}\",role=\"broker\"}}"))
        .map(|name| values(&said.out, &name)[2].unwrap())
        .sum();
    assert_eq!(leader, 1.0);
}

#[test]
fn scrapes_are_as_far_apart_as_is_said_and_not_too_many() {
    let (_folder, path) = scenario(OUTAGE);
    let ask = |scrape| {
        squall(&["replay", &path, "--seed", "1", "--as", "openmetrics", "--scrape", scrape])
    };
    let often = ask("250ms")
        .out
        .lines()
        .filter(|line| line.starts_with("squall_lag{group=\"payment\"}"))
        .count();
    let rarely = ask("5s")
        .out
        .lines()
        .filter(|line| line.starts_with("squall_lag{group=\"payment\"}"))
        .count();
    assert!(often >= 16 * rarely && rarely >= 3, "{often} {rarely}");
    for wrong in ["0s", "1us", "2h", "x"] {
        assert_eq!(ask(wrong).code, 2, "{wrong}");
    }
}

/// A promtool that finds every rule good, and of which `told` says what it got; the folder for the PATH.
fn promtool(folder: &Path, checks: u8, told: &str) {
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = check ]; then echo 'rule 1: parse error'; exit {checks}; fi\n\
         cat > \"$(dirname \"$0\")/asked.json\"\ncat >&2 <<'END'\n{told}\nEND\nexit 1\n"
    );
    let path = folder.join("promtool");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// As promtool tells when alerts fired first.
fn firing(alerts: &str) -> String {
    let told = |state, got| {
        format!(
            "    expr: \"… ALERTS{{alertstate=\\\"{state}\\\"}} …\", time: 9s,\n        exp: x 0E+00\n        got: {got}\n"
        )
    };
    told("firing", alerts) + &told("pending", "nil")
}

fn with_promtool(folder: &Path, arguments: &[&str]) -> Output {
    let path = std::env::var("PATH").unwrap();
    Command::new(env!("CARGO_BIN_EXE_squall"))
        .args(arguments)
        .current_dir(crate::common::ROOT)
        .env("PATH", format!("{}:{path}", folder.display()))
        .output()
        .unwrap()
}

const RULES: &str = "groups:\n  - name: x\n    rules:\n      - { alert: LagHigh, expr: squall_lag > 5 }\n      - { alert: Down, expr: up == 0 }\n";

struct Asked {
    folder: tempfile::TempDir,
    scenario: String,
    rules: String,
}

fn asking(lines: &str) -> Asked {
    let (folder, path) = scenario(&format!("{OUTAGE}{lines}\n"));
    let rules = folder.path().join("rules.yml");
    fs::write(&rules, RULES).unwrap();
    Asked { rules: rules.to_string_lossy().into_owned(), folder, scenario: path }
}

#[test]
fn a_run_whose_outage_fired_no_alert_fails_and_one_that_did_passes() {
    let asked = asking("must_alert: [LagHigh: { within: 4s }]\nmust_not_alert: any");
    let json = asked.folder.path().join("report.json");
    let run = |told: &str| {
        promtool(asked.folder.path(), 0, told);
        let json = json.to_string_lossy();
        let arguments =
            ["run", &asked.scenario, "--runs", "1", "--rules", &asked.rules, "--report", &json];
        let said = with_promtool(asked.folder.path(), &arguments);
        (said.status.code(), report(Path::new(&*json)).scenarios.remove(0).runs.remove(0))
    };
    let (code, passed) = run(&firing("{alertname=\"LagHigh\"} 5E+00"));
    assert_eq!((code, passed.verdict), (Some(0), Verdict::Passed), "{passed:?}");
    assert_eq!(passed.alerts["LagHigh"], 5_000);
    assert!(passed.replay.ends_with(&format!(" --rules {}", asked.rules)), "{}", passed.replay);

    let (code, silent) = run(&firing("nil"));
    assert_eq!((code, silent.verdict), (Some(1), Verdict::Failed));
    assert_eq!(silent.violations[0].invariant, "must_alert");
    assert!(silent.violations[0].summary.starts_with("LagHigh never fired"), "{silent:?}");
    assert!(silent.trace.is_some() && silent.hash == passed.hash);
    let (_, late) = run(&firing("{alertname=\"LagHigh\"} 7.5E+00"));
    assert!(
        late.violations[0].summary.contains("fired 4.500s after the first fault began"),
        "{late:?}"
    );
    let (_, other) = run(&firing("{alertname=\"Down\"} 4E+00, {alertname=\"LagHigh\"} 5E+00"));
    assert_eq!(other.violations[0].invariant, "must_not_alert");

    // What it was asked: the series of the run, and the rules.
    let asked_for = fs::read_to_string(asked.folder.path().join("asked.json")).unwrap();
    let test: serde_json::Value = serde_json::from_str(&asked_for).unwrap();
    assert_eq!(test["evaluation_interval"], "1000ms");
    let series = test["tests"][0]["input_series"].as_array().unwrap();
    let up = series.iter().find(|s| {
        s["series"].as_str().unwrap().starts_with("up{")
            && s["series"].as_str().unwrap().contains("consumer-1")
    });
    assert!(up.unwrap()["values"].as_str().unwrap().starts_with("1+0x2 0+0x4 1+0x"), "{up:?}");
    let events = series.iter().find(|s| {
        s["series"].as_str().unwrap().starts_with("orders_events_total{")
            && s["series"].as_str().unwrap().contains("consumer-1")
    });
    assert!(events.unwrap()["values"].as_str().unwrap().contains(" stale _x4 "), "{events:?}");
}

#[test]
fn a_replay_judges_alerts_too_or_says_that_it_does_not() {
    let asked = asking("must_alert: [LagHigh]");
    promtool(asked.folder.path(), 0, &firing("nil"));
    let replay = ["replay", &asked.scenario, "--seed", "1"];
    let judged =
        with_promtool(asked.folder.path(), &[&replay[..], &["--rules", &asked.rules]].concat());
    let out = String::from_utf8_lossy(&judged.stdout).into_owned();
    assert!(
        judged.status.code() == Some(1) && out.contains("must_alert: LagHigh never fired"),
        "{out}"
    );
    let unjudged = squall(&replay);
    assert!(unjudged.err.contains("no alert is judged"), "{}", unjudged.err);
}

#[test]
fn what_cannot_be_judged_is_told_and_never_passes() {
    let asked = asking("must_alert: [LagHihg]");
    let run = ["run", &asked.scenario, "--runs", "1"];
    let with_rules = [&run[..], &["--rules", &asked.rules]].concat();

    let none = squall(&run);
    assert_eq!(none.code, 2);
    let told = format!(
        "{}:4: must_alert is judged by rules for alerts, and none are given",
        asked.scenario
    );
    assert!(none.err.contains(&told), "{}", none.err);

    promtool(asked.folder.path(), 0, &firing("nil"));
    let misspelt = with_promtool(asked.folder.path(), &with_rules);
    let err = String::from_utf8_lossy(&misspelt.stderr).into_owned();
    assert_eq!(misspelt.status.code(), Some(2), "{err}");
    assert!(err.contains(":4: no rule is called `LagHihg` (did you mean `LagHigh`?)"), "{err}");

    promtool(asked.folder.path(), 1, "");
    let refused = with_promtool(asked.folder.path(), &with_rules);
    let err = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && err.contains("rule 1: parse error"), "{err}");

    let missing = squall(&[&run[..], &["--rules", "no-such.yml"]].concat());
    assert!(missing.code == 2 && missing.err.contains("no-such.yml: "), "{}", missing.err);

    let without = Command::new(env!("CARGO_BIN_EXE_squall"))
        .args(&with_rules)
        .current_dir(crate::common::ROOT)
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(
        without.status.code() == Some(2) && err.contains("apt-get install prometheus"),
        "{err}"
    );

    // It says something else than it did: nothing is known, and the harness says so.
    let asked = asking("must_alert: [LagHigh]");
    promtool(asked.folder.path(), 0, "SUCCESS");
    let arguments = ["run", &asked.scenario, "--runs", "1", "--rules", &asked.rules];
    let odd = with_promtool(asked.folder.path(), &arguments);
    let err = String::from_utf8_lossy(&odd.stderr).into_owned();
    assert!(odd.status.code() == Some(3) && err.contains("not understood"), "{err}");
}

#[test]
fn a_group_that_has_done_all_lags_by_nothing() {
    let said = squall(&["replay", "scenarios/consumer/poison.yaml", "--as", "openmetrics"]);
    let mut last = std::collections::BTreeMap::new();
    for line in said.out.lines().filter(|line| line.starts_with("orders_lag{")) {
        let (labels, values) = line.rsplit_once("} ").unwrap();
        if labels.contains(r#"role="consumer""#) {
            last.insert(labels.to_owned(), values.split(' ').next().unwrap().to_owned());
        }
    }
    assert!(last.len() >= 5, "{last:?}");
    assert!(last.values().all(|lag| lag == "0"), "{last:?}");
}
