//! How connections are made.

use super::*;
use crate::sim::Hindrance;

#[test]
fn a_connection_takes_a_way_there_and_a_way_back() {
    simulated(|| {
        let listening = bind(B, "0.0.0.0:5").unwrap();
        assert_eq!(listening.address().to_string(), "192.168.0.2:5");
        let mut accepts = accepting(B, &listening);
        let mut connects = connecting(A, "b:5");
        assert!(accepts.look().is_none() && connects.look().is_none());
        pass(WAY - 1);
        assert_eq!(accepts.woken.times(), 0);
        pass(1);
        assert_eq!(accepts.woken.times(), 1);
        let (_, _, peer) = accepts.look().unwrap().unwrap();
        assert_eq!(peer.to_string(), "192.168.0.1:49152");
        pass(WAY - 1);
        assert!(connects.look().is_none() && connects.woken.times() == 0);
        pass(1);
        assert_eq!(connects.woken.times(), 1);
        let (_, _, peer) = connects.look().unwrap().unwrap();
        assert_eq!(peer.to_string(), "192.168.0.2:5");
    });
}

#[test]
fn who_connects_where_nobody_listens_is_refused() {
    simulated(|| {
        let _listening = [B, C].map(|node| bind(node, "0.0.0.0:5").unwrap());
        with(|world| world.kill(C));
        for address in ["b:6", "c:5"] {
            let mut connects = connecting(A, address);
            assert!(connects.look().is_none());
            pass(2 * WAY);
            assert_eq!(connects.fails(), Some(ErrorKind::ConnectionRefused));
        }
        assert_eq!(known(), 0);
    });
}

#[test]
fn all_who_accept_at_one_socket_are_woken() {
    simulated(|| {
        let listening = bind(B, "0.0.0.0:5").unwrap();
        let mut both = [accepting(B, &listening), accepting(B, &listening)];
        assert!(both.each_mut().map(|one| one.look().is_none()).iter().all(|none| *none));
        assert!(connecting(A, "b:5").look().is_none());
        pass(WAY);
        assert_eq!(both.each_ref().map(|one| one.woken.times()), [1, 1]);
    });
}

#[test]
fn when_the_backlog_is_full_the_next_is_refused() {
    simulated(|| {
        let _listening = bind(B, "0.0.0.0:5").unwrap();
        let mut all: Vec<_> = (0..1_025).map(|_| connecting(A, "b:5")).collect();
        assert!(all.iter_mut().all(|one| one.look().is_none()));
        pass(2 * WAY);
        let refused = all.iter_mut().filter_map(Trying::look).filter(Result::is_err).count();
        assert_eq!(refused, 1);
    });
}

#[test]
fn who_waits_where_nobody_listens_any_more_is_reset() {
    simulated(|| {
        let listening = bind(B, "0.0.0.0:5").unwrap();
        let mut connects = connecting(A, "b:5");
        assert!(connects.look().is_none());
        pass(2 * WAY);
        let (reader, writer, _) = connects.look().unwrap().unwrap();
        here(B, || drop(listening));
        pass(WAY);
        assert_eq!(read(&reader), reset());
        drop((reader, writer));
        pass(WAY);
        assert_eq!(known(), 0);
        // Whoever comes later is refused.
        assert!(connects_is_refused());
    });
}

fn connects_is_refused() -> bool {
    let mut connects = connecting(A, "b:5");
    assert!(connects.look().is_none());
    pass(2 * WAY);
    connects.fails() == Some(ErrorKind::ConnectionRefused)
}

#[test]
fn a_machine_without_power_does_not_say_that_nobody_listens() {
    simulated(|| {
        let listening = bind(B, "0.0.0.0:5").unwrap();
        let other = bind(C, "0.0.0.0:5").unwrap();
        let mut connects = connecting(A, "b:5");
        assert!(connects.look().is_none());
        pass(2 * WAY);
        let (reader, _writer, _) = connects.look().unwrap().unwrap();
        power_off(B);
        drop(listening);
        stops(B);
        pass(2 * WAY);
        assert_eq!(read(&reader), Found::Nothing);
        // Its listening sockets are gone, and those of others are not.
        with(|world| world.node_returns(B));
        assert!(connects_is_refused());
        let mut connects = connecting(A, "c:5");
        assert!(connects.look().is_none());
        pass(2 * WAY);
        assert!(connects.look().unwrap().is_ok());
        drop(other);
    });
}

#[test]
fn listening_sockets_are_gone_with_the_software_of_their_node() {
    simulated(|| {
        let left = [B, C].map(|node| bind(node, "0.0.0.0:5").unwrap());
        stops(B);
        assert!(bind(B, "0.0.0.0:5").is_ok());
        assert!(bind(C, "0.0.0.0:5").is_err());
        drop(left);
    });
}

#[test]
fn who_connects_over_a_cut_or_to_a_machine_without_power_waits_for_a_way() {
    let over = |lost: &dyn Fn(), back: &dyn Fn()| {
        simulated(|| {
            let mut listening = Some(bind(B, "0.0.0.0:5").unwrap());
            lost();
            let mut connects = connecting(A, "b:5");
            assert!(connects.look().is_none());
            pass(2 * WAY);
            assert!(connects.look().is_none() && connects.look().is_none());
            let woken = connects.woken.times();
            back();
            assert_eq!(connects.woken.times(), woken + 1, "it waits once");
            if with(|world| world.incarnation(B)) > 0 {
                listening = None;
                listening.get_or_insert(bind(B, "0.0.0.0:5").unwrap());
            }
            assert!(connects.look().is_none());
            pass(2 * WAY);
            assert!(connects.look().unwrap().is_ok());
            drop(listening);
        });
    };
    over(&|| links([((A, B), cut())]), &|| links([]));
    over(&|| links([((B, A), cut())]), &|| links([]));
    over(&|| power_off(B), &|| {
        stops(B);
        with(|world| world.node_returns(B));
    });
}

#[test]
fn who_is_refused_over_a_cut_hears_that_when_it_is_healed() {
    simulated(|| {
        links([((B, A), cut())]);
        let mut connects = connecting(A, "b:5");
        assert!(connects.look().is_none());
        pass(2 * WAY);
        assert!(connects.look().is_none());
        links([]);
        assert!(connects.look().is_none());
        pass(2 * WAY);
        assert_eq!(connects.fails(), Some(ErrorKind::ConnectionRefused));
    });
}

#[test]
fn a_cut_loses_a_first_segment_that_is_on_the_wire() {
    for way in [(A, B), (B, A)] {
        simulated(|| {
            let _listening = bind(B, "0.0.0.0:5").unwrap();
            let mut connects = connecting(A, "b:5");
            assert!(connects.look().is_none());
            // The answer is on its way back after one way there.
            pass(if way == (A, B) { WAY / 2 } else { WAY + WAY / 2 });
            links([(way, cut())]);
            assert_eq!(connects.woken.times(), 1);
            assert!(connects.look().is_none());
            pass(3 * WAY);
            assert!(connects.look().is_none());
            links([]);
            assert!(connects.look().is_none());
            pass(2 * WAY);
            assert!(connects.look().unwrap().is_ok());
        });
    }
}

#[test]
fn who_may_have_no_more_connections_is_refused_also_if_they_come_at_once() {
    let limit = |node, step, most| {
        let id = OccurrenceId { step, occurrence: 0 };
        with(|world| world.hinder(node, id, Hindrance::Connections { most }));
    };
    simulated(|| {
        let listening = bind(B, "0.0.0.0:5").unwrap();
        limit(B, 4, 2);
        let mut three = [(); 3].map(|()| connecting(A, "b:5"));
        assert!(three.each_mut().map(|one| one.look().is_none()).iter().all(|none| *none));
        pass(2 * WAY);
        let [one, two, three] = three.each_mut().map(|one| one.look().unwrap());
        assert!(one.is_ok() && two.is_ok() && three.is_err());
        assert_eq!(felt(4), 1);
        // Who has three ends may not have a third; those that are closed do not count.
        limit(A, 5, 2);
        assert_eq!(connecting(A, "b:5").fails(), Some(ErrorKind::Other));
        assert_eq!(felt(5), 1);
        here(A, || drop(one));
        assert!(connecting(A, "b:5").look().is_none());
        drop((two, listening));
    });
}

#[test]
fn who_is_unavailable_refuses() {
    simulated(|| {
        let _listening = bind(B, "0.0.0.0:5").unwrap();
        with(|world| world.hinder(B, ID, Hindrance::Unavailable));
        assert!(connects_is_refused());
        assert_eq!(felt(3), 1);
    });
}

#[test]
fn the_first_segments_over_a_slow_link_are_felt() {
    let slow = |step| LinkState { slowed_by: vec![(step, true)], ..LinkState::default() };
    simulated(|| {
        let _listening = bind(B, "0.0.0.0:5").unwrap();
        links([((A, B), slow(3)), ((B, A), slow(4))]);
        assert!(connecting(A, "b:5").look().is_none());
        pass(WAY - 1);
        assert_eq!((felt(3), felt(4)), (0, 0));
        assert!(under_way().is_some());
        pass(1);
        assert_eq!((felt(3), felt(4)), (1, 0));
        pass(WAY);
        assert_eq!((felt(3), felt(4)), (1, 1));
    });
}
