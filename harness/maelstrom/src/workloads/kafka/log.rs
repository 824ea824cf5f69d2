//! The logs as a history shows them.

use crate::history::Op;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A message, as JSON.
pub(super) type Msg = String;

/// What a poll read of one key.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub(super) op: &'a Op,
    pub(super) pairs: Vec<(i64, Msg)>,
}

/// A send that was acknowledged, or may have happened, or did not.
#[derive(Debug)]
pub(super) struct Send<'a> {
    pub(super) op: &'a Op,
    pub(super) msg: Msg,
    pub(super) offset: Option<i64>,
}

/// All that is known of a key.
#[derive(Debug, Default)]
pub(super) struct Log<'a> {
    /// What was seen at each offset, by those who sent and who polled.
    pub(super) at: BTreeMap<i64, BTreeSet<Msg>>,
    pub(super) sends: Vec<Send<'a>>,
    pub(super) reads: Vec<Read<'a>>,
    /// The place of each known offset, gaps left out.
    places: BTreeMap<i64, usize>,
}

impl<'a> Log<'a> {
    /// The logs of all keys.
    pub(super) fn all(history: &'a [Op]) -> BTreeMap<String, Log<'a>> {
        let mut logs: BTreeMap<String, Log<'a>> = BTreeMap::new();
        for op in history {
            if op.f == "send" {
                let Some(key) = op.asked["key"].as_str() else { continue };
                let log = logs.entry(key.to_owned()).or_default();
                let msg = op.asked["msg"].to_string();
                let offset = op.value["offset"].as_i64().filter(|_| op.ok());
                if let Some(offset) = offset {
                    log.at.entry(offset).or_default().insert(msg.clone());
                }
                log.sends.push(Send { op, msg, offset });
            } else if op.f == "poll" && op.ok() {
                for (key, pairs) in polled(&op.value["msgs"]).unwrap_or_default() {
                    let log = logs.entry(key).or_default();
                    let pairs: Vec<(i64, Msg)> = pairs
                        .into_iter()
                        .map(|(offset, msg): (i64, Value)| (offset, msg.to_string()))
                        .collect();
                    for (offset, msg) in &pairs {
                        log.at.entry(*offset).or_default().insert(msg.clone());
                    }
                    log.reads.push(Read { op, pairs });
                }
            }
        }
        for log in logs.values_mut() {
            log.places =
                log.at.keys().enumerate().map(|(place, offset)| (*offset, place)).collect();
        }
        logs
    }

    /// How many known offsets lie between `from` and `to`; negative if `to` comes first, 0 if it is the same.
    pub(super) fn steps(&self, from: i64, to: i64) -> i64 {
        let place = |offset: i64| self.places.get(&offset).copied().unwrap_or(0);
        let far =
            |place: usize| i64::try_from(place).expect("a history has fewer than 2^63 operations");
        far(place(to)) - far(place(from))
    }

    /// The known offsets between two.
    pub(super) fn between(&self, from: i64, to: i64) -> Vec<i64> {
        if from >= to {
            return Vec::new();
        }
        self.at.range(from + 1..to).map(|(offset, _)| *offset).collect()
    }

    /// Who sent a message.
    pub(super) fn sender(&self, msg: &str) -> Option<&Send<'a>> {
        self.sends.iter().find(|send| send.msg == msg)
    }

    /// A poll that read a message.
    pub(super) fn reader(&self, msg: &str) -> Option<&'a Op> {
        self.reads.iter().find(|read| read.pairs.iter().any(|(_, m)| m == msg)).map(|read| read.op)
    }
}

/// The messages of an answer: by key, offsets and what is there.
pub(super) fn polled(msgs: &Value) -> Result<BTreeMap<String, Vec<(i64, Value)>>, String> {
    let Value::Object(msgs) = msgs else { return Err("its `msgs` is no object".to_owned()) };
    let pair = |key: &str, pair: &Value| {
        let parts = pair.as_array().filter(|parts| parts.len() == 2);
        let offset = parts.and_then(|parts| parts[0].as_i64()).filter(|offset| *offset >= 0);
        let wrong = || {
            format!("of the key {key:?} it has {pair}, which is no pair of an offset and a message")
        };
        offset.zip(parts).map(|(offset, parts)| (offset, parts[1].clone())).ok_or_else(wrong)
    };
    msgs.iter()
        .map(|(key, pairs)| {
            let pairs = match pairs {
                Value::Array(pairs) => {
                    pairs.iter().map(|p| pair(key, p)).collect::<Result<_, _>>()?
                }
                // What Go writes of an empty slice.
                Value::Null => Vec::new(),
                _ => return Err(format!("of the key {key:?} it has no array")),
            };
            Ok((key.clone(), pairs))
        })
        .collect()
}
