//! `g-set`: a set that only grows.
//!
//! Proves what [`sets`](super::sets) proves of its elements.

use super::{
    sets::{self, Client, Words},
    workload::{Load, Session, Workload},
};
use std::sync::atomic::AtomicU64;

const WORDS: Words = Words { add: "add", element: "element", elements: "value" };

pub(super) const G_SET: Workload = Workload {
    name: "g-set",
    about: "takes the `element` of an `add`, and answers `read` with all elements as `value`, those of other nodes too",
    functions: &[WORDS.add, "read"],
    anomalies: sets::ANOMALIES,
    load: |_| Box::new(GSet { next: AtomicU64::new(0) }),
    check: |history, _| sets::check(history, WORDS.add),
};

struct GSet {
    next: AtomicU64,
}

impl Load for GSet {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Client::new(WORDS, &self.next))
    }
}
