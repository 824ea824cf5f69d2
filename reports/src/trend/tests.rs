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
    let mut evil = report("<i>", &[Verdict::Passed], "a");
    evil.0 = "\"><script>\u{1b}".to_owned();
    evil.1.scenarios[0].runs[0].recovery_ms = Some(u64::MAX);
    let page = trend(&[evil, report("2", &[Verdict::Failed], "a")]).html();
    assert!(!page.contains("<script") && !page.contains("<i>") && !page.contains('\u{1b}'));
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
    assert!(!mixed.html().contains("<b>100 %"), "{}", mixed.html());
}

#[test]
fn what_is_not_of_the_same_tests_is_not_joined() {
    let passed = [Verdict::Passed; 3];
    let line = |trend: &Trend| {
        let svg = trend.svg();
        let (_, path) = svg.split_once("class=\"line\" d=\"").unwrap();
        let path = path.split('"').next().unwrap().to_owned();
        path.chars().filter(char::is_ascii_alphabetic).collect::<String>()
    };
    let same = trend(&[report("1", &passed, "a"), report("2", &passed, "a")]);
    assert_eq!(line(&same), "ML");
    // Another file; the same file with more seeds.
    let edited = report("3", &passed, "b");
    let seeds = report("4", &[Verdict::Passed; 4], "b");
    let other = trend(&[report("1", &passed, "a"), report("2", &passed, "a"), edited, seeds]);
    assert_eq!(line(&other), "MLMM");
    assert!(other.human(false).contains("pass rate  ██ █ █\n"), "{}", other.human(false));
    let notes = other.notes().join("\n");
    assert!(
        notes.contains("(+1 -1)") && notes.contains("Other seeds than the report before: 4"),
        "{notes}"
    );
    assert!(other.html().contains("other tests than before: other seeds"), "{}", other.html());
}

#[test]
fn points_are_told_by_what_differs() {
    let of = |all: &[(&str, &str, &str)]| -> Vec<String> {
        let reports: Vec<_> = all
            .iter()
            .zip(["a", "b", "c"])
            .map(|((version, started, commit), label)| {
                let (_, mut report) = report(version, &[Verdict::Passed], "a");
                report.started = (*started).to_owned();
                report.system.config.insert("commit".into(), (*commit).to_owned());
                (label.to_owned(), report)
            })
            .collect();
        trend(&reports).points.into_iter().map(|point| point.told_by).collect()
    };
    let day = "2026-11-21T08:00:00Z";
    assert_eq!(of(&[("1", day, "x"), ("2", day, "y")]), ["1", "2"]);
    let next = "2026-11-22T08:00:00Z";
    assert_eq!(of(&[("1", day, "x"), ("1", next, "x")]), ["2026-11-21", "2026-11-22"]);
    assert_eq!(of(&[("1", day, "0123456789ab"), ("1", day, "y")]), ["0123456789", "y"]);
    let three = [("1", day, "x"), ("1", next, "x"), ("2", day, "x")];
    assert_eq!(of(&three), ["1 2026-11-21", "1 2026-11-22", "2 2026-11-21"]);
    assert_eq!(of(&[("1", day, "x"), ("1", day, "x")]), ["a", "b"]);
}
