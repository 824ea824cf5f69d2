//! The workload: clients on the nodes that run them, publishing what the plan says.

use crate::{
    plan::PlannedPublish,
    stream::Stream,
    system::{Client, Cluster, Event, Node, Outcome, Poison, System},
};
use squall_probe::{
    EventId, NodeId, Phase, What, record,
    sim::{self, OccurrenceId},
    time::sleep,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Notify, task::spawn_local};

/// The operations of all clients. Outlives the nodes they run on.
#[derive(Debug, Default)]
pub(super) struct Clients {
    due: BTreeMap<NodeId, VecDeque<PlannedPublish>>,
    /// Invoked and not ended, with their key, and whether an `Info` was given.
    open: BTreeMap<NodeId, BTreeMap<EventId, (u32, bool)>>,
    /// The nodes that run clients.
    nodes: Vec<NodeId>,
    /// Faults that publish poison: which occurrence, draw, share of publishes, kind.
    poisoners: Vec<(OccurrenceId, u64, f64, Option<Poison>)>,
    /// Which fault added an event.
    added: BTreeMap<EventId, u16>,
    next: u64,
    /// Wakes the clients that have nothing to do.
    more: Rc<Notify>,
}

/// How many events each client is asked to publish after the healing, to see whether that works.
const PROBES: u32 = 3;

/// A publish that is invoked later than this after it was due is late. Timers tick in milliseconds, and a step of the
/// simulation has up to five of them.
const LATE: Duration = Duration::from_millis(10);

impl Clients {
    pub(super) fn new(nodes: &[NodeId], publishes: &[PlannedPublish]) -> Self {
        let mut due: BTreeMap<NodeId, VecDeque<PlannedPublish>> = BTreeMap::new();
        for publish in publishes {
            if let Some(node) = nodes.get(publish.client) {
                due.entry(*node).or_default().push_back(*publish);
            }
        }
        Self {
            due,
            nodes: nodes.to_vec(),
            next: publishes.iter().map(|publish| publish.event.id.0).max().unwrap_or(0) + 1,
            ..Self::default()
        }
    }

    /// A share of the publishes is poison from now on.
    pub(super) fn poison(&mut self, id: OccurrenceId, draw: u64, share: f64, kind: Option<Poison>) {
        self.poisoners.push((id, draw, share, kind));
    }

    /// An occurrence of a fault publishes no more poison.
    pub(super) fn stop_poisoning(&mut self, id: OccurrenceId) {
        self.poisoners.retain(|(active, ..)| *active != id);
    }

    /// Adds publishes that a fault brings: when, with which key, how large.
    pub(super) fn publish_beside(
        &mut self,
        fault: u16,
        publishes: impl Iterator<Item = (u64, u32, u32)>,
    ) {
        for (at, key, size) in publishes {
            let id = EventId(self.next);
            self.next += 1;
            self.added.insert(id, fault);
            let client = key as usize % self.nodes.len().max(1);
            let Some(node) = self.nodes.get(client) else { return };
            let due = self.due.entry(*node).or_default();
            let place = due.partition_point(|publish| publish.at <= at);
            let event = Event { id, key, size, poison: None };
            due.insert(place, PlannedPublish { at, client, event });
        }
        self.more.notify_waiters();
    }

    /// Everything is healed: each client whose node is up is asked for a few events more, at once. Which.
    pub(super) fn probe(
        &mut self,
        now: u64,
        down: &BTreeSet<NodeId>,
        keys: u32,
        size: u32,
    ) -> Vec<EventId> {
        let clients = u32::try_from(self.nodes.len()).expect("a run has some fifty nodes");
        let mut probes = Vec::new();
        for (node, client) in self.nodes.iter().zip(0..).filter(|(node, _)| !down.contains(node)) {
            let due = self.due.entry(*node).or_default();
            for number in 0..PROBES {
                // A key belongs to one client.
                let key = client + number * clients;
                let key = if key < keys { key } else { client };
                let event = Event { id: EventId(self.next), key, size, poison: None };
                self.next += 1;
                let place = due.partition_point(|publish| publish.at <= now);
                due.insert(place, PlannedPublish { at: now, client: client as usize, event });
                probes.push(event.id);
            }
        }
        self.more.notify_waiters();
        probes
    }

    /// The next publish of a node, if its time has come.
    fn take(&mut self, node: NodeId, now: Duration) -> Result<PlannedPublish, Option<Duration>> {
        let due = self.due.entry(node).or_default();
        let Some(publish) = due.front() else { return Err(None) };
        let at = Duration::from_micros(publish.at);
        if at > now {
            return Err(Some(at - now));
        }
        let (due_at, client) = (publish.at, publish.client);
        let mut event = publish.event;
        due.pop_front();
        for (id, draw, share, kind) in &self.poisoners {
            let mut stream = Stream::new(*draw, "poison", &[event.id.0]);
            if stream.share() < *share && event.poison.is_none() {
                event.poison =
                    Some(kind.unwrap_or_else(|| Poison::by_draw(stream.between(0, u64::MAX))));
                sim::with(|world| world.feel_when_seen(event.id, id.step));
            }
        }
        if let Some(fault) = self.added.get(&event.id) {
            sim::with(|world| world.feel(*fault));
        }
        self.open.entry(node).or_default().insert(event.id, (event.key, false));
        Ok(PlannedPublish { at: due_at, client, event })
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
        let now = sim::elapsed().expect("clients run on hosts of the simulator");
        let taken = clients.borrow_mut().take(id, now);
        let publish = match taken {
            Ok(publish) => publish,
            // A fault may add publishes that come first.
            Err(Some(wait)) => {
                tokio::select! {
                    biased;
                    () = sleep(wait) => {}
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
        if now > Duration::from_micros(due) + LATE {
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
