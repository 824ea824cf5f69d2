use super::*;

/// A comparison with some of everything.
fn everything() -> Comparison {
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
    compare(&[base], &[head], &Options::default())
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
    let comparison =
        compare(&[report(name, vec![one])], &[report("2", vec![other])], &Options::default());
    for text in [comparison.human(false, "squall"), comparison.markdown(), comparison.html()] {
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    assert!(!comparison.html().contains("<script"));
    let markdown = comparison.markdown();
    let outside: String = markdown.lines().filter(|line| !line.starts_with("  ``")).collect();
    assert!(!outside.contains("<script"), "{outside}");
}

#[test]
fn the_page_stands_alone() {
    let page = everything().html();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    for outside in ["http:", "https:", "src=", "url(", "@import", "<script"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("prefers-color-scheme: dark"));
    assert!(page.contains("squall replay s.yaml --seed 7"));
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
