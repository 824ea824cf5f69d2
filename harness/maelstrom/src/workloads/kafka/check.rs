//! Judges logs, by the definitions of Jepsen's `tests/kafka.clj`, which Maelstrom uses.
//!
//! Proves, of each key:
//! - `inconsistent-offsets`: at one offset there were two messages;
//! - `duplicate`: one message is at two offsets;
//! - `lost-write`: a send was acknowledged, a message at its offset or a higher one was polled, this one never;
//! - `unseen`: a send was acknowledged, and nobody ever polled it, though all nodes were asked for everything at last;
//! - `G1a` (aborted read): a send that was refused for good was polled all the same;
//! - `no-writer-of-value`: what was polled was never sent;
//! - `int-nonmonotonic-poll`, `int-poll-skip`: within one poll, offsets do not grow, or leave out one that is known;
//! - `nonmonotonic-poll`, `poll-skip`: the same from one poll of a client to its next, if it has not assigned itself keys
//!   in between;
//! - `nonmonotonic-send`: of two sends of a client, one after the other, the second has no higher offset.
//!
//! Offsets may have gaps: what nobody saw is not left out. Does not prove that polls are recent, and does not look for cycles
//! between operations of several keys, as Jepsen does: without transactions it allows most of them.

use super::log::{Log, Read};
use crate::{
    findings::{Anomaly, Findings},
    history::{Kind, Op},
    workloads::workload::Circumstances,
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const ANOMALIES: &[&str] = &[
    "lost-write",
    "inconsistent-offsets",
    "duplicate",
    "G1a",
    "no-writer-of-value",
    "int-nonmonotonic-poll",
    "int-poll-skip",
    "nonmonotonic-poll",
    "poll-skip",
    "nonmonotonic-send",
    "unseen",
];

/// How many anomalies of one name are told one by one.
const TOLD: usize = 8;

pub(super) fn check(history: &[Op], _: Circumstances) -> Findings {
    let logs = Log::all(history);
    let mut found = Vec::new();
    for (key, log) in &logs {
        offsets(key, log, &mut found);
        let lost = lost(key, log, &mut found);
        unseen(key, log, &lost, &mut found);
        strangers(key, log, &mut found);
        inside(key, log, &mut found);
    }
    across(history, &logs, &mut found);
    let mut findings = Findings::default();
    for name in ANOMALIES {
        let named: Vec<Anomaly> = found.iter().filter(|a| a.name == *name).cloned().collect();
        if !named.is_empty() {
            findings.fact(name, named.len());
        }
        findings.anomalies.extend(named.into_iter().take(TOLD));
    }
    let nodes: BTreeSet<&str> = history.iter().map(|op| op.node.as_str()).collect();
    let polled = |node: &&str| {
        history.iter().any(|op| op.node == **node && op.last && op.f == "poll" && op.ok())
    };
    let silent: Vec<&str> = nodes.into_iter().filter(|node| !polled(node)).collect();
    if logs.values().all(|log| log.reads.is_empty()) {
        findings.unknown = Some("nothing was polled".to_owned());
    } else if !silent.is_empty() {
        findings.unknown =
            Some(format!("the last polls were not answered by {}", silent.join(", ")));
    }
    findings
}

fn offsets(key: &str, log: &Log<'_>, found: &mut Vec<Anomaly>) {
    let mut places: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (offset, msgs) in &log.at {
        msgs.iter().for_each(|msg| places.entry(msg).or_default().push(*offset));
        if msgs.len() > 1 {
            let about = format!("offset {offset} of key {key} was {}", list(msgs));
            found.push(Anomaly::proven("inconsistent-offsets", about, &seen_at(log, *offset)));
        }
    }
    for (msg, places) in places.into_iter().filter(|(_, places)| places.len() > 1) {
        let about = format!("message {msg} of key {key} is at the offsets {}", list(&places));
        let ops: Vec<&Op> = places.iter().flat_map(|offset| seen_at(log, *offset)).collect();
        found.push(Anomaly::proven("duplicate", about, &ops));
    }
}

/// The first operations that showed each message at an offset.
fn seen_at<'a>(log: &Log<'a>, offset: i64) -> Vec<&'a Op> {
    let mut first: BTreeMap<&str, &'a Op> = BTreeMap::new();
    for send in log.sends.iter().filter(|send| send.offset == Some(offset)) {
        first.entry(&send.msg).or_insert(send.op);
    }
    for read in &log.reads {
        for (_, msg) in read.pairs.iter().filter(|(at, _)| *at == offset) {
            first.entry(msg).or_insert(read.op);
        }
    }
    first.into_values().collect()
}

/// The messages that were lost.
fn lost<'l>(key: &str, log: &'l Log<'_>, found: &mut Vec<Anomaly>) -> BTreeSet<&'l str> {
    let read: BTreeSet<&str> =
        log.reads.iter().flat_map(|read| read.pairs.iter().map(|(_, msg)| msg.as_str())).collect();
    let (mut first, mut last) = (BTreeMap::new(), BTreeMap::new());
    for (offset, msgs) in &log.at {
        for msg in msgs {
            first.entry(msg.as_str()).or_insert(*offset);
            last.insert(msg.as_str(), *offset);
        }
    }
    // A message at several offsets counts where it was first, so that nothing is expected for its sake alone.
    let highest = read.iter().filter_map(|msg| Some((*first.get(msg)?, *msg))).max();
    let Some((bound, seen)) = highest else { return BTreeSet::new() };
    let mut lost = BTreeSet::new();
    for send in &log.sends {
        let Some(offset) = send.offset else { continue };
        let expected = last.get(send.msg.as_str()).is_some_and(|last| *last <= bound);
        if !expected || read.contains(send.msg.as_str()) {
            continue;
        }
        lost.insert(send.msg.as_str());
        let about = format!(
            "message {} of key {key} was acknowledged at offset {offset}; offset {bound} was polled, this never",
            send.msg
        );
        let ops: Vec<&Op> = [Some(send.op), log.reader(seen)].into_iter().flatten().collect();
        // Proven if somebody read on from the beginning; who assigned itself keys may have begun behind it.
        let whole = log
            .reads
            .iter()
            .any(|read| read.op.last && read.pairs.iter().any(|(o, _)| *o > offset));
        let lost_write = Anomaly::proven("lost-write", about, &ops);
        found.push(Anomaly { by_time: !whole, ..lost_write });
    }
    lost
}

fn unseen(key: &str, log: &Log<'_>, lost: &BTreeSet<&str>, found: &mut Vec<Anomaly>) {
    for send in log.sends.iter().filter(|send| send.op.ok() && !lost.contains(send.msg.as_str())) {
        if log.reader(&send.msg).is_none() {
            let about =
                format!("message {} of key {key} was acknowledged, and never polled", send.msg);
            found.push(Anomaly::late("unseen", about, &[send.op]));
        }
    }
}

/// What was polled and never sent, or sent and refused.
fn strangers(key: &str, log: &Log<'_>, found: &mut Vec<Anomaly>) {
    let mut told = BTreeSet::new();
    for read in &log.reads {
        for (offset, msg) in &read.pairs {
            let sender = log.sender(msg);
            if sender.is_some_and(|send| send.op.outcome != Kind::Fail) || !told.insert(msg) {
                continue;
            }
            found.push(match sender {
                None => {
                    let about = format!("offset {offset} of key {key} is {msg}, which was never sent");
                    Anomaly::proven("no-writer-of-value", about, &[read.op])
                }
                Some(send) => {
                    let why = send.op.error.as_deref().unwrap_or("an error");
                    let about = format!("message {msg} of key {key} was refused ({why}), and polled at offset {offset}");
                    Anomaly::proven("G1a", about, &[send.op, read.op])
                }
            });
        }
    }
}

/// Offsets within one poll.
fn inside(key: &str, log: &Log<'_>, found: &mut Vec<Anomaly>) {
    for read in &log.reads {
        for pair in read.pairs.windows(2) {
            let (from, to) = (pair[0].0, pair[1].0);
            let names = ["int-nonmonotonic-poll", "int-poll-skip"];
            found.extend(step(key, log, names, (from, to), &[read.op]));
        }
    }
}

fn step(
    key: &str,
    log: &Log<'_>,
    names: [&str; 2],
    (from, to): (i64, i64),
    ops: &[&Op],
) -> Option<Anomaly> {
    let steps = log.steps(from, to);
    if steps < 1 {
        let about = format!("of key {key}, offset {from} was followed by offset {to}");
        return Some(Anomaly::proven(names[0], about, ops));
    }
    let skipped = log.between(from, to);
    (steps > 1).then(|| {
        let about = format!(
            "of key {key}, offset {from} was followed by {to}: {} was left out",
            list(&skipped)
        );
        Anomaly::proven(names[1], about, ops)
    })
}

/// Offsets from one operation of a client to its next.
fn across<'a>(history: &'a [Op], logs: &BTreeMap<String, Log<'a>>, found: &mut Vec<Anomaly>) {
    let mut reads: BTreeMap<u64, Vec<(&str, &Read<'a>)>> = BTreeMap::new();
    for (key, log) in logs {
        for read in log.reads.iter().filter(|read| !read.pairs.is_empty()) {
            reads.entry(read.op.began).or_default().push((key, read));
        }
    }
    let mut polled: BTreeMap<(u64, &str), (i64, &Op)> = BTreeMap::new();
    let mut sent: BTreeMap<(u64, &str), (i64, &Op)> = BTreeMap::new();
    for op in history.iter().filter(|op| op.ok()) {
        match op.f.as_str() {
            "assign" => polled.retain(|(process, _), _| *process != op.process),
            "poll" => {
                for (key, read) in reads.get(&op.began).into_iter().flatten() {
                    let (first, last) = (read.pairs[0].0, read.pairs[read.pairs.len() - 1].0);
                    if let Some((before, earlier)) = polled.insert((op.process, key), (last, op)) {
                        let names = ["nonmonotonic-poll", "poll-skip"];
                        found.extend(step(
                            key,
                            &logs[*key],
                            names,
                            (before, first),
                            &[earlier, op],
                        ));
                    }
                }
            }
            "send" => {
                let key = op.asked["key"].as_str();
                let Some((key, offset)) = key.zip(op.value["offset"].as_i64()) else { continue };
                if let Some((before, earlier)) = sent.insert((op.process, key), (offset, op))
                    && offset <= before
                {
                    let about = format!(
                        "of key {key}, a send at offset {before} was followed by one at {offset}"
                    );
                    found.push(Anomaly::proven("nonmonotonic-send", about, &[earlier, op]));
                }
            }
            _ => {}
        }
    }
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::testing::sequential;
    use Kind::{Fail, Info, Ok};
    use serde_json::{Value, json};

    type Done = (u64, Kind, &'static str, Value, Value);

    fn send(process: u64, msg: u64, offset: i64) -> Done {
        let asked = json!({"key": "k", "msg": msg});
        (process, Ok, "send", asked, json!({"key": "k", "msg": msg, "offset": offset}))
    }

    fn unsent(outcome: Kind, msg: u64) -> Done {
        (9, outcome, "send", json!({"key": "k", "msg": msg}), json!(null))
    }

    fn poll(process: u64, f: &'static str, pairs: Value) -> Done {
        (process, Ok, f, json!({"offsets": {"k": 0}}), json!({"msgs": {"k": pairs}}))
    }

    fn assign(process: u64) -> Done {
        (process, Ok, "assign", json!({"keys": ["k"]}), json!({"keys": ["k"], "offsets": {}}))
    }

    /// What is found in a history of one node, whose last polls read `last`.
    fn found(done: &[Done], last: Value) -> Vec<&'static str> {
        let mut done = done.to_vec();
        done.push(poll(90, "poll!", last));
        // All processes ask one node, so that its last polls are all that there are.
        let mut history = sequential(&done);
        history.iter_mut().for_each(|op| op.node = "n0".to_owned());
        let found = check(&history, Circumstances::default());
        assert_eq!(found.unknown, None);
        ANOMALIES
            .iter()
            .copied()
            .filter(|name| found.anomalies.iter().any(|a| a.name == *name))
            .collect()
    }

    #[test]
    fn a_right_log_has_gaps_and_what_may_have_happened() {
        let done = [
            assign(1),
            send(0, 1, 0),
            send(1, 2, 5),
            poll(1, "poll", json!([[0, 1], [5, 2]])),
            unsent(Info, 3),
            unsent(Info, 4),
            unsent(Fail, 5),
            poll(1, "poll", json!([[8, 3]])),
            assign(1),
            poll(1, "poll", json!([[0, 1]])),
        ];
        assert!(found(&done, json!([[0, 1], [5, 2], [8, 3]])).is_empty());
    }

    #[test]
    fn a_lost_write_has_a_lower_offset_than_one_that_was_polled() {
        let done = [send(0, 1, 0), send(0, 2, 1), send(0, 3, 2)];
        assert_eq!(found(&done, json!([[0, 1], [2, 3]])), ["lost-write", "int-poll-skip"]);
        // The last one may only be late.
        assert_eq!(found(&done, json!([[0, 1], [1, 2]])), ["unseen"]);
    }

    #[test]
    fn a_lost_write_needs_somebody_who_read_from_the_beginning() {
        let history = sequential(&[send(0, 1, 0), send(0, 2, 1), poll(0, "poll", json!([[1, 2]]))]);
        let found = check(&history, Circumstances::default());
        assert!(found.anomalies.iter().any(|a| a.name == "lost-write" && a.by_time), "{found:?}");
        assert!(found.unknown.is_some());
    }

    #[test]
    fn an_offset_has_one_message_and_a_message_one_offset() {
        assert_eq!(
            found(&[send(0, 1, 0), send(1, 2, 0)], json!([[0, 2]])),
            ["lost-write", "inconsistent-offsets"]
        );
        assert_eq!(
            found(&[send(0, 1, 0), send(1, 2, 1)], json!([[0, 1], [1, 2], [2, 1]])),
            ["duplicate"]
        );
        // Of another key, the same offset is another place.
        let other = (
            1,
            Ok,
            "send",
            json!({"key": "j", "msg": 2}),
            json!({"key": "j", "msg": 2, "offset": 0}),
        );
        let read = (1, Ok, "poll", json!({}), json!({"msgs": {"j": [[0, 2]]}}));
        assert!(found(&[send(0, 1, 0), other, read], json!([[0, 1]])).is_empty());
    }

    #[test]
    fn what_was_refused_or_never_sent_is_not_polled() {
        assert_eq!(found(&[unsent(Fail, 1)], json!([[0, 1]])), ["G1a"]);
        assert_eq!(found(&[send(0, 1, 0)], json!([[0, 1], [1, 77]])), ["no-writer-of-value"]);
    }

    #[test]
    fn offsets_grow_within_a_poll_and_leave_out_none() {
        let done = [send(0, 1, 0), send(0, 2, 1), send(0, 3, 2)];
        let last = || json!([[0, 1], [1, 2], [2, 3]]);
        let with = |pairs: Value| found(&[&done[..], &[poll(1, "poll", pairs)]].concat(), last());
        assert_eq!(with(json!([[0, 1], [2, 3]])), ["int-poll-skip"]);
        assert_eq!(with(json!([[1, 2], [0, 1]])), ["int-nonmonotonic-poll"]);
        assert_eq!(with(json!([[1, 2], [1, 2]])), ["int-nonmonotonic-poll"]);
    }

    #[test]
    fn offsets_grow_from_poll_to_poll_unless_keys_are_assigned_in_between() {
        let done = [send(0, 1, 0), send(0, 2, 1), send(0, 3, 2)];
        let last = || json!([[0, 1], [1, 2], [2, 3]]);
        let (first, second) = (|o: Value| poll(1, "poll", o), |o: Value| poll(1, "poll", o));
        let with = |between: &[Done], a: Value, b: Value| {
            found(&[&done[..], &[first(a)], between, &[second(b)]].concat(), last())
        };
        assert_eq!(with(&[], json!([[0, 1]]), json!([[2, 3]])), ["poll-skip"]);
        assert_eq!(with(&[], json!([[1, 2]]), json!([[1, 2]])), ["nonmonotonic-poll"]);
        assert!(with(&[assign(1)], json!([[0, 1]]), json!([[2, 3]])).is_empty());
        assert!(with(&[assign(1)], json!([[1, 2]]), json!([[0, 1]])).is_empty());
        // Somebody else's assignment changes nothing, and an empty poll neither.
        assert_eq!(with(&[assign(2)], json!([[0, 1]]), json!([[2, 3]])), ["poll-skip"]);
        assert!(with(&[poll(1, "poll", json!([]))], json!([[0, 1]]), json!([[1, 2]])).is_empty());
    }

    #[test]
    fn sends_of_one_client_go_on() {
        let last = json!([[0, 1], [1, 2]]);
        assert_eq!(found(&[send(0, 2, 1), send(0, 1, 0)], last.clone()), ["nonmonotonic-send"]);
        assert!(found(&[send(0, 2, 1), send(1, 1, 0)], last).is_empty());
    }
}
