//! Sets that grow: whether what was added is there in the end.
//!
//! Each element is, by Jepsen's words for sets, `stable` (from some time on every read has it), `lost` (it was known, and
//! from some time on no read has it) or `never-read` (it was not known, or no read began after it was). One thing is
//! asked beyond that: the last read of each node, after everything was healed, has every element that is known; one that a
//! single node lacks is lost there. (Jepsen takes the reads of all nodes as those of one set, and sees a node that lacks
//! something only if it happens to be read last.) `unexpected` is what was never added.
//!
//! Proves nothing of how soon other nodes know: `stale-count` tells it.

use super::workload::{Ask, Session, field};
use crate::{
    draws::Draws,
    findings::{Anomaly, Findings},
    history::{Event, Kind, Op},
    message::Message,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU64, Ordering},
};

pub(super) const ANOMALIES: &[&str] = &["lost", "unexpected"];

/// What a set is called in a workload's messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// The type of the message that adds.
    pub(super) add: &'static str,
    /// Its field that has the element.
    pub(super) element: &'static str,
    /// The field of an answer to `read` that has all elements.
    pub(super) elements: &'static str,
}

/// A client that adds new elements, and reads.
pub(super) struct Client<'a> {
    words: Words,
    /// The next element, of all clients.
    next: &'a AtomicU64,
    /// What its last read had.
    seen: Option<BTreeSet<String>>,
}

impl<'a> Client<'a> {
    pub(super) fn new(words: Words, next: &'a AtomicU64) -> Self {
        Self { words, next, seen: None }
    }
}

fn read() -> Ask {
    Ask::new("read", Value::Null, &[]).idempotent()
}

impl Session for Client<'_> {
    fn next(&mut self, draws: &mut Draws) -> Ask {
        if draws.happens(0.5) {
            return read();
        }
        let element = json!(self.next.fetch_add(1, Ordering::Relaxed));
        Ask::new(self.words.add, element.clone(), &[(self.words.element, &element)])
    }

    fn read(&mut self, ask: &Ask, answer: Option<&Message>) -> Result<Value, String> {
        if ask.f != "read" {
            return Ok(ask.value.clone());
        }
        let name = self.words.elements;
        let value = field(answer, name)?;
        let Value::Array(elements) = value else {
            return Err(format!("its `{name}` is no array"));
        };
        self.seen = Some(elements.iter().map(Value::to_string).collect());
        Ok(value.clone())
    }

    /// Reads once more if something is known that its last read does not have.
    fn last(&mut self, so_far: &[Event]) -> Option<Ask> {
        let has_all = self.seen.as_ref().is_some_and(|seen| {
            let known = so_far.iter().filter(|event| event.kind == Kind::Ok);
            known
                .flat_map(|event| added(&event.f, &event.value, self.words.add))
                .all(|element| seen.contains(&element.to_string()))
        });
        (!has_all).then(read)
    }
}

/// The elements that are known by an operation that happened: what it added, or read.
fn added<'a>(f: &str, value: &'a Value, add: &str) -> &'a [Value] {
    if f == add { std::slice::from_ref(value) } else { value.as_array().map_or(&[], Vec::as_slice) }
}

#[derive(Default)]
struct Element<'a> {
    add: Option<&'a Op>,
    /// The end of the first operation that shows that it is there.
    known: Option<u64>,
    /// The last reads that began, with and without it.
    present: Option<&'a Op>,
    absent: Option<&'a Op>,
    /// A read without it began after it was known.
    stale: bool,
}

fn later<'a>(a: Option<&'a Op>, b: &'a Op) -> Option<&'a Op> {
    Some(a.filter(|a| a.began > b.began).unwrap_or(b))
}

pub(super) fn check(history: &[Op], add: &str) -> Findings {
    let mut findings = Findings::default();
    let mut elements: BTreeMap<String, Element<'_>> = BTreeMap::new();
    for op in history.iter().filter(|op| op.f == add && op.outcome != Kind::Fail) {
        let element = elements.entry(op.asked.to_string()).or_default();
        element.add = Some(op);
        element.known = op.ended.filter(|_| op.ok());
    }
    let attempts: BTreeSet<String> =
        history.iter().filter(|op| op.f == add).map(|op| op.asked.to_string()).collect();
    let reads: Vec<(&Op, BTreeSet<String>)> = history
        .iter()
        .filter(|op| op.f == "read" && op.ok())
        .map(|op| (op, op.value.as_array().into_iter().flatten().map(Value::to_string).collect()))
        .collect();
    let mut duplicated = 0;
    for (read, seen) in &reads {
        duplicated += usize::from(read.value.as_array().map_or(0, Vec::len) > seen.len());
        for one in seen {
            if !attempts.contains(one) {
                let about = format!("{} has {one}, which was never added", read.node);
                findings.anomalies.push(Anomaly::proven("unexpected", about, &[read]));
            } else if let (Some(element), Some(ended)) = (elements.get_mut(one), read.ended) {
                element.known = Some(element.known.map_or(ended, |known| known.min(ended)));
            }
        }
    }
    for (read, seen) in &reads {
        for (name, element) in &mut elements {
            if seen.contains(name) {
                element.present = later(element.present, read);
            } else {
                element.absent = later(element.absent, read);
                element.stale |= element.known.is_some_and(|known| known < read.began);
            }
        }
    }
    findings.anomalies.truncate(TOLD);
    let last = last_reads(&reads);
    let (mut stable, mut lost, mut never_read) = (0, 0, 0);
    for (name, element) in &elements {
        let began = |op: Option<&Op>| op.map(|op| op.began);
        let gone = element
            .known
            .zip(began(element.absent))
            .is_some_and(|(known, absent)| known < absent && began(element.present) < Some(absent));
        let lacking = last.iter().find(|(read, seen)| {
            element.known.is_some_and(|known| known < read.began) && !seen.contains(name)
        });
        if gone || lacking.is_some() {
            lost += 1;
            if lost <= TOLD {
                findings.anomalies.push(told(name, element, lacking.map(|(read, _)| *read), add));
            }
        } else if element.present.is_some() && began(element.absent) < began(element.present) {
            stable += 1;
        } else {
            never_read += 1;
        }
    }
    findings.fact("attempt-count", attempts.len());
    findings.fact("stable-count", stable);
    findings.fact("lost-count", lost);
    findings.fact("never-read-count", never_read);
    findings.fact("stale-count", elements.values().filter(|element| element.stale).count());
    findings.fact("reads-with-duplicates", duplicated);
    let nodes: BTreeSet<&str> = history.iter().map(|op| op.node.as_str()).collect();
    let silent: Vec<&str> =
        nodes.into_iter().filter(|node| !last.iter().any(|(read, _)| read.node == *node)).collect();
    if stable == 0 {
        findings.unknown = Some(format!("nothing that was added ({add}) was there to stay"));
    } else if !silent.is_empty() {
        findings.unknown = Some(format!("the last read was not answered by {}", silent.join(", ")));
    }
    findings
}

/// How many elements are told of one by one.
const TOLD: usize = 8;

/// The last read of each node after the healing.
fn last_reads<'a>(reads: &'a [(&'a Op, BTreeSet<String>)]) -> Vec<(&'a Op, &'a BTreeSet<String>)> {
    let mut last: BTreeMap<&str, (&Op, &BTreeSet<String>)> = BTreeMap::new();
    for (read, seen) in reads.iter().filter(|(read, _)| read.last) {
        last.insert(&read.node, (read, seen));
    }
    last.into_values().collect()
}

fn told(name: &str, element: &Element<'_>, lacking: Option<&Op>, add: &str) -> Anomaly {
    let adder = element.add.filter(|op| op.ok());
    let by = adder.map_or_else(
        || "was seen".to_owned(),
        |op| format!("was acknowledged by {} ({add})", op.node),
    );
    let about = match lacking {
        Some(read) => format!("{name} {by}, and {} does not have it in its last read", read.node),
        None => format!("{name} {by}, and no later read has it"),
    };
    let ops: Vec<&Op> =
        [element.add, element.present, lacking.or(element.absent)].into_iter().flatten().collect();
    // That a node still lacks something is for want of time, as far as anybody can tell.
    Anomaly::late("lost", about, &ops)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::testing::{ops, sequential};
    use Kind::{Fail, Info, Invoke, Ok};
    use serde_json::json;

    fn names(findings: &Findings) -> Vec<&str> {
        findings.anomalies.iter().map(|anomaly| anomaly.name.as_str()).collect()
    }

    fn judged(done: &[(u64, Kind, &str, Value, Value)]) -> Findings {
        check(&sequential(done), "add")
    }

    fn null() -> Value {
        Value::Null
    }

    #[test]
    fn what_all_nodes_have_in_the_end_is_stable() {
        let found = judged(&[
            (0, Ok, "add", json!(1), json!(1)),
            (1, Ok, "read", null(), json!([])),
            (1, Info, "add", json!(2), null()),
            (2, Fail, "add", json!(3), null()),
            (0, Ok, "read!", null(), json!([1])),
            (1, Ok, "read!", null(), json!([1])),
            (2, Ok, "read!", null(), json!([1])),
        ]);
        assert!(names(&found).is_empty() && found.unknown.is_none(), "{found:?}");
        let counts =
            ["attempt-count", "stable-count", "lost-count", "never-read-count", "stale-count"];
        assert_eq!(counts.map(|name| found.get(name).unwrap().as_u64().unwrap()), [3, 1, 0, 1, 1]);
    }

    #[test]
    fn what_one_node_lacks_in_the_end_is_lost() {
        let found = judged(&[
            (0, Ok, "add", json!(1), json!(1)),
            (1, Ok, "read!", null(), json!([])),
            (0, Ok, "read!", null(), json!([1])),
        ]);
        assert_eq!(names(&found), ["lost"]);
        assert_eq!(found.anomalies[0].events, [0, 1, 2, 3, 4, 5]);
        assert!(found.anomalies[0].about.contains("n1 does not have it"), "{found:?}");
    }

    #[test]
    fn what_nobody_acknowledged_but_one_node_showed_must_reach_all() {
        let found = judged(&[
            (0, Info, "add", json!(1), null()),
            (1, Ok, "add", json!(2), json!(2)),
            (0, Ok, "read!", null(), json!([1, 2])),
            (1, Ok, "read!", null(), json!([2])),
        ]);
        assert_eq!(names(&found), ["lost"]);
        assert!(found.anomalies[0].about.starts_with("1 was seen"), "{found:?}");
    }

    #[test]
    fn a_read_that_overlaps_the_add_may_miss_it() {
        let history = ops(&[
            (0, Invoke, "add", json!(1)),
            (1, Invoke, "read!", null()),
            (0, Ok, "add", json!(1)),
            (1, Ok, "read!", json!([])),
            (2, Invoke, "read!", null()),
            (2, Ok, "read!", json!([1])),
            (0, Invoke, "read!", null()),
            (0, Ok, "read!", json!([1])),
        ]);
        assert!(names(&check(&history, "add")).is_empty());
    }

    #[test]
    fn what_was_never_added_is_unexpected() {
        let found = judged(&[
            (0, Ok, "add", json!(1), json!(1)),
            (0, Ok, "read!", null(), json!([1, "1"])),
        ]);
        assert_eq!(names(&found), ["unexpected"]);
        // What was refused may be there all the same: that is the node's mistake, and Jepsen's sets do not judge it.
        let found = judged(&[
            (0, Fail, "add", json!(1), null()),
            (0, Ok, "add", json!(2), json!(2)),
            (0, Ok, "read!", null(), json!([1, 2])),
        ]);
        assert!(names(&found).is_empty());
    }

    #[test]
    fn without_last_reads_of_all_nodes_nothing_is_said() {
        let found = judged(&[
            (0, Ok, "add", json!(1), json!(1)),
            (0, Ok, "read!", null(), json!([1])),
            (1, Fail, "read!", null(), null()),
        ]);
        assert_eq!(found.unknown.as_deref(), Some("the last read was not answered by n1"));
        assert!(judged(&[(0, Ok, "read!", null(), json!([]))]).unknown.is_some());
    }
}
