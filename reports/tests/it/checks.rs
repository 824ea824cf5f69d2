//! Parsers that believe less than those who will read the renderings.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use squall_reports::{
    Report, Verdict,
    render::{self, RENDERINGS, Reader},
};
use std::collections::{BTreeMap, BTreeSet};

/// Texts that mean something to somebody.
pub const HOSTILE: [&str; 16] = [
    "]]><b>&amp;",
    "a|b\\|c`d``e",
    "```\n```````text",
    "<script>alert(1)</script></details></summary>",
    "@octocat #1 GH-1 octo/repo#1 https://evil.example www.evil.example",
    "::error file=x,line=1::y",
    "\n::stop-commands::x\r\n::error::",
    "##[error]x ##vso[task.complete]",
    "\u{0}\u{1}\u{8}\u{1b}[2J\u{7f}\u{9b}",
    "\u{fffe}\u{ffff}\u{1fffe}\u{feff}",
    "\u{202e}abc\u{2066}\u{200f}",
    "\"quoted\" 'and' \\n \\",
    "![x](https://evil.example) [a](b) <!-- $x$ ~y~ **z** :smile:",
    "100%0A::error::",
    " ",
    "| --- |\n# x\n- y",
];

/// Nothing that is not in the words of squall stands outside of code; tables and fences are whole.
pub fn markdown(text: &str) {
    let (mut fence, mut rows) = (None::<String>, 0);
    for line in text.lines() {
        match &fence {
            Some(end) if line == end => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => {
                fence = Some(line.trim_end_matches("text").to_owned());
            }
            None if line.starts_with('|') => {
                let bars = line.matches('|').count();
                assert!(rows == 0 || rows == bars, "{bars} bars, not {rows}: {line}");
                assert!(line.ends_with('|'), "{line}");
                rows = bars;
            }
            None => rows = 0,
        }
    }
    assert!(fence.is_none(), "a fence is open: {text}");
    let ours = |text: &str| {
        text.chars().all(|c| c.is_ascii_alphanumeric() || " ,.:;()<>?%-/…".contains(c))
    };
    let (mut code, mut details) = (false, 0);
    for event in Parser::new_ext(text, Options::all() - Options::ENABLE_SMART_PUNCTUATION) {
        match event {
            Event::InlineHtml(html) => {
                assert!(&*html == if code { "</code>" } else { "<code>" }, "{html}");
                code = !code;
            }
            Event::Html(html) => match html.trim_end() {
                "<details>" => details += 1,
                "</details>" => details -= 1,
                html => {
                    let inner = html.strip_prefix("<summary>").unwrap();
                    assert!(ours(inner.strip_suffix("</summary>").unwrap()), "{html}");
                }
            },
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock) => code = false,
            Event::Text(words) => assert!(code || ours(&words), "{words}"),
            Event::Code(_) | Event::SoftBreak => {}
            Event::Start(
                Tag::Heading { .. }
                | Tag::Paragraph
                | Tag::HtmlBlock
                | Tag::List(_)
                | Tag::Item
                | Tag::Strong
                | Tag::Table(_)
                | Tag::TableHead
                | Tag::TableRow
                | Tag::TableCell,
            )
            | Event::End(_) => {}
            other => panic!("{other:?} in {text}"),
        }
    }
    assert!(!code && details == 0, "{text}");
}

/// The file and the line of each command, read as GitHub's runner does.
pub fn workflow_commands(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for line in text.split_inclusive('\n') {
        let line = line.strip_suffix('\n').unwrap();
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
        let (command, message) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
        assert!(!message.contains("##["));
        let (level, properties) = command.split_once(' ').unwrap();
        assert!(level == "error" || level == "warning", "{level}");
        let properties: BTreeMap<_, _> =
            properties.split(',').map(|pair| pair.split_once('=').unwrap()).collect();
        let known = properties.keys().all(|key| ["file", "line", "title"].contains(key));
        assert!(known && properties.contains_key("title"), "{properties:?}");
        let unescape = |name| {
            let text: &str = properties.get(name).copied().unwrap_or_default();
            let text = text.replace("%3A", ":").replace("%2C", ",");
            text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
        };
        out.push((unescape("file"), unescape("line")));
    }
    out
}

/// OpenMetrics 1.0, as far as it is used: families in one piece, no series twice, labels escaped,
/// numbers that are numbers, buckets that add up.
pub fn openmetrics(text: &str) -> BTreeMap<String, f64> {
    let body = text.strip_suffix("# EOF\n").unwrap();
    let mut series = BTreeMap::new();
    let (mut families, mut family, mut kind) = (BTreeSet::new(), String::new(), String::new());
    for line in body.split_inclusive('\n') {
        let line = line.strip_suffix('\n').unwrap();
        if let Some(rest) = line.strip_prefix("# ") {
            let [word, name, value] = rest.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
            match word {
                "HELP" => {
                    assert!(families.insert(name.to_owned()), "{name} comes twice");
                    name.clone_into(&mut family);
                }
                "TYPE" => value.clone_into(&mut kind),
                "UNIT" => assert!(name.ends_with(&format!("_{value}"))),
                _ => panic!("{line}"),
            }
            assert_eq!(name, family);
            continue;
        }
        let (name, number) = line.rsplit_once(' ').unwrap();
        let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
        let suffix = name.strip_prefix(&family).unwrap();
        let suffixes: &[&str] = match &*kind {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => panic!("{kind}"),
        };
        assert!(suffixes.contains(&suffix), "{line}");
        let number: f64 = number.parse().unwrap();
        assert!(number.is_finite() && number >= 0.0, "{line}");
        assert!(series.insert(format!("{name}{{{labels}"), number).is_none(), "twice: {line}");
        each_label(labels);
    }
    let buckets = series.iter().filter(|(name, _)| name.contains("_bucket{"));
    let most = buckets.map(|(_, number)| *number).fold(0.0, f64::max);
    assert!((series["squall_recovery_seconds_count{}"] - most).abs() < 0.5);
    series
}

fn each_label(labels: &str) {
    let mut rest = labels;
    while rest != "}" {
        let (name, value) = rest.split_once("=\"").unwrap();
        let name = name.strip_prefix(',').unwrap_or(name);
        assert!(name.chars().all(|c| c.is_ascii_lowercase()), "{labels}");
        let mut chars = value.char_indices();
        let end = loop {
            match chars.next().unwrap() {
                (end, '"') => break end,
                (_, '\\') => assert!(matches!(chars.next(), Some((_, '\\' | '"' | 'n')))),
                (_, c) => assert!(!c.is_control()),
            }
        };
        rest = &value[end + 1..];
    }
}

/// The XML is whole, its numbers are those of its cases, and what did not pass is no success.
pub fn junit(text: &str, report: &Report) {
    let document = roxmltree::Document::parse(text).unwrap();
    let all = |tag: &'static str| {
        document.descendants().filter(move |node| node.has_tag_name(tag)).collect::<Vec<_>>()
    };
    let root = document.root_element();
    assert_eq!(root.attribute("tests"), Some(&*all("testcase").len().to_string()));
    assert_eq!(root.attribute("failures"), Some(&*all("failure").len().to_string()));
    assert_eq!(root.attribute("errors"), Some(&*all("error").len().to_string()));
    let cases = all("testcase");
    let of = |node: &roxmltree::Node<'_, '_>| node.attribute("classname") != Some("squall");
    let told = |tag| cases.iter().filter(|case| of(case)).filter(|case| child(case, tag)).count();
    let child_of = |verdicts: &[Option<Verdict>]| {
        report.scenarios.iter().filter(|scenario| verdicts.contains(&worst(scenario))).count()
    };
    assert_eq!(told("skipped"), child_of(&[None]));
    assert_eq!(told("error"), child_of(&[Some(Verdict::Errored)]));
    let failures = [Verdict::Failed, Verdict::Unstable, Verdict::Vacuous].map(Some);
    assert_eq!(told("failure"), child_of(&failures));
    if !report.all_passed() {
        let partly = report.runs().next().is_some();
        let wrong = all("failure").len() + all("error").len();
        assert!(wrong > 0, "nothing is wrong, though {partly}");
    }
}

fn child(node: &roxmltree::Node<'_, '_>, tag: &str) -> bool {
    node.children().any(|child| child.has_tag_name(tag))
}

fn worst(scenario: &squall_reports::ScenarioReport) -> Option<Verdict> {
    use Verdict::{Errored, Failed, Passed, Unstable, Vacuous};
    let has = |verdict| scenario.runs.iter().any(|run| run.verdict == verdict);
    [Failed, Errored, Unstable, Vacuous, Passed].into_iter().find(|verdict| has(*verdict))
}

/// The rendering of this name, as a file.
pub fn rendered(name: &str, report: &Report) -> String {
    let named = RENDERINGS.iter().find(|rendering| rendering.name == name).unwrap();
    named.render(report, Reader::OF_A_FILE)
}

/// What SARIF 2.1.0 requires (its schema and section 3), and what GitHub's code scanning does beside.
fn sarif(text: &str, report: &Report) {
    let log: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let [run] = log["runs"].as_array().unwrap().as_slice() else { panic!("{text}") };
    let driver = &run["tool"]["driver"];
    assert!(!driver["name"].as_str().unwrap().is_empty());
    let rules = driver["rules"].as_array().unwrap();
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len());
    assert!(run["invocations"][0]["executionSuccessful"].is_boolean());
    let notifications = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(
        results.is_empty() && notifications.is_empty(),
        report.all_passed() && noticed(report)
    );
    let told = results.iter().chain(notifications);
    assert!(told.into_iter().all(|told| !told["message"]["text"].as_str().unwrap().is_empty()));
    let mut prints = BTreeSet::new();
    for result in results {
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[rule]["id"], result["ruleId"]);
        assert!(["error", "warning"].contains(&result["level"].as_str().unwrap()));
        assert!(prints.insert(result["partialFingerprints"]["squall/v1"].as_str().unwrap()));
        assert!(result["occurrenceCount"].as_u64().unwrap() > 0);
        let places = result["locations"].as_array().into_iter().flatten();
        for place in places.chain(result["relatedLocations"].as_array().into_iter().flatten()) {
            let place = &place["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            let fits = |c: char| c.is_ascii_alphanumeric() || "-._~/%:".contains(c);
            assert!(!uri.is_empty() && uri.chars().all(fits), "{uri}");
            assert!(place["region"]["startLine"].as_u64().unwrap() > 0);
        }
    }
}

/// Everything that holds of every rendering of every report, within a number of bytes of markdown.
pub fn all(report: &Report, bytes: usize) {
    markdown(&render::markdown(report, "squall"));
    let within = render::markdown_within(report, "squall", bytes);
    assert!(within.len() <= bytes, "{} bytes, not {bytes}", within.len());
    markdown(&within);
    junit(&rendered("junit", report), report);
    openmetrics(&rendered("openmetrics", report));
    let annotations = render::annotations(report);
    assert!(annotations.len() <= 10);
    assert_eq!(annotations.is_empty(), report.all_passed() && noticed(report));
    assert_eq!(workflow_commands(&render::workflow_commands(report)).len(), annotations.len());
    let issues: Vec<serde_json::Value> = serde_json::from_str(&rendered("gitlab", report)).unwrap();
    let prints: BTreeSet<&str> =
        issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), issues.len());
    let passed = report.runs().all(|(_, run)| run.verdict == Verdict::Passed);
    assert_eq!(issues.is_empty(), passed);
    sarif(&rendered("sarif", report), report);
    for rendering in RENDERINGS {
        let text = rendering.render(report, Reader::OF_A_FILE);
        assert!(text.is_empty() || text.ends_with('\n'), "{}: {text}", rendering.name);
        let steers = |c: char| c < ' ' && c != '\n';
        assert!(!text.contains(steers), "{}", rendering.name);
        assert_eq!(text, rendering.render(report, Reader::OF_A_FILE), "{}", rendering.name);
    }
    let mut lines = vec![render::started_line(report, 1), render::finished_line(report)];
    lines.extend(report.runs().map(|(scenario, run)| render::run_line(scenario, run)));
    for line in lines {
        assert!(!line.contains(['\n', '\r']) && !line.contains("##"), "{line}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(["started", "run", "finished"].contains(&value["type"].as_str().unwrap()));
    }
}

fn noticed(report: &Report) -> bool {
    report.canary.as_ref().is_none_or(|canary| canary.noticed_by.is_some())
}
