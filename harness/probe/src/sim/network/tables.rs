//! What the network keeps: connections, listeners, and what is on the wire.

use super::{
    connection::Connection,
    link::Links,
    mailbox::Mailbox,
    segment::{Direction, EndId, Segment, Waiting},
};
use crate::{record::NodeId, sim::state::Waiters};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// The first port that connections are made from (RFC 6335, dynamic ports).
const FIRST_PORT: u16 = 49_152;

/// A listening socket.
#[derive(Debug, Default)]
pub(in crate::sim) struct Listener {
    /// Connections that nobody has accepted yet.
    pub(in crate::sim) backlog: VecDeque<usize>,
    /// Only its own node can connect to it.
    pub(in crate::sim) loopback: bool,
    pub(in crate::sim) waiting: Waiters,
}

/// A frame that others may overtake.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Overtaken {
    pub(in crate::sim) number: u64,
    /// The end that it goes to.
    pub(in crate::sim) to: EndId,
    /// Who makes it wait.
    pub(in crate::sim) fault: u16,
}

/// All of the network.
#[derive(Debug)]
pub(in crate::sim) struct Network {
    pub(in crate::sim) links: Links,
    connections: Vec<Option<Box<Connection>>>,
    pub(in crate::sim) listeners: BTreeMap<(NodeId, u16), Listener>,
    /// Sockets for datagrams, which have ports of their own.
    pub(in crate::sim) mailboxes: BTreeMap<(NodeId, u16), Mailbox>,
    /// What is on the wire, by the node that it goes to, in the order in which it lands. The harness comes last.
    queues: Vec<BTreeMap<(u64, u64), Segment>>,
    /// What is held up, by its direction, in order.
    held: BTreeMap<Direction, VecDeque<Segment>>,
    /// What leaves later, in order.
    waiting: BTreeMap<(u64, u64), Waiting>,
    /// Segments so far: of two that land at one time the first to be sent is first.
    numbers: u64,
    /// Nothing that is sent now lands earlier: other nodes may have come so far already. In microseconds.
    pub(in crate::sim) floor: u64,
    /// The port of each node that is tried next.
    ports: BTreeMap<NodeId, u16>,
    /// Ports from which connections were made that are known.
    used: BTreeSet<SocketAddr>,
    serials: BTreeMap<Direction, u64>,
    /// Frames that others may overtake, in each direction.
    pub(in crate::sim) overtaken: BTreeMap<Direction, Vec<Overtaken>>,
    /// Whoever waits for a way to be open tries again when this grows.
    pub(in crate::sim) openings: u64,
    pub(in crate::sim) waiting_to_connect: Waiters,
}

impl Network {
    pub(in crate::sim) fn new(seed: u64, nodes: usize) -> Self {
        Self {
            links: Links::new(seed),
            connections: Vec::new(),
            listeners: BTreeMap::new(),
            mailboxes: BTreeMap::new(),
            queues: (0..=nodes).map(|_| BTreeMap::new()).collect(),
            held: BTreeMap::new(),
            waiting: BTreeMap::new(),
            numbers: 0,
            floor: 0,
            ports: BTreeMap::new(),
            used: BTreeSet::new(),
            serials: BTreeMap::new(),
            overtaken: BTreeMap::new(),
            openings: 0,
            waiting_to_connect: Waiters::default(),
        }
    }

    /// Which queue is a node's.
    fn slot(&self, node: NodeId) -> usize {
        node.index().min(self.queues.len() - 1)
    }

    /// The address of a node: 192.168.0.1 is that of the first.
    pub(in crate::sim) fn address(&self, node: NodeId) -> IpAddr {
        let number = u16::try_from(self.slot(node) + 1).expect("fewer nodes than addresses");
        let [high, low] = number.to_be_bytes();
        Ipv4Addr::new(192, 168, high, low).into()
    }

    /// The node that has an address, by its place; the harness comes last.
    pub(in crate::sim) fn at(&self, address: IpAddr) -> Option<usize> {
        let IpAddr::V4(address) = address else { return None };
        let [192, 168, high, low] = address.octets() else { return None };
        let place = usize::from(u16::from_be_bytes([high, low])).checked_sub(1)?;
        (place < self.queues.len()).then_some(place)
    }

    /// A port of a node that nothing uses, if there is one.
    pub(in crate::sim) fn free_port(&mut self, node: NodeId) -> Option<u16> {
        (FIRST_PORT..=u16::MAX).find_map(|_| {
            let next = self.ports.entry(node).or_insert(FIRST_PORT);
            let port = *next;
            *next = next.checked_add(1).unwrap_or(FIRST_PORT);
            (!self.is_used(node, port)).then_some(port)
        })
    }

    /// Something listens at a port, or connected from it.
    pub(in crate::sim) fn is_used(&self, node: NodeId, port: u16) -> bool {
        self.listeners.contains_key(&(node, port)) || self.used.contains(&self.socket(node, port))
    }

    /// A port of a node at which no socket takes datagrams, if there is one.
    pub(in crate::sim) fn free_mailbox(&self, node: NodeId) -> Option<u16> {
        (FIRST_PORT..=u16::MAX).find(|port| !self.mailboxes.contains_key(&(node, *port)))
    }

    /// How many connections in this direction came before.
    pub(in crate::sim) fn next_serial(&mut self, direction: Direction) -> u64 {
        let made = self.serials.entry(direction).or_default();
        *made += 1;
        *made - 1
    }

    pub(in crate::sim) fn insert(&mut self, connection: Connection) -> usize {
        self.used.insert(connection.ends[0].address);
        self.connections.push(Some(Box::new(connection)));
        self.connections.len() - 1
    }

    pub(in crate::sim) fn connection(&self, number: usize) -> Option<&Connection> {
        self.connections.get(number)?.as_deref()
    }

    pub(in crate::sim) fn connection_mut(&mut self, number: usize) -> Option<&mut Connection> {
        self.connections.get_mut(number)?.as_deref_mut()
    }

    /// Connections of which no end is left are forgotten.
    pub(in crate::sim) fn forget_if_over(&mut self, number: usize) {
        if let Some(slot) = self.connections.get_mut(number)
            && let Some(over) = slot.take_if(|known| known.is_over())
        {
            self.used.remove(&over.ends[0].address);
        }
    }

    /// All connections, by number.
    pub(in crate::sim) fn all(&self) -> impl Iterator<Item = (usize, &Connection)> {
        let slots = self.connections.iter().enumerate();
        slots.filter_map(|(number, slot)| Some((number, slot.as_deref()?)))
    }

    /// A segment is on the wire.
    pub(in crate::sim) fn post(&mut self, segment: Segment) {
        self.numbers += 1;
        if let Some(known) = self.connection_mut(segment.to.connection) {
            known.segments += 1;
        }
        if self.links.is_held(segment.direction) {
            self.held.entry(segment.direction).or_default().push_back(segment);
            return;
        }
        let slot = self.slot(segment.direction.1);
        self.queues[slot].insert((segment.lands, self.numbers), segment);
    }

    /// When the next segment lands at a node, in microseconds.
    pub(in crate::sim) fn next_landing(&self, node: NodeId) -> Option<u64> {
        self.queues[self.slot(node)].first_key_value().map(|((lands, _), _)| *lands)
    }

    /// When the next segment leaves or lands anywhere, in microseconds.
    pub(in crate::sim) fn next_event(&self) -> Option<u64> {
        let lands = self.queues.iter().filter_map(|queue| queue.first_key_value());
        let first = lands.map(|((lands, _), _)| *lands).min();
        let leaves = self.waiting.first_key_value().map(|((leaves, _), _)| *leaves);
        [first, leaves].into_iter().flatten().min()
    }

    /// The next segment that lands at a node by then.
    pub(in crate::sim) fn take_landed(&mut self, node: NodeId, by: u64) -> Option<Segment> {
        let slot = self.slot(node);
        let next = self.queues[slot].first_entry()?;
        let landed = (next.key().0 <= by).then(|| next.remove())?;
        self.is_off(&landed);
        Some(landed)
    }

    /// Something leaves later.
    pub(in crate::sim) fn wait(&mut self, leaves: u64, waiting: Waiting) {
        self.numbers += 1;
        self.waiting.insert((leaves, self.numbers), waiting);
    }

    /// The next that leaves before then, and when.
    pub(in crate::sim) fn take_leaving(&mut self, before: u64) -> Option<(u64, Waiting)> {
        let next = self.waiting.first_entry()?;
        (next.key().0 < before).then(|| (next.key().0, next.remove()))
    }

    /// What is to leave later and is picked leaves no more.
    pub(in crate::sim) fn take_waiting(
        &mut self,
        which: impl Fn(&Waiting) -> bool,
    ) -> Vec<(u64, Waiting)> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let picked = self.waiting.extract_if(.., |_, waiting| which(waiting));
        picked.map(|((leaves, _), waiting)| (leaves, waiting)).collect()
    }

    /// What a narrow link carries after `leaves` in a direction it carries sooner.
    pub(in crate::sim) fn move_up(&mut self, direction: Direction, leaves: u64, sooner: u64) {
        let behind = self.waiting.extract_if((leaves, 0).., |_, waiting| {
            waiting.direction == direction && !waiting.narrow.is_empty()
        });
        let behind: Vec<_> = behind.collect();
        self.waiting.extend(
            behind.into_iter().map(|((leaves, number), waiting)| {
                ((leaves - sooner.min(leaves), number), waiting)
            }),
        );
    }

    /// The directions in which something leaves later.
    pub(in crate::sim) fn waiting_ways(&self) -> impl Iterator<Item = Direction> {
        self.waiting.values().map(|waiting| waiting.direction)
    }

    /// When the last of what an end sends leaves, if anything of it waits.
    pub(in crate::sim) fn last_leaving(&self, from: EndId) -> Option<u64> {
        let mut last = self.waiting.iter().rev();
        last.find(|(_, waiting)| waiting.from == from).map(|((leaves, _), _)| *leaves)
    }

    /// What is on the wire, or held up, and is picked.
    pub(in crate::sim) fn take_off(&mut self, which: impl Fn(&Segment) -> bool) -> Vec<Segment> {
        let mut picked = Vec::new();
        for queue in &mut self.queues {
            picked.extend(queue.extract_if(.., |_, segment| which(segment)).map(|(_, one)| one));
        }
        for held in self.held.values_mut() {
            let (off, on): (VecDeque<Segment>, _) = held.drain(..).partition(|one| which(one));
            *held = on;
            picked.extend(off);
        }
        picked.iter().for_each(|segment| self.is_off(segment));
        picked
    }

    /// A segment is not on the wire any more.
    fn is_off(&mut self, segment: &Segment) {
        if let Some(known) = self.connection_mut(segment.to.connection) {
            known.segments -= 1;
        }
    }

    /// What is held up in this direction.
    pub(in crate::sim) fn take_held(&mut self, direction: Direction) -> VecDeque<Segment> {
        let held = self.held.remove(&direction).unwrap_or_default();
        held.iter().for_each(|segment| self.is_off(segment));
        held
    }

    /// How many segments are on the wire, or held up, in each direction of some.
    pub(in crate::sim) fn on_the_wire(
        &self,
        directions: &BTreeSet<Direction>,
    ) -> BTreeMap<Direction, u64> {
        let mut found = BTreeMap::new();
        let queued = self.queues.iter().flat_map(BTreeMap::values);
        for segment in queued.chain(self.held.values().flatten()) {
            if directions.contains(&segment.direction) {
                *found.entry(segment.direction).or_default() += 1;
            }
        }
        found
    }

    /// Something that a fault lets leave later than `now`.
    pub(in crate::sim) fn next_waiting(&self, now: u64) -> Option<&Waiting> {
        let mut later = self.waiting.range((now + 1, 0)..);
        later.next().map(|(_, waiting)| waiting)
    }

    /// From whom to whom something is on the wire that a fault has to do with.
    pub(in crate::sim) fn felt_on_the_wire(&self, now: u64) -> Option<Direction> {
        let mut queued = self.queues.iter().flat_map(BTreeMap::values);
        let felt = queued.find(|segment| !segment.feels.is_empty() && segment.lands > now);
        felt.map(|segment| segment.direction)
    }

    /// The address of an end: of a listening port, or one of its own.
    pub(in crate::sim) fn socket(&self, node: NodeId, port: u16) -> SocketAddr {
        SocketAddr::new(self.address(node), port)
    }
}
