//! `broadcast`: what one node is told, all know in the end.
//!
//! Proves what [`sets`](super::sets) proves of what was broadcast.

use super::{
    sets::{self, Client, Words},
    topology::Topology,
    workload::{Ask, Load, Session, Workload},
};
use crate::message::Body;
use serde_json::Value;
use std::sync::atomic::AtomicU64;

const WORDS: Words = Words { add: "broadcast", element: "message", elements: "messages" };

pub(super) const BROADCAST: Workload = Workload {
    name: "broadcast",
    about: "tells every `message` of a `broadcast` to all nodes; answers `read` with all `messages` that it knows, and takes a `topology`",
    functions: &[WORDS.add, "read"],
    anomalies: sets::ANOMALIES,
    load: |options| Box::new(Broadcast { topology: options.topology, next: AtomicU64::new(0) }),
    check: |history, _| sets::check(history, WORDS.add),
};

struct Broadcast {
    topology: Topology,
    next: AtomicU64,
}

impl Load for Broadcast {
    fn greeting(&self, nodes: &[String]) -> Option<Body> {
        let topology = self.topology.of(nodes);
        Ask::new("topology", Value::Null, &[("topology", &topology)]).request
    }

    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Client::new(WORDS, &self.next))
    }
}
