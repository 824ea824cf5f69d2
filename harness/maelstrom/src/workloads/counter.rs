//! `g-counter` and `pn-counter`: a number to which is added; the second also goes down.
//!
//! Proves: the last read of each node, after everything was healed, is the sum of all additions that happened and of some of
//! those that may have. Does not judge what is read before.

use super::workload::{Ask, Circumstances, Load, Session, Workload, whole};
use crate::{
    draws::Draws,
    findings::{Anomaly, Findings},
    history::{Event, Kind, Op, pair},
    message::Message,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const G_COUNTER: Workload = Workload {
    name: "g-counter",
    about: "adds the `delta` of an `add`, which is not negative, and answers `read` with the sum of all nodes as `value`",
    functions: &["add", "read"],
    anomalies: &["wrong-sum"],
    load: |_| Box::new(Counter { least: 0 }),
    check,
};

pub(super) const PN_COUNTER: Workload = Workload {
    name: "pn-counter",
    about: "adds the `delta` of an `add`, which may be negative, and answers `read` with the sum of all nodes as `value`",
    functions: &["add", "read"],
    anomalies: &["wrong-sum"],
    load: |_| Box::new(Counter { least: -5 }),
    check,
};

struct Counter {
    least: i64,
}

impl Load for Counter {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Client { least: self.least, read: None })
    }
}

struct Client {
    least: i64,
    read: Option<i64>,
}

fn read() -> Ask {
    Ask::new("read", Value::Null, &[]).idempotent()
}

impl Session for Client {
    fn next(&mut self, draws: &mut Draws) -> Ask {
        if draws.happens(0.5) {
            return read();
        }
        let delta = json!(draws.between(self.least, 4));
        Ask::new("add", delta.clone(), &[("delta", &delta)])
    }

    fn read(&mut self, ask: &Ask, answer: Option<&Message>) -> Result<Value, String> {
        if ask.f == "add" {
            return Ok(ask.value.clone());
        }
        let value = whole(answer, "value")?;
        self.read = Some(value);
        Ok(json!(value))
    }

    fn last(&mut self, so_far: &[Event]) -> Option<Ask> {
        let sums = sums(&pair(so_far));
        (!self.read.is_some_and(|read| sums.contains(&read))).then(read)
    }
}

/// What the counter may be.
fn sums(history: &[Op]) -> BTreeSet<i64> {
    let delta = |op: &Op| op.asked.as_i64().unwrap_or(0);
    let adds = || history.iter().filter(|op| op.f == "add");
    let definite: i64 = adds().filter(|op| op.ok()).map(delta).sum();
    adds()
        .filter(|op| op.info())
        .map(delta)
        .fold([definite].into(), |sums: BTreeSet<i64>, delta| {
            sums.iter().flat_map(|sum| [*sum, sum + delta]).collect()
        })
}

/// A set of numbers as ranges: `3..5, 8`.
fn ranges(numbers: &BTreeSet<i64>) -> String {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, high)) if *high + 1 == *number => *high = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let told = ranges
        .iter()
        .map(|(low, high)| if low == high { low.to_string() } else { format!("{low}..{high}") });
    told.collect::<Vec<_>>().join(", ")
}

fn check(history: &[Op], _: Circumstances) -> Findings {
    let mut findings = Findings::default();
    let sums = sums(history);
    let acceptable = ranges(&sums);
    let nodes: BTreeSet<&str> = history.iter().map(|op| op.node.as_str()).collect();
    let last: BTreeMap<&str, &Op> = (history.iter())
        .filter(|op| op.f == "read" && op.last && op.ok())
        .map(|op| (op.node.as_str(), op))
        .collect();
    for (node, read) in &last {
        if !read.value.as_i64().is_some_and(|value| sums.contains(&value)) {
            let about =
                format!("the last read of {node} is {}, and the sum is {acceptable}", read.value);
            findings.anomalies.push(Anomaly::late("wrong-sum", about, &[read]));
        }
    }
    let reads: Vec<&Value> = last.values().map(|read| &read.value).collect();
    findings.fact("final-reads", json!(reads));
    findings.fact("acceptable", acceptable);
    let silent: Vec<&str> = nodes.into_iter().filter(|node| !last.contains_key(node)).collect();
    if !silent.is_empty() {
        findings.unknown = Some(format!("the last read was not answered by {}", silent.join(", ")));
    } else if !history.iter().any(|op| op.f == "add" && op.outcome != Kind::Fail) {
        findings.unknown = Some("nothing was added".to_owned());
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::testing::sequential;
    use Kind::{Fail, Info, Ok};

    fn wrong(last: [i64; 2]) -> usize {
        let null = Value::Null;
        let history = sequential(&[
            (0, Ok, "add", json!(3), json!(3)),
            (1, Ok, "add", json!(-1), json!(-1)),
            (0, Fail, "add", json!(100), null.clone()),
            (1, Info, "add", json!(10), null.clone()),
            (3, Ok, "read", null.clone(), json!(77)),
            (3, Ok, "read!", null.clone(), json!(last[0])),
            (4, Ok, "read!", null.clone(), json!(last[1])),
        ]);
        let found = check(&history, Circumstances::default());
        assert_eq!(found.get("acceptable"), Some(&json!("2, 12")));
        found.anomalies.len()
    }

    #[test]
    fn the_sum_has_what_happened_and_perhaps_what_may_have() {
        assert_eq!(wrong([2, 12]), 0);
        assert_eq!(wrong([2, 11]), 1);
        assert_eq!(wrong([3, 102]), 2);
    }

    #[test]
    fn a_node_that_does_not_answer_leaves_it_open() {
        let history = sequential(&[
            (0, Ok, "add", json!(3), json!(3)),
            (0, Ok, "read!", json!(null), json!(3)),
            (1, Fail, "read!", json!(null), json!(null)),
        ]);
        assert!(check(&history, Circumstances::default()).unknown.is_some());
    }

    #[test]
    fn many_that_may_have_happened_are_counted_at_once() {
        let adds: Vec<_> = (0..2000).map(|_| (0, Info, "add", json!(4), json!(null))).collect();
        assert_eq!(sums(&sequential(&adds)).len(), 2001);
    }
}
