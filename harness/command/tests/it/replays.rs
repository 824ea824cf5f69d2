//! `squall replay`: a screen that tells the story, the state at a time, the log, and the page.

use crate::{
    common::{report, scenario},
    squall,
};

/// What is told before the verdict.
fn told(out: &str) -> Vec<&str> {
    out.lines().take_while(|line| !line.is_empty()).collect()
}

/// When a line's record was, in milliseconds.
fn at(line: &str) -> u64 {
    line.trim_start().split("s  ").next().unwrap().replace('.', "").parse().unwrap()
}

/// The story of a run, and what the line that ends it says is left out.
fn story(arguments: &[&str]) -> (Vec<String>, usize) {
    let said = squall(&[&["replay"][..], arguments].concat());
    assert!(said.code < 2, "{}", said.err);
    let mut lines: Vec<String> = told(&said.out).into_iter().map(str::to_owned).collect();
    let last = lines.pop().unwrap();
    let left_out = last.strip_prefix("… ").and_then(|rest| rest.split_once(" lines more: --full"));
    let left_out = left_out.unwrap_or_else(|| panic!("{last}")).0.parse().unwrap();
    assert!(lines.len() <= 39, "{lines:#?}");
    assert!(lines.iter().all(|line| line.chars().count() < 200), "{lines:#?}");
    assert!(lines.is_sorted_by_key(|line| at(line)), "{lines:#?}");
    (lines, left_out)
}

#[test]
fn a_failing_run_is_told_on_one_screen_around_its_evidence() {
    let run = [
        "scenarios/consumer/dies-between-effect-and-mark.yaml",
        "--seed",
        "1",
        "--defect",
        "dedup-in-memory",
    ];
    let (lines, left_out) = story(&run);
    let has = |what: &str| lines.iter().any(|line| line.contains(what));
    // The life of the event, and what proves that it is wrong.
    assert!(has("publish e3 (key"), "{lines:#?}");
    assert!(has("publish e3 acknowledged"), "{lines:#?}");
    let effects = lines.iter().filter(|line| line.contains("loyalty: effect of e3"));
    assert_eq!(effects.filter(|line| line.ends_with("<- evidence")).count(), 2, "{lines:#?}");
    // The faults, and what became of nodes and leaders.
    assert!(has("fault 1 begins on consumer-1") && has("fault 2 begins on consumer-2"));
    assert!(has("leads term") && has("consumer-2   crashes"), "{lines:#?}");
    // What happened to many at once is one line.
    assert_eq!(lines.iter().filter(|line| line.ends_with("and 4 more)")).count(), 1, "{lines:#?}");
    let full = squall(&[&["replay"], &run[..], &["--full"]].concat());
    let all = told(&full.out).len();
    assert!(left_out < all && left_out > all - 100, "{left_out} of {all}");
}

#[test]
fn a_run_with_very_many_faults_and_one_that_passes_are_told_on_one_screen() {
    let text = "name: x\nworkload: { events: 200, rate: 100/s }\nfaults:\n  - { every: 20ms, reset: { isolate: leader } }\n";
    let (_folder, path) = scenario(text);
    let (lines, _) = story(&[&path, "--seed", "1"]);
    assert!(lines.iter().any(|line| line.contains("fault 1 begins")), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains("<- evidence")), "{lines:#?}");

    let (lines, _) = story(&["scenarios/dependency/gateway-down.yaml", "--seed", "1"]);
    let place = |what: &str| {
        let place = lines.iter().position(|line| line.contains(what));
        place.unwrap_or_else(|| panic!("no {what} in {lines:#?}"))
    };
    let places = [
        place("fault 1 begins on gateway-1"),
        place("the breaker before gateway opens"),
        place("fault 1 is over"),
        place("the breaker before gateway closes"),
        place("drained and converged"),
    ];
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn a_state_is_that_of_its_time() {
    let path = "scenarios/dependency/gateway-down.yaml";
    let state = |more: &[&str]| {
        let said = squall(&[&["replay", path, "--seed", "1", "--state"], more].concat());
        let table: Vec<String> = said.out.lines().map(str::to_owned).collect();
        let end = table.iter().position(|line| line.starts_with("passed ")).unwrap();
        let table = table[..end].to_vec();
        assert!(table.iter().all(|line| line.chars().count() <= 80), "{table:#?}");
        table
    };
    let row = |table: &[String], name: &str| -> Vec<String> {
        let line = table.iter().find(|line| line.split_whitespace().next() == Some(name));
        line.unwrap().split_whitespace().map(str::to_owned).collect()
    };
    // As `--full` tells it: the breaker opens at 1.250 s, and broker-2 leads from 0.463 s on.
    let before = state(&["0.6s"]);
    assert!(before[0].starts_with("state at 0.600s of 15."), "{before:#?}");
    assert_eq!(row(&before, "consumer-1"), ["consumer-1", "up", "0.000s"]);
    assert_eq!(row(&before, "broker-2"), ["broker-2", "up", "0.000s", "term", "131074"]);
    assert_eq!(row(&before, "broker-3"), ["broker-3", "up", "0.000s"]);
    assert!(before.contains(&"no fault acts".to_owned()), "{before:#?}");
    let within = state(&["2s"]);
    let open = ["consumer-1", "up", "0.000s", "gateway", "open"];
    assert_eq!(row(&within, "consumer-1"), open);
    let acts = "  since 0.700s  line 8: dependency_down: every gateway, on gateway-1".to_owned();
    assert!(within.contains(&acts), "{within:#?}");
    let lag: u32 = row(&within, "payment")[1].parse().unwrap();
    assert!(lag > 100, "{within:#?}");
    // Without a time it is the end, of a run that violates nothing.
    let end = state(&[]);
    assert_eq!(row(&end, "payment")[1], "0", "{end:#?}");
    assert_eq!(row(&end, "consumer-1"), ["consumer-1", "up", "0.000s"]);
}

#[test]
fn a_state_tells_who_is_down_and_who_is_paused() {
    let text = "name: x\nworkload: { events: 200, rate: 100/s }\nfaults:\n  \
                - { at: 600ms, crash: broker-1, restart_after: 400ms }\n  \
                - { at: 700ms, pause: consumer-1, for: 200ms }\n";
    let (_folder, path) = scenario(text);
    let state = |time: &str| squall(&["replay", &path, "--seed", "1", "--state", time]).out;
    let during = state("800ms");
    assert!(during.contains("\nbroker-1    down: crashed  0.600s\n"), "{during}");
    assert!(during.contains("\nconsumer-1  paused         0.700s\n"), "{during}");
    assert!(during.contains("  since 0.600s  line 4: crash: broker-1, on broker-1\n"), "{during}");
    assert!(during.contains("  since 0.700s  line 5: pause: consumer-1"), "{during}");
    let after = state("1.5s");
    assert!(after.contains("\nbroker-1    up  1.000s"), "{after}");
    assert!(after.contains("\nconsumer-1  up  0.000s"), "{after}");
    for (more, told) in [
        (&["--state", "900s"][..], "--state: the run ends at "),
        (&["--state", "2"], "expected a time"),
        (&["--state", "1s", "--node", "broker-1"], "--state is of every node"),
        (&["--state", "1s", "--as", "perfetto"], "are about lines of text"),
        (&["--state", "1s", "--full"], "cannot be used with"),
        (&["--log", "--key", "3"], "cannot be used with"),
        (&["--log", "--node", "broker1"], "Did you mean `broker-1`?"),
    ] {
        let said = squall(&[&["replay", &path, "--seed", "1"], more].concat());
        assert!(said.code == 2 && said.err.contains(told), "{more:?}: {}", said.err);
    }
}

#[test]
fn who_logs_nothing_has_no_log_and_is_told_how() {
    let (_folder, path) = scenario("name: x\nworkload: { events: 20, rate: 100/s }\n");
    let said = squall(&["replay", &path, "--seed", "1", "--log"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("ReplayLayer"), "{}", said.err);
    assert!(said.out.starts_with("\npassed "), "{}", said.out);
}

#[test]
fn the_same_run_is_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("run.html");
    let page_path = page.to_string_lossy();
    let path = "scenarios/broker/leader-cut-off-from-brokers.yaml";
    let run = ["--seed", "1", "--defect", "ack-before-quorum", "--html", &page_path];
    let said = squall(&[&["replay", path], &run[..]].concat());
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.out.contains("<- evidence"), "the story is printed as well: {}", said.out);
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.starts_with("<!doctype html>"), "{}", &html[..100]);
    let command = format!("replay {path} --seed 1 --defect ack-before-quorum --expect ");
    for what in ["no_loss", "acknowledged", command.as_str()] {
        assert!(html.contains(what), "{what}");
    }
    let refused = squall(&["replay", path, "--seed", "1", "--html", "no/such/folder/x.html"]);
    assert!(refused.code == 2 && refused.err.contains("cannot be written"), "{}", refused.err);
}

#[test]
fn a_run_that_passed_is_a_page_with_its_diagram_and_its_gauges() {
    let folder = tempfile::tempdir().unwrap();
    let [page, report_path] = ["run.html", "r.json"].map(|name| folder.path().join(name));
    let path = "scenarios/dependency/gateway-down.yaml";
    let said = squall(&["replay", path, "--seed", "1", "--html", &page.to_string_lossy()]);
    assert_eq!(said.code, 0, "{}", said.err);
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.len() < 400_000, "{} bytes", html.len());
    assert_eq!(html.matches("<figure class=\"diagram\">").count(), 1);
    // What is drawn of it stands around the first fault, which is over after three seconds.
    for what in ["the breaker before gateway opens", "the breaker before gateway closes"] {
        assert!(html.contains(what), "{what}");
    }
    let gauges = &html[html.find("id=\"h-gauges\"").unwrap()..];
    assert!(gauges.contains("dependency_down: every gateway (0.700 s to 3.700 s)"), "{gauges}");
    for figure in ["squall_lag", "squall_breaker_state", "orders_events per second", "up"] {
        assert!(gauges.contains(&format!("<h3>{figure}</h3>")), "no {figure}: {gauges}");
    }
    assert!(gauges.contains("<b>payment</b><span>0 to "), "{gauges}");
    assert!(!gauges.contains("squall_fault"), "{gauges}");

    // A batch keeps nothing of it.
    let report_path = report_path.to_string_lossy().into_owned();
    let said = squall(&["run", path, "--runs", "1", "--quiet", "--report", &report_path]);
    assert_eq!(said.code, 0, "{}", said.err);
    let run = report(report_path.as_ref()).scenarios.remove(0).runs.remove(0);
    assert_eq!((run.verdict, run.trace), (squall_reports::Verdict::Passed, None));
}
