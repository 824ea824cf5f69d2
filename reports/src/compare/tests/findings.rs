use super::*;
use Weight::{Attention, Improvement, Info, Regression};

#[test]
fn equal_sides_find_nothing() {
    let same = against(flaky(50, 0), flaky(50, 0));
    assert_eq!(found(&same), []);
    assert!(!same.fails(FailOn::Any));
    assert_eq!((same.compared, same.scenarios[0].same_history), (1, 50));
}

/// The version changed all histories.
fn moved(runs: Vec<Run>) -> Vec<Run> {
    runs.into_iter().map(|run| Run { hash: format!("new {}", run.seed), ..run }).collect()
}

#[test]
fn a_plan_that_passed_in_the_base_and_fails_now_is_proof() {
    let mut head = flaky(50, 0);
    head[6] = failed(7, "order", &["apply", "apply"]);
    let comparison = against(flaky(50, 0), head);
    assert_eq!(found(&comparison), [(Regression, FindingKind::New, "order")]);
    let proof = &comparison.findings[0];
    assert!(proof.proof);
    assert_eq!(proof.replay.as_deref(), Some("squall replay s.yaml --seed 7"));
    assert_eq!(proof.on_base.as_deref(), Some("squall replay s.yaml --seed 7"));
    assert_eq!(proof.signatures, ["broker apply"]);
    assert_eq!(proof.example.as_deref(), Some("e7 is wrong"));
    assert!(proof.text.contains("same plan and passed (seed 7)"), "{}", proof.text);
    assert!(proof.text.contains("changed 1 of 50 histories"), "{}", proof.text);
    assert!(comparison.fails(FailOn::Regression) && !comparison.fails(FailOn::None));
}

#[test]
fn where_every_run_is_a_new_draw_one_that_fails_is_no_proof() {
    let flips = |count: u64| {
        let mut head = flaky(50, 0);
        (1..=count).for_each(|seed| head[seed as usize - 1] = failed(seed, "order", &["apply"]));
        against(flaky(50, 0), moved(head))
    };
    let once = flips(1);
    assert_eq!(found(&once), [(Attention, FindingKind::New, "order")]);
    let text = &once.findings[0].text;
    assert!(text.contains("changed 50 of 50 histories") && text.contains("No proof"), "{text}");
    assert!(text.contains("25 % probable"), "{text}");
    assert!(!once.findings[0].proof && !once.fails(FailOn::Regression) && once.fails(FailOn::Any));
    assert_eq!(found(&flips(3)), [(Attention, FindingKind::New, "order")]);
    // Four of the same draws, and none before: 2 % at most.
    assert!(flips(4).findings[0].proof);
}

#[test]
fn a_failure_of_seeds_that_the_base_did_not_run_is_something_to_look_at() {
    let head: Vec<Run> = (51..=100).map(run).collect();
    let mut one = head.clone();
    one[2] = failed(53, "order", &["apply"]);
    let comparison = against(flaky(50, 0), one);
    assert_eq!(found(&comparison), [(Attention, FindingKind::New, "order")]);
    let finding = &comparison.findings[0];
    assert!(finding.text.contains("The base did not run these seeds"), "{}", finding.text);
    assert_eq!(finding.on_base.as_deref(), Some("squall replay s.yaml --seed 53"));
    for text in [comparison.human(false, "x"), comparison.markdown(), comparison.html(&[], &[])] {
        assert!(text.contains("ith the base") && text.contains("--seed 53"), "{text}");
    }
    assert!(!comparison.fails(FailOn::Regression));
    // Often enough, its rate says it.
    let many = head.iter().map(|run| failed(run.seed, "order", &["apply"])).collect();
    let comparison = against(flaky(50, 0), many);
    assert_eq!(found(&comparison)[0], (Regression, FindingKind::New, "order"));
    assert!(!comparison.findings[0].proof);
    assert_eq!(comparison.findings[0].signatures, ["broker apply"]);
}

#[test]
fn another_file_is_another_plan() {
    let mut head = scenario("s", flaky(50, 0));
    head.runs[6] = failed(7, "order", &["apply"]);
    head.hash = "bb".to_owned();
    let options = Options { changed: true, ..Options::default() };
    let base = report("1", vec![scenario("s", flaky(50, 0))]);
    let comparison = compare(&[base], &[report("2", vec![head])], &options);
    assert_eq!(found(&comparison), [(Attention, FindingKind::New, "order")]);
    assert!(comparison.findings[0].text.contains("were other plans"));
}

#[test]
fn a_new_shape_of_a_known_failure_is_proof_too() {
    let mut head = flaky(100, 20);
    head[30] = failed(31, "no_loss", &["publish_ok", "crash"]);
    let comparison = against(flaky(100, 20), head);
    assert_eq!(
        found(&comparison),
        [(Regression, FindingKind::New, "no_loss"), (Attention, FindingKind::Ongoing, "no_loss")]
    );
    assert_eq!(comparison.findings[0].head_seeds, [31]);
    // The base failed with this seed too.
    let mut head = flaky(100, 20);
    head[3] = failed(4, "no_loss", &["publish_ok", "crash"]);
    assert!(against(flaky(100, 20), head).findings.iter().all(|finding| !finding.proof));
}

#[test]
fn the_more_kinds_the_base_shows_the_likelier_is_one_that_it_did_not() {
    let kinds = |count: u64| {
        let one = |seed| {
            if seed <= count { failed(seed, "no_loss", &[&format!("k{seed}")]) } else { run(seed) }
        };
        (1..=50).map(one).collect::<Vec<Run>>()
    };
    let with_one_more = |count| {
        let mut head = kinds(count);
        head[40] = failed(41, "no_loss", &["other"]);
        against(kinds(count), head).findings.iter().any(|finding| finding.proof)
    };
    assert!(with_one_more(1) && !with_one_more(8));
}

#[test]
fn one_history_and_two_verdicts_are_an_alarm_and_no_proof() {
    let mut head = flaky(50, 0);
    head[6] = Run { hash: run(7).hash, ..failed(7, "order", &["apply"]) };
    let base = report("1", vec![scenario("s", flaky(50, 0))]);
    let mut other = report("2", vec![scenario("s", head)]);
    let one = std::slice::from_ref;
    let of = |other: &Report| compare(one(&base), one(other), &Options::default());
    let comparison = of(&other);
    assert_eq!(found(&comparison), [(Attention, FindingKind::New, "order")]);
    assert!(comparison.findings[0].text.contains("judged otherwise"));
    let note = &comparison.notes[0];
    assert_eq!(note.kind, NoteKind::Alarm);
    for part in [
        "1 run has the same history and another verdict",
        "scenarios/s.yaml, seed 7: passed, then failed (order)",
    ] {
        assert!(note.text.contains(part), "{}", note.text);
    }
    assert!(comparison.fails(FailOn::Regression), "reports that contradict each other are no pass");
    // A new version of the tool may judge otherwise: good to know.
    other.tool.version = "0.2.0".to_owned();
    let told = of(&other);
    let note = told.notes.iter().find(|note| note.text.contains("another verdict")).unwrap();
    assert_eq!(note.kind, NoteKind::Caution);
    // Within a side.
    let mut twice = base.clone();
    twice.scenarios[0].runs[4].verdict = Verdict::Vacuous;
    let within = compare(&[base.clone(), twice], one(&base), &Options::default());
    assert!(within.notes[0].text.starts_with("base: 1 run has"), "{}", within.notes[0].text);
}

#[test]
fn a_little_in_many_scenarios_is_a_regression_of_all() {
    let suite = |version, failing: u64| {
        let one = |i: u64| scenario(&format!("s{i}"), moved_by(version, flaky(10, failing)));
        report(&version.to_string(), (0..10).map(one).collect())
    };
    let comparison = compare(&[suite(1, 0)], &[suite(2, 1)], &Options::default());
    let first = &comparison.findings[0];
    assert_eq!(
        (first.weight, first.subject.as_str(), first.proof),
        (Regression, "pass rate", false)
    );
    assert_eq!((first.scenario.as_str(), first.name.as_str()), ("", "all scenarios"));
    assert!(first.text.contains("10 of 100 runs do not pass, before 0 of 100"), "{}", first.text);
    assert_eq!(comparison.count(Regression), 1, "{:?}", found(&comparison));
    let same = compare(&[suite(1, 1)], &[suite(2, 1)], &Options::default());
    assert_eq!(same.count(Regression), 0);
}

/// All histories are this version's.
fn moved_by(version: u64, runs: Vec<Run>) -> Vec<Run> {
    runs.into_iter().map(|run| Run { hash: format!("{version} {}", run.seed), ..run }).collect()
}

#[test]
fn what_the_base_shows_elsewhere_is_no_proof() {
    let both = |s: Vec<Run>, other: u64, version| {
        let other = ScenarioReport { path: "other".into(), ..scenario("other", flaky(50, other)) };
        [report(version, vec![scenario("s", s), other])]
    };
    let base = both(flaky(50, 0), 20, "1");
    let once = compare(&base, &both(flaky(50, 1), 20, "2"), &Options::default());
    assert_eq!(found(&once)[1], (Attention, FindingKind::Rare, "no_loss"));
    assert!(once.findings[1].text.contains("in other scenarios"), "{}", once.findings[1].text);
    let often = compare(&base, &both(flaky(50, 20), 20, "2"), &Options::default());
    assert_eq!(
        found(&often)[..2],
        [
            (Regression, FindingKind::New, "no_loss"),
            (Regression, FindingKind::Changed, "pass rate")
        ]
    );
    assert!(often.findings.iter().all(|finding| !finding.proof));
}

#[test]
fn a_known_failure_that_is_more_frequent_is_a_regression_by_rate() {
    let comparison = against(flaky(50, 5), flaky(50, 30));
    assert_eq!(
        found(&comparison),
        [
            (Regression, FindingKind::Ongoing, "no_loss"),
            (Regression, FindingKind::Changed, "pass rate")
        ]
    );
    let rate = &comparison.findings[1];
    assert_eq!((rate.base.unwrap().count, rate.head.unwrap().count), (45, 20));
    assert!(rate.text.contains("McNemar"), "{}", rate.text);
    assert_eq!(
        found(&against(flaky(50, 5), flaky(50, 6))),
        [(Attention, FindingKind::Ongoing, "no_loss")]
    );
    let better = against(flaky(50, 30), flaky(50, 5));
    assert_eq!(
        found(&better),
        [
            (Improvement, FindingKind::Ongoing, "no_loss"),
            (Improvement, FindingKind::Changed, "pass rate")
        ]
    );
    assert!(!better.fails(FailOn::Any));
}

#[test]
fn resolved_is_what_its_earlier_rate_makes_improbable() {
    // 10 of 50 is 11 % at least: 26 clean runs.
    let resolved = against(flaky(50, 10), flaky(26, 0));
    assert!(found(&resolved).contains(&(Improvement, FindingKind::Resolved, "no_loss")));
    let not_yet = against(flaky(50, 10), flaky(20, 0));
    assert_eq!(found(&not_yet), [(Attention, FindingKind::Rare, "no_loss")]);
    let finding = &not_yet.findings[0];
    assert_eq!(finding.clean_runs_missing, Some(6));
    assert_eq!(finding.base_seeds, (1..=10).collect::<Vec<_>>());
    assert!(finding.text.contains("seeds 1, 2, 3 and 7 more"), "{}", finding.text);
    assert!(finding.text.contains("6 more clean runs are needed"), "{}", finding.text);
}

#[test]
fn the_failing_seed_that_passes_now_resolves_nothing() {
    let comparison = against(flaky(50, 1), flaky(50, 0));
    assert_eq!(found(&comparison), [(Attention, FindingKind::Rare, "no_loss")]);
    assert_eq!(comparison.findings[0].clean_runs_missing, Some(845 - 50));
}

#[test]
fn vacuous_runs_are_no_clean_runs() {
    let comparison = against(flaky(50, 40), with_verdict(Verdict::Vacuous, 1..=50));
    assert_eq!(
        found(&comparison),
        [
            (Attention, FindingKind::NotExercised, "no_loss"),
            (Attention, FindingKind::NotExercised, "vacuous")
        ]
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
            (Attention, FindingKind::NotExercised, "no_loss"),
            (Attention, FindingKind::NotExercised, "signals"),
            (Improvement, FindingKind::Changed, "pass rate"),
        ]
    );
    assert!(comparison.findings[0].text.contains("retried came with it"));
}

#[test]
fn errored_and_unstable_runs_are_rates() {
    let mut head = flaky(50, 0);
    head.splice(..20, with_verdict(Verdict::Errored, 1..=20));
    let often = against(flaky(50, 0), head.clone());
    assert!(
        found(&often).contains(&(Regression, FindingKind::New, "errored")),
        "{:?}",
        found(&often)
    );
    head.splice(1..20, flaky(20, 0).split_off(1));
    let once = against(flaky(50, 0), head);
    assert_eq!(found(&once), [(Attention, FindingKind::Rare, "errored")]);
    let mut base = flaky(50, 0);
    base.splice(..20, with_verdict(Verdict::Unstable, 1..=20));
    let gone = against(base, flaky(50, 0));
    assert!(found(&gone).contains(&(Improvement, FindingKind::Resolved, "unstable")));
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
            (Attention, FindingKind::Vanished, "scenario"),
            (Attention, FindingKind::Added, "scenario"),
            (Attention, FindingKind::Edited, "scenario"),
            (Info, FindingKind::Added, "scenario"),
        ]
    );
    assert_eq!(comparison.compared, 0);
    assert!(comparison.fails(FailOn::Any) && comparison.fails(FailOn::Regression));
    let asked = compare(sides.0, sides.1, &Options { changed: true, ..Options::default() });
    assert_eq!(
        found(&asked)[0],
        (Attention, FindingKind::New, "no_loss"),
        "another plan proves nothing"
    );
    assert_eq!((asked.compared, asked.scenarios[1].pairs), (1, None), "another plan is no pair");
}

#[test]
fn a_scenario_that_vanished_fails_unless_that_is_allowed() {
    let both = vec![scenario("a", flaky(5, 0)), scenario("b", flaky(5, 0))];
    let (base, mut head) = (report("1", both.clone()), report("2", both));
    head.scenarios[1].runs.clear();
    let gone =
        |options| compare(std::slice::from_ref(&base), std::slice::from_ref(&head), &options);
    let strict = gone(Options::default());
    assert_eq!(found(&strict), [(Attention, FindingKind::Vanished, "scenario")]);
    assert_eq!((strict.compared, strict.missing()), (1, 1));
    assert!(strict.fails(FailOn::Regression) && !strict.fails(FailOn::None));
    assert!(strict.human(false, "x").contains("No regression was found, 1 scenario missing"));
    let allowed = gone(Options { allow_missing: true, ..Options::default() });
    assert!(!allowed.fails(FailOn::Regression) && allowed.fails(FailOn::Any));
}

#[test]
fn a_few_that_never_recovered_hide_no_slowdown() {
    let never = |run: Run| Run { recovery_ms: None, ..run };
    let base = |runs: u64, count: u64| -> Vec<Run> {
        (1..=runs).map(|seed| if seed <= count { never(run(seed)) } else { run(seed) }).collect()
    };
    let slow = |seed| Run { recovery_ms: Some((500 + seed % 7) * 1_000_000), ..run(seed) };
    let slower = |comparison: &Comparison| {
        found(comparison).contains(&(Regression, FindingKind::Changed, "recovery"))
    };
    // As pairs, and with other seeds.
    for (runs, count) in [(10, 2), (12, 4), (30, 5), (50, 20)] {
        let paired = against(base(runs, count), (1..=runs).map(slow).collect());
        assert!(slower(&paired), "{runs}, {count}: {:?}", paired.scenarios[0].metrics);
        let other = against(base(runs, count), (101..=100 + runs).map(slow).collect());
        assert!(slower(&other), "{runs}, {count}: {:?}", other.scenarios[0].metrics);
    }
    // What recovered within the time in which the base never did is better, however slow.
    let late = |seed| Run {
        recovery_ms: Some(if seed <= 40 { 9_000 } else { 500 + seed % 7 }),
        ..run(seed)
    };
    let mended = against(base(50, 40), (1..=50).map(late).collect());
    assert_eq!(found(&mended), [(Improvement, FindingKind::Changed, "recovery")]);
    let mended =
        against(base(50, 40), (101..=150).map(|seed| Run { seed, ..late(seed - 100) }).collect());
    assert!(!slower(&mended), "{:?}", found(&mended));
    // And to recover no more is worse than anything.
    assert!(slower(&against(base(30, 0), base(30, 20))));
}

#[test]
fn slower_recovery_is_told_with_its_factor() {
    let slower = |seed| Run { recovery_ms: Some((500 + seed % 7) * 18 / 10), ..run(seed) };
    let comparison = against(flaky(30, 0), (1..=30).map(slower).collect());
    assert_eq!(found(&comparison), [(Regression, FindingKind::Changed, "recovery")]);
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
    assert_eq!(found(&comparison), [(Regression, FindingKind::Changed, "recovery")]);
    let metric = &comparison.scenarios[0].metrics["recovery"];
    assert_eq!((metric.ratio, metric.head_median, metric.head_never), (None, None, 30));
    let back = against((1..=30).map(never).collect(), flaky(30, 0));
    assert_eq!(found(&back), [(Improvement, FindingKind::Changed, "recovery")]);
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
    assert_eq!(found(&comparison)[2], (Info, FindingKind::Changed, "latency"));
    assert!(comparison.findings[2].text.ends_with("more fails than before."));
    let good = against(flaky(50, 5), flaky(50, 5).into_iter().map(faster).collect());
    assert_eq!(found(&good)[1], (Improvement, FindingKind::Changed, "latency"));
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
        [
            (Regression, FindingKind::Changed, "latency"),
            (Regression, FindingKind::Changed, "throughput")
        ]
    );
    assert!(comparison.findings[0].text.contains("3.0 times as long"));
    assert!(comparison.findings[1].text.contains("Applies 2.0 times less per second"));
    assert!(comparison.findings[1].text.contains("Mann-Whitney"), "other seeds are no pairs");
}

#[test]
fn a_seed_counts_once_and_a_contradiction_is_an_alarm() {
    let twice = [
        report("1", vec![scenario("s", flaky(10, 0))]),
        report("1.1", vec![scenario("s", flaky(10, 2))]),
    ];
    let head = [report("1", vec![scenario("s", flaky(10, 0))])];
    let comparison = compare(&twice, &head, &Options::default());
    assert_eq!((comparison.base.reports, comparison.base.runs), (2, 10));
    assert_eq!(comparison.scenarios[0].base.as_ref().unwrap().passed.count, 8, "the worst counts");
    assert!(comparison.notes.iter().all(|note| note.kind != NoteKind::Alarm));
    let mut other = [twice[0].clone(), twice[0].clone()];
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
    assert_eq!(found(&comparison), [(Attention, FindingKind::Ongoing, "no_loss")]);
    assert!(comparison.notes.iter().any(|note| note.text.contains("recognised by their text")));
}

#[test]
fn what_it_could_have_seen_is_told() {
    let comparison = against(flaky(50, 0), flaky(50, 0));
    let row = &comparison.scenarios[0];
    assert!((0.14..0.21).contains(&row.detectable_drop.unwrap()));
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
