//! What the catalogue declares of each invariant (the records and the promise that it needs) is true.

use crate::{
    CATALOGUE, Counts, Deduplication, Delivery, Entry, Groups, Lease, Order, PRESETS, Promises,
    Queue, Storage,
    testing::{self, History},
    testing_queues,
    variants::Variant,
};
use proptest::prelude::*;
use squall_probe::{
    EventId, Mark, Name, NodeChange, NodeId, Phase, Position, Record, StateOf, What,
};
use std::time::Duration;

/// For each invariant a history, and how many facts it judges in it; for some of them several.
fn facts() -> Vec<(&'static str, u64, History)> {
    testing::facts().into_iter().chain(testing_queues::facts()).collect()
}

#[test]
fn each_invariant_counts_its_facts() {
    let mut all = facts();
    for (name, facts, history) in &mut all {
        assert_eq!(history.judged(name), *facts, "{name}");
        assert_eq!(
            History::new().judged(name),
            0,
            "{name} judges something where nothing happened"
        );
    }
    for entry in crate::CATALOGUE {
        assert!(all.iter().any(|(name, ..)| *name == entry.name), "no case for {}", entry.name);
    }
}

/// A history without records of these kinds.
fn without(h: &History, kinds: &[&str]) -> History {
    h.only(|record| !kinds.contains(&Variant::of(&record.what).name()))
}

/// One kind of each set, in every combination.
fn one_of_each(sets: &[crate::Kinds]) -> Vec<Vec<&'static str>> {
    sets.iter().fold(vec![Vec::new()], |chosen, set| {
        let with = |kind: &&'static str| {
            let kind = *kind;
            chosen.iter().map(move |known| [known.clone(), vec![kind]].concat()).collect::<Vec<_>>()
        };
        set.iter().flat_map(with).collect()
    })
}

fn cases(entry: &Entry) -> Vec<History> {
    let of = |(name, _, h)| (name == entry.name).then_some(h);
    facts().into_iter().filter_map(of).collect()
}

#[test]
fn where_no_set_of_records_is_whole_nothing_is_judged() {
    let mut wrong = Vec::new();
    for entry in CATALOGUE {
        for h in cases(entry) {
            assert!(h.clone().judged(entry.name) > 0, "{}", entry.name);
            for missing in one_of_each(entry.needs) {
                let Some(why) = without(&h, &missing).judgement().why_idle(entry.name) else {
                    wrong.push(format!("{} judges something without {missing:?}", entry.name));
                    continue;
                };
                let said = missing.iter().all(|kind| why.contains(kind));
                assert!(said && why.ends_with("was recorded"), "{}: {why}", entry.name);
            }
        }
    }
    assert_eq!(wrong, [] as [&str; 0]);
}

#[test]
fn one_whole_set_of_records_is_enough() {
    let mut wrong = Vec::new();
    for entry in CATALOGUE {
        for set in entry.needs {
            let enough = facts().into_iter().any(|(_, _, h)| {
                h.only(|record| set.contains(&Variant::of(&record.what).name())).judged(entry.name)
                    > 0
            });
            if !enough {
                wrong
                    .push(format!("no case shows that {} judges something by {set:?}", entry.name));
            }
        }
    }
    assert_eq!(wrong, [] as [&str; 0]);
}

/// A log of which nothing is promised.
fn log() -> Promises {
    Promises {
        delivery: Delivery::AtMostOnce,
        order: Order::None,
        groups: Groups::None,
        replicas: false,
        leader_terms: false,
        deduplication: Deduplication::None,
        ..Promises::default()
    }
}

/// A queue of which nothing is promised.
fn queue() -> Promises {
    let queue = Queue {
        lease: Lease::None,
        tolerance: Duration::ZERO,
        durable: false,
        exclusive: false,
        final_acknowledgements: false,
        counts: Counts::None,
        time_to_live: None,
        overflows: false,
    };
    // At least once promises nothing by itself where nothing is durable.
    Promises { storage: Storage::Queue(queue), delivery: Delivery::AtLeastOnce, ..log() }
}

#[test]
fn what_is_not_promised_is_not_judged() {
    for entry in CATALOGUE {
        let Some(promise) = entry.promise else { continue };
        let against: Vec<Promises> =
            [log(), queue(), testing_queues::strict(), Promises::default()]
                .into_iter()
                .filter(|promises| !entry.is_promised(promises))
                .collect();
        assert!(!against.is_empty(), "everybody promises {}", entry.name);
        for (promises, h) in
            against.iter().flat_map(|p| cases(entry).into_iter().map(move |h| (p, h)))
        {
            let judgement = h.promised(promises.clone()).judgement();
            assert!(judgement.violations.iter().all(|found| found.invariant != entry.name));
            let why = judgement.why_idle(entry.name);
            assert!(
                why.is_some_and(|why| why.contains(promise.words)),
                "{} is judged, and not promised",
                entry.name
            );
        }
    }
}

#[test]
fn nothing_is_judged_of_a_queue_that_only_a_log_promises() {
    let of_a_queue: Vec<&str> = CATALOGUE
        .iter()
        .filter(|entry| entry.is_promised(&testing_queues::strict()) && entry.safety)
        .map(|entry| entry.name)
        .collect();
    assert_eq!(
        of_a_queue,
        [
            "deduplicated",
            "no_phantom",
            "transaction_atomicity",
            "one_lease",
            "lease_respected",
            "acknowledged_stays_gone",
            "delivery_count",
            "group_order",
            "idempotency",
            "no_loss",
            "conserved",
        ]
    );
}

/// Beside `no_phantom` and `conserved`, which are judged of everybody.
#[test]
fn what_each_preset_is_judged_by() {
    let judged = |name: &str| {
        let preset = PRESETS.iter().find(|preset| preset.name == name).unwrap();
        let promises = (preset.promises)();
        let all = CATALOGUE.iter().filter(|entry| entry.safety && entry.is_promised(&promises));
        let names = all.map(|entry| entry.name);
        names
            .filter(|name| !["no_phantom", "conserved"].contains(name))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        judged("kafka_like_log"),
        "votes_kept single_leader durability agreement no_duplicate_append no_dirty_read single_owner no_skip \
         order commit_after_apply no_loss"
    );
    assert_eq!(judged("sqs_standard"), "lease_respected delivery_count no_loss");
    assert_eq!(
        judged("sqs_fifo"),
        "deduplicated one_lease lease_respected acknowledged_stays_gone delivery_count group_order no_loss"
    );
    let leases = "one_lease lease_respected acknowledged_stays_gone delivery_count no_loss";
    for name in ["rabbitmq_queue", "redis_stream", "pub_sub", "work_queue"] {
        assert_eq!(judged(name), leases, "{name}");
    }
    assert_eq!(judged("nats_jetstream"), format!("deduplicated {leases}"));
    assert_eq!(judged("redis_list"), "acknowledged_stays_gone group_order");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nonsense_never_panics(records in prop::collection::vec(
        (any::<u64>(), any::<u16>(), 0..25_u8, any::<u64>(), any::<u32>(), any::<u16>()), 0..60,
    ), queue in any::<bool>()) {
        let mut h = if queue { History::of_queue() } else { History::new() };
        for (at, node, kind, number, partition, name) in records {
            let (event, group) = (EventId(number), Name(name % 3));
            let position = Position::new(partition, number.rotate_left(7));
            let what = match kind {
                0 => What::Publish { phase: Phase::Ok, event, key: partition, position: Some(position) },
                1 => What::Publish { phase: Phase::Invoke, event, key: partition, position: None },
                2 => What::Publish { phase: Phase::Fail, event, key: partition, position: None },
                3 => What::Publish { phase: Phase::Info, event, key: partition, position: None },
                4 => What::Append { position, event, key: partition, term: number, content: name.into() },
                5 => What::Acknowledge { event, position: Some(position), term: number },
                6 => What::Deliver { group, position, event, generation: number, content: name.into() },
                7 => What::Apply { group, position, event, generation: number, member: Name(name) },
                8 => What::DeadLetter { group, position, event, times: partition },
                9 => What::Rebuild,
                10 => What::Lead { term: number },
                11 => What::Node { change: NodeChange::Crashed },
                12 => What::Node { change: NodeChange::Up },
                13 => What::State { of: StateOf::Replica { partition }, position: number, digest: at },
                16.. => testing_queues::nonsense(kind - 16, number, partition, name),
                14 => What::State { of: StateOf::Projection { group }, position: number, digest: at },
                _ => What::Mark(if number % 2 == 0 { Mark::Healed } else { Mark::DeadlinePassed }),
            };
            h.with(Record { at, node: NodeId(node % 8), what });
        }
        h.judgement();
    }
}

/// A kind of record that is matched on and not heard is judged by nobody. Telling everything, as builds with debug assertions
/// do, shows that only in a history that has it.
#[test]
fn each_file_hears_of_what_it_matches_on() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut hearing = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let heard: Vec<&str> = code
            .split("heard![")
            .skip(1)
            .flat_map(|rest| rest.split(']').next().unwrap().split(','))
            .map(str::trim)
            .collect();
        if heard.is_empty() || path.ends_with("variants.rs") {
            continue;
        }
        hearing += 1;
        for rest in code.split("What::").skip(1) {
            let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
            assert!(heard.contains(&name), "{} does not hear of {name}", path.display());
        }
    }
    let entries = CATALOGUE.len();
    assert!(
        hearing > entries,
        "{hearing} files hear of something, and there are {entries} invariants"
    );
}
