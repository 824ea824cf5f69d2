//! The workload: clients on the nodes that run them, publishing what the plan says.

use crate::{
    plan::Order,
    system::{Client, Cluster, Node, Outcome, System},
};
use squall_probe::{EventId, NodeId, Phase, What, record, sim};
use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::{task::spawn_local, time::sleep};

/// The operations of all clients. Outlives the nodes they run on.
#[derive(Debug, Default)]
pub(super) struct Clients {
    due: BTreeMap<NodeId, VecDeque<Order>>,
    /// Invoked and not ended, with their key, and whether an `Info` was given.
    open: BTreeMap<NodeId, BTreeMap<EventId, (u32, bool)>>,
}

impl Clients {
    pub(super) fn new(nodes: &[NodeId], orders: &[Order]) -> Self {
        let mut due: BTreeMap<NodeId, VecDeque<Order>> = BTreeMap::new();
        for order in orders {
            if let Some(node) = nodes.get(order.client) {
                due.entry(*node).or_default().push_back(*order);
            }
        }
        Self { due, open: BTreeMap::new() }
    }

    /// Every operation has been invoked.
    pub(super) fn offered(&self) -> bool {
        self.due.values().all(VecDeque::is_empty)
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
        match system.client(node.clone(), cluster.clone()).await {
            Ok(client) => break Rc::from(client),
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    };
    loop {
        let next = clients.borrow().due.get(&id).and_then(|due| due.front().copied());
        let Some(order) = next else { return };
        let due = Duration::from_micros(order.at);
        let now = turmoil::sim_elapsed().unwrap_or_default();
        if due > now {
            sleep(due - now).await;
        }
        let (event, key) = (order.event.id, order.event.key);
        {
            let mut clients = clients.borrow_mut();
            clients.due.entry(id).or_default().pop_front();
            clients.open.entry(id).or_default().insert(event, (key, false));
        }
        record(publish_record(Phase::Invoke, event, key));
        let early = {
            let clients = clients.clone();
            Box::new(move |_reason: String| inform(&clients, id, event, key))
        };
        let outcome = client.publish(order.event, early);
        let clients = clients.clone();
        spawn_local(async move {
            let outcome = outcome.await;
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
                    sim::with(|world| world.abandoned.push(event));
                }
            }
        });
    }
}

fn inform(clients: &Rc<RefCell<Clients>>, node: NodeId, event: EventId, key: u32) {
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
