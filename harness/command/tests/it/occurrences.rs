//! What a fault does lasts as long as its occurrence, also where the next begins at the moment, or before, that one
//! is over. And what faults do to the network, at its edges.

use squall::{
    system::System,
    testing::{Plan, RunOutcome, execute, parse},
};
use squall_command::ReferenceSystem;
use squall_probe::{Mark, NodeChange, Phase, Record, What, sim::Flight};
use std::sync::Arc;

/// A run with one fault, with its history.
fn run(fault: &str) -> RunOutcome {
    let text =
        format!("name: x\nworkload: {{ events: 300, rate: 120/s }}\nfaults:\n  - {{ {fault} }}\n");
    run_of(&text, 1)
}

fn run_of(text: &str, seed: u64) -> RunOutcome {
    let system: Arc<dyn System> = Arc::new(ReferenceSystem);
    let scenario = parse("x", text.as_bytes(), &ReferenceSystem);
    let scenario = scenario.unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    execute(&Plan::new(&scenario, seed, &*system, &[]), &system).unwrap()
}

/// As that, with the fault again and again, each time for a while: from 500 ms on to [`END`].
fn again(fault: &str, lasts: &str) -> RunOutcome {
    run(&format!("every: 500ms, {fault}, for: {lasts}, until: 2400ms"))
}

/// The last occurrence begins at two seconds and is over then.
const END: u64 = 2_500_000;

/// The first begins.
const BEGIN: u64 = 500_000;

fn records(outcome: &RunOutcome) -> impl Iterator<Item = &Record> {
    outcome.history.iter()
}

/// Frames that were sent between the first beginning and the last healing.
fn flights(outcome: &RunOutcome) -> impl Iterator<Item = &Flight> {
    outcome.flights.iter().filter(|flight| (BEGIN + 10_000..END - 10_000).contains(&flight.sent))
}

/// How often publishes were answered while the fault should act.
fn answered(outcome: &RunOutcome) -> usize {
    records(outcome)
        .filter(|record| (BEGIN + 20_000..END).contains(&record.at))
        .filter(|record| matches!(record.what, What::Publish { phase: Phase::Ok, .. }))
        .count()
}

#[test]
fn a_pause_that_begins_again_when_it_is_over_goes_on() {
    for lasts in ["500ms", "499ms"] {
        let outcome = again("pause: brokers", lasts);
        let healed = records(&outcome).filter(|r| matches!(r.what, What::FaultHealed { .. }));
        assert_eq!(healed.count(), 4, "{lasts}");
        assert!(outcome.signals["pause_felt"] > 0);
        if lasts == "500ms" {
            assert_eq!(answered(&outcome), 0);
        }
    }
    // With a hundred milliseconds in between the brokers go on working.
    assert!(answered(&again("pause: brokers", "400ms")) > 0);
}

#[test]
fn a_disk_that_fails_again_when_it_is_over_goes_on_failing() {
    let outcome = again("fail_sync: brokers", "500ms");
    assert_eq!(answered(&outcome), 0);
    // The brokers end when a sync fails, and fail again when they are started again.
    for from in [BEGIN, BEGIN + 500_000] {
        let window = from..from + 500_000;
        let refused = records(&outcome)
            .filter(|record| window.contains(&record.at))
            .filter(|record| matches!(record.what, What::DiskRefused { .. }));
        assert!(refused.count() > 0, "{from}");
    }
}

#[test]
fn a_narrow_link_stays_narrow() {
    let outcome = again("bandwidth: { limit: 1kB }", "500ms");
    let free = run("at: 2400ms, bandwidth: { limit: 1kB }");
    let read = |outcome: &RunOutcome| {
        outcome.flights.iter().filter(|f| f.read.is_some_and(|at| at < END - 100_000)).count()
    };
    assert!(read(&outcome) * 2 < read(&free), "{} {}", read(&outcome), read(&free));
    // In each of the narrow seconds a direction carries a kilobyte.
    let one = |from: u64| {
        let window = from..from + 1_000_000;
        let first = outcome.flights.iter().find(|f| f.kind == "publish").unwrap();
        let way = |f: &&Flight| (f.from, f.to) == (first.from, first.to);
        outcome.flights.iter().filter(way).filter(|f| window.contains(&f.sent)).count()
    };
    assert!(one(BEGIN + 200_000) < 20, "{}", one(BEGIN + 200_000));
}

#[test]
fn a_hold_that_begins_again_when_it_is_over_lets_nothing_through() {
    let outcome = again("hold: { isolate: brokers }", "500ms");
    assert_eq!(answered(&outcome), 0);
    assert!(outcome.signals["hold_felt"] > 0);
    // What was held arrives when it is released for good, and not before.
    let brokers: Vec<u16> = broker_ids(&outcome);
    let crosses = |f: &&Flight| brokers.contains(&f.from.0) != brokers.contains(&f.to.0);
    let early = flights(&outcome).filter(crosses).filter(|f| f.read.is_some_and(|at| at < END));
    assert_eq!(early.count(), 0);
    let released = flights(&outcome).filter(crosses).filter(|f| f.read.is_some());
    assert!(released.count() > 0);
}

fn broker_ids(outcome: &RunOutcome) -> Vec<u16> {
    (0..)
        .zip(&outcome.nodes)
        .filter(|(_, name)| name.starts_with("broker"))
        .map(|(id, _)| id)
        .collect()
}

#[test]
fn slow_links_stay_slow() {
    let outcome = again("latency: { delay: 200ms }", "500ms");
    let fast = flights(&outcome).filter(|f| f.read.is_some_and(|at| at < f.sent + 195_000));
    assert_eq!(fast.count(), 0);
    assert!(outcome.signals["latency_felt"] > 0);
}

#[test]
fn what_is_lost_stays_lost() {
    let outcome = again("lose: { messages: 100% }", "500ms");
    assert_eq!(flights(&outcome).filter(|flight| flight.read.is_some()).count(), 0);
}

#[test]
fn every_publish_is_poison_all_the_while() {
    let outcome = again("poison: { share: 100%, kind: rejected }", "500ms");
    let within = |record: &&Record| (BEGIN + 10_000..END - 10_000).contains(&record.at);
    let invoked = records(&outcome)
        .filter(within)
        .filter(|r| matches!(r.what, What::Publish { phase: Phase::Invoke, .. }))
        .count();
    let poisoned =
        records(&outcome).filter(within).filter(|r| matches!(r.what, What::Poison { .. })).count();
    assert_eq!(invoked, poisoned);
    assert!(poisoned > 100);
}

#[test]
fn a_cut_that_begins_again_when_it_is_over_is_one_cut() {
    let outcome = again("partition: { isolate: brokers }", "500ms");
    assert_eq!(answered(&outcome), 0);
}

/// Copies come nine seconds later, long after everything else is done: the run waits for them, and they are felt
/// when they have come.
#[test]
fn a_run_waits_for_what_was_injected() {
    let outcome = run("at: 100ms, duplicate: { messages: 60%, on: publish, by: 9s }");
    assert!(outcome.violations.is_empty(), "{:?}", outcome.violations);
    assert!(outcome.vacuous.is_empty(), "{:?}", outcome.vacuous);
    let drawn: Vec<u64> = records(&outcome)
        .filter(|record| matches!(record.what, What::Tampered { .. }))
        .map(|record| record.at)
        .collect();
    let converged = records(&outcome).find(|r| r.what == What::Mark(Mark::Converged)).unwrap().at;
    assert!(converged > drawn.iter().max().unwrap() + 9_000_000);
    let felt = outcome.signals["duplicate_felt"];
    assert!(felt > 0 && felt <= drawn.len() as u64, "{felt} of {}", drawn.len());
}

/// A copy that would come after the deadline proves nothing.
#[test]
fn what_is_still_under_way_at_the_deadline_proves_nothing() {
    let outcome = run("at: 100ms, duplicate: { messages: 60%, on: publish, by: 50s }");
    assert!(!outcome.signals.contains_key("duplicate_felt"), "{:?}", outcome.signals);
    assert!(outcome.violations.is_empty(), "{:?}", outcome.violations);
    let told = outcome.vacuous.iter().any(|why| {
        why.contains(
            "still under way the second copy of a message (publish from producer-1 to broker-",
        )
    });
    assert!(told, "{:?}", outcome.vacuous);
}

#[test]
fn who_falls_in_the_last_moment_comes_back_with_the_healing() {
    // Nothing keeps the run from healing once the workload is over, and that is when the disk is written last.
    let text = "name: x\nnodes: { producers: 1, consumers: 1 }\nworkload: { events: 5 }\n\
                faults: [{ when: { acked: 1 }, torn_write: leader }]\n";
    let mut fell = 0;
    for seed in 1..=10 {
        let outcome = run_of(text, seed);
        let is = |what: What| move |record: &&Record| record.what == what;
        let healed = outcome.history.iter().find(is(What::Mark(Mark::Healed))).unwrap().at;
        let crash = What::Node { change: NodeChange::Crashed };
        fell +=
            usize::from(outcome.history.iter().filter(is(crash)).any(|record| record.at == healed));
        assert!(outcome.violations.is_empty(), "seed {seed}: {:?}", outcome.violations);
    }
    assert!(fell > 2, "{fell}");
}
