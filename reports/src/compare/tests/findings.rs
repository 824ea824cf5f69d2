use super::*;
use Weight::{Attention, Improvement, Info, Regression};

#[test]
fn equal_sides_find_nothing() {
    let same = against(flaky(50, 0), flaky(50, 0));
    assert_eq!(found(&same), []);
    assert!(!same.fails(FailOn::Any));
    assert_eq!((same.compared, same.scenarios[0].same_history), (1, 50));
}

#[test]
fn one_run_with_a_new_violation_is_proof() {
    let mut head = flaky(500, 0);
    head[6] = failed(7, "order", &["apply", "apply"]);
    let comparison = against(flaky(500, 0), head);
    assert_eq!(found(&comparison), [(Regression, Kind::New, "order")]);
    let proof = &comparison.findings[0];
    assert!(proof.proof);
    assert_eq!(proof.replay.as_deref(), Some("squall replay s.yaml --seed 7"));
    assert_eq!(proof.signatures, ["broker apply"]);
    assert_eq!(proof.example.as_deref(), Some("e7 is wrong"));
    assert!(comparison.fails(FailOn::Regression) && !comparison.fails(FailOn::None));
}

#[test]
fn a_new_shape_of_a_known_failure_is_proof_too() {
    let mut head = flaky(50, 10);
    head[3] = failed(4, "no_loss", &["publish_ok", "crash"]);
    let comparison = against(flaky(50, 10), head);
    assert_eq!(
        found(&comparison),
        [(Regression, Kind::New, "no_loss"), (Attention, Kind::Ongoing, "no_loss")]
    );
    assert_eq!(comparison.findings[0].head_seeds, [4]);
}

#[test]
fn what_the_base_shows_elsewhere_is_no_proof() {
    let both = |s: Vec<Run>, other: u64, version| {
        let other = ScenarioReport { path: "other".into(), ..scenario("other", flaky(50, other)) };
        [report(version, vec![scenario("s", s), other])]
    };
    let base = both(flaky(50, 0), 20, "1");
    let once = compare(&base, &both(flaky(50, 1), 20, "2"), &Options::default());
    assert_eq!(found(&once)[1], (Attention, Kind::Rare, "no_loss"));
    assert!(once.findings[1].text.contains("in other scenarios"), "{}", once.findings[1].text);
    let often = compare(&base, &both(flaky(50, 20), 20, "2"), &Options::default());
    assert_eq!(
        found(&often)[..2],
        [(Regression, Kind::New, "no_loss"), (Regression, Kind::Changed, "pass rate")]
    );
    assert!(often.findings.iter().all(|finding| !finding.proof));
}

#[test]
fn a_known_failure_that_is_more_frequent_is_a_regression_by_rate() {
    let comparison = against(flaky(50, 5), flaky(50, 30));
    assert_eq!(
        found(&comparison),
        [(Regression, Kind::Ongoing, "no_loss"), (Regression, Kind::Changed, "pass rate")]
    );
    let rate = &comparison.findings[1];
    assert_eq!((rate.base.unwrap().count, rate.head.unwrap().count), (45, 20));
    assert!(rate.text.contains("McNemar"), "{}", rate.text);
    assert_eq!(
        found(&against(flaky(50, 5), flaky(50, 6))),
        [(Attention, Kind::Ongoing, "no_loss")]
    );
    let better = against(flaky(50, 30), flaky(50, 5));
    assert_eq!(
        found(&better),
        [(Improvement, Kind::Ongoing, "no_loss"), (Improvement, Kind::Changed, "pass rate")]
    );
    assert!(!better.fails(FailOn::Any));
}

#[test]
fn resolved_is_what_its_earlier_rate_makes_improbable() {
    // 10 of 50 is 11 % at least: 26 clean runs.
    let resolved = against(flaky(50, 10), flaky(26, 0));
    assert!(found(&resolved).contains(&(Improvement, Kind::Resolved, "no_loss")));
    let not_yet = against(flaky(50, 10), flaky(20, 0));
    assert_eq!(found(&not_yet), [(Attention, Kind::Rare, "no_loss")]);
    let finding = &not_yet.findings[0];
    assert_eq!(finding.clean_runs_missing, Some(6));
    assert_eq!(finding.base_seeds, (1..=10).collect::<Vec<_>>());
    assert!(finding.text.contains("seeds 1, 2, 3 and 7 more"), "{}", finding.text);
    assert!(finding.text.contains("6 more clean runs are needed"), "{}", finding.text);
}

#[test]
fn the_failing_seed_that_passes_now_resolves_nothing() {
    let comparison = against(flaky(50, 1), flaky(50, 0));
    assert_eq!(found(&comparison), [(Attention, Kind::Rare, "no_loss")]);
    assert_eq!(comparison.findings[0].clean_runs_missing, Some(845 - 50));
}

#[test]
fn vacuous_runs_are_no_clean_runs() {
    let comparison = against(flaky(50, 40), with_verdict(Verdict::Vacuous, 1..=50));
    assert_eq!(
        found(&comparison),
        [(Attention, Kind::NotExercised, "no_loss"), (Attention, Kind::NotExercised, "vacuous")]
    );
    assert_eq!(comparison.compared, 0, "nothing is judged in the head");
    assert!(comparison.fails(FailOn::Regression), "nothing compared is no pass");
    assert_eq!(comparison.notes[0].kind, NoteKind::Alarm);
}

#[test]
fn a_bug_is_not_resolved_if_what_led_to_it_does_not_happen() {
    let quiet = |seed| Run { signals: [].into(), ..run(seed) };
    let comparison = against(flaky(50, 20), (1..=50).map(quiet).collect());
    assert_eq!(
        found(&comparison),
        [
            (Attention, Kind::NotExercised, "no_loss"),
            (Attention, Kind::NotExercised, "signals"),
            (Improvement, Kind::Changed, "pass rate"),
        ]
    );
    assert!(comparison.findings[0].text.contains("retried came with it"));
}

#[test]
fn errored_and_unstable_runs_are_rates() {
    let mut head = flaky(50, 0);
    head.splice(..20, with_verdict(Verdict::Errored, 1..=20));
    let often = against(flaky(50, 0), head.clone());
    assert!(found(&often).contains(&(Regression, Kind::New, "errored")), "{:?}", found(&often));
    head.splice(1..20, flaky(20, 0).split_off(1));
    let once = against(flaky(50, 0), head);
    assert_eq!(found(&once), [(Attention, Kind::Rare, "errored")]);
    let mut base = flaky(50, 0);
    base.splice(..20, with_verdict(Verdict::Unstable, 1..=20));
    let gone = against(base, flaky(50, 0));
    assert!(found(&gone).contains(&(Improvement, Kind::Resolved, "unstable")));
}

#[test]
fn scenarios_come_go_and_change() {
    let base = report("1", vec![scenario("a", flaky(5, 0)), scenario("b", flaky(5, 0))]);
    let mut edited = scenario("b", flaky(5, 2));
    edited.hash = "bb".to_owned();
    let head = report("2", vec![edited, scenario("c", flaky(5, 0)), scenario("d", flaky(5, 1))]);
    let sides = (&[base], &[head]);
    let comparison = compare(sides.0, sides.1, &Options::default());
    assert_eq!(
        found(&comparison),
        [
            (Attention, Kind::Vanished, "scenario"),
            (Attention, Kind::Added, "scenario"),
            (Attention, Kind::Edited, "scenario"),
            (Info, Kind::Added, "scenario"),
        ]
    );
    assert_eq!(comparison.compared, 0);
    assert!(comparison.fails(FailOn::Any) && comparison.fails(FailOn::Regression));
    let asked = compare(sides.0, sides.1, &Options { changed: true, ..Options::default() });
    assert_eq!(found(&asked)[0], (Regression, Kind::New, "no_loss"));
    assert_eq!((asked.compared, asked.scenarios[1].pairs), (1, None), "another plan is no pair");
}

#[test]
fn slower_recovery_is_told_with_its_factor() {
    let slower = |seed| Run { recovery_ms: Some((500 + seed % 7) * 18 / 10), ..run(seed) };
    let comparison = against(flaky(30, 0), (1..=30).map(slower).collect());
    assert_eq!(found(&comparison), [(Regression, Kind::Changed, "recovery")]);
    let text = &comparison.findings[0].text;
    assert!(text.starts_with("Recovers 1.8 times slower, 95 % interval 1.8 to 1.8:"), "{text}");
    let slightly = |seed| Run { recovery_ms: Some((500 + seed % 7) * 105 / 100), ..run(seed) };
    let comparison = against(flaky(30, 0), (1..=30).map(slightly).collect());
    assert_eq!(found(&comparison), [], "5 % do not matter");
    assert!(comparison.scenarios[0].metrics["recovery"].corrected < 0.001);
}

#[test]
fn runs_that_never_recover_are_slower_than_any() {
    let never = |seed| Run { recovery_ms: None, ..run(seed) };
    let comparison = against(flaky(30, 0), (1..=30).map(never).collect());
    assert_eq!(found(&comparison), [(Regression, Kind::Changed, "recovery")]);
    let metric = &comparison.scenarios[0].metrics["recovery"];
    assert_eq!((metric.ratio, metric.head_median, metric.head_never), (None, None, 30));
    let back = against((1..=30).map(never).collect(), flaky(30, 0));
    assert_eq!(found(&back), [(Improvement, Kind::Changed, "recovery")]);
    let neither = against((1..=30).map(never).collect(), (1..=30).map(never).collect());
    assert!(!neither.scenarios[0].metrics.contains_key("recovery"));
}

#[test]
fn what_fails_more_is_not_better_because_it_is_faster() {
    let faster = |mut run: Run| {
        run.latency = Some(Latency { p99_us: 5_000, ..Latency::default() });
        run
    };
    let comparison = against(flaky(50, 5), flaky(50, 30).into_iter().map(faster).collect());
    assert_eq!(found(&comparison)[2], (Info, Kind::Changed, "latency"));
    assert!(comparison.findings[2].text.ends_with("more fails than before."));
    let good = against(flaky(50, 5), flaky(50, 5).into_iter().map(faster).collect());
    assert_eq!(found(&good)[1], (Improvement, Kind::Changed, "latency"));
}

#[test]
fn throughput_falls_and_latency_rises() {
    let worse = |seed| {
        let mut run = run(seed);
        run.counters.applied = 100;
        run.latency = Some(Latency { p99_us: 60_000, ..Latency::default() });
        run
    };
    let comparison = against(flaky(30, 0), (31..=60).map(worse).collect());
    assert_eq!(
        found(&comparison),
        [(Regression, Kind::Changed, "latency"), (Regression, Kind::Changed, "throughput")]
    );
    assert!(comparison.findings[0].text.contains("3.0 times as long"));
    assert!(comparison.findings[1].text.contains("Applies 2.0 times less per second"));
    assert!(comparison.findings[1].text.contains("Mann-Whitney"), "other seeds are no pairs");
}

#[test]
fn a_seed_counts_once_and_a_contradiction_is_an_alarm() {
    let twice = [
        report("1", vec![scenario("s", flaky(10, 0))]),
        report("1", vec![scenario("s", flaky(10, 2))]),
    ];
    let head = [report("1", vec![scenario("s", flaky(10, 0))])];
    let comparison = compare(&twice, &head, &Options::default());
    assert_eq!((comparison.base.reports, comparison.base.runs), (2, 10));
    assert_eq!(comparison.scenarios[0].base.as_ref().unwrap().passed.count, 8, "the worst counts");
    assert!(comparison.notes.iter().all(|note| note.kind != NoteKind::Alarm));
    let mut other = twice.clone();
    other[1].scenarios[0].runs[4].hash = "ff".to_owned();
    let alarmed = compare(&other, &head, &Options::default());
    assert_eq!(alarmed.notes[0].kind, NoteKind::Alarm);
    assert!(alarmed.notes[0].text.contains("seed 5"), "{}", alarmed.notes[0].text);
    assert!(alarmed.fails(FailOn::Any));
    // Another configuration may well have another history.
    other[1].system.config.insert("partitions".to_owned(), "8".to_owned());
    let told = compare(&other, &head, &Options::default());
    assert!(told.notes.iter().all(|note| note.kind != NoteKind::Alarm));
}

#[test]
fn what_else_differs_is_said_at_the_top() {
    let mut base = report("1", vec![scenario("s", flaky(20, 0))]);
    base.scenarios[0].planned = 40;
    base.shard = Some(Shard { index: 1, of: 2, ..Shard::default() });
    base.partial = true;
    let mut head = report("2", vec![scenario("s", flaky(30, 0))]);
    head.tool.version = "0.2.0".to_owned();
    head.system.config.insert("partitions".to_owned(), "8".to_owned());
    head.system.defects.push("ack-before-quorum".to_owned());
    head.time_budget = Some(TimeBudget { wall_ms: 1, left_out: 12 });
    let comparison = compare(&[base], &[head], &Options::default());
    let notes: Vec<&str> = comparison.notes.iter().map(|note| note.text.as_str()).collect();
    insta::assert_snapshot!(notes.join("\n"));
    assert_eq!(comparison.scenarios[0].pairs, None, "another tool may draw another plan");
}

#[test]
fn old_reports_are_read_by_their_text() {
    let mut base = flaky(50, 10);
    for record in base.iter_mut().flat_map(|run| &mut run.violations).flat_map(|v| &mut v.evidence)
    {
        record.kind.clear();
    }
    let comparison = against(base.clone(), flaky(50, 10));
    assert_eq!(found(&comparison), [(Attention, Kind::Ongoing, "no_loss")]);
    assert!(comparison.notes.iter().any(|note| note.text.contains("recognised by their text")));
}

#[test]
fn what_it_could_have_seen_is_told() {
    let comparison = against(flaky(50, 0), flaky(50, 0));
    let row = &comparison.scenarios[0];
    assert!((0.14..0.17).contains(&row.detectable_drop.unwrap()));
    assert!((0.055..0.06).contains(&row.shows_by.unwrap()));
    assert_eq!(against(flaky(2, 0), flaky(2, 0)).scenarios[0].detectable_drop, None);
}

#[test]
fn nothing_is_not_a_pass() {
    let nothing = compare(&[], &[], &Options::default());
    assert_eq!((nothing.compared, nothing.findings.len()), (0, 0));
    assert!(nothing.fails(FailOn::Regression) && nothing.fails(FailOn::Any));
    assert!(!nothing.fails(FailOn::None));
    assert!(nothing.human(false, "squall").contains("this is not a pass"));
}
