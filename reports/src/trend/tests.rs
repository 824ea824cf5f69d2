use super::*;
use crate::format::ScenarioReport;
use crate::{
    format::{Report, Run, Verdict},
    latency::LatencyRecorder,
};

fn report(version: &str, verdicts: &[Verdict], hash: &str) -> (String, Report) {
    let runs = verdicts
        .iter()
        .zip(1..)
        .map(|(verdict, seed)| {
            let mut latency = LatencyRecorder::default();
            latency.record(1_000 * seed);
            Run {
                seed,
                verdict: *verdict,
                recovery_ms: (*verdict == Verdict::Passed).then_some(400 + seed),
                latency: latency.summary(),
                ..Run::default()
            }
        })
        .collect();
    let scenario =
        ScenarioReport { path: "s".into(), hash: hash.into(), runs, ..Default::default() };
    let mut report = Report { scenarios: vec![scenario], ..Report::default() };
    report.system.version = version.to_owned();
    report.started = "2026-11-21T08:00:00Z".to_owned();
    (format!("{version}.json"), report)
}

fn three() -> Trend {
    let (passed, failed, vacuous) = (Verdict::Passed, Verdict::Failed, Verdict::Vacuous);
    trend(&[
        report("0.1.0", &[passed; 10], "a"),
        report("0.2.0", &[passed, passed, passed, failed, vacuous], "a"),
        report("0.3.0", &[failed, failed, passed], "b"),
    ])
}

#[test]
fn a_table_with_intervals_and_what_to_beware_of() {
    insta::assert_snapshot!(three().human(false));
}

#[test]
fn nothing_to_show_is_said() {
    assert_eq!(trend(&[]).human(false), "no report\n");
    assert!(trend(&[]).svg().ends_with("</svg>\n"));
    let empty = trend(&[("x".to_owned(), Report::default())]);
    assert_eq!(empty.points[0].pass_rate, None);
    assert!(empty.human(true).contains('-') && !empty.html().contains(">never<"));
}

#[test]
fn the_picture_is_one_file_with_names_escaped() {
    let mut evil = report("<b>", &[Verdict::Passed], "a");
    evil.0 = "\"><script>\u{1b}".to_owned();
    evil.1.scenarios[0].runs[0].recovery_ms = Some(u64::MAX);
    let page = trend(&[evil, report("2", &[Verdict::Failed], "a")]).html();
    assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains('\u{1b}'));
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
    assert_eq!(page.matches("http:").count(), 1, "only the name of the SVG's namespace");
}

#[test]
fn lines_are_no_wider_than_a_terminal() {
    let (_, long) = report(&"9".repeat(90), &[Verdict::Failed; 3], "a");
    let trend = trend(&[("x".repeat(200), long)]);
    assert!(trend.human(false).lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn what_did_not_pass_is_not_all_passed() {
    let (passed, failed) = (Verdict::Passed, Verdict::Failed);
    let (vacuous, errored, unstable) = (Verdict::Vacuous, Verdict::Errored, Verdict::Unstable);
    for none in [vec![vacuous; 5], vec![failed; 5], vec![errored; 5], vec![vacuous, unstable]] {
        let trend = trend(&[report("1", &none, "a"), report("2", &none, "a")]);
        let point = &trend.points[0];
        assert_eq!((point.pass_rate, point.interval.low), (Some(0.0), 0.0), "{none:?}");
        let text = trend.human(false);
        assert!(text.contains("pass rate  ▁▁"), "{text}");
        assert!(!text.contains("100"), "{text}");
        assert!(trend.svg().contains(": 0 % of "), "{}", trend.svg());
    }
    let mixed = trend(&[report("1", &[passed, passed, vacuous], "a")]);
    assert!(mixed.points[0].pass_rate.unwrap() < 0.7);
    assert!(!mixed.html().contains("<td>100 %"), "{}", mixed.html());
}
