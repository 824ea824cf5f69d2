//! What clients are to publish, and when: the workload, and what faults add to it or poison of it. Whoever runs clients asks
//! what is due.

use crate::{
    plan::{Micros, PlannedPublish},
    scenario::Workload,
    stream::Stream,
    system::{Event, Poison},
};
use squall_probe::{EventId, NodeId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many events each client is asked to publish after the healing, to see whether that works.
const PROBES: u32 = 3;

/// What is to be published by whom. `Id` tells the occurrences of faults apart.
#[derive(Debug)]
pub(crate) struct Offer<Id> {
    /// The nodes that run clients.
    nodes: Vec<NodeId>,
    /// By client, in the order of time.
    due: BTreeMap<NodeId, VecDeque<PlannedPublish>>,
    /// Faults that publish poison: which, draw, share of publishes, kind.
    poisoners: Vec<(Id, u64, f64, Option<Poison>)>,
    /// Which fault added an event.
    added: BTreeMap<EventId, Id>,
    next: u64,
}

/// A publish whose time has come.
#[derive(Debug)]
pub(crate) struct Due<Id> {
    /// What, and when it was due.
    pub(crate) publish: PlannedPublish,
    /// The fault that made it poison.
    pub(crate) poisoned_by: Option<Id>,
    /// The fault that added it.
    pub(crate) added_by: Option<Id>,
}

impl<Id: Copy + PartialEq> Offer<Id> {
    /// The workload of a plan, for clients on these nodes.
    pub(crate) fn new(nodes: &[NodeId], publishes: &[PlannedPublish]) -> Self {
        let mut due: BTreeMap<NodeId, VecDeque<PlannedPublish>> = BTreeMap::new();
        for publish in publishes {
            if let Some(node) = nodes.get(publish.client) {
                due.entry(*node).or_default().push_back(*publish);
            }
        }
        Self {
            nodes: nodes.to_vec(),
            due,
            poisoners: Vec::new(),
            added: BTreeMap::new(),
            next: publishes.iter().map(|publish| publish.event.id.0).max().unwrap_or(0) + 1,
        }
    }

    /// The nodes that run clients.
    pub(crate) fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// A share of the publishes is poison from now on.
    pub(crate) fn poison(&mut self, by: Id, draw: u64, share: f64, kind: Option<Poison>) {
        self.poisoners.push((by, draw, share, kind));
    }

    /// A fault publishes no more poison.
    pub(crate) fn stop_poisoning(&mut self, by: Id) {
        self.poisoners.retain(|(active, ..)| *active != by);
    }

    /// Adds the publishes of a fault at these times, with keys that follow from the occurrence's draw.
    pub(crate) fn add(&mut self, by: Id, draw: u64, workload: &Workload, times: &[Micros]) {
        let mut keys = Stream::new(draw, "key", &[]);
        for at in times {
            let key = keys.between(0, u64::from(workload.keys.max(1)) - 1);
            let key = u32::try_from(key).expect("below a u32");
            let event = self.push(*at, key as usize % self.nodes.len().max(1), key, workload.size);
            self.added.extend(event.map(|event| (event, by)));
        }
    }

    /// Everything is healed: each client whose node is up is asked for a few events more, at once. Which.
    pub(crate) fn probe(
        &mut self,
        now: Micros,
        down: &BTreeSet<NodeId>,
        workload: &Workload,
    ) -> Vec<EventId> {
        let count = u32::try_from(self.nodes.len()).expect("a run has some fifty nodes");
        let up: Vec<u32> =
            (0..count).filter(|c| !down.contains(&self.nodes[*c as usize])).collect();
        let mut probes = Vec::new();
        for client in up {
            for number in 0..PROBES {
                // A key belongs to one client.
                let key = client + number * count;
                let key = if key < workload.keys { key } else { client };
                probes.extend(self.push(now, client as usize, key, workload.size));
            }
        }
        probes
    }

    /// Adds a publish, after those that are due at the same time; `None` if nobody runs that client.
    fn push(&mut self, at: Micros, client: usize, key: u32, size: u32) -> Option<EventId> {
        let due = self.due.entry(*self.nodes.get(client)?).or_default();
        let id = EventId(self.next);
        self.next += 1;
        let place = due.partition_point(|publish| publish.at <= at);
        let event = Event { id, key, size, poison: None };
        due.insert(place, PlannedPublish { at, client, event });
        Some(id)
    }

    /// When the next publish of a client is due.
    pub(crate) fn next(&self, node: NodeId) -> Option<Micros> {
        Some(self.due.get(&node)?.front()?.at)
    }

    /// The next publish of a client, if its time has come.
    pub(crate) fn take(&mut self, node: NodeId, now: Micros) -> Option<Due<Id>> {
        let due = self.due.get_mut(&node)?;
        due.front().filter(|next| next.at <= now)?;
        let mut publish = due.pop_front()?;
        let event = &mut publish.event;
        let mut poisoned_by = None;
        for (by, draw, share, kind) in &self.poisoners {
            let mut stream = Stream::new(*draw, "poison", &[event.id.0]);
            if stream.share() < *share && event.poison.is_none() {
                event.poison =
                    Some(kind.unwrap_or_else(|| Poison::by_draw(stream.between(0, u64::MAX))));
                poisoned_by = Some(*by);
            }
        }
        let added_by = self.added.get(&event.id).copied();
        Some(Due { publish, poisoned_by, added_by })
    }

    /// Everything was taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.due.values().all(VecDeque::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: [NodeId; 2] = [NodeId(3), NodeId(4)];
    const WORKLOAD: Workload = Workload { events: 2, rate: 1.0, keys: 4, size: 9, poison: 0.0 };

    fn planned(id: u64, at: Micros, client: usize) -> PlannedPublish {
        let event = Event { id: EventId(id), key: 0, size: WORKLOAD.size, poison: None };
        PlannedPublish { at, client, event }
    }

    fn offer() -> Offer<char> {
        Offer::new(&NODES, &[planned(1, 10, 0), planned(2, 20, 1)])
    }

    /// All that is due of a client by then, in order.
    fn all(offer: &mut Offer<char>, node: NodeId, now: Micros) -> Vec<Due<char>> {
        std::iter::from_fn(|| offer.take(node, now)).collect()
    }

    #[test]
    fn a_publish_is_due_at_its_client_when_its_time_has_come_and_once() {
        let mut offer = offer();
        assert_eq!((offer.next(NODES[0]), offer.next(NODES[1])), (Some(10), Some(20)));
        assert!(offer.take(NODES[0], 9).is_none());
        assert_eq!(all(&mut offer, NODES[0], 10)[0].publish, planned(1, 10, 0));
        assert_eq!(all(&mut offer, NODES[0], 100).len(), 0);
        assert!(!offer.is_empty(), "the other client has not published");
        assert_eq!(all(&mut offer, NODES[1], 100).len(), 1);
        assert!(offer.is_empty());
    }

    #[test]
    fn what_a_fault_adds_comes_at_its_time_from_the_client_that_has_its_key() {
        let mut offer = offer();
        offer.add('a', 7, &WORKLOAD, &[10, 5, 15, 15, 15, 15]);
        let mut added = Vec::new();
        for (client, node) in NODES.iter().enumerate() {
            let due = all(&mut offer, *node, 100);
            assert!(due.is_sorted_by_key(|due| due.publish.at));
            for Due { publish, added_by, .. } in due {
                if added_by == Some('a') {
                    assert_eq!(publish.event.key as usize % 2, client);
                    added.push(publish.event.id.0);
                } else {
                    assert!(publish.event.id.0 < 3 && added_by.is_none());
                }
            }
        }
        added.sort_unstable();
        assert_eq!(added, [3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn the_first_fault_that_poisons_a_publish_has_poisoned_it_and_none_after_its_end() {
        let mut offer = offer();
        offer.poison('a', 1, 0.0, None);
        offer.poison('b', 2, 1.0, Some(Poison::by_draw(0)));
        offer.poison('c', 3, 1.0, Some(Poison::by_draw(1)));
        let due = offer.take(NODES[0], 10).expect("it is due");
        assert_eq!(due.poisoned_by, Some('b'));
        assert_eq!(due.publish.event.poison, Some(Poison::by_draw(0)));
        offer.stop_poisoning('b');
        offer.stop_poisoning('c');
        let due = offer.take(NODES[1], 20).expect("it is due");
        assert_eq!((due.poisoned_by, due.publish.event.poison), (None, None));
    }

    #[test]
    fn each_client_that_is_up_is_probed_with_keys_of_its_own() {
        let mut offer = offer();
        let probes = offer.probe(50, &BTreeSet::from([NODES[0]]), &WORKLOAD);
        assert_eq!(probes, [EventId(3), EventId(4), EventId(5)]);
        assert_eq!(all(&mut offer, NODES[0], 50).len(), 1, "nothing but the workload");
        let due = all(&mut offer, NODES[1], 50);
        let keys: Vec<u32> = due[1..].iter().map(|due| due.publish.event.key).collect();
        // Of its keys there are two: 1 and 3.
        assert_eq!(keys, [1, 3, 1]);
    }
}
