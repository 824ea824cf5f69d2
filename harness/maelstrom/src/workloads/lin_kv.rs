//! `lin-kv`: a linearizable store of keys and values.
//!
//! Proves, of each key by itself: there is an order of its operations that keeps to real time and in which each read sees the
//! last write and each `cas` compares with it; or there is none (`nonlinearizable`). What may have happened may be anywhere
//! after it began, or nowhere. Search as by Wing and Gong, with Lowe's memory of states that were tried; it gives up after a
//! bounded number of steps, and says so.

use super::workload::{Ask, Circumstances, Load, Session, Workload, field};
use crate::{
    draws::Draws,
    findings::{Anomaly, Findings},
    history::{Kind, Op},
    message::Message,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

pub(super) const LIN_KV: Workload = Workload {
    name: "lin-kv",
    about: "answers `read`, `write` and `cas` of keys as one store would",
    functions: &["read", "write", "cas"],
    anomalies: &["nonlinearizable"],
    load: |_| Box::new(LinKv { asked: AtomicU64::new(0) }),
    check: |history, _: Circumstances| check(history, MOST_STEPS),
};

/// Operations are about two keys at a time, and about this many of each pair, so that each key's search is small.
const PER_PAIR: u64 = 120;

/// States that are tried of one key, at most.
const MOST_STEPS: usize = 500_000;

struct LinKv {
    asked: AtomicU64,
}

impl Load for LinKv {
    fn patience(&self) -> Duration {
        // As Maelstrom has it without latency: whoever waits longer makes operations overlap that need not.
        Duration::from_secs(1)
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Client(self))
    }
}

struct Client<'a>(&'a LinKv);

impl Session for Client<'_> {
    fn next(&mut self, draws: &mut Draws) -> Ask {
        let pair = self.0.asked.fetch_add(1, Ordering::Relaxed) / PER_PAIR;
        let key = json!(pair * 2 + draws.index(2) as u64);
        let (a, b) = (json!(draws.between(0, 4)), json!(draws.between(0, 4)));
        match draws.index(6) {
            0..3 => Ask::new("read", json!({ "key": key }), &[("key", &key)]).idempotent(),
            3 => Ask::new(
                "write",
                json!({ "key": key, "value": a }),
                &[("key", &key), ("value", &a)],
            ),
            _ => {
                let value = json!({ "key": key, "from": a, "to": b });
                Ask::new("cas", value, &[("key", &key), ("from", &a), ("to", &b)])
            }
        }
    }

    fn read(&mut self, ask: &Ask, answer: Option<&Message>) -> Result<Value, String> {
        if ask.f != "read" {
            return Ok(ask.value.clone());
        }
        Ok(json!({ "key": ask.value["key"], "value": field(answer, "value")? }))
    }
}

fn check(history: &[Op], most_steps: usize) -> Findings {
    let mut findings = Findings::default();
    let mut keys: BTreeMap<String, Vec<&Op>> = BTreeMap::new();
    for op in history.iter().filter(|op| op.outcome != Kind::Fail) {
        if op.f == "read" && !op.ok() {
            continue;
        }
        keys.entry(op.asked["key"].to_string()).or_default().push(op);
    }
    let mut given_up = Vec::new();
    for (key, ops) in &keys {
        match linearizable(ops, most_steps) {
            Search::Found => {}
            Search::GaveUp => given_up.push(key.as_str()),
            Search::None { deepest } => {
                let (op, before) = (ops[deepest], last_before(ops, ops[deepest]));
                let about = format!(
                    "key {key}: no order explains what was answered; the search goes furthest up to {} of {} by {} ({})",
                    op.f, op.asked, op.node, op.value
                );
                findings.anomalies.push(Anomaly::proven(
                    "nonlinearizable",
                    about,
                    &[&before[..], &[op]].concat(),
                ));
            }
        }
    }
    findings.fact("keys", keys.len());
    if !given_up.is_empty() {
        let keys = given_up.join(", ");
        findings.unknown =
            Some(format!("more than {most_steps} states: no verdict for the keys {keys}"));
    }
    findings
}

/// What to read beside an operation that nothing explains: what overlapped it or came shortly before.
fn last_before<'a>(ops: &[&'a Op], op: &Op) -> Vec<&'a Op> {
    let before = ops.iter().filter(|other| other.began != op.began && Some(other.began) < op.ended);
    let mut before: Vec<&Op> = before.copied().collect();
    before.drain(..before.len().saturating_sub(6));
    before
}

enum Search {
    Found,
    GaveUp,
    /// The operation that ended first of those that could not be placed.
    None {
        deepest: usize,
    },
}

/// What an operation makes of a value; nothing if it cannot be there.
fn step(op: &Op, value: &Value) -> Option<Value> {
    match op.f.as_str() {
        "read" => (op.value["value"] == *value).then(|| value.clone()),
        "write" => Some(op.asked["value"].clone()),
        _ => (op.asked["from"] == *value).then(|| op.asked["to"].clone()),
    }
}

/// Searches an order. The value of a key that nobody has written is null.
fn linearizable(ops: &[&Op], most_steps: usize) -> Search {
    let certain = ops.iter().filter(|op| op.ok()).count();
    let mut placed = vec![false; ops.len()];
    // Operations placed so far: which, and the value before it.
    let mut stack: Vec<(usize, Value)> = Vec::new();
    let mut tried: HashSet<(Vec<u64>, String)> = HashSet::new();
    let (mut value, mut done, mut next, mut steps, mut deepest) = (Value::Null, 0, 0, 0, (0, 0));
    loop {
        if done == certain {
            return Search::Found;
        }
        // An operation can be next if none that is not placed ended before it began.
        let open = || (0..ops.len()).filter(|at| !placed[*at] && ops[*at].ok());
        let first_end = open().filter_map(|at| Some((ops[at].ended?, at))).min();
        let Some((first_end, stuck)) = first_end else { return Search::Found };
        if done >= deepest.0 {
            deepest = (done, stuck);
        }
        let found = (next..ops.len())
            .take_while(|at| ops[*at].began < first_end)
            .filter(|at| !placed[*at])
            .find_map(|at| Some((at, step(ops[at], &value)?)));
        steps += 1;
        if steps > most_steps {
            return Search::GaveUp;
        }
        if let Some((at, after)) = found {
            placed[at] = true;
            if tried.insert((bits(&placed), after.to_string())) {
                stack.push((at, std::mem::replace(&mut value, after)));
                done += usize::from(ops[at].ok());
                next = 0;
            } else {
                placed[at] = false;
                next = at + 1;
            }
        } else if let Some((at, before)) = stack.pop() {
            placed[at] = false;
            value = before;
            done -= usize::from(ops[at].ok());
            next = at + 1;
        } else {
            return Search::None { deepest: deepest.1 };
        }
    }
}

fn bits(placed: &[bool]) -> Vec<u64> {
    let word =
        |flags: &[bool]| flags.iter().rev().fold(0, |word, flag| word << 1 | u64::from(*flag));
    placed.chunks(64).map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::testing::ops;
    use Kind::{Fail, Info, Invoke, Ok};

    fn write(value: u64) -> Value {
        json!({"key": 0, "value": value})
    }

    fn cas(from: u64, to: u64) -> Value {
        json!({"key": 0, "from": from, "to": to})
    }

    fn wrong(events: &[(u64, Kind, &str, Value)]) -> bool {
        let found = check(&ops(events), MOST_STEPS);
        assert_eq!(found.unknown, None);
        !found.anomalies.is_empty()
    }

    #[test]
    fn a_read_that_overlaps_a_write_sees_the_old_or_the_new() {
        for (value, is_wrong) in [(1, false), (2, false), (3, true)] {
            let history = [
                (0, Invoke, "write", write(1)),
                (0, Ok, "write", write(1)),
                (0, Invoke, "write", write(2)),
                (1, Invoke, "read", json!({"key": 0})),
                (1, Ok, "read", write(value)),
                (0, Ok, "write", write(2)),
            ];
            assert_eq!(wrong(&history), is_wrong, "{value}");
        }
    }

    #[test]
    fn a_stale_read_is_none_that_real_time_allows() {
        let history = |read: u64| {
            [
                (0, Invoke, "write", write(1)),
                (0, Ok, "write", write(1)),
                (0, Invoke, "cas", cas(1, 2)),
                (0, Ok, "cas", cas(1, 2)),
                (1, Invoke, "read", json!({"key": 0})),
                (1, Ok, "read", write(read)),
            ]
        };
        assert!(wrong(&history(1)) && !wrong(&history(2)));
    }

    #[test]
    fn what_may_have_happened_may_come_late_or_never() {
        let history = |reads: [u64; 2]| {
            [
                (0, Invoke, "write", write(1)),
                (0, Ok, "write", write(1)),
                (1, Invoke, "write", write(2)),
                (1, Info, "write", json!(null)),
                (2, Invoke, "read", json!({"key": 0})),
                (2, Ok, "read", write(reads[0])),
                (2, Invoke, "read", json!({"key": 0})),
                (2, Ok, "read", write(reads[1])),
            ]
        };
        assert!(!wrong(&history([1, 1])) && !wrong(&history([1, 2])) && !wrong(&history([2, 2])));
        assert!(wrong(&history([2, 1])));
    }

    #[test]
    fn what_was_refused_did_not_happen() {
        let history = |read: u64| {
            [
                (0, Invoke, "write", write(1)),
                (0, Ok, "write", write(1)),
                (1, Invoke, "cas", cas(1, 2)),
                (1, Fail, "cas", json!(null)),
                (2, Invoke, "read", json!({"key": 0})),
                (2, Ok, "read", write(read)),
            ]
        };
        assert!(!wrong(&history(1)) && wrong(&history(2)));
    }

    #[test]
    fn two_cas_of_one_value_cannot_both_have_happened() {
        let both = [
            (0, Invoke, "write", write(1)),
            (0, Ok, "write", write(1)),
            (0, Invoke, "cas", cas(1, 2)),
            (1, Invoke, "cas", cas(1, 3)),
            (0, Ok, "cas", cas(1, 2)),
            (1, Ok, "cas", cas(1, 3)),
        ];
        assert!(wrong(&both));
    }

    #[test]
    fn it_gives_up_and_says_so() {
        let mut events = vec![];
        for process in 0..14 {
            events.push((process, Invoke, "write", write(process)));
        }
        for process in 0..14 {
            events.push((process, Ok, "write", write(process)));
        }
        events.push((20, Invoke, "read", json!({"key": 0})));
        events.push((20, Ok, "read", write(99)));
        let found = check(&ops(&events), 1000);
        assert!(found.unknown.is_some() && found.anomalies.is_empty());
    }
}
