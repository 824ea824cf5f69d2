//! `txn-list-append`: transactions over lists by key, to whose ends elements are appended.
//!
//! Judged as strictly serializable, as Maelstrom does if it is told nothing else.

mod check;
mod graph;

use super::workload::{Ask, Load, Session, Workload, field};
use crate::{draws::Draws, message::Message};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

pub(super) const TXN_LIST_APPEND: Workload = Workload {
    name: "txn-list-append",
    about: "answers a `txn` of reads (`r`) and appends (`append`) with the values that were read, as if transactions came one after the other",
    functions: &["txn"],
    anomalies: check::ANOMALIES,
    load: |_| Box::new(Txns { keys: Mutex::new(Keys::default()) }),
    check: check::check,
};

struct Txns {
    keys: Mutex<Keys>,
}

/// The first key that is used, and how often each was appended to.
#[derive(Debug, Default)]
struct Keys {
    first: u64,
    appended: BTreeMap<u64, u64>,
}

const ACTIVE: u64 = 4;
const MOST_APPENDS: u64 = 16;
const LONGEST: usize = 4;

impl Load for Txns {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Client(self))
    }
}

struct Client<'a>(&'a Txns);

impl Session for Client<'_> {
    fn next(&mut self, draws: &mut Draws) -> Ask {
        let mut keys = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let ops: Vec<Value> = (0..=draws.index(LONGEST))
            .map(|_| {
                let key = keys.first + draws.index(ACTIVE as usize) as u64;
                if draws.happens(0.5) {
                    return json!(["r", key, null]);
                }
                let count = keys.appended.entry(key).or_default();
                *count += 1;
                let element = *count;
                if element >= MOST_APPENDS && key == keys.first {
                    keys.first += 1;
                }
                json!(["append", key, element])
            })
            .collect();
        let txn = json!(ops);
        Ask::new("txn", txn.clone(), &[("txn", &txn)])
    }

    fn read(&mut self, ask: &Ask, answer: Option<&Message>) -> Result<Value, String> {
        let txn = field(answer, "txn")?;
        let (asked, done) = (ask.value.as_array(), txn.as_array());
        let (Some(asked), Some(done)) = (asked, done) else {
            return Err("its `txn` is no array".to_owned());
        };
        let fits = |(asked, done): (&Value, &Value)| {
            let same = asked[0] == done[0] && asked[1] == done[1];
            let value = &done[2];
            same && if asked[0] == "r" {
                value.is_null() || value.is_array()
            } else {
                *value == asked[2]
            }
        };
        if asked.len() != done.len() || !asked.iter().zip(done).all(fits) {
            return Err("its `txn` is not the one that was asked for".to_owned());
        }
        Ok(txn.clone())
    }
}
