use super::*;

/// A comparison with some of everything.
fn everything() -> Comparison {
    let [base, head] = sides();
    compare(&[base], &[head], &Options::default())
}

/// What is compared.
fn sides() -> [Report; 2] {
    let slower = |run: Run| Run { recovery_ms: run.recovery_ms.map(|ms| ms * 18 / 10), ..run };
    let mut lost = flaky(50, 0);
    lost[6] = failed(7, "no_loss", &["publish_ok", "crash"]);
    let base = report(
        "1.0",
        vec![
            scenario("broker/power-failure-of-two", flaky(50, 0)),
            scenario("consumer/poison", flaky(50, 10)),
            scenario("gone", flaky(50, 0)),
            scenario("network/partition", flaky(50, 1)),
        ],
    );
    let head = report(
        "2.0",
        vec![
            scenario("broker/power-failure-of-two", lost),
            scenario("consumer/poison", flaky(50, 0)),
            scenario("network/partition", flaky(50, 0).into_iter().map(slower).collect()),
        ],
    );
    [base, head]
}

#[test]
fn for_a_terminal() {
    insta::assert_snapshot!(everything().human(false, "squall"));
}

#[test]
fn many_scenarios_that_went_are_told_together() {
    let many = (0..9).map(|i| scenario(&format!("network/partition-{i}"), flaky(3, 0))).collect();
    let comparison = compare(&[report("1", many)], &[report("2", vec![])], &Options::default());
    insta::assert_snapshot!(comparison.human(false, "squall"));
}

#[test]
fn for_a_pull_request() {
    insta::assert_snapshot!(everything().markdown());
}

#[test]
fn colour_is_all_that_colour_adds() {
    let comparison = everything();
    let mut plain = String::new();
    let colored = comparison.human(true, "squall");
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, comparison.human(false, "squall"));
    assert_ne!(plain, colored);
}

#[test]
fn names_are_only_names() {
    let name = "\u{1b}[2J<script>|`x`\n# @all";
    let mut one = scenario(name, flaky(30, 0));
    let mut other = one.clone();
    other.runs[2] = failed(3, name, &[name]);
    other.runs[2].replay = name.to_owned();
    one.name = name.to_owned();
    let (base, head) = ([report(name, vec![one])], [report("2", vec![other])]);
    let comparison = compare(&base, &head, &Options::default());
    let page = comparison.html(&base, &head);
    for text in [&comparison.human(false, "squall"), &comparison.markdown(), &page] {
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    assert_eq!(
        page.matches("<script").count(),
        2,
        "only the page's own: its traces and its script"
    );
    let markdown = comparison.markdown();
    let outside: String = markdown.lines().filter(|line| !line.starts_with("  ``")).collect();
    assert!(!outside.contains("<script"), "{outside}");
}

#[test]
fn the_page_stands_alone() {
    let sides = sides().map(|report| [report]);
    let page = everything().html(&sides[0], &sides[1]);
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for outside in ["http:", "https:", "src=", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("url(").count(), page.matches("url(#").count());
    assert!(page.contains("prefers-color-scheme: dark"));
    assert_eq!(page, everything().html(&sides[0], &sides[1]));
}

#[test]
fn the_page_has_findings_by_cause_with_stories_and_both_sides_of_each_scenario() {
    let sides = sides().map(|report| [report]);
    let page = everything().html(&sides[0], &sides[1]);
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}: {page}"));
    // The regression first, open, with the story of the run that shows it, whose command stands there once.
    let first = place("<details class=\"group bad\" open>");
    assert!(place("smallest drop of the pass rate") < first);
    let story = &page[first..];
    let story = &story[..story.find("</article>").unwrap()];
    let opened = story.find("<details class=\"run\" id=\"r0\"").unwrap();
    assert!(story[opened..].split_once('>').unwrap().0.ends_with(" open"), "{story}");
    assert_eq!(
        story.matches("squall replay s.yaml --seed 7").count(),
        2,
        "also of the base: {story}"
    );
    assert!(story.contains("data-run=\"0\"") && page.contains("\"r\":{\"0\":"), "{story}");
    // Both sides of a scenario, drawn on one scale.
    let row = &page[place("role=\"rowheader\">network/partition")..];
    let row = &row[..row.find("<tr").unwrap_or(row.len())];
    assert_eq!(
        (row.matches("class=rate").count(), row.matches("class=pair").count()),
        (2, 2),
        "{row}"
    );
    assert!(row.contains("base: median 503ms") && row.contains("; head: median 905ms"), "{row}");
    // Without the reports there are no numbers of runs, and everything else.
    let bare = everything().html(&[], &[]);
    assert!(bare.contains("squall replay s.yaml --seed 7") && !bare.contains("class=pair"));
}

#[test]
fn what_merely_goes_on_is_folded_away() {
    let (base, head) = (
        [report("1", vec![scenario("s", flaky(20, 4))])],
        [report("2", vec![scenario("s", flaky(20, 4))])],
    );
    let page = compare(&base, &head, &Options::default()).html(&base, &head);
    let (before, folded) = page.split_once("<details class=\"fold others\">").unwrap();
    assert!(folded.contains(">ongoing<") && folded.contains("no_loss"), "{folded}");
    assert!(!before.contains("<details class=\"group"), "{before}");
}

#[test]
fn json_tells_the_same_and_is_the_same_every_time() {
    let json = serde_json::to_value(everything()).unwrap();
    assert_eq!(json["format"], COMPARISON_FORMAT);
    assert_eq!(json["findings"][0]["weight"], "regression");
    assert_eq!(json["findings"][0]["proof"], true);
    assert_eq!(json, serde_json::to_value(everything()).unwrap());
    assert_eq!(everything().human(true, "x"), everything().human(true, "x"));
}
