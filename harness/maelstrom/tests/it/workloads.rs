//! Every workload, with a right node that passes under faults and a wrong one that does not.

use crate::common::{around, example, load, names, run, storm, wait};
use squall_maelstrom::{Effect, Host, Outcome, Shape, Verdict};

fn calm(_: &Host) {}

/// A node is cut off from the others, and from the services, while clients ask.
fn partition(host: &Host) {
    wait(300);
    assert!(storm(host, around(host, "n1", true), Effect::Cut, 800) > 0, "the cut hit nothing");
}

/// Messages between nodes come once more, late and out of order.
fn copies(host: &Host) {
    let all = host.names().iter().flat_map(|node| around(host, node, false)).collect();
    assert!(storm(host, all, Effect::Duplicate(0.5, 0, 100), 1200) > 0, "nothing was doubled");
}

/// The first node is killed and started again.
fn crash(host: &Host) {
    wait(500);
    assert!(host.kill(0));
    wait(200);
    host.start_again(0);
}

fn passes(outcome: &Outcome) {
    let why = &outcome.why;
    assert_eq!(
        outcome.verdict,
        Verdict::Passed,
        "{why}\n{:#?} {:?}",
        outcome.findings,
        outcome.logs
    );
}

#[test]
fn echo() {
    passes(&run("echo", example("echo.py"), load(800, 0), calm));
    passes(&run("echo", example("echo.js"), load(800, 0), calm));
    let wrong = run("echo", example("wrong/echo_loses_spaces.py"), load(500, 0), calm);
    assert_eq!((wrong.verdict, names(&wrong)), (Verdict::Failed, ["mismatch"].into()));
}

#[test]
fn unique_ids() {
    passes(&run("unique-ids", example("unique_ids.py"), load(1500, 0), crash));
    let wrong = "wrong/unique_ids_collide_after_restart.py";
    passes(&run("unique-ids", example(wrong), load(500, 0), calm));
    let wrong = run("unique-ids", example(wrong), load(2500, 0), crash);
    assert_eq!((wrong.verdict, names(&wrong)), (Verdict::Failed, ["duplicated"].into()));
}

#[test]
fn broadcast() {
    let right = run("broadcast", example("broadcast.py"), load(1500, 5000), partition);
    passes(&right);
    assert!(right.findings.get("stable-count").unwrap().as_u64() > Some(20));
    let wrong = "wrong/broadcast_never_retries.py";
    passes(&run("broadcast", example(wrong), load(800, 5000), calm));
    let wrong = run("broadcast", example(wrong), load(1500, 1000), partition);
    assert_eq!((wrong.verdict, names(&wrong)), (Verdict::Failed, ["lost"].into()), "{}", wrong.why);
}

#[test]
fn g_set() {
    passes(&run("g-set", example("g_set.py"), load(1500, 5000), partition));
}

#[test]
fn counters() {
    passes(&run("g-counter", example("g_counter.py"), load(1500, 5000), partition));
    passes(&run("g-counter", example("g_counter.py"), load(1500, 5000), crash));
    let wrong = "wrong/g_counter_loses_concurrent_adds.py";
    // Of adds at a time there are more if answers take their time.
    let slow = |host: &Host| {
        let all = host.names().iter().flat_map(|node| around(host, node, true)).collect();
        storm(host, all, Effect::Delay(5, 30, Shape::Uniform), 1000);
    };
    let wrong = run("g-counter", example(wrong), load(1000, 1000), slow);
    assert_eq!(
        (wrong.verdict, names(&wrong)),
        (Verdict::Failed, ["wrong-sum"].into()),
        "{}",
        wrong.why
    );
    passes(&run("pn-counter", example("pn_counter.py"), load(1500, 5000), copies));
    let wrong =
        run("pn-counter", example("wrong/pn_counter_counts_copies.py"), load(1500, 1000), copies);
    assert_eq!(
        (wrong.verdict, names(&wrong)),
        (Verdict::Failed, ["wrong-sum"].into()),
        "{}",
        wrong.why
    );
}

#[test]
fn kafka() {
    passes(&run("kafka", example("kafka.py"), load(1500, 5000), calm));
    passes(&run("kafka", example("kafka.py"), load(1500, 5000), crash));
    let slow = |host: &Host| {
        let all = host.names().iter().flat_map(|node| around(host, node, true)).collect();
        storm(host, all, Effect::Delay(5, 20, Shape::Uniform), 1000);
    };
    let wrong = run("kafka", example("wrong/kafka_overwrites_on_race.py"), load(1000, 2000), slow);
    assert_eq!(wrong.verdict, Verdict::Failed);
    assert!(names(&wrong).contains("inconsistent-offsets"), "{:?}", wrong.findings);
    passes(&run("kafka", example("wrong/kafka_forgets_on_crash.py"), load(800, 5000), calm));
    let wrong = run("kafka", example("wrong/kafka_forgets_on_crash.py"), load(1500, 2000), crash);
    assert_eq!(wrong.verdict, Verdict::Failed);
    let lost = ["inconsistent-offsets", "lost-write", "unseen"];
    assert!(lost.iter().any(|name| names(&wrong).contains(name)), "{:?}", wrong.findings);
}

#[test]
fn txn_list_append() {
    passes(&run("txn-list-append", example("txn_list_append.py"), load(1200, 0), crash));
    let slow = |host: &Host| {
        let all = host.names().iter().flat_map(|node| around(host, node, true)).collect();
        storm(host, all, Effect::Delay(5, 20, Shape::Uniform), 1000);
    };
    let wrong = "wrong/txn_list_append_without_isolation.py";
    let wrong = run("txn-list-append", example(wrong), load(1000, 0), slow);
    assert_eq!(wrong.verdict, Verdict::Failed);
    let circles = ["G0", "G1b", "G1c", "G-single", "G2-item"];
    assert!(circles.iter().any(|name| names(&wrong).contains(name)), "{:?}", wrong.findings);
}

#[test]
fn lin_kv() {
    passes(&run("lin-kv", example("lin_kv.py"), load(1500, 0), partition));
    let wrong = run("lin-kv", example("wrong/lin_kv_reads_a_cache.py"), load(1500, 0), calm);
    assert_eq!((wrong.verdict, names(&wrong)), (Verdict::Failed, ["nonlinearizable"].into()));
}
