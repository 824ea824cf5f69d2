//! `squall list`, `squall explain` and `--filter`: what is told of every word, and which scenarios are chosen by it.

use crate::{common::scenario, squall};
use serde_json::Value;
use squall::{catalogue, testing::parse};
use squall_command::ReferenceSystem;
use std::collections::BTreeSet;

fn lines(arguments: &[&str]) -> Vec<String> {
    let said = squall(arguments);
    assert_eq!(said.code, 0, "{arguments:?}: {}", said.err);
    said.out.lines().map(str::to_owned).collect()
}

#[test]
fn a_list_has_a_line_for_each_word() {
    for (name, _, words) in catalogue::LISTS {
        let listed = lines(&["list", name]);
        let words = words(&ReferenceSystem);
        assert_eq!(listed.len(), words.len(), "{name}");
        for (line, word) in listed.iter().zip(&words) {
            assert!(
                line.starts_with(&format!("{} ", word.name)) && line.ends_with(&word.line),
                "{line}"
            );
        }
    }
}

#[test]
fn a_filter_leaves_lines_with_all_of_its_words() {
    let disk = lines(&["list", "faults", "disk"]);
    for fault in ["disk_full ", "slow_disk ", "fail_sync ", "bit_rot "] {
        assert!(disk.iter().any(|line| line.starts_with(fault)), "{disk:?}");
    }
    assert!(!disk.iter().any(|line| line.starts_with("partition ")), "{disk:?}");
    assert!(lines(&["list", "faults", "disk", "full"]).len() < disk.len());
    assert_eq!(lines(&["list", "keys", "RESTART_after"]).len(), 1);
    assert!(lines(&["list", "faults", "frobnicate"]).is_empty());
    assert_eq!(squall(&["list", "faults", "--in", "scenarios"]).code, 2);
}

#[test]
fn a_list_as_json_has_all_that_is_known() {
    let listed: Value = serde_json::from_str(&squall(&["list", "faults", "--json"]).out).unwrap();
    assert_eq!(listed["format"], "squall-words/1");
    let words = listed["words"].as_array().unwrap();
    assert_eq!(words.len(), catalogue::faults().len());
    let slow = words.iter().find(|word| word["name"] == "slow_disk").unwrap();
    let by = slow["parameters"].as_array().unwrap().iter().find(|p| p["name"] == "by").unwrap();
    assert!(by["takes"].as_str().unwrap().starts_with("a time: above 0"), "{by}");
    assert!(slow["edges"][0].as_str().unwrap().starts_with("At its edges"), "{slow}");
    assert!(slow["about"].to_string().contains("Stands for"), "{slow}");
}

#[test]
fn every_word_means_something_and_has_an_example_that_is_read() {
    for word in catalogue::all(&ReferenceSystem) {
        assert!(word.line.len() > 8 && !word.line.contains("system does not say"), "{word:?}");
        assert!(!word.about.is_empty(), "{word:?}");
        if ["defect", "metric"].contains(&word.kind) {
            continue;
        }
        let name = if word.example.starts_with("name:") { "" } else { "name: x\n" };
        let text = format!("{name}{}\n", word.example);
        let read = parse("example", text.as_bytes(), &ReferenceSystem);
        assert_eq!(read.map_err(|told| told.render(false)).err(), None, "{text}");
    }
}

#[test]
fn what_is_related_can_be_explained() {
    let all = catalogue::all(&ReferenceSystem);
    let known: BTreeSet<&str> = all.iter().map(|word| word.name.as_str()).collect();
    for word in &all {
        for other in &word.related {
            assert!(known.contains(other.as_str()), "{}: {other}", word.name);
        }
    }
}

#[test]
fn each_kind_of_word_is_explained() {
    for (word, told) in [
        (
            "crash",
            vec![
                "crash: a fault",
                "At its edges",
                "Can hit: brokers, producers",
                "- { at: 500ms, crash: broker-1",
                "See also: restart_after",
                "node: whom it hits",
                "Stands for a machine that dies.",
            ],
        ),
        ("slow_disk", vec!["must be said", "Example:"]),
        ("lose", vec!["Can hit messages (publish, publish_ack"]),
        ("spike", vec!["acts on what the producers publish"]),
        (
            "no_loss",
            vec![
                "no_loss: an invariant",
                "Judged in every run.",
                "After Jepsen's kafka",
                "expect: [no_loss]",
            ],
        ),
        (
            "latency",
            vec![
                "latency: a fault",
                "latency: an invariant",
                "latency: a key",
                "Without it: 4ms..12ms.",
            ],
        ),
        ("leader_changed", vec!["must_see: [leader_changed]"]),
        ("rejoined", vec!["A member that its group had lost joined it again."]),
        ("broker.appended", vec!["broker.appended: a fault point", "reaches: broker.appended"]),
        ("runs", vec!["runs: a key", "a number from 1 to 1000000", "Without it: 20."]),
        ("brokers", vec!["brokers: a role", "from 2 to 7"]),
        ("broker", vec!["brokers: a role"]),
        ("publish", vec!["publish: a message", "on: publish"]),
        ("clock", vec!["allow: [clock]"]),
        ("read", vec!["allow: [read /etc/app.conf]"]),
        ("squall_lag", vec!["squall_lag: a metric", "--as openmetrics", "See also: must_alert"]),
        ("orders_lag", vec!["orders_lag: a metric"]),
        ("ack-before-fsync", vec!["a defect", "squall run --defect ack-before-fsync"]),
        (
            "majority and minority",
            vec!["a scenario, in scenarios/network/majority.yaml", "Must see: partition_felt"],
        ),
        (
            "scenarios/network/majority.yaml",
            vec!["majority and minority", "A majority of the brokers"],
        ),
    ] {
        let said = squall(&["explain", word]);
        assert_eq!(said.code, 0, "{word}: {}", said.err);
        for told in told {
            assert!(said.out.contains(told), "{word}: {told:?} is not in\n{}", said.out);
        }
        assert!(
            said.out.lines().all(|line| line.chars().count() <= 80 || line.contains(": {")),
            "{}",
            said.out
        );
        assert!(!said.out.contains("yaml-language-server"), "{}", said.out);
    }
}

#[test]
fn who_asks_for_what_is_not_is_told_what_may_be_meant() {
    for (word, near) in [
        ("crsh", "crash"),
        ("leader_chagned", "leader_changed"),
        ("majority and minorty", "majority and minority"),
    ] {
        let said = squall(&["explain", word]);
        assert_eq!(said.code, 2);
        assert!(said.err.contains(&format!("did you mean `{near}`?")), "{}", said.err);
    }
    assert!(!squall(&["explain", "a\u{1b}[31m"]).err.contains('\u{1b}'));
}

#[test]
fn scenarios_are_chosen_by_an_expression() {
    let listed = |filter: &str| lines(&["list", "scenarios", "--filter", filter]);
    let all = listed("all()").len();
    assert!(all > 100);
    let crashes = listed("fault(=crash)");
    assert!(crashes.len() > 5 && crashes.iter().all(|line| line.contains("crash")), "{crashes:?}");
    assert_eq!(listed("not fault(=crash)").len() + crashes.len(), all);
    assert_eq!(listed("name(=majority and minority)").len(), 1);
    let network = listed("path(network/)");
    assert!(network.iter().all(|line| line.starts_with("scenarios/network/")), "{network:?}");
    for command in ["check", "plan"] {
        let said = lines(&[command, "--filter", "path(majority) & fault(hold)"]);
        assert!(
            said.iter().any(|line| line.contains("scenarios/network/majority.yaml")),
            "{said:?}"
        );
        assert!(!said.iter().any(|line| line.contains("scenarios/broker")), "{said:?}");
        let none = squall(&[command, "--filter", "fault(crsh)"]);
        assert_eq!(none.code, 2);
        assert!(none.err.contains("did you mean `crash`?"), "{}", none.err);
        let wrong = squall(&[command, "--filter", "fault(crash"]);
        assert!(wrong.code == 2 && wrong.err.contains("expected `)`"), "{}", wrong.err);
    }
    // Each of several expressions adds to what is chosen.
    let both = ["list", "scenarios", "-E", "name(=majority and minority)", "-E", "path(halves)"];
    assert_eq!(lines(&both).len(), 2);
}

#[test]
fn tags_choose_and_a_report_tells_how_they_did() {
    let text = "name: x\ntags: [quick, smoke]\nworkload: { events: 50, rate: 100/s }\n";
    let (folder, path) = scenario(text);
    let report = folder.path().join("report.json");
    let report = report.to_string_lossy();
    assert_eq!(
        squall(&["run", &path, "--runs", "2", "-E", "tag(smoke)", "--report", &report]).code,
        0
    );
    let listed = lines(&["list", "scenarios", "--in", &path, "--earlier", &report]);
    assert!(listed[0].contains("\"x\" · 2 passed · tags quick, smoke"), "{listed:?}");
    let json = squall(&["list", "scenarios", "--in", &path, "--earlier", &report, "--json"]).out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["scenarios"][0]["last"]["passed"], 2);
    assert_eq!(json["scenarios"][0]["tags"][1], "smoke");
    assert_eq!(squall(&["run", &path, "-E", "tag(slow)"]).code, 2);
}

#[test]
fn a_plan_tells_what_it_amounts_to() {
    let said = squall(&["plan", "scenarios/network", "--runs", "10", "--shards", "3"]);
    let words = said.out.lines().rev().take(2).collect::<Vec<_>>();
    assert!(
        words[1].contains(" of them executed twice: ") && words[1].contains(" of virtual time"),
        "{words:?}"
    );
    assert!(
        words[0].starts_with("3 shards of ") && words[0].contains("more than the mean"),
        "{words:?}"
    );
    let json: Value = serde_json::from_str(
        &squall(&["plan", "scenarios/network", "--runs", "10", "--shards", "3", "--json"]).out,
    )
    .unwrap();
    let totals = &json["totals"];
    let items = json["items"].as_array().unwrap();
    assert_eq!(totals["runs"], items.len());
    let shards = totals["shards"].as_array().unwrap();
    assert_eq!(
        shards.iter().map(|shard| shard[0].as_u64().unwrap()).sum::<u64>(),
        items.len() as u64
    );
    assert_eq!(
        shards.iter().map(|shard| shard[1].as_u64().unwrap()).sum::<u64>(),
        totals["sim_ms"].as_u64().unwrap()
    );
    let first = items.iter().filter(|item| item["shard"] == 1).count();
    assert_eq!(shards[0][0], first);
}

#[test]
fn a_dry_run_of_a_scenario_fits_a_screen() {
    let said = squall(&["run", "scenarios", "--dry-run"]);
    for plan in said.out.split("\n\n") {
        assert!(plan.lines().count() <= 40, "{plan}");
    }
    assert!(!said.out.contains("key "), "publishes are told");
    assert!(
        squall(&["run", "scenarios/network", "--dry-run", "--publishes"]).out.contains(" key ")
    );
}
