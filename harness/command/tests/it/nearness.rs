//! A run that proves nothing says how near it was.

use crate::{
    common::{report, scenario},
    squall,
};
use squall_reports::Verdict;

/// Why a run of a scenario with these lines is vacuous.
fn why(lines: &str) -> String {
    let text = format!("name: x\nworkload: {{ events: 200, rate: 200/s }}\n{lines}\n");
    let (folder, path) = scenario(&text);
    let json = folder.path().join("report.json");
    let arguments =
        ["run", &path, "--runs", "1", "--verify", "none", "--report", &json.to_string_lossy()];
    assert_eq!(squall(&arguments).code, 1, "{lines}");
    let run = report(&json).scenarios.remove(0).runs.remove(0);
    assert_eq!(run.verdict, Verdict::Vacuous, "{lines}: {:?}", run.violations);
    run.reason.unwrap()
}

/// The number before a word.
fn number(text: &str, word: &str) -> u64 {
    let before = text.split(word).next().unwrap().trim();
    before.rsplit([' ', '(']).next().unwrap().parse().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn of_memory_and_connections() {
    let told =
        why("faults: [{ at: 100ms, memory_limit: { node: broker-1, bytes: 4MiB }, for: 500ms }]");
    assert!(told.contains("(broker-1 held "), "{told}");
    let held = number(&told, " bytes at most)");
    assert!((100..4_000_000).contains(&held), "{told}");
    let told = why(
        "faults:\n  - { at: 100ms, connection_limit: { node: brokers, most: 100 }, for: 800ms }\n  - { at: 200ms, restart: broker-2 }",
    );
    let had = number(&told, " connections at most");
    assert!((1..100).contains(&had), "{told}");
}

#[test]
fn of_a_file_that_is_never_read_again() {
    let told = why("faults: [{ at: 500ms, bit_rot: store-1 }]");
    assert!(
        told.contains("the file was never read again: add a restart of the node after it"),
        "{told}"
    );
}

#[test]
fn of_a_trigger() {
    let told = why("faults: [{ when: { acked: 200 }, within: 500ms, crash: leader }]");
    assert!((10..200).contains(&number(&told, " were)")), "{told}");
    let told = why(
        "faults: [{ when: { reaches: store.synced, hit: 100000 }, within: 500ms, crash: store-1 }]",
    );
    assert!(number(&told, " times)") > 1, "{told}");
    let told = why(
        "faults: [{ when: { reaches: consumer.dead_lettered }, within: 500ms, crash: store-1 }]",
    );
    assert!(told.contains("(it was never passed)"), "{told}");
}

#[test]
fn of_a_signal() {
    let told = why(
        "faults: [{ at: 300ms, crash: leader, restart_after: 100ms }]\nmust_see: [breaker_opened]",
    );
    assert!(
        told.contains("must_see: breaker_opened was never seen (seen were ")
            && told.contains("leader_changed"),
        "{told}"
    );
}
