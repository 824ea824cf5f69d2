//! What the network keeps, by itself.

use super::*;
use crate::sim::network::{
    connection::{Connection, End},
    feels::Feels,
    segment::{EndId, Payload, Segment, Waiting},
    tables::Network,
};

fn waiting(from: EndId, what: &'static str) -> Waiting {
    Waiting {
        from,
        direction: if from.end == 0 { (A, B) } else { (B, A) },
        payload: Payload::End,
        feels: Vec::new(),
        narrow: Vec::new(),
        felt_leaving: None,
        what: (what, "frame"),
    }
}

/// A network of two nodes that knows a connection from the first to the second.
fn network() -> Network {
    let mut network = Network::new(1, 2);
    connect(&mut network);
    network
}

fn connect(network: &mut Network) -> usize {
    let own = network.free_port(A).unwrap();
    let ends = [(A, own), (B, 5)].map(|(node, port)| {
        let mut end = End::new(node, network.socket(node, port), 0);
        end.open();
        end
    });
    network.insert(Connection::new(ends))
}

fn leaves(network: &mut Network, connection: usize) {
    for end in &mut network.connection_mut(connection).unwrap().ends {
        (end.reads, end.writes) = (false, false);
    }
    network.forget_if_over(connection);
}

fn segment(direction: Direction, lands: u64) -> Segment {
    let to = EndId { connection: 0, end: usize::from(direction.1 == B) };
    Segment { direction, to, payload: Payload::End, sent: lands, lands, feels: Vec::new() }
}

#[test]
fn addresses_are_those_of_nodes_and_of_the_harness_behind_them() {
    let network = network();
    for (node, place, address) in
        [(A, 0, "192.168.0.1"), (B, 1, "192.168.0.2"), (NodeId::HARNESS, 2, "192.168.0.3")]
    {
        assert_eq!(network.address(node).to_string(), address);
        assert_eq!(network.at(network.address(node)), Some(place));
    }
    for address in ["192.168.0.0", "192.168.0.4", "192.168.1.1", "192.169.0.1", "::1"] {
        assert_eq!(network.at(address.parse().unwrap()), None);
    }
    let many = Network::new(1, 300);
    assert_eq!(many.address(NodeId(256)).to_string(), "192.168.1.1");
    assert_eq!(many.at("192.168.1.1".parse().unwrap()), Some(256));
}

#[test]
fn a_free_port_is_one_that_nothing_uses_until_there_is_none() {
    let mut network = network();
    network.listeners.insert((A, 49_154), Default::default());
    let ports = |network: &mut Network, count| -> Vec<u16> {
        (0..count).map(|_| network.free_port(A).unwrap()).collect()
    };
    assert_eq!(ports(&mut network, 2), [49_153, 49_155]);
    assert_eq!(network.free_port(B), Some(49_152));
    let last = ports(&mut network, 65_535 - 49_155).pop();
    assert_eq!(last, Some(65_535));
    // That of the connection goes on being used, until it is forgotten.
    assert_eq!(ports(&mut network, 1), [49_153]);
    let connections: Vec<_> = (0..16_384 - 2).map(|_| connect(&mut network)).collect();
    assert_eq!(network.free_port(A), None);
    leaves(&mut network, 0);
    leaves(&mut network, connections[0]);
    let mut free = ports(&mut network, 2);
    free.sort_unstable();
    assert_eq!(free, [49_152, 49_155]);
}

#[test]
fn connections_of_a_direction_are_counted() {
    let mut network = network();
    let serials = [(A, B), (A, B), (B, A), (A, B)].map(|way| network.next_serial(way));
    assert_eq!(serials, [0, 1, 0, 2]);
}

#[test]
fn a_connection_is_forgotten_when_nothing_of_it_is_left() {
    let mut network = network();
    network.forget_if_over(0);
    assert!(network.connection(0).is_some());
    network.post(segment((A, B), 7));
    leaves(&mut network, 0);
    assert_eq!(network.all().map(|(number, _)| number).collect::<Vec<_>>(), [0]);
    assert!(network.take_landed(B, 7).is_some());
    network.connection_mut(0).unwrap().ends[1].closing = true;
    network.forget_if_over(0);
    assert!(network.connection(0).is_some());
    network.connection_mut(0).unwrap().ends[1].closing = false;
    network.connection_mut(0).unwrap().ends[0].awaited = true;
    network.forget_if_over(0);
    assert!(network.connection(0).is_some());
    network.connection_mut(0).unwrap().ends[0].awaited = false;
    network.forget_if_over(0);
    assert!(network.connection(0).is_none() && network.connection_mut(0).is_none());
    assert!(network.connection(1).is_none());
    // Another has another number.
    assert_eq!(connect(&mut network), 1);
}

#[test]
fn what_lands_does_so_by_time_and_then_in_the_order_of_sending() {
    let mut network = network();
    for (sent, lands) in [(1, 9), (2, 7), (3, 9), (4, 8)] {
        network.post(Segment { sent, ..segment((A, B), lands) });
    }
    network.post(segment((B, A), 5));
    assert_eq!((network.next_landing(B), network.next_landing(A)), (Some(7), Some(5)));
    assert!(network.take_landed(B, 6).is_none());
    let order: Vec<u64> =
        std::iter::from_fn(|| network.take_landed(B, 9)).map(|landed| landed.sent).collect();
    assert_eq!(order, [2, 4, 1, 3]);
    assert_eq!((network.next_landing(B), network.connection(0).unwrap().segments), (None, 1));
}

#[test]
fn what_is_held_is_on_the_wire_and_does_not_land() {
    let mut network = network();
    network.post(segment((A, B), 1));
    network.links.set([((A, B), held())].into());
    network.post(segment((A, B), 3));
    network.post(segment((A, B), 2));
    network.post(segment((B, A), 4));
    let ways = [(A, B), (B, A), (A, A)].into();
    assert_eq!(network.on_the_wire(&ways), [((A, B), 3), ((B, A), 1)].into());
    assert!(network.take_landed(B, 9).is_some() && network.take_landed(B, 9).is_none());
    let times = |segments: &mut dyn Iterator<Item = Segment>| -> Vec<u64> {
        segments.map(|segment| segment.lands).collect()
    };
    assert_eq!(times(&mut network.take_held((B, A)).into_iter()), []);
    assert_eq!(network.connection(0).unwrap().segments, 3);
    assert_eq!(times(&mut network.take_held((A, B)).into_iter()), [3, 2]);
    assert_eq!(network.connection(0).unwrap().segments, 1);
    // What is picked is taken off, from where it is.
    network.post(segment((A, B), 5));
    network.post(segment((A, B), 6));
    let off = network.take_off(|segment| segment.lands == 4 || segment.lands == 6);
    assert_eq!(times(&mut off.into_iter()), [4, 6]);
    assert_eq!(network.connection(0).unwrap().segments, 1);
    assert_eq!(times(&mut network.take_held((A, B)).into_iter()), [5]);
}

#[test]
fn what_leaves_later_does_so_by_time_and_then_in_its_order() {
    let from = EndId { connection: 0, end: 0 };
    let mut network = network();
    assert_eq!(network.last_leaving(from), None);
    for (leaves, what) in [(7, "one"), (5, "two"), (7, "three")] {
        network.wait(leaves, waiting(from, what));
    }
    network.wait(9, waiting(from.peer(), "other"));
    assert_eq!((network.last_leaving(from), network.last_leaving(from.peer())), (Some(7), Some(9)));
    let next = |network: &Network, now| network.next_waiting(now).map(|waiting| waiting.what.0);
    assert_eq!(
        [4, 5, 6, 7, 8, 9].map(|now| next(&network, now)),
        [Some("two"), Some("one"), Some("one"), Some("other"), Some("other"), None]
    );
    assert_eq!(network.waiting_ways().filter(|way| *way == (A, B)).count(), 3);
    assert!(network.take_leaving(5).is_none());
    assert_eq!(network.take_leaving(6).map(|(at, one)| (at, one.what.0)), Some((5, "two")));
    let taken = network.take_waiting(|one| one.from == from);
    let taken: Vec<_> = taken.into_iter().map(|(at, one)| (at, one.what.0)).collect();
    assert_eq!(taken, [(7, "one"), (7, "three")]);
    assert_eq!(network.take_leaving(10).map(|(at, _)| at), Some(9));
    assert!(network.take_waiting(|_| true).is_empty());
}

#[test]
fn what_matters_to_a_fault_is_on_the_wire_until_it_lands() {
    let mut network = network();
    network.post(segment((A, B), 9));
    assert_eq!(network.felt_on_the_wire(0), None);
    network.post(Segment { feels: vec![Feels::Read(3)], ..segment((B, A), 7) });
    assert_eq!(network.felt_on_the_wire(6), Some((B, A)));
    assert_eq!(network.felt_on_the_wire(7), None);
}

#[test]
fn the_next_that_happens_is_what_lands_or_leaves_first_at_any_node() {
    let mut network = network();
    assert_eq!(network.next_event(), None);
    network.wait(8, waiting(EndId { connection: 0, end: 0 }, "one"));
    assert_eq!(network.next_event(), Some(8));
    network.post(segment((A, B), 9));
    assert_eq!(network.next_event(), Some(8));
    network.post(segment((A, B), 7));
    network.post(segment((B, A), 6));
    assert_eq!(network.next_event(), Some(6));
    network.take_landed(A, 6);
    assert_eq!(network.next_event(), Some(7));
}
