//! The page of a report: of a thousand failures it stays one that can be opened and read. What it looks like,
//! `harness/checks/screenshots` sees.

use crate::checks::{HOSTILE, rendered};
use squall_reports::{
    Family, MetricKind, Report, Run, Sample, ScenarioReport, Series, SeriesMetric, Trace,
    TraceFault, TraceRecord, render::page_of_one,
};
use std::sync::LazyLock;

#[path = "../../examples/sample_html/sample.rs"]
mod sample;

static THOUSAND: LazyLock<String> = LazyLock::new(|| rendered("html", &sample::thousand()));

#[test]
fn a_page_of_a_thousand_failures_is_bounded() {
    let html = &*THOUSAND;
    assert!(html.len() < 1_600_000, "{} bytes", html.len());
    // Every run has its place, and nothing but the first cause and its example is open.
    assert_eq!(html.matches("<details class=\"run\"").count(), 1_000);
    assert_eq!(html.matches(" open>").count(), 2);
    // Browsers build it at once: what no one opened is a part of it.
    let elements = html.matches('<').count() - html.matches("</").count();
    assert!(elements < 45_000, "{elements} elements");
    assert!(html.contains("The page does not grow without bound."));
}

#[test]
fn a_page_begins_with_what_broke_across_scenarios() {
    let html = &*THOUSAND;
    let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("no {text}"));
    let groups: Vec<&str> = html
        .split("<b class=\"name\">")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap_or_default())
        .collect();
    assert_eq!(groups.len(), 5, "{groups:?}");
    assert!(place("What broke") < place("60 scenarios did not pass"));
    assert!(place("60 scenarios did not pass") < place("60 scenarios passed"));
    // A consequence is named under its cause, and has no group of its own.
    assert!(html.contains("from it follow: durability ("));
    // The filter goes by these.
    assert!(html.contains("data-t=\"broker\nnightly\"") && html.contains("data-i=\"durability\n"));
}

#[test]
fn a_failure_opens_on_the_life_of_its_event() {
    let html = rendered("html", &sample::report());
    let (_, story) = html.split_once("data-events=\"").unwrap();
    let (event, story) = story.split_once('"').unwrap();
    let (life, _) = story.split_once("</ol>").unwrap();
    assert!(life.contains(&format!("The life of e{event}")), "{life}");
    for step in ["publish e", "partition: isolate broker-3", "acknowledges e"] {
        assert!(life.contains(step), "no {step}: {life}");
    }
    // What is of other events is elsewhere, and without scripts it is a list.
    assert!(!life.contains("is durable"), "{life}");
    assert!(html.contains("<noscript><details class=\"fold\"><summary>The 160 records"));
}

/// A report of one run that passed, and met one fault.
fn one(text: &str) -> Report {
    let trace = Trace {
        nodes: vec![text.to_owned(), "broker-2".to_owned()],
        faults: vec![TraceFault {
            text: text.to_owned(),
            nodes: vec![0],
            from_us: 2_000_000,
            to_us: Some(3_000_000),
            ..TraceFault::default()
        }],
        records: vec![TraceRecord {
            at_us: 2_000_000,
            node: Some(0),
            kind: "crash".to_owned(),
            text: "crashes".to_owned(),
            ..TraceRecord::default()
        }],
        ..Trace::default()
    };
    let run = Run { seed: 7, sim_ms: 10_000, trace: Some(trace), ..Run::default() };
    let scenario = ScenarioReport { planned: 1, runs: vec![run], ..ScenarioReport::default() };
    Report { scenarios: vec![scenario], ..Report::default() }
}

/// Metrics with as many labels, each of as many values, none of which is the one before.
fn series(families: usize, labels: usize, scrapes: usize, text: &str) -> Series {
    let value = |place: usize| Some(((place * 7_919) % 1_009) as f64);
    let metric = |place: usize| SeriesMetric {
        labels: vec![
            ("instance".to_owned(), format!("{text}{place}")),
            (text.to_owned(), text.to_owned()),
        ],
        samples: vec![Sample {
            suffix: String::new(),
            le: None,
            values: (place..place + scrapes).map(value).collect(),
        }],
    };
    let family = |place| Family {
        name: format!("{text}{place}"),
        kind: MetricKind::Gauge,
        help: text.to_owned(),
        metrics: (0..labels).map(metric).collect(),
    };
    let families = (0..families).map(family).collect();
    Series { every_ms: 10, scrapes, fault_ms: Some(2_000), families }
}

#[test]
fn the_page_of_one_run_that_passed_has_its_diagram_and_its_numbers() {
    let html = page_of_one(&one("crash: leader"), &series(2, 3, 1_000, "lag_"));
    let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("no {text}: {html}"));
    assert!(place("The run passed") < place("id=\"h-run\""));
    assert!(place("id=\"h-run\"") < place("<figure class=\"diagram\">"));
    assert!(place("<figure class=\"diagram\">") < place("id=\"h-gauges\""));
    assert!(html.contains("\"r\":{\"0\":{\"n\":["), "its trace is there");
    assert!(html.contains("<noscript><details class=\"fold\"><summary>The 1 records"));
    // A figure a metric, a line a node, and the fault a band in each, all of it without scripts.
    assert_eq!(html.matches("<figure><figcaption>").count(), 2);
    assert_eq!(html.matches("<use href=\"#acting\"/><path class=\"line\" d=\"M0 ").count(), 6);
    assert!(html.contains("class=\"band\" d=\"M200 0H300V32H200z\""));
    assert!(html.contains("crash: leader (2.000 s to 3.000 s)"));
    assert!(html.contains("<b>lag_0 · lag_</b><span>0 to 1,008</span>"));
    // Of a batch no passed run is told, whatever its report has of it.
    let batch = rendered("html", &one("crash: leader"));
    assert!(!batch.contains("class=\"diagram\"") && !batch.contains("id=\"h-gauges\""));
}

#[test]
fn the_numbers_of_one_run_do_not_let_its_page_grow_without_bound() {
    let html = page_of_one(&one("x"), &series(100, 8, 6_000, "m"));
    assert!(html.len() < 900_000, "{} bytes", html.len());
    let longest = html.split("class=\"line\" d=\"").skip(1).map(|rest| rest.find('"').unwrap());
    let longest = longest.max().unwrap();
    assert!((1_000..4_000).contains(&longest), "{longest} bytes");
    assert!(html.contains("Not drawn, to keep the page small: <code>m30, m31, "));
    // Very many labels are one line.
    let html = page_of_one(&one("x"), &series(1, 500, 400, "m"));
    assert_eq!(html.matches("class=\"line\"").count(), 1);
    assert!(html.contains("summed over the nodes"));
}

#[test]
fn names_of_metrics_and_labels_are_text() {
    for text in HOSTILE {
        let html = page_of_one(&one(text), &series(2, 2, 10, text));
        let tags = |of: &str| html.matches(of).count();
        assert_eq!(tags("<svg class=\"defs\""), 2, "{text}");
        assert_eq!(tags("<figure><figcaption>"), 2, "{text}");
        assert!(!html.contains("<script>alert") && !html.contains("<b>&amp;</b>"), "{text}");
        assert!(!html.contains(|c: char| c < ' ' && c != '\n'), "{text}");
        let plain = page_of_one(&one("x"), &series(2, 2, 10, "x"));
        let count = |page: &str, of: &str| page.matches(of).count();
        for of in ["<", ">"] {
            assert_eq!(count(&html, of), count(&plain, of), "{text}");
        }
    }
}
