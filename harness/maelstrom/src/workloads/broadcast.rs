//! `broadcast`: what one node is told, all know in the end.
//!
//! Proves what [`sets`](super::sets) proves of what was broadcast.

use super::{
    sets::{self, Reader},
    topology::Topology,
    workload::{Ask, Load, Session, Workload},
};
use crate::{
    draws::Draws,
    history::Event,
    message::{Body, Message},
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const BROADCAST: Workload = Workload {
    name: "broadcast",
    about: "tells every `message` of a `broadcast` to all nodes; answers `read` with all `messages` that it knows, and takes a `topology`",
    functions: &["broadcast", "read"],
    anomalies: sets::ANOMALIES,
    load: |options| Box::new(Broadcast { topology: options.topology, next: AtomicU64::new(0) }),
    check: |history, _| sets::check(history, "broadcast"),
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
        Box::new(Client { load: self, reader: Reader::default() })
    }
}

struct Client<'a> {
    load: &'a Broadcast,
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
        let message = json!(self.load.next.fetch_add(1, Ordering::Relaxed));
        Ask::new("broadcast", message.clone(), &[("message", &message)])
    }

    fn read(&mut self, ask: &Ask, answer: Option<&Message>) -> Result<Value, String> {
        if ask.f == "read" { self.reader.read(answer, "messages") } else { Ok(ask.value.clone()) }
    }

    fn last(&mut self, so_far: &[Event]) -> Option<Ask> {
        self.reader.wants_more(so_far, "broadcast").then(read)
    }
}
