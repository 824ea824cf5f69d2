//! Whatever parses is compared without a panic, and tables stay within a terminal.

use super::*;
use proptest::prelude::*;

fn verdict() -> impl Strategy<Value = Verdict> {
    prop::sample::select(vec![
        Verdict::Passed,
        Verdict::Failed,
        Verdict::Vacuous,
        Verdict::Unstable,
        Verdict::Errored,
    ])
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(u64::MAX - 1), 0..1_000_u64]
}

fn any_run() -> impl Strategy<Value = Run> {
    let name = || prop::sample::select(vec!["", "a", "b-1", "\u{1b}[31m", "漢字", "x y"]);
    let numbers = (number(), number(), number(), prop::option::of(number()));
    let texts = (name(), name(), name(), any::<bool>(), any::<bool>());
    (verdict(), 0..12_u64, numbers, texts, prop::option::of(number())).prop_map(
        |(verdict, seed, (sim_ms, applied, times, recovery_ms), texts, p99)| {
            let (hash, kind, invariant, violated, bare) = texts;
            let evidence = Evidence { node: kind.into(), kind: kind.into(), ..Evidence::default() };
            let evidence = if bare { vec![] } else { vec![evidence] };
            let violation =
                Violation { invariant: invariant.into(), evidence, ..Default::default() };
            let mut run = Run { seed, verdict, sim_ms, recovery_ms, ..Run::default() };
            run.hash = hash.to_owned();
            run.counters.applied = applied;
            run.signals.insert(kind.to_owned(), times);
            run.latency = p99.map(|p99_us| Latency { p99_us, ..Latency::default() });
            run.violations.extend(violated.then_some(violation));
            run
        },
    )
}

fn any_report() -> impl Strategy<Value = Report> {
    let path = prop::sample::select(vec!["", "a", "b", "漢".repeat(60).leak()]);
    let scenario = (path, prop::sample::select(vec!["", "1", "2"]), number(), 0..2_usize)
        .prop_flat_map(|(path, hash, planned, many)| {
            prop::collection::vec(any_run(), 0..=20 * many).prop_map(move |runs| ScenarioReport {
                name: path.to_owned(),
                path: path.to_owned(),
                hash: hash.to_owned(),
                planned,
                runs,
                ..ScenarioReport::default()
            })
        });
    (prop::collection::vec(scenario, 0..4), any::<bool>(), number()).prop_map(
        |(scenarios, partial, left_out)| {
            let mut report = report("1", scenarios);
            report.partial = partial;
            report.time_budget = Some(TimeBudget { wall_ms: 0, left_out });
            report
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn anything_is_compared(
        base in prop::collection::vec(any_report(), 0..3),
        head in prop::collection::vec(any_report(), 0..3),
        changed: bool,
        minimum_effect: f64,
    ) {
        let options = Options { changed, minimum_effect, allow_missing: false };
        let comparison = compare(&base, &head, &options);
        let text = comparison.human(false, "squall");
        for line in text.lines().filter(|line| !line.contains("replay: ") && !line.contains("with the base: ")) {
            prop_assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{}", line);
        }
        prop_assert!(!text.contains(['\x1b']) && !text.contains("NaN"));
        let page = comparison.html(&base, &head);
        let (body, _) = page.split_once("<script").unwrap();
        prop_assert!(!body.contains("NaN") && !comparison.markdown().contains("NaN"));
        prop_assert!(serde_json::to_string(&comparison).is_ok());
        for finding in &comparison.findings {
            prop_assert!(finding.p.is_none_or(|p| (0.0..=1.0).contains(&p)));
        }
        prop_assert_eq!(comparison.human(true, "squall"), compare(&base, &head, &options).human(true, "squall"));
    }

    #[test]
    fn with_itself_nothing_is_worse(report in any_report()) {
        let same = compare(std::slice::from_ref(&report), std::slice::from_ref(&report), &Options::default());
        prop_assert_eq!(same.count(Weight::Regression), 0);
        prop_assert_eq!(same.count(Weight::Improvement), 0);
    }
}
