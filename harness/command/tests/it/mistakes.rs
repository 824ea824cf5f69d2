//! Mistakes in scenarios: each told at its place, all of them at once, and never a panic.

use crate::{common::scenario, schema::refused, squall};
use proptest::prelude::*;
use squall::testing::{Diagnostic, parse};
use squall_command::ReferenceSystem;

fn mistakes(text: &str) -> Vec<Diagnostic> {
    mistakes_of(text.as_bytes())
}

fn mistakes_of(bytes: &[u8]) -> Vec<Diagnostic> {
    match parse("s.yaml", bytes, &ReferenceSystem) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.diagnostics,
    }
}

/// Code, line and column of every mistake, one a line.
fn places(text: &str) -> String {
    let told = mistakes(text);
    told.iter().map(|d| format!("{} {}:{}\n", d.code, d.line, d.column)).collect()
}

/// A scenario with one more line, the third, and the mistake that is expected in it.
fn one(line: &str, code: &str, column: usize) {
    let text = format!("name: x\nworkload: {{ events: 1000, rate: 200/s }}\n{line}\n");
    assert_eq!(places(&text), format!("squall::{code} 3:{column}\n"), "{line}");
    let beyond = BEYOND_A_SCHEMA.iter().any(|known| line.contains(known));
    if refused(&text).is_empty() != beyond {
        eprintln!("BEYOND {beyond} {line}");
    }
}

/// What the schema does not say: that times fit the workload and each other, how many nodes and which zones there are, and
/// who is part of whom.
const BEYOND_A_SCHEMA: &[&str] = &[
    "until: 6s",
    "at: 9s",
    "4s..6s",
    "4s..3s",
    "10ms..2ms",
    "every: 6s",
    "every: 1ms",
    "every: 1s, hold",
    "acked: 1001",
    "applied: 20001",
    "4 of brokers",
    "isolate: all",
    "between: [broker-1, broker-1]",
    "halves: broker-1",
    "ring: 2 of brokers",
    "any zone",
    "west: [broker-1]",
];

/// A scenario with one fault, and the mistake that is expected in it; the column counts from 0.
fn fault(step: &str, code: &str, column: usize) {
    one(&format!("faults: [{{ {step} }}]"), code, column + 12);
}

#[test]
fn a_good_scenario_has_none() {
    let text = "
name: leader dies while a partition heals
nodes: { brokers: 3, producers: 2, consumers: 2 }
workload: { events: 2000, rate: 400/s, keys: 50 }
faults:
  - at: 2s
    partition: { isolate: leader }
    for: 3s
  - between: 3s..5s
    crash: any follower
    restart_after: 1s
  - every: 250ms
    duplicate: { messages: 20%, on: [publish, deliver] }
expect:
  - no_loss
  - idempotency
  - eventual_consistency: { within: 10s }
must_see: [leader_changed, duplicate_delivered]
";
    assert_eq!(places(text), "");
}

#[test]
fn of_the_file() {
    let code = |bytes: &[u8]| mistakes_of(bytes)[0].code;
    assert_eq!(code(b""), "squall::empty");
    assert_eq!(code(b"# only a comment\n"), "squall::empty");
    assert_eq!(code(b"name: \xff\n"), "squall::utf8");
    assert_eq!(code(b"name: x\0\n"), "squall::control_character");
    assert_eq!(code(&vec![b'#'; 50 << 20]), "squall::too_large");
    assert_eq!(code(b"name: x\nname: y\n"), "squall::duplicate_key");
    assert_eq!(code(b"name: x\n---\nname: y\n"), "squall::documents");
    assert_eq!(code(b"nodes:\n\tbrokers: 3\n"), "squall::tab");
    assert_eq!(code(b"name: [x\n"), "squall::syntax");
    assert_eq!(code("[".repeat(200_000).as_bytes()), "squall::syntax");
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(9);
        bomb += &format!("a{level}: &a{level} [{before}]\n");
    }
    assert_eq!(code(bomb.as_bytes()), "squall::syntax");
    let place = |bytes: &[u8]| (mistakes_of(bytes)[0].line, mistakes_of(bytes)[0].column);
    assert_eq!(place(b"name: x\nruns: \xff\n"), (2, 7));
    assert_eq!(place(b"nodes:\n \tbrokers: 3\n"), (2, 2));
}

#[test]
fn of_the_whole() {
    assert_eq!(places("nodes: { brokers: 3 }\n"), "squall::missing 1:1\n");
    assert_eq!(places("- name\n"), "squall::wrong_type 1:1\n");
    assert_eq!(places("name: ''\n"), "squall::bad_value 1:7\n");
    one("fautls: [{ at: 1s, crash: leader }]", "unknown_key", 1);
    one("nodes: { broker: 3 }", "unknown_key", 10);
    one("nodes: { brokers: 99 }", "bad_value", 19);
    one("nodes: { brokers: many }", "bad_value", 19);
    one("network: { latency: 10ms..2ms }", "bad_value", 21);
    one("network: { latency: 0ms }", "bad_value", 21);
    one("runs: 0", "bad_value", 7);
    one("faults: []", "empty_list", 9);
    one("faults: 7", "wrong_type", 9);
    one("expect: [no_los]", "unknown_invariant", 10);
    one("expect: [no_loss, no_loss]", "twice", 19);
    one("expect: [recovers_within]", "missing", 10);
    one("expect: [{ available: { at_least: 101% } }]", "bad_value", 35);
    one("expect: [{ no_loss: 3s }]", "bad_value", 21);
    one("must_see: [leader_chagned]", "unknown_signal", 12);
    one("must_see: [retried, retried]", "twice", 21);
    one("allow: [clock, clock]", "twice", 16);
    one("allow: [read etc/hosts]", "bad_value", 9);
    one("allow: [clocks]", "bad_value", 9);
    one("allow: [{ read: /etc/hosts }]", "wrong_type", 9);
    one("allow: []", "empty_list", 8);
}

#[test]
fn of_a_fault() {
    fault("at: 2, crash: leader", "bad_value", 4);
    fault("at: -2s, crash: leader", "bad_value", 4);
    fault("at: 2 parsecs, crash: leader", "bad_value", 4);
    fault("at: 9s, crash: leader", "too_late", 4);
    fault("between: 4s..6s, crash: leader", "too_late", 9);
    fault("between: 4s..3s, crash: leader", "bad_value", 9);
    fault("every: 6s, crash: leader", "too_late", 7);
    fault("every: 1ms, crash: leader", "bad_value", 7);
    fault("at: 1s, when: { acked: 3 }, crash: leader", "two_of_a_kind", 8);
    fault("at: 1s, crash: leader, restart: leader", "two_of_a_kind", 23);
    fault("at: 1s, crash: leader, for: 2s", "misplaced", 23);
    fault("at: 1s, partition: { isolate: leader }, restart_after: 2s", "misplaced", 40);
    fault("at: 1s, crash: leader, until: 2s", "misplaced", 23);
    fault("at: 1s, crash: leader, within: 2s", "misplaced", 23);
    fault("every: 1s, hold: { isolate: leader }, for: 2s", "overlap", 43);
    fault("when: { acked: 1001 }, crash: leader", "never", 15);
    fault("when: { applied: 20001 }, crash: leader", "never", 17);
    fault("when: { reaches: broker.apended }, crash: leader", "unknown_point", 17);
    fault("when: { acked: 3, hit: 2 }, crash: leader", "misplaced", 18);
}

#[test]
fn of_a_target() {
    fault("at: 1s, crash: broker-9", "unknown_node", 15);
    fault("at: 1s, crash: broker-0", "unknown_node", 15);
    fault("at: 1s, crash: brokerz", "unknown_node", 15);
    fault("at: 1s, crash: any brokr", "unknown_role", 15);
    fault("at: 1s, crash: 4 of brokers", "impossible_target", 15);
    fault("at: 1s, crash: 0 of brokers", "impossible_target", 15);
    fault("at: 1s, crash: []", "empty_list", 15);
    fault("at: 1s, crash: { a: b }", "wrong_type", 15);
    fault("at: 1s, partition: { isolate: all }", "impossible_target", 21);
    fault("at: 1s, partition: { between: [leader] }", "bad_value", 30);
    fault("at: 1s, partition: { between: [broker-1, broker-1] }", "impossible_target", 19);
    fault("at: 1s, partition: { from: leader }", "missing", 21);
    fault("at: 1s, partition: { halves: broker-1 }", "impossible_target", 29);
    fault("at: 1s, partition: {}", "missing", 19);
    fault("at: 1s, lose: { messages: 0% }", "never", 26);
    fault("at: 1s, lose: { messages: 20 }", "bad_value", 26);
    fault("at: 1s, lose: { messages: 20%, on: publsih }", "unknown_message", 35);
    fault("at: 1s, lose: { on: publish }", "missing", 14);
    fault("at: 1s, latency: { isolate: leader }", "missing", 17);
    fault("at: 1s, crash_loop: { times: 3 }", "missing", 20);
}

#[test]
fn all_at_once_and_in_order() {
    let text = "nmae: x\nnodes: { brokers: 3 }\nfaults:\n  - at: 2\n    crash: 4 of brokers\n  - crash: leader\n";
    assert_eq!(
        places(text),
        "squall::unknown_key 1:1\nsquall::bad_value 4:9\n\
         squall::impossible_target 5:12\nsquall::missing 6:5\n"
    );
}

#[test]
fn anchors_are_fine() {
    let text =
        "name: x\nfaults:\n  - &crash { at: 1s, crash: leader }\n  - { <<: *crash, at: 2s }\n";
    assert_eq!(places(text), "");
}

#[test]
fn the_command_underlines_them_and_ends_with_2() {
    let (_folder, path) =
        scenario("name: x\nnodes: { brokers: 3 }\nfaults:\n  - at: 1s\n    crash: 4 of brokers\n");
    for command in ["check", "run"] {
        let said = squall(&[command, &path]);
        assert_eq!(said.code, 2);
        assert_eq!(said.out, "");
        let expected = "squall::impossible_target

  × 4 of 3 brokers is impossible
   ╭─[PATH:2:10]
 1 │ name: x
 2 │ nodes: { brokers: 3 }
   ·          ─────┬────
   ·               ╰── 3 brokers
 3 │ faults:
 4 │   - at: 1s
 5 │     crash: 4 of brokers
   ·            ──────┬─────
   ·                  ╰── from 1 to 3
   ╰────

1 mistake; nothing was run.
";
        let told = said.err.replace(&path, "PATH");
        assert_eq!(
            told.replace("\n\n1 mistake", "\n1 mistake"),
            expected.replace("\n\n1 mistake", "\n1 mistake")
        );
    }
}

#[test]
fn bad_usage_ends_with_2() {
    for arguments in [
        &["run", "no/such/folder"][..],
        &["run", "--runs", "0"],
        &["run", "--defect", "ack-before-fsink"],
        &["run", "--report", "no/such/folder/report.json"],
        &["run", "--seed", "18446744073709551615"],
        &["run", "--frobnicate"],
        &["replay", "scenarios", "--seed", "1"],
        &[],
    ] {
        let said = squall(arguments);
        assert_eq!(said.code, 2, "{arguments:?}: {}{}", said.out, said.err);
        assert!(!said.err.is_empty());
    }
    assert!(squall(&["run", "--defect", "ack-before-fsink"]).err.contains("ack-before-fsync"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        mistakes_of(&bytes);
    }

    #[test]
    fn a_damaged_scenario_never_panics(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let text = include_bytes!("../../../../scenarios/network/majority.yaml");
        let mut text = text.to_vec();
        for (place, byte) in places {
            let place = place.index(text.len());
            text[place] = byte;
        }
        mistakes_of(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Steps that wait for each other, duplicate keys, anchors, lists of lists.
    #[test]
    fn a_damaged_scenario_with_everything_in_it_never_panics(
        places in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&b":-[]{},'\"&*!#|> \n\tax1%s"[..])), 1..6),
    ) {
        let mut text = EVERYTHING.as_bytes().to_vec();
        for (place, byte) in places {
            let place = place.index(text.len());
            text[place] = byte;
        }
        let told = mistakes_of(&text);
        let problems = squall::testing::parse("s.yaml", &text, &ReferenceSystem).err();
        let shown = problems.map_or(String::new(), |problems| problems.render(true));
        prop_assert!(told.is_empty() || !shown.is_empty());
    }
}

const EVERYTHING: &str = "name: x
tags: [slow, a/b]
nodes: { brokers: 3, consumers: 2 }
zones: { east: [broker-1], west: [broker-2, consumer-1] }
network: { latency: 2ms..10ms, between zones: 40ms }
workload: &load { events: 500, rate: 250/s, keys: 9 }
faults:
  - { name: the cut, at: 500ms, partition: { isolate: leader, from: brokers }, for: 600ms }
  - after: the cut
    delay: 100ms
    crash: [leader, any consumer]
    restart_after: 500ms
  - when: { signal: leader_changed, hit: 2 }
    lose: { messages: 20%, on: [publish, deliver], between: [producers, brokers] }
  - { every: 300ms, until: 1s, 'reset': { halves: all } }
expect: [no_loss, drains: 3s, available: { at_least: 60%, during: the cut }]
must_not_see: [dead_lettered]
settle: 1s
";

#[test]
fn of_the_rest_of_the_catalogue() {
    fault("at: 1s, zone_failure: any zone", "unknown_zone", 22);
    fault("at: 1s, poison: { kind: sour }", "unknown_poison", 24);
    fault("at: 1s, clock_jump: { node: all, direction: up }", "bad_value", 44);
    fault("at: 1s, slow_node: { one_in: 5 }", "missing", 19);
    fault("at: 1s, latency: { delay: 5ms, distribution: odd }", "unknown_distribution", 45);
    fault("at: 1s, memory_limit: { node: leader, bytes: 0B }", "bad_value", 45);
    fault("at: 1s, dependency_fails: { node: leader, share: 0% }", "never", 49);
    fault("at: 1s, partition: { ring: 2 of brokers }", "impossible_target", 27);
    fault("at: 1s, stop: leader, restart_after: 1s", "misplaced", 22);
    one("zones: { east: [broker-9] }", "unknown_node", 17);
    one("zones: { east: [broker-1], west: [broker-1] }", "twice", 35);
    one("expect: [latency]", "missing", 10);
    one("expect: [latency: { p99: soon }]", "bad_value", 26);
}

/// What is told of a scenario, as the command shows it.
fn told(text: &str) -> String {
    parse("s.yaml", text.as_bytes(), &ReferenceSystem)
        .map_or_else(|told| told.render(false), |_| String::new())
}

#[test]
fn a_fault_with_a_time_of_its_own_says_where_it_goes() {
    let told = told(
        "name: x\nworkload: { events: 1000 }\nfaults:\n  - { at: 1s, kill: leader, restart_after: 1s }\n",
    );
    assert!(told.contains("`kill` says by `down` for how long its nodes are down"), "{told}");
    assert!(told.contains("put it inside: `kill: { node: …, down: … }`"), "{told}");
}

/// A scenario in which `expected` is told, in these words, line by line.
fn tells(text: &str, expected: &[&str]) {
    let told = told(text);
    for line in expected {
        let found =
            told.lines().any(|told| told.trim_start().trim_start_matches("help: ") == *line);
        assert!(found, "{line:?} is not told of\n{text}\n{told}");
    }
}

#[test]
fn a_duplicate_key_hides_nothing() {
    let text = "
name: x
nodes: { brokers: 3 }
nodes: { brokers: 99 }
faults:
  - at: 1s
    at: 2
    crash: leader
faults:
  - at: 3x
    crash: leder
";
    let expected = "squall::duplicate_key 4:1\nsquall::bad_value 4:19\nsquall::duplicate_key 7:5\nsquall::bad_value 7:9\n\
                    squall::duplicate_key 9:1\nsquall::bad_value 10:9\nsquall::unknown_node 11:12\n";
    assert_eq!(places(text), expected);
    // What is merged into a mapping and said there again is no second time.
    assert_eq!(
        places("name: x\nname: y\nworkload: { <<: { keys: 3 }, keys: 4 }\n"),
        "squall::duplicate_key 2:1\n"
    );
}

#[test]
fn a_bad_trigger_hides_nothing() {
    fault_and("att: 1s, crash: leder", &["unknown_key 3:12", "unknown_node 3:28"]);
    fault_and(
        "at: 1, crash: leader, for: 2",
        &["bad_value 3:16", "misplaced 3:34", "bad_value 3:39"],
    );
    fault_and("crash: leder, until: 0s", &["missing 3:10", "unknown_node 3:19", "bad_value 3:33"]);
    fault_and(
        "when: { hit: 0 }, restart: leder",
        &["missing 3:18", "bad_value 3:25", "unknown_node 3:39"],
    );
}

fn fault_and(step: &str, expected: &[&str]) {
    let text =
        format!("name: x\nworkload: {{ events: 1000, rate: 200/s }}\nfaults: [{{ {step} }}]\n");
    let expected: String = expected.iter().map(|place| format!("squall::{place}\n")).collect();
    assert_eq!(places(&text), expected, "{step}");
}

#[test]
fn what_cannot_be_read_hides_nothing_beside_it() {
    let text = "
name: x
faults:
  - at: 2
   crash: leader
  - { at: 3, crash: leadr }
expect: [no_loss
must_see: [leader_chagned]
runs 3
foo: 1
";
    let expected = "squall::syntax 5:4\nsquall::bad_value 6:11\nsquall::unknown_node 6:21\nsquall::syntax 7:9\n\
                    squall::unknown_signal 8:12\nsquall::syntax 9:1\nsquall::unknown_key 10:1\n";
    assert_eq!(places(text), expected);
    // Nobody can say whether zone east is one, nor whether there is a broker-4.
    let needed = "name: x\nzones: { east: [broker-1]\nfaults: [{ at: 1s, crash: zone east }]\n";
    assert_eq!(places(needed), "squall::syntax 2:8\n");
}

#[test]
fn what_stands_in_the_wrong_place_is_told_where_it_belongs() {
    let step = |step: &str| format!("name: x\nfaults:\n  - {{ {step} }}\n");
    tells(
        &step("at: 1s, partition: { isolate: leader, for: 3s }"),
        &["`for` stands beside the fault, not in it:", "partition: { isolate: leader }", "for: 3s"],
    );
    tells(
        &step("at: 1s, crash: { node: leader, restart_after: 1s }"),
        &["crash: leader", "restart_after: 1s"],
    );
    tells(
        &step("at: 1s, slow_disk: leader, by: 50ms"),
        &["`by` is said of the fault, in it:", "slow_disk: { node: leader, by: 50ms }"],
    );
    tells(&step("at: 1s, pause: leader, duration: 3s"), &["that is called `for`:", "for: 3s"]);
    tells(
        "name: x\nevents: 300\n",
        &["`events` stands under `workload`:", "workload: { events: 300 }"],
    );
    tells("name: x\ncrash: leader\n", &["faults:", "- at: 1s", "crash: leader"]);
    tells("name: x\ndrains: 3s\n", &["expect: [drains: 3s]"]);
    tells("name: x\nleader_changed:\n", &["must_see: [leader_changed]"]);
}

#[test]
fn a_list_in_place_of_a_word_and_the_reverse() {
    tells("name: x\nexpect: no_loss\n", &["as a list: expect: [no_loss]"]);
    tells("name: x\nmust_see: leader_changed\n", &["as a list: must_see: [leader_changed]"]);
    tells("name: x\nruns: [5]\n", &["one, without the list: runs: 5"]);
    tells("name: x\nworkload: 500\n", &["such as workload: { events: 500 }"]);
    let text = "name: x\nfaults:\n  at: [1s]\n  crash: leder\n";
    tells(text, &["faults:", "- { at: [1s], crash: leder }", "one, without the list: at: 1s"]);
    // And what is in it is read.
    assert_eq!(
        places(text),
        "squall::wrong_type 3:3\nsquall::wrong_type 3:7\nsquall::unknown_node 4:10\n"
    );
}

#[test]
fn what_is_no_yaml_is_told_in_our_own_words() {
    let of_the_parser = [
        "mapping values",
        "block collection",
        "simple key",
        "flow",
        "indicator",
        "scalar",
        "context",
    ];
    for (text, expected) in [
        ("name: [x\n", "× `[` is not closed by `]`"),
        ("name: x\nworkload: { events: 3\nruns: 3\n", "such as { events: 3 }"),
        ("name: x\nfaults:\n  - { at: 1s, crash: leader ]\n", "× `{` is closed by `]`"),
        ("name: x\nworkload: { events: 3 }}\n", "× `}` closes nothing"),
        (
            "name: x\n  runs: 3\n",
            "× this line is indented deeper than `name: x`, which has a value already",
        ),
        (
            "name: x\nfaults:\n  - at: 1s\n   crash: leader\n",
            "× this line is indented like none of those above it: by 3 spaces",
        ),
        (
            "name: x\nfaults:\n  - at: 1s\n      crash: leader\n",
            "beside `at: 1s` it is indented by 4 spaces:     crash: leader",
        ),
        ("name: x: y\n", "or, if it is a text, in quotes: name: 'x: y'"),
        ("name: \"x\nruns: 3\n", "close it in its line: \"x\""),
        ("name: 'x\nruns: 3\n", "close it in its line: 'x'"),
        ("name: x\nruns 3\n", "such as runs: 3"),
        ("name: x\nruns:3\n", "× a space is missing behind the colon"),
        (
            "name: x\nfaults:\n  - at:1s\n    crash: leader\n",
            "× a space is missing behind the colon",
        ),
        (
            "name: x\nfaults:\n  -at: 3s\n    crash: leader\n",
            "× a space is missing behind the dash",
        ),
        ("name: @x\n", "× no value begins with `@`"),
        ("name: x\nworkload: events: 500\n", "in braces: workload: { events: 500 }"),
        ("name: x\nfaults:\n  - crash: leader at: 1s\n", "at: 1s"),
        ("name: x\nexpect: [no_loss,, drains]\n", "× nothing stands before this comma"),
        ("name: !!binary x\n", "× tags, as YAML calls what begins with !, mean nothing here"),
        (
            "name: x\nfaults:\n    - at: 1s\n      crash: leader\n  - at: 1s\n    crash: leader\n",
            "the entry above begins behind 4 spaces:     - at: 1s",
        ),
        ("name: *x\n", "× `*x` refers to `&x`, which is nowhere above"),
    ] {
        tells(text, &[expected]);
        let told = told(text);
        let said = of_the_parser.iter().find(|word| told.contains(**word));
        assert_eq!(said, None, "{told}");
    }
}

#[test]
fn of_many_words_the_nearest_are_told_and_who_lists_all() {
    let told = told(
        "name: x\nmust_see: [leader_chagned]\nfaults: [{ at: 1s, cash: leader }]\nexpect: [no_los]\n",
    );
    let all = ["squall list signals", "squall list faults", "squall list invariants"];
    let whole: String = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for list in all {
        assert!(whole.contains(list), "{told}");
    }
    for near in ["leader_changed", "crash", "no_loss"] {
        assert!(whole.contains(&format!("did you mean `{near}`? Nearest: {near}, ")), "{told}");
    }
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
}

#[test]
fn limits_that_cannot_matter_are_told() {
    fault("every: 1s, until: 6s, reset: { isolate: leader }", "no_effect", 18);
    one("zones: { brokers: [broker-1] }", "ambiguous", 10);
    one("zones: { broker-2: [broker-1] }", "ambiguous", 10);
    one("zones: { leader: [broker-1] }", "ambiguous", 10);
    let idle = |lasts: &str| {
        let text = format!(
            "name: x\nworkload: {{ events: 400 }}\nfaults: [{{ at: 1s, partition: {{ isolate: leader }}, for: {lasts} }}]\n"
        );
        let read = parse("s.yaml", text.as_bytes(), &ReferenceSystem).unwrap();
        read.advice.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>()
    };
    assert_eq!((idle("50s"), idle("12s")), (vec!["squall::idle"], vec![]));
    let (_folder, path) = scenario(
        "name: x\nworkload: { events: 400 }\nfaults: [{ at: 1s, pause: leader, for: 50s }]\n",
    );
    let said = squall(&["check", &path]);
    assert_eq!(said.code, 0);
    assert!(said.err.contains("the fault outlasts the workload"), "{}", said.err);
}

#[test]
fn numbers_are_echoed_as_they_are_written() {
    for (line, told) in [
        ("workload: { rate: 1.50 }", "× `1.50` is not a rate"),
        ("settle: 007", "× `007` is not a time"),
        ("settle: 0x10", "× `0x10` is not a time"),
        ("runs: 1e9", "× `1e9` is not a number"),
        ("workload: { size: 1_000 }", "× `1_000` is not a size"),
    ] {
        tells(&format!("name: x\n{line}\n"), &[told]);
    }
    // And a name is what was written.
    let read = parse("s.yaml", b"name: 1.10\nruns: 1e3\n", &ReferenceSystem).unwrap();
    assert_eq!((read.name.as_str(), read.runs), ("1.10", Some(1000)));
}

#[test]
fn what_moves_the_cursor_never_reaches_the_terminal() {
    let harmful = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    for text in [
        "name: x \u{1b}[31m\nfoo: 1\n",
        "name: \"x \\e[31m\"\n",
        "name: x\nexpect: [\"\\e[2Jno\"]\n",
        "name: x\n\"\\e[2Jno\": 3\n",
        "name: x\nfaults: [{ at: \"\\r1s\", \"cr\\bash\": \"le\\x9bader\" }]\n",
        "name: x # \u{202e}\nfoo: \u{202e}\n",
        "name: x\u{9b}31m\nfoo: 1\n",
        "name: \"x \u{7f}\n",
    ] {
        let told = told(text);
        assert!(!told.is_empty() && !told.contains(harmful), "{told:?}");
    }
    let (folder, _) = scenario("name: x\n");
    let path = folder.path().join("a\u{1b}[31mb.yaml");
    std::fs::write(&path, "name: x\u{202e}y\n").unwrap();
    for text in ["name: xy\n", "name: x\nfoo: 1\n", "name: \"x\u{202e}y\"\n"] {
        std::fs::write(&path, text).unwrap();
        let said = squall(&["check", &path.to_string_lossy()]);
        assert!(
            !said.out.contains(harmful) && !said.err.contains(harmful),
            "{:?}{:?}",
            said.out,
            said.err
        );
    }
}
