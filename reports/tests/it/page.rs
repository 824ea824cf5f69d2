//! The page of a report: of a thousand failures it stays one that can be opened and read. What it looks like,
//! `harness/checks/screenshots` sees.

use crate::checks::rendered;
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
