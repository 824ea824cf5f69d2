//! `g-set`: a set that only grows.
//!
//! Proves what [`sets`](super::sets) proves of its elements.

use super::{
    sets::{self, Reader},
    workload::{Ask, Load, Session, Workload},
};
use crate::{draws::Draws, history::Event, message::Message};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const G_SET: Workload = Workload {
    name: "g-set",
    about: "takes the `element` of an `add`, and answers `read` with all elements as `value`, those of other nodes too",
    functions: &["add", "read"],
    anomalies: sets::ANOMALIES,
    load: |_| Box::new(GSet { next: AtomicU64::new(0) }),
    check: |history, _| sets::check(history, "add"),
};

struct GSet {
    next: AtomicU64,
}

impl Load for GSet {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Client { load: self, reader: Reader::default() })
    }
}

struct Client<'a> {
    load: &'a GSet,
    reader: Reader,
}

fn read() -> Ask {
    Ask::new("read", Value::Null, &[]).idempotent()
}

impl Session for Client<'_> {
    fn next(&mut self, draws: &mut Draws) -> Ask {
        if draws.happens(0.5) {
            return read();
        }
        let element = json!(self.load.next.fetch_add(1, Ordering::Relaxed));
        Ask::new("add", element.clone(), &[("element", &element)])
    }

    fn read(&mut self, ask: &Ask, answer: Option<&Message>) -> Result<Value, String> {
        if ask.f == "read" { self.reader.read(answer, "value") } else { Ok(ask.value.clone()) }
    }

    fn last(&mut self, so_far: &[Event]) -> Option<Ask> {
        self.reader.wants_more(so_far, "add").then(read)
    }
}
