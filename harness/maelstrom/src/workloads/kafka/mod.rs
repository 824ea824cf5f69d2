//! `kafka`: logs by key, to whose end messages are sent and from which they are polled by offset.
//!
//! Each operation is one request. A client first assigns itself keys (it asks for their committed offsets and polls from
//! there), and commits what it polled.

mod check;
mod log;

use crate::workloads::workload::{Ask, Load, Session, Workload, field, whole};
use crate::{
    draws::Draws,
    history::{Event, Kind},
    message::Message,
};
use log::polled;
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

pub(super) const KAFKA: Workload = Workload {
    name: "kafka",
    about: "appends the `msg` of a `send` to the log of its `key`, answers `poll` with messages from `offsets` on, and keeps what `commit_offsets` says for `list_committed_offsets`",
    functions: &["send", "poll", "commit_offsets", "assign"],
    anomalies: check::ANOMALIES,
    load: |_| Box::new(Kafka { keys: Mutex::new(Keys::default()) }),
    check: check::check,
};

struct Kafka {
    keys: Mutex<Keys>,
}

/// Which keys are sent to: the four newest, each to a bounded number of messages, so that logs begin all through a run.
#[derive(Debug, Default)]
struct Keys {
    sent: u64,
    /// How many messages each key was sent.
    counts: BTreeMap<u64, u64>,
}

const ACTIVE: u64 = 4;
const MOST_MESSAGES: u64 = 32;

impl Keys {
    fn first(&self) -> u64 {
        let full = |key: &&u64| self.counts.get(key).copied().unwrap_or(0) >= MOST_MESSAGES;
        self.counts.keys().take_while(full).count() as u64
    }

    fn active(&self) -> Vec<String> {
        let first = self.first();
        (first..first + ACTIVE).map(|key| key.to_string()).collect()
    }

    fn send(&mut self, draws: &mut Draws) -> (String, u64) {
        let key = self.first() + draws.index(ACTIVE as usize) as u64;
        *self.counts.entry(key).or_default() += 1;
        self.sent += 1;
        (key.to_string(), self.sent)
    }
}

impl Load for Kafka {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Client {
            load: self,
            positions: BTreeMap::new(),
            uncommitted: BTreeMap::new(),
            wanted: None,
        })
    }
}

struct Client<'a> {
    load: &'a Kafka,
    /// The next offset to poll of each assigned key.
    positions: BTreeMap<String, i64>,
    /// The highest offsets polled since the last commit.
    uncommitted: BTreeMap<String, i64>,
    /// Of the last polls: the highest offset known of each key.
    wanted: Option<BTreeMap<String, i64>>,
}

impl Client<'_> {
    fn poll(&self) -> Ask {
        let offsets = json!(self.positions);
        Ask::new("poll", json!({ "offsets": offsets }), &[("offsets", &offsets)]).idempotent()
    }

    fn commit(&mut self) -> Ask {
        let offsets = json!(std::mem::take(&mut self.uncommitted));
        Ask::new("commit_offsets", json!({ "offsets": offsets }), &[("offsets", &offsets)])
    }

    fn assign(keys: &[String]) -> Ask {
        let keys = json!(keys);
        let ask = Ask::new("list_committed_offsets", json!({ "keys": keys }), &[("keys", &keys)]);
        Ask { f: "assign", ..ask }.idempotent()
    }
}

impl Session for Client<'_> {
    fn next(&mut self, draws: &mut Draws) -> Ask {
        if !self.uncommitted.is_empty() {
            return self.commit();
        }
        let mut keys = self.load.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if self.positions.is_empty() || draws.happens(1.0 / 24.0) {
            return Self::assign(&keys.active());
        }
        if draws.happens(0.5) {
            return self.poll();
        }
        let (key, msg) = keys.send(draws);
        let (key, msg) = (json!(key), json!(msg));
        Ask::new("send", json!({ "key": key, "msg": msg }), &[("key", &key), ("msg", &msg)])
    }

    fn read(&mut self, ask: &Ask, answer: Option<&Message>) -> Result<Value, String> {
        match ask.f {
            "assign" => {
                let keys =
                    ask.value["keys"].as_array().into_iter().flatten().filter_map(Value::as_str);
                if answer.is_none() {
                    self.positions = keys.map(|key| (key.to_owned(), 0)).collect();
                    return Ok(ask.value.clone());
                }
                let Value::Object(committed) = field(answer, "offsets")? else {
                    return Err("its `offsets` is no object".to_owned());
                };
                // Some give the last offset that was processed, some the next: from there on is right for both.
                let position = |key: &str| committed.get(key).and_then(Value::as_i64).unwrap_or(0);
                self.positions = keys.map(|key| (key.to_owned(), position(key))).collect();
                self.uncommitted.clear();
                Ok(json!({ "keys": ask.value["keys"], "offsets": committed }))
            }
            "poll" => {
                let msgs = polled(field(answer, "msgs")?)?;
                for (key, pairs) in &msgs {
                    let Some(highest) = pairs.iter().map(|(offset, _)| *offset).max() else {
                        continue;
                    };
                    let Some(position) = self.positions.get_mut(key) else {
                        return Err(format!(
                            "it has messages of the key {key:?}, which was not asked for"
                        ));
                    };
                    *position = (*position).max(highest.saturating_add(1));
                    self.uncommitted.insert(key.clone(), highest);
                }
                let msgs: Map<String, Value> =
                    msgs.into_iter().map(|(key, pairs)| (key, json!(pairs))).collect();
                Ok(json!({ "msgs": msgs }))
            }
            "send" => {
                let offset = whole(answer, "offset")?;
                if offset < 0 {
                    return Err(format!("its `offset` is {offset}"));
                }
                Ok(json!({ "key": ask.value["key"], "msg": ask.value["msg"], "offset": offset }))
            }
            _ => Ok(ask.value.clone()),
        }
    }

    /// Everything is read once more from the beginning, by each node.
    fn last(&mut self, so_far: &[Event]) -> Option<Ask> {
        let Some(wanted) = &self.wanted else {
            let wanted = highest(so_far);
            let sent = so_far.iter().filter(|event| event.f == "send");
            let keys: BTreeSet<&str> =
                sent.filter_map(|event| event.value["key"].as_str()).collect();
            self.wanted = Some(wanted);
            return (!keys.is_empty()).then(|| Ask {
                f: "assign",
                value: json!({ "keys": keys, "seek_to_beginning": true }),
                request: None,
                idempotent: true,
            });
        };
        let behind =
            |key: &String, offset: i64| self.positions.get(key).is_some_and(|at| *at <= offset);
        wanted.iter().any(|(key, offset)| behind(key, *offset)).then(|| self.poll())
    }
}

/// The highest offset that is known of each key.
fn highest(events: &[Event]) -> BTreeMap<String, i64> {
    let mut highest = BTreeMap::new();
    let mut note = |key: &str, offset: i64| {
        let known = highest.entry(key.to_owned()).or_insert(offset);
        *known = offset.max(*known);
    };
    for event in events.iter().filter(|event| event.kind == Kind::Ok) {
        match event.f.as_str() {
            "send" => {
                let key = event.value["key"].as_str();
                if let Some((key, offset)) = key.zip(event.value["offset"].as_i64()) {
                    note(key, offset);
                }
            }
            "poll" => {
                for (key, pairs) in polled(&event.value["msgs"]).unwrap_or_default() {
                    pairs.iter().for_each(|(offset, _)| note(&key, *offset));
                }
            }
            _ => {}
        }
    }
    highest
}
