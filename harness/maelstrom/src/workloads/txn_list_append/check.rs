//! Judges transactions over lists, by the definitions of Adya and the ways of Elle (Kingsbury and Alvaro, VLDB 2020).
//!
//! The longest list that was read of a key is the order of its writes. Proves:
//! - `incompatible-order`: two lists of a key, neither of which begins with the other; `duplicate-elements`: an element twice;
//! - `internal`: a transaction does not see what it wrote or read itself before;
//! - `G1a`: what a refused transaction wrote was read; `G1b`: what a transaction wrote was read before its last write to the key;
//! - circles: `G0` of writes alone, `G1c` of writes and reads, `G-single` with one read that came too early, `G2-item` with
//!   several; and each of them `-realtime`, if it needs that one had ended before another began.
//!
//! Does not prove that there are no other anomalies: what nobody has read has no place in an order.

use super::graph::{Edge, Graph};
use crate::{
    findings::{Anomaly, Findings},
    history::{Kind, Op},
    workloads::workload::Circumstances,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const ANOMALIES: &[&str] = &[
    "incompatible-order",
    "duplicate-elements",
    "internal",
    "G1a",
    "G1b",
    "G0",
    "G1c",
    "G-single",
    "G2-item",
    "G0-realtime",
    "G1c-realtime",
    "G-single-realtime",
    "G2-item-realtime",
];

/// Circles are looked for among so many transactions at most: the search takes the square of that.
const MOST_TXNS: usize = 5_000;

/// How many anomalies of one name are told one by one.
const TOLD: usize = 8;

type Key = String;
type Element = String;

/// A transaction's parts: whether it reads, of which key, and what.
fn parts(value: &Value) -> impl Iterator<Item = (bool, Key, &Value)> {
    let parts = value.as_array().into_iter().flatten();
    parts.map(|part| (part[0] == "r", part[1].to_string(), &part[2]))
}

fn elements(list: &Value) -> Vec<Element> {
    list.as_array().into_iter().flatten().map(Value::to_string).collect()
}

struct Known<'a> {
    /// Transactions that happened, or may have.
    txns: Vec<&'a Op>,
    /// Who appended an element to a key, by place in `txns`; and whether it was its last to the key.
    writers: BTreeMap<(Key, Element), (usize, bool)>,
    refused: BTreeMap<(Key, Element), &'a Op>,
    /// The longest list that was read of each key, and by whom.
    orders: BTreeMap<Key, (Vec<Element>, usize)>,
}

impl<'a> Known<'a> {
    fn new(history: &'a [Op]) -> Self {
        let (failed, txns): (Vec<&Op>, Vec<&Op>) =
            history.iter().filter(|op| op.f == "txn").partition(|op| op.outcome == Kind::Fail);
        let (mut writers, mut refused, mut orders) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (at, op) in txns.iter().enumerate() {
            let mut last: BTreeMap<Key, Element> = BTreeMap::new();
            for (_, key, element) in parts(&op.asked).filter(|(reads, ..)| !reads) {
                let element = element.to_string();
                if let Some(before) = last.insert(key.clone(), element.clone()) {
                    writers.insert((key.clone(), before), (at, false));
                }
                writers.insert((key, element), (at, true));
            }
            for (_, key, list) in parts(&op.value).filter(|(reads, ..)| *reads) {
                let list = elements(list);
                let longest: &mut (Vec<Element>, usize) =
                    orders.entry(key).or_insert((Vec::new(), at));
                if list.len() > longest.0.len() {
                    *longest = (list, at);
                }
            }
        }
        for op in failed {
            for (_, key, element) in parts(&op.asked).filter(|(reads, ..)| !reads) {
                refused.insert((key, element.to_string()), op);
            }
        }
        Self { txns, writers, refused, orders }
    }

    fn writer(&self, key: &str, element: &str) -> Option<(usize, bool)> {
        self.writers.get(&(key.to_owned(), element.to_owned())).copied()
    }
}

pub(super) fn check(history: &[Op], _: Circumstances) -> Findings {
    let known = Known::new(history);
    let mut found = Vec::new();
    for (at, op) in known.txns.iter().enumerate().filter(|(_, op)| op.ok()) {
        reads(&known, at, op, &mut found);
        internal(op, &mut found);
    }
    let mut findings = Findings::default();
    if known.txns.len() > MOST_TXNS {
        findings.unknown =
            Some(format!("more than {MOST_TXNS} transactions: circles are not looked for"));
    } else {
        circles(&known, &mut found);
    }
    for name in ANOMALIES {
        let named: Vec<Anomaly> = found.iter().filter(|a| a.name == *name).cloned().collect();
        if !named.is_empty() {
            findings.fact(name, named.len());
        }
        findings.anomalies.extend(named.into_iter().take(TOLD));
    }
    findings.fact("keys", known.orders.len());
    if known.orders.values().all(|(order, _)| order.is_empty()) {
        findings.unknown = Some("nothing that was appended was ever read".to_owned());
    }
    findings
}

/// What each list that was read says by itself.
fn reads(known: &Known<'_>, at: usize, op: &Op, found: &mut Vec<Anomaly>) {
    for (_, key, list) in parts(&op.value).filter(|(reads, ..)| *reads) {
        let list = elements(list);
        let (order, by) = &known.orders[&key];
        if !order.starts_with(&list) {
            let about = format!("key {key} was read as {list:?} and as {order:?}");
            found.push(Anomaly::proven("incompatible-order", about, &[op, known.txns[*by]]));
        }
        let once: BTreeSet<&Element> = list.iter().collect();
        if once.len() < list.len() {
            let about = format!("key {key} was read as {list:?}, with an element twice");
            found.push(Anomaly::proven("duplicate-elements", about, &[op]));
        }
        for element in &list {
            if let Some(writer) = known.refused.get(&(key.clone(), element.clone())) {
                let about = format!("{element} of key {key} was refused, and read");
                found.push(Anomaly::proven("G1a", about, &[writer, op]));
            }
        }
        if let Some((writer, false)) = list.last().and_then(|last| known.writer(&key, last))
            && writer != at
        {
            let about =
                format!("key {key} was read as {list:?}, between two writes of one transaction");
            found.push(Anomaly::proven("G1b", about, &[known.txns[writer], op]));
        }
    }
}

/// What a transaction sees of itself.
fn internal(op: &Op, found: &mut Vec<Anomaly>) {
    // What it knows the list of a key to end with; all of the list, once it has read it.
    let mut seen: BTreeMap<Key, (bool, Vec<Element>)> = BTreeMap::new();
    for (reads, key, value) in parts(&op.value) {
        if !reads {
            seen.entry(key).or_insert((false, Vec::new())).1.push(value.to_string());
            continue;
        }
        let list = elements(value);
        if let Some((whole, expected)) = seen.get(&key) {
            let right = if *whole { list == *expected } else { list.ends_with(expected) };
            if !right {
                let about = format!(
                    "a transaction read key {key} as {list:?}, and had itself seen or written {expected:?}"
                );
                found.push(Anomaly::proven("internal", about, &[op]));
            }
        }
        seen.insert(key, (true, list));
    }
}

/// The graph without edges of time, and with them.
fn graphs(known: &Known<'_>) -> (Graph, Graph) {
    let (mut plain, mut timed) = (Graph::default(), Graph::default());
    let mut add = |from: usize, to: usize, edge: Edge| {
        plain.add(from, to, edge);
        timed.add(from, to, edge);
    };
    for (key, (order, _)) in &known.orders {
        for pair in order.windows(2) {
            if let (Some((a, _)), Some((b, _))) =
                (known.writer(key, &pair[0]), known.writer(key, &pair[1]))
            {
                add(a, b, Edge::WriteWrite);
            }
        }
    }
    for (at, op) in known.txns.iter().enumerate().filter(|(_, op)| op.ok()) {
        for (_, key, list) in parts(&op.value).filter(|(reads, ..)| *reads) {
            let (list, (order, _)) = (elements(list), &known.orders[&key]);
            if let Some((writer, _)) = list.last().and_then(|last| known.writer(&key, last)) {
                add(writer, at, Edge::WriteRead);
            }
            let next = order.get(list.len()).filter(|_| order.starts_with(&list));
            if let Some((writer, _)) = next.and_then(|next| known.writer(&key, next)) {
                add(at, writer, Edge::ReadWrite);
            }
        }
    }
    // Who ended last before another began stands for those that had ended before it began itself.
    for (at, op) in known.txns.iter().enumerate() {
        let ended = |other: &Op| other.ended.filter(|ended| other.ok() && *ended < op.began);
        let newest =
            known.txns.iter().filter(|other| ended(other).is_some()).map(|o| o.began).max();
        for (before, other) in known.txns.iter().enumerate() {
            if ended(other).zip(newest).is_some_and(|(ended, newest)| ended > newest) {
                timed.add(before, at, Edge::Realtime);
            }
        }
    }
    (plain, timed)
}

fn circles(known: &Known<'_>, found: &mut Vec<Anomaly>) {
    use Edge::{ReadWrite, Realtime, WriteRead, WriteWrite};
    let (plain, timed) = graphs(known);
    let levels: [(&str, &[Edge]); 3] = [
        ("G0", &[WriteWrite]),
        ("G1c", &[WriteWrite, WriteRead]),
        ("G", &[WriteWrite, WriteRead, ReadWrite]),
    ];
    for (graph, suffix) in [(&plain, ""), (&timed, "-realtime")] {
        for (name, kinds) in levels {
            let kinds = [kinds, if suffix.is_empty() { &[] } else { &[Realtime][..] }].concat();
            let Some(circle) = graph.circle(&kinds) else { continue };
            let early = circle.iter().filter(|(_, edge)| *edge == ReadWrite).count();
            let name = match (name, early) {
                ("G", 0 | 1) => "G-single",
                ("G", _) => "G2-item",
                (name, _) => name,
            };
            let told = circle.iter().map(|(at, edge)| {
                let why = match edge {
                    WriteWrite => "wrote before",
                    WriteRead => "was read by",
                    ReadWrite => "did not see",
                    Realtime => "had ended before",
                };
                format!("{} {why}", known.txns[*at].asked)
            });
            let about = format!("{} the first", told.collect::<Vec<_>>().join(" "));
            let ops: Vec<&Op> = circle.iter().map(|(at, _)| known.txns[*at]).collect();
            found.push(Anomaly::proven(&format!("{name}{suffix}"), about, &ops));
            // Each level has all circles of those before it.
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::testing::{ops, sequential};
    use Kind::{Fail, Info, Invoke, Ok};
    use serde_json::json;

    fn names(history: &[Op]) -> Vec<String> {
        let found = check(history, Circumstances::default());
        found.anomalies.iter().map(|anomaly| anomaly.name.clone()).collect()
    }

    /// A transaction that was asked and answered with this.
    fn done(process: u64, txn: Value) -> (u64, Kind, &'static str, Value, Value) {
        (process, Ok, "txn", txn.clone(), txn)
    }

    /// Transactions that all overlap.
    fn together(txns: &[Value]) -> Vec<Op> {
        let all = || (0..).zip(txns);
        let begun = all().map(|(process, txn)| (process, Invoke, "txn", txn.clone()));
        let ended = all().map(|(process, txn)| (process, Ok, "txn", txn.clone()));
        ops(&begun.chain(ended).collect::<Vec<_>>())
    }

    #[test]
    fn what_could_come_one_after_the_other_is_right() {
        let refused = (3, Fail, "txn", json!([["append", "x", 9]]), json!(null));
        let lost = (4, Info, "txn", json!([["append", "x", 8]]), json!(null));
        let late = (5, Info, "txn", json!([["append", "x", 2]]), json!(null));
        let history = sequential(&[
            done(0, json!([["append", "x", 1], ["r", "x", [1]]])),
            refused,
            lost,
            late,
            done(1, json!([["r", "x", [1]], ["r", "y", null]])),
            done(
                2,
                json!([
                    ["append", "y", 1],
                    ["r", "x", [1, 2]],
                    ["append", "x", 3],
                    ["r", "x", [1, 2, 3]]
                ]),
            ),
        ]);
        assert!(names(&history).is_empty());
    }

    #[test]
    fn each_list_is_right_by_itself() {
        let first = || done(0, json!([["append", "x", 1], ["append", "x", 2]]));
        let with = |txn: Value| {
            names(&sequential(&[first(), done(1, json!([["r", "x", [1, 2]]])), done(2, txn)]))
        };
        assert_eq!(with(json!([["r", "x", [2]]]))[0], "incompatible-order");
        assert!(with(json!([["r", "x", [1, 2, 1]]])).contains(&"duplicate-elements".to_owned()));
        assert_eq!(with(json!([["append", "x", 3], ["r", "x", [1, 2]]]))[0], "internal");
        assert!(with(json!([["r", "x", [1]]])).contains(&"G1b".to_owned()));
        let refused = (3, Fail, "txn", json!([["append", "x", 9]]), json!(null));
        assert_eq!(names(&sequential(&[refused, done(1, json!([["r", "x", [9]]]))])), ["G1a"]);
    }

    #[test]
    fn circles_have_their_names() {
        let g0 = [
            json!([["append", "x", 1], ["append", "y", 2]]),
            json!([["append", "x", 2], ["append", "y", 1]]),
            json!([["r", "x", [1, 2]], ["r", "y", [1, 2]]]),
        ];
        assert_eq!(names(&together(&g0)), ["G0"]);
        let g1c = [
            json!([["append", "x", 1], ["r", "y", [1]]]),
            json!([["append", "y", 1], ["r", "x", [1]]]),
        ];
        assert_eq!(names(&together(&g1c)), ["G1c"]);
        let single = [
            json!([["r", "x", null], ["r", "y", [1]]]),
            json!([["append", "x", 1], ["append", "y", 1]]),
            json!([["r", "x", [1]]]),
        ];
        assert_eq!(names(&together(&single)), ["G-single"]);
        let skew = [
            json!([["r", "x", null], ["append", "y", 1]]),
            json!([["r", "y", null], ["append", "x", 1]]),
            json!([["r", "x", [1]], ["r", "y", [1]]]),
        ];
        assert_eq!(names(&together(&skew)), ["G2-item"]);
        // Without the circle, the same reads are right.
        assert!(
            names(&together(&[skew[0].clone(), json!([["append", "x", 1]]), skew[2].clone()]))
                .is_empty()
        );
    }

    #[test]
    fn a_stale_read_is_wrong_only_in_real_time() {
        let txns =
            [json!([["append", "x", 1]]), json!([["r", "x", null]]), json!([["r", "x", [1]]])];
        assert!(names(&together(&txns)).is_empty());
        let one_by_one: Vec<_> =
            (0..).zip(&txns).map(|(process, txn)| done(process, txn.clone())).collect();
        assert_eq!(names(&sequential(&one_by_one)), ["G-single-realtime"]);
    }
}
