use super::*;
use crate::sim::{
    Hindrance,
    state::Flight,
    tests::Woken,
    wire::{Feels, connections::Wires},
};
use std::{
    io,
    task::{Context, Waker},
    time::Duration,
};

fn wires<R>(look: impl FnOnce(&Wires) -> R) -> R {
    with(|world| look(&world.wires))
}

/// From one to the other, how much of what matters to faults has not been read, by where it ends.
fn coming() -> Vec<u64> {
    wires(|wires| wires.connections[&(A, 5)].ends[1].coming.iter().map(|one| one.end).collect())
}

#[test]
fn an_end_is_open_as_long_as_somebody_holds_it() {
    between(|_, _| {
        let (from, to) = connect(6);
        let twin = from.twin();
        let halves = || {
            wires(|wires| {
                wires
                    .connections
                    .get(&(A, 6))
                    .map(|known| known.ends.each_ref().map(|end| end.halves))
            })
        };
        assert_eq!(halves(), Some([2, 1]));
        drop(from);
        assert_eq!(halves(), Some([1, 1]));
        drop(to);
        assert_eq!(halves(), Some([1, 0]));
        drop(twin);
        assert_eq!(halves(), None);
        // An end whose port another has now says nothing of that.
        let (from, to) = connect(7);
        let (again, other) = connect(7);
        drop((from, to));
        assert_eq!(wires(|wires| wires.connections[&(A, 7)].ends[0].halves), 1);
        drop((again, other));
        assert!(wires(|wires| !wires.connections.contains_key(&(A, 7))));
    });
}

#[test]
fn who_waits_hears_that_a_connection_is_reset_and_its_fault_feels_that_once() {
    between(|from, to| {
        let woken = Woken::default();
        let waker = woken.waker();
        assert!(!from.broken(Some(&mut Context::from_waker(&waker))));
        assert!(!from.broken(None));
        with(|world| world.reset_connections(A, B, Some(3)));
        assert_eq!(woken.times(), 1);
        assert!(from.broken(None) && to.broken(Some(&mut Context::from_waker(Waker::noop()))));
        assert!(wires(|wires| wires.connections[&(A, 5)].ends[1].waker.is_none()));
        assert_eq!(from.meets_reset().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!((felt(3), from.broken(None)), (1, true));
        from.meets_reset();
        assert_eq!(felt(3), 1);
    });
}

#[test]
fn who_is_unavailable_loses_its_connections_and_who_is_hindered_otherwise_does_not() {
    let id = |step| OccurrenceId { step, occurrence: 0 };
    between(|from, _| {
        with(|world| world.hinder(B, id(4), Hindrance::SlowClose { ms: 1 }));
        assert!(!from.broken(None));
        with(|world| world.hinder(B, id(3), Hindrance::Unavailable));
        assert!(from.broken(None));
        from.meets_reset();
        assert_eq!((felt(3), felt(4)), (1, 0));
    });
}

#[test]
fn an_end_of_the_stream_counts_if_it_came_before_a_reset() {
    between(|from, to| {
        assert!(!to.ended());
        from.ends();
        assert!(to.ended() && !from.ended());
        with(|world| world.reset_connections(A, B, None));
        to.ends();
        assert!(to.ended() && !from.ended());
    });
    // Whoever drops its end ends it.
    between(|_, _| {
        let (from, to) = connect(6);
        let twin = from.twin();
        drop(from);
        assert!(!to.ended());
        drop(twin);
        assert!(to.ended());
        let (from, to) = connect(7);
        with(|world| world.reset_connections(A, B, None));
        drop(from);
        assert!(!to.ended());
    });
}

#[test]
fn what_goes_over_a_slow_link_is_felt_when_it_is_read() {
    between(|from, to| {
        from.wrote(10);
        assert_eq!(coming(), []);
        disturb(Disturbance { slows: vec![(3, true)], ..Disturbance::default() });
        from.wrote(5);
        from.wrote(2);
        to.wrote(4);
        assert_eq!(coming(), [15, 17]);
        to.took(14);
        assert_eq!((felt(3), coming()), (0, vec![15, 17]));
        to.took(1);
        assert_eq!((felt(3), coming()), (1, vec![17]));
        // Frames count as read when they are taken one by one.
        to.carries_frames();
        to.took(2);
        assert_eq!(felt(3), 1);
        to.reads_frame(2);
        assert_eq!(felt(3), 2);
    });
}

#[test]
fn what_goes_the_other_way_comes_to_the_other_end() {
    between(|from, to| {
        let slow = Disturbance { slows: vec![(3, true)], ..Disturbance::default() };
        with(|world| world.disturb([((B, A), slow)].into()));
        to.wrote(3);
        from.took(3);
        assert_eq!(felt(3), 1);
        to.sends("ack", 2, 1, &[Feels::Late(4)]);
        to.wrote(2);
        from.took(2);
        assert_eq!((felt(3), felt(4)), (2, 1));
        with(|world| {
            world.tamper(MessageFault { by_order: true, ..fault(5, Tampering::Reordered) });
        });
        to.fate("ack");
        assert_eq!(wires(|wires| wires.overtaken[&(B, A)][0].end), 0);
    });
}

#[test]
fn who_writes_into_a_cut_meets_it_and_nothing_comes_to_who_is_gone() {
    between(|from, to| {
        disturb(Disturbance { cuts: vec![4], ..Disturbance::default() });
        from.wrote(1);
        to.wrote(1);
        assert_eq!((felt(4), coming()), (1, vec![]));
        disturb(Disturbance { slows: vec![(3, true)], ..Disturbance::default() });
        with(|world| to.connection(world).unwrap().ends[1].halves = 0);
        from.wrote(1);
        assert_eq!(coming(), []);
        with(|world| to.connection(world).unwrap().ends[1].halves = 1);
        from.wrote(1);
        assert_eq!(coming(), [3]);
    });
}

#[test]
fn that_a_peer_lost_power_shows_only_when_it_is_back() {
    between(|from, to| {
        assert!(!from.hides_end(true) && !from.hides_end(false));
        with(|world| world.cut_power(B));
        assert!(from.hides_end(true) && from.hides_end(false));
        assert!(!to.hides_end(true) && !to.hides_end(false));
        assert!(to.is_dead() && !from.is_dead());
        with(|world| world.node_returns(B));
        assert!(!from.hides_end(true) && from.hides_end(false));
    });
}

#[test]
fn frames_are_numbered_and_those_that_others_may_overtake_are_known() {
    between(|from, to| {
        assert_eq!(from.fate("publish").number, 1);
        assert_eq!(to.fate("ack").number, 2);
        with(|world| {
            assert_eq!((world.frames, world.wires.ordered), (2, false));
            world.tamper(MessageFault { by_order: true, ..fault(3, Tampering::Reordered) });
        });
        let fate = from.fate("publish");
        assert_eq!((fate.number, fate.feels), (3, vec![Feels::Overtaken(3)]));
        with(|world| {
            let waiting = &world.wires.overtaken[&(A, B)];
            let told: Vec<_> = waiting
                .iter()
                .map(|one| (one.number, one.connection, one.end, one.fault))
                .collect();
            assert_eq!(told, [(3, (A, 5), 1, 3)]);
            assert!(world.wires.ordered);
            // What is lost overtakes nothing, and is overtaken by nothing.
            world.tamper(fault(4, Tampering::Lost));
        });
        assert!(from.fate("publish").lost);
        assert_eq!(wires(|wires| wires.overtaken[&(A, B)].len()), 1);
    });
}

#[test]
fn frames_of_an_end_are_counted() {
    between(|from, _| {
        with(|world| world.tamper(fault(3, Tampering::Replayed)));
        let replayed = [(); 3].map(|()| from.fate("publish").replayed.is_some());
        assert_eq!(replayed, [false, true, true]);
    });
}

#[test]
fn a_frame_matters_to_its_faults_and_where_order_does() {
    between(|from, to| {
        from.wrote(10);
        from.sends("publish", 4, 1, &[]);
        assert_eq!(coming(), []);
        from.sends("publish", 4, 1, &[Feels::Late(3)]);
        assert_eq!(coming(), [14]);
        with(|world| world.wires.ordered = true);
        disturb(Disturbance { most_ms: 50, ..Disturbance::default() });
        from.sends("publish", 6, 2, &[]);
        assert_eq!(coming(), [14, 16]);
        with(|world| {
            let coming = &to.connection(world).unwrap().ends[1].coming[1];
            assert_eq!((coming.number, coming.lands_by), (Some(2), 60_000));
            to.connection(world).unwrap().ends[1].halves = 0;
        });
        // Nobody listens any more: since it left, and not because it crashed.
        from.sends("publish", 4, 3, &[Feels::Late(4)]);
        assert_eq!((felt(4), coming()), (0, vec![14, 16]));
        with(|world| to.connection(world).unwrap().ends[1].left = true);
        from.sends("publish", 4, 3, &[Feels::Late(4)]);
        assert_eq!((felt(4), coming()), (1, vec![14, 16]));
        with(|world| to.connection(world).unwrap().ends[1].halves = 1);
    });
}

#[tokio::test]
async fn what_was_to_come_late_is_felt_when_who_waited_for_it_leaves() {
    for leaves in [true, false] {
        between(|_, _| {
            let (from, to) = connect(6);
            if leaves {
                with(|world| world.node_starts(B));
            }
            from.sends("publish", 4, 1, &[Feels::Late(3), Feels::Read(4)]);
            drop(to);
            assert_eq!((felt(3), felt(4)), (u64::from(leaves), 0));
        });
    }
}

#[test]
fn flights_are_kept_for_who_will_look_at_them() {
    between(|from, to| {
        from.sends("publish", 4, 1, &[]);
        with(|world| {
            assert!(world.flights.is_none());
            world.keep_flights();
            world.now = 7;
        });
        from.sends("publish", 4, 1, &[]);
        with(|world| world.tamper(fault(3, Tampering::Lost)));
        from.fate("lost");
        from.sends("last", 4, 1, &[]);
        with(|world| world.now = 9);
        to.reads_frame(4);
        to.reads_frame(4);
        let flights = with(|world| world.flights.as_ref().unwrap().all().to_vec());
        let flight = |kind, read| Flight { from: A, to: B, kind, sent: 7, read };
        assert_eq!(
            flights,
            [flight("publish", Some(9)), flight("lost", None), flight("last", Some(9))]
        );
    });
}

#[test]
fn who_it_is_and_how_long_its_way_takes() {
    between(|from, to| {
        assert_eq!((from.direction(), to.direction()), ((A, B), (B, A)));
        assert_eq!((from.node(), to.node()), (A, B));
        assert_eq!(from.pace(100), None);
        let id = OccurrenceId { step: 3, occurrence: 0 };
        with(|world| world.narrow(id, 1_000, [(A, B)].into()));
        assert_eq!(from.pace(100), Some((Duration::from_millis(100), vec![3])));
        assert_eq!(to.pace(100), None);
    });
}

#[test]
fn what_goes_on_is_told_until_it_is_dropped_or_should_be_over() {
    let told = || with(|world| world.under_way());
    between(|from, _| {
        let late = from.under_way("a late frame", "publish", Duration::from_micros(5));
        assert_eq!(told().as_deref(), Some("a late frame (publish from a to b)"));
        drop(late);
        assert_eq!(told(), None);
        let _slow = from.being_read("a slow reader", Duration::from_micros(5));
        with(|world| world.now = 10_004);
        assert_eq!(told().as_deref(), Some("a slow reader (frame from b to a)"));
        with(|world| world.now = 10_005);
        assert_eq!(told(), None);
    });
}
