//! All that the switch knows: ports, links, packets under way, connections.

use super::{
    flows::{Flows, Verdict},
    link::Link,
    packet::{Segment, destination},
};
use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BinaryHeap},
    fs::File,
    io::{self, Write as _},
    net::Ipv4Addr,
    sync::Arc,
    time::Instant,
};

/// The network of every lab; its nodes are told apart by the last number. It is in namespaces of its own: that other labs,
/// or the host, use the same network disturbs nobody.
pub(super) fn address(node: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, node)
}

#[derive(Debug)]
struct Port {
    device: Arc<File>,
    plugged: bool,
}

/// A packet under way.
#[derive(Debug)]
struct UnderWay {
    due: Instant,
    number: u64,
    link: (u8, u8),
    packet: Vec<u8>,
}

impl UnderWay {
    fn order(&self) -> (Instant, u64) {
        (self.due, self.number)
    }
}

impl PartialEq for UnderWay {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}
impl Eq for UnderWay {}
impl PartialOrd for UnderWay {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for UnderWay {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

#[derive(Debug)]
pub(super) struct Table {
    seed: u64,
    ports: BTreeMap<u8, Port>,
    links: BTreeMap<(u8, u8), Link>,
    under_way: BinaryHeap<Reverse<UnderWay>>,
    next: u64,
    flows: Flows,
}

impl Table {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            ports: BTreeMap::new(),
            links: BTreeMap::new(),
            under_way: BinaryHeap::new(),
            next: 0,
            flows: Flows::default(),
        }
    }

    pub(super) fn attach(&mut self, node: u8, device: File) {
        self.ports.insert(node, Port { device: Arc::new(device), plugged: true });
    }

    pub(super) fn unplug(&mut self, node: u8) {
        if let Some(port) = self.ports.get_mut(&node) {
            port.plugged = false;
        }
    }

    pub(super) fn detach(&mut self, node: u8) {
        self.ports.remove(&node);
    }

    pub(super) fn devices(&self) -> Vec<(u8, Arc<File>)> {
        self.ports.iter().map(|(node, port)| (*node, port.device.clone())).collect()
    }

    pub(super) fn link(&mut self, from: u8, to: u8) -> &mut Link {
        let seed = self.seed;
        self.links.entry((from, to)).or_insert_with(|| Link::new(seed, from, to))
    }

    fn plugged(&self, node: u8) -> bool {
        self.ports.get(&node).is_some_and(|port| port.plugged)
    }

    /// A node sent a packet.
    pub(super) fn sent(&mut self, now: Instant, from: u8, packet: &[u8]) {
        let Some(to) = destination(packet) else { return };
        let [.., node] = to.octets();
        // Broadcasts, and addresses that nobody has.
        if to != address(node) || node == 0 || node == u8::MAX {
            return;
        }
        if !self.plugged(from) || !self.plugged(node) {
            self.link(from, node).counters.unplugged += 1;
            return;
        }
        if let Some(segment) = Segment::parse(packet) {
            match self.flows.sent(&segment) {
                Verdict::Pass => {}
                Verdict::Swallow => return,
                Verdict::Answer(reset) => {
                    let _ = self.write(from, &reset);
                    return;
                }
            }
        }
        let link = self.link(from, node);
        if link.is_idle() {
            return self.deliver((from, node), packet);
        }
        for arrival in link.sent(now, packet.len()) {
            let number = self.number();
            if arrival.kept_back {
                self.link(from, node).keep_back(number);
            }
            let (link, packet) = ((from, node), packet.to_vec());
            let under_way = UnderWay { due: arrival.due, number, link, packet };
            self.under_way.push(Reverse(under_way));
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Lets arrive what is due.
    pub(super) fn turn(&mut self, now: Instant) {
        while self.next_due().is_some_and(|due| due <= now) {
            let Some(Reverse(due)) = self.under_way.pop() else { return };
            let (from, to) = due.link;
            if let Some(packet) = self.link(from, to).due(due.number, due.packet) {
                self.deliver(due.link, &packet);
            }
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.under_way.peek().map(|Reverse(first)| first.due)
    }

    /// What a link held and holds no more is due.
    pub(super) fn release(&mut self, from: u8, to: u8, now: Instant) {
        for packet in self.link(from, to).released(now) {
            let number = self.number();
            self.under_way.push(Reverse(UnderWay { due: now, number, link: (from, to), packet }));
        }
    }

    fn deliver(&mut self, (from, to): (u8, u8), packet: &[u8]) {
        if !self.plugged(to) {
            self.link(from, to).counters.unplugged += 1;
            return;
        }
        if let Some(segment) = Segment::parse(packet) {
            self.flows.arrived(&segment);
        }
        let written = self.write(to, packet);
        let counters = &mut self.link(from, to).counters;
        match written {
            Ok(()) => counters.delivered += 1,
            Err(_) => counters.overflowed += 1,
        }
    }

    fn write(&self, to: u8, packet: &[u8]) -> io::Result<()> {
        let port = self.ports.get(&to).ok_or(io::ErrorKind::NotConnected)?;
        (&*port.device).write_all(packet)
    }

    /// Resets the connections between two nodes, at both ends. How many there were.
    pub(super) fn reset(&mut self, one: u8, other: u8) -> u64 {
        let (count, packets) = self.flows.reset(address(one), address(other));
        for packet in packets {
            if let Some(to) = destination(&packet) {
                let [.., node] = to.octets();
                // Who has no power hears nothing.
                if self.plugged(node) {
                    let _ = self.write(node, &packet);
                }
            }
        }
        self.link(one, other).counters.reset += count;
        self.link(other, one).counters.reset += count;
        count
    }
}
