//! The workload: clients on the nodes that run them, publishing what the plan says.

use crate::{
    plan::{Micros, Plan, PlannedPublish, micros},
    schedule::{Act, Due, Offer},
    system::{Client, Cluster, Node, Outcome, Poison, System},
};
use squall_probe::{
    EventId, NodeId, Phase, What, record,
    sim::{self, OccurrenceId},
    time::sleep,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Notify, task::spawn_local};

/// The operations of all clients. Outlives the nodes they run on.
#[derive(Debug)]
pub(super) struct Clients {
    nodes: Vec<NodeId>,
    offer: Offer<OccurrenceId>,
    /// Invoked and not ended, with their key, and whether an `Info` was given.
    open: BTreeMap<NodeId, BTreeMap<EventId, (u32, bool)>>,
    /// Wakes the clients that have nothing to do.
    more: Rc<Notify>,
}

/// A publish that is invoked later than this after it was due, in microseconds, is late. Timers tick in milliseconds, and a
/// step of the simulation has up to five of them.
const LATE: Micros = 10_000;

impl Clients {
    pub(super) fn new(plan: &Plan, nodes: &[NodeId]) -> Self {
        let offer = Offer::new(nodes, &plan.publishes(nodes.len()));
        Self { nodes: nodes.to_vec(), offer, open: BTreeMap::new(), more: Rc::default() }
    }

    /// The nodes that run clients.
    pub(super) fn nodes(&self) -> Vec<NodeId> {
        self.nodes.clone()
    }

    /// A share of the publishes is poison from now on.
    pub(super) fn poison(&mut self, act: &Act, share: f64, kind: Option<Poison>) {
        self.offer.poison(act.id, act.draw, share, kind);
    }

    /// An occurrence of a fault publishes no more poison.
    pub(super) fn stop_poisoning(&mut self, id: OccurrenceId) {
        self.offer.stop_poisoning(id);
    }

    /// Adds what a fault publishes at these times.
    pub(super) fn add(&mut self, act: &Act, plan: &Plan, times: &[Micros]) {
        self.offer.add(act.id, act.draw, &plan.workload, times);
        self.more.notify_waiters();
    }

    /// Everything is healed: each client whose node is up is asked for a few events more, at once. Which.
    pub(super) fn probe(
        &mut self,
        plan: &Plan,
        now: Micros,
        down: &BTreeSet<NodeId>,
    ) -> Vec<EventId> {
        let probes = self.offer.probe(now, down, &plan.workload);
        self.more.notify_waiters();
        probes
    }

    /// The next publish of a node, if its time has come; else how long that takes, if one will be due.
    fn take(&mut self, node: NodeId, now: Micros) -> Result<PlannedPublish, Option<Micros>> {
        let Some(Due { publish, poisoned_by, added_by }) = self.offer.take(node, now) else {
            return Err(self.offer.next(node).map(|at| at - now));
        };
        let event = publish.event;
        sim::with(|world| {
            if let Some(id) = poisoned_by {
                world.feel_when_seen(event.id, id.step);
            }
            if let Some(id) = added_by {
                world.feel(id.step);
            }
        });
        self.open.entry(node).or_default().insert(event.id, (event.key, false));
        Ok(publish)
    }

    /// Every operation has been invoked.
    pub(super) fn offered(&self) -> bool {
        self.offer.is_empty()
    }

    /// The node died: its open operations, of which nobody will ever hear again, and whether each
    /// has been called indeterminate already.
    pub(super) fn abandon(&mut self, node: NodeId) -> Vec<(EventId, u32, bool)> {
        let open = self.open.remove(&node).unwrap_or_default();
        open.into_iter().map(|(event, (key, informed))| (event, key, informed)).collect()
    }
}

fn publish_record(phase: Phase, event: EventId, key: u32) -> What {
    What::Publish { phase, event, key, position: None }
}

/// The software of a client node.
pub(super) async fn run(
    system: Arc<dyn System>,
    node: Node,
    cluster: Cluster,
    clients: Rc<RefCell<Clients>>,
) {
    let id = node.id;
    let client: Rc<dyn Client> = loop {
        let client = sim::as_node(|| system.client(node.clone(), cluster.clone()));
        match sim::gated(id, client).await {
            Ok(client) => break Rc::from(client),
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    };
    let more = clients.borrow().more.clone();
    loop {
        if is_dead(id) {
            return;
        }
        let now = micros(sim::elapsed().expect("clients run on hosts of the simulator"));
        let taken = clients.borrow_mut().take(id, now);
        let publish = match taken {
            Ok(publish) => publish,
            // A fault may add publishes that come first.
            Err(Some(wait)) => {
                tokio::select! {
                    biased;
                    () = sleep(Duration::from_micros(wait)) => {}
                    () = more.notified() => {}
                }
                continue;
            }
            Err(None) => {
                more.notified().await;
                continue;
            }
        };
        let (due, publish) = (publish.at, publish.event);
        let (event, key) = (publish.id, publish.key);
        if publish.poison.is_some() {
            record(What::Poison { event });
        }
        if now > due + LATE {
            record(What::Late { event, due });
        }
        record(publish_record(Phase::Invoke, event, key));
        let early = {
            let clients = clients.clone();
            Box::new(move |_reason: String| inform(&clients, id, event, key))
        };
        let outcome = sim::as_node(|| client.publish(publish, early));
        let clients = clients.clone();
        spawn_local(sim::gated(id, async move {
            let outcome = outcome.await;
            if is_dead(id) {
                return;
            }
            match outcome {
                Outcome::Ok(position) => {
                    close(&clients, id, event);
                    record(What::Publish { phase: Phase::Ok, event, key, position });
                }
                Outcome::Fail(_) => {
                    close(&clients, id, event);
                    record(publish_record(Phase::Fail, event, key));
                }
                Outcome::Info(_) => {
                    inform(&clients, id, event, key);
                    close(&clients, id, event);
                    sim::with(|world| world.abandon(event));
                }
            }
        }));
    }
}

/// The node was brought down from within, and its code runs on to its next await: what comes of its operations
/// nobody hears any more.
fn is_dead(node: NodeId) -> bool {
    sim::with(|world| world.is_dead(node))
}

fn inform(clients: &Rc<RefCell<Clients>>, node: NodeId, event: EventId, key: u32) {
    if is_dead(node) {
        return;
    }
    let first = clients
        .borrow_mut()
        .open
        .get_mut(&node)
        .and_then(|open| open.get_mut(&event))
        .is_some_and(|(_, informed)| !std::mem::replace(informed, true));
    if first {
        record(publish_record(Phase::Info, event, key));
    }
}

fn close(clients: &Rc<RefCell<Clients>>, node: NodeId, event: EventId) {
    if let Some(open) = clients.borrow_mut().open.get_mut(&node) {
        open.remove(&event);
    }
}
