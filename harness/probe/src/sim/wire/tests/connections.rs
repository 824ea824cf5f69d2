use super::*;
use crate::sim::{
    tests::Woken,
    wire::{
        Feels,
        connections::{Coming, Connection, Number, Overtaken, Wires},
    },
};
use std::collections::BTreeMap;

const C: NodeId = NodeId(2);

/// Open connections: from whom, from which port, to whom.
fn wires(connections: &[(NodeId, u16, NodeId)]) -> Wires {
    let mut wires = Wires::default();
    for (from, port, to) in connections {
        wires.open((*from, *port), 1, *to, *from);
        wires.open((*from, *port), 0, *from, *to);
    }
    wires
}

const FOUR: [(NodeId, u16, NodeId); 4] = [(A, 5, B), (B, 6, A), (A, 7, C), (C, 8, B)];

fn broken(wires: &Wires) -> Vec<Option<Option<u16>>> {
    wires.connections.values().map(|connection| connection.broken).collect()
}

/// Each end waits to be woken.
fn waiting(wires: &mut Wires) -> BTreeMap<Number, [Woken; 2]> {
    let all = wires.connections.iter_mut();
    all.map(|(number, connection)| {
        let woken = [Woken::default(), Woken::default()];
        for (end, woken) in connection.ends.iter_mut().zip(&woken) {
            end.waker = Some(woken.waker());
        }
        (*number, woken)
    })
    .collect()
}

fn times(all: &BTreeMap<Number, [Woken; 2]>) -> Vec<[usize; 2]> {
    all.values().map(|ends| ends.each_ref().map(Woken::times)).collect()
}

#[test]
fn who_accepts_opens_its_end_first() {
    let mut wires = Wires::default();
    assert_eq!(wires.open((A, 5), 1, B, A), (1, 0));
    let [connecting, accepting] = &wires.connections[&(A, 5)].ends;
    assert_eq!((connecting.node, connecting.awaited, connecting.gone()), (A, true, false));
    assert_eq!((accepting.node, accepting.awaited, accepting.gone()), (B, false, false));
    assert_eq!((connecting.serial, accepting.serial), (0, 1));
    assert_eq!((connecting.halves, accepting.halves), (0, 1));
    assert_eq!(wires.open((A, 5), 0, A, B), (2, 0));
    let [connecting, _] = &wires.connections[&(A, 5)].ends;
    assert_eq!((connecting.awaited, connecting.serial, connecting.halves), (false, 2, 1));
    // Another one, in each direction.
    assert_eq!(wires.open((A, 6), 1, B, A), (3, 1));
    assert_eq!(wires.open((A, 6), 0, A, B), (4, 1));
    // Who accepted is gone already.
    assert_eq!(wires.open((C, 7), 0, C, B), (5, 0));
    let [connecting, accepting] = &wires.connections[&(C, 7)].ends;
    assert_eq!((connecting.node, connecting.awaited, connecting.halves), (C, false, 1));
    assert_eq!((accepting.node, accepting.gone()), (B, true));
}

#[test]
fn connections_of_two_are_reset_in_both_directions_and_once() {
    let mut wires = wires(&FOUR);
    let woken = waiting(&mut wires);
    wires.reset(B, A, Some(3));
    let expected = [Some(Some(3)), None, Some(Some(3)), None];
    assert_eq!(broken(&wires), expected);
    assert_eq!(times(&woken), [[1, 1], [0, 0], [1, 1], [0, 0]]);
    wires.reset(A, B, None);
    assert_eq!(broken(&wires), expected);
    wires.reset_all_of(C, None);
    assert_eq!(broken(&wires), [Some(Some(3)), Some(None), Some(Some(3)), Some(None)]);
    assert_eq!(times(&woken), [[1, 1]; 4]);
}

#[test]
fn who_talks_to_a_node_without_power_hears_nothing_more() {
    let mut wires = wires(&FOUR);
    let silent = |wires: &Wires| -> Vec<[bool; 2]> {
        let all = wires.connections.values();
        all.map(|connection| connection.ends.each_ref().map(|end| end.silent)).collect()
    };
    let expected = [[true, false], [false, false], [false, true], [true, false]];
    wires.fall_silent(B);
    assert_eq!(silent(&wires), expected);
    wires.fall_silent(B);
    assert_eq!(silent(&wires), expected);
}

#[test]
fn who_talked_to_a_node_that_is_back_looks_again() {
    let mut wires = wires(&FOUR);
    let woken = waiting(&mut wires);
    wires.wake_peers_of(B);
    assert_eq!(times(&woken), [[1, 0], [0, 0], [0, 1], [1, 0]]);
    wires.wake_peers_of(B);
    assert_eq!(times(&woken), [[1, 0], [0, 0], [0, 1], [1, 0]]);
}

#[test]
fn open_ends_are_those_that_somebody_holds_of_what_is_not_broken() {
    let mut wires = wires(&FOUR);
    assert_eq!([A, B, C].map(|node| wires.open_of(node)), [3, 3, 2]);
    wires.reset(A, C, None);
    assert_eq!([A, B, C].map(|node| wires.open_of(node)), [2, 3, 1]);
    wires.connections.get_mut(&(A, 5)).unwrap().ends[0].halves = 2;
    wires.connections.get_mut(&(B, 6)).unwrap().ends[0].halves = 0;
    assert_eq!([A, B, C].map(|node| wires.open_of(node)), [2, 2, 1]);
    // Who connects has an end as soon as it hears that it was accepted.
    wires.open((A, 9), 1, C, A);
    assert_eq!([A, B, C].map(|node| wires.open_of(node)), [2, 2, 2]);
}

#[test]
fn what_matters_to_a_fault_is_on_its_way_until_it_has_landed() {
    let coming = |lands_by, feels: &[Feels]| Coming {
        end: 1,
        sent: 0,
        lands_by,
        number: None,
        feels: feels.to_vec(),
    };
    let mut wires = wires(&FOUR);
    assert_eq!(wires.on_its_way(0), None);
    let to_a = &mut wires.connections.get_mut(&(B, 6)).unwrap().ends[1];
    to_a.coming.push_back(coming(50, &[]));
    assert_eq!(wires.on_its_way(0), None);
    let to_a = &mut wires.connections.get_mut(&(B, 6)).unwrap().ends[1];
    to_a.coming.push_back(coming(40, &[Feels::Read(3)]));
    to_a.coming.push_back(coming(30, &[Feels::Read(3)]));
    assert_eq!((wires.on_its_way(39), wires.on_its_way(40)), (Some((B, A)), None));
    let to_a = &mut wires.connections.get_mut(&(A, 7)).unwrap().ends[0];
    to_a.coming.push_back(coming(99, &[Feels::Read(3)]));
    assert_eq!(wires.on_its_way(40), Some((C, A)));
    wires.reset(A, C, None);
    assert_eq!(wires.on_its_way(40), None);
}

#[test]
fn what_is_overtaken_comes_while_its_receiver_listens_and_its_sender_has_not_crashed() {
    let overtaken = Overtaken { number: 1, connection: (A, 5), end: 1, fault: 3 };
    let comes = |act: &dyn Fn(&mut Connection)| {
        let mut wires = wires(&FOUR);
        act(wires.connections.get_mut(&(A, 5)).unwrap());
        wires.still_comes(&overtaken)
    };
    assert!(comes(&|_| ()));
    assert!(!comes(&|connection| connection.broken = Some(None)));
    assert!(!comes(&|connection| connection.ends[1].halves = 0));
    assert!(!comes(&|connection| connection.ends[0].halves = 0));
    assert!(comes(&|connection| {
        (connection.ends[0].halves, connection.ends[0].left) = (0, true);
    }));
    assert!(!Wires::default().still_comes(&overtaken));
}

#[test]
fn a_link_that_is_slower_than_the_network_ever_is_is_felt_by_whatever_is_read() {
    let slows = vec![(3, true), (4, false)];
    let disturbance = Disturbance { slows, ..Disturbance::default() };
    assert_eq!(Feels::slow(&disturbance), [Feels::Read(3), Feels::Slow(4)]);
    assert_eq!(Feels::slow(&Disturbance::default()), []);
}
