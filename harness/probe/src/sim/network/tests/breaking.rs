//! Connections that end before their software says so.

use super::*;
use crate::sim::Hindrance;

#[test]
fn connections_of_two_are_reset_in_both_directions_and_once() {
    simulated(|| {
        let all = [pair(A, B), pair(B, A), pair(A, C), pair(C, B)];
        let woken = all.each_ref().map(|(one, other)| {
            [one, other].map(|end| {
                let woken = Woken::default();
                assert_eq!(looks(&end.0, &woken.waker()), Found::Nothing);
                woken
            })
        });
        let times = || woken.each_ref().map(|both| both.each_ref().map(Woken::times));
        sends(&all[0].0.1, b"on the wire");
        tamper(4, Tampering::Delayed);
        sends(&all[0].0.1, b"waits");
        with(|world| world.reset_connections(B, A, Some(3)));
        assert_eq!(with(|world| world.network.next_landing(B)), None);
        assert_eq!((under_way(), memory(A)), (None, 0));
        assert_eq!(times(), [[1, 1], [1, 1], [0, 0], [0, 0]]);
        with(|world| world.reset_connections(A, B, None));
        assert_eq!(times(), [[1, 1], [1, 1], [0, 0], [0, 0]]);
        for (one, other) in &all[..2] {
            assert_eq!((read(&one.0), read(&other.0), read(&one.0)), (reset(), reset(), reset()));
        }
        assert_eq!(felt(3), 2, "each is felt once, by who meets it first");
        // Nobody can write to it.
        assert_eq!(write(&all[0].0.1, b"x"), Poll::Ready(Err(ErrorKind::ConnectionReset)));
        assert!(matches!(send(&all[0].0.1, b"x"), Poll::Ready(Err(_))));
        assert_eq!(read(&all[2].0.0), Found::Nothing);
        let [(one, other), _others @ ..] = all;
        drop(one);
        assert_eq!(known(), 4);
        drop(other);
        assert_eq!(known(), 3);
    });
}

#[test]
fn a_reset_is_felt_by_who_writes_too() {
    simulated(|| {
        let (one, other) = pair(A, B);
        tamper(3, Tampering::Reset);
        sends(&one.1, b"frame");
        assert_eq!((felt(3), read(&one.0)), (0, reset()));
        assert_eq!(felt(3), 1);
        assert_eq!(write(&other.1, b"x"), Poll::Ready(Err(ErrorKind::ConnectionReset)));
        assert_eq!(felt(3), 1);
    });
}

#[test]
fn who_is_unavailable_loses_its_connections_and_who_is_hindered_otherwise_does_not() {
    simulated(|| {
        let (one, _other) = pair(A, B);
        let (two, _second) = pair(B, C);
        let (three, _third) = pair(A, C);
        let id = OccurrenceId { step: 4, ..ID };
        with(|world| world.hinder(B, id, Hindrance::SlowClose { ms: 1 }));
        assert_eq!(read(&one.0), Found::Nothing);
        with(|world| world.hinder(B, ID, Hindrance::Unavailable));
        let found = [&one, &two, &three].map(|end| read(&end.0));
        assert_eq!((found, felt(3)), ([reset(), reset(), Found::Nothing], 2));
    });
}

#[test]
fn a_connection_that_was_reset_is_forgotten_though_its_machine_loses_power() {
    for first in [false, true] {
        simulated(|| {
            let (one, other) = pair(A, B);
            if first {
                power_off(B);
            }
            with(|world| world.reset_connections(A, B, None));
            power_off(B);
            drop((one, other));
            assert_eq!(known(), 0);
        });
    }
}

#[test]
fn what_a_machine_had_sent_when_it_lost_power_arrives_and_then_nothing() {
    simulated(|| {
        let (one, other) = pair(A, B);
        sends(&one.1, b"sent");
        tamper(3, Tampering::Delayed);
        sends(&one.1, b"not sent");
        sends(&other.1, b"to it");
        assert_eq!(memory(B), 9);
        power_off(A);
        assert_eq!((memory(A), memory(B)), (0, 9));
        assert_eq!(with(|world| world.open_of(A)), 0);
        // What its code does now has no effect, and what had come to it is gone.
        sends(&one.1, b"dead");
        assert_eq!(read(&one.0), Found::Nothing);
        drop(one);
        stops(A);
        pass(3 * WAY);
        assert_eq!(frames(&other.0), [b"sent".to_vec()]);
        assert_eq!(read(&other.0), Found::Nothing);
        assert_eq!(felt(3), 0);
        drop(other);
        pass(3 * WAY);
        assert_eq!(known(), 0);
    });
}

#[test]
fn who_sent_to_a_machine_without_power_is_reset_when_that_is_back() {
    let found = |act: &dyn Fn(&Writer)| {
        let mut found = Found::Nothing;
        simulated(|| {
            let (one, other) = pair(A, B);
            let (near, far) = pair(A, C);
            sends(&near.1, b"x");
            power_off(B);
            drop(other);
            stops(B);
            act(&one.1);
            pass(2 * WAY);
            with(|world| assert_eq!(world.network.next_landing(A), None));
            with(|world| world.node_returns(B));
            pass(WAY - 1);
            assert_eq!(read(&one.0), Found::Nothing);
            pass(1);
            found = read(&one.0);
            assert_eq!(read(&near.0), Found::Nothing);
            // Once.
            power_off(B);
            with(|world| world.node_returns(B));
            with(|world| assert_eq!(world.network.next_landing(A), None));
            drop((one, far));
        });
        found
    };
    assert_eq!(found(&|writer| sends(writer, b"x")), reset());
    assert_eq!(found(&Writer::shut_down), reset());
    // Who is silent learns nothing.
    assert_eq!(found(&|_| ()), Found::Nothing);
}

#[test]
fn who_connects_to_itself_loses_all_with_its_power() {
    simulated(|| {
        let (one, other) = pair(A, A);
        sends(&one.1, b"x");
        power_off(A);
        assert_eq!(known(), 0);
        drop((one, other));
        with(|world| world.node_returns(A));
    });
}

#[test]
fn what_lands_without_power_is_forgotten_with_its_connection() {
    simulated(|| {
        let (one, other) = pair(A, B);
        sends(&one.1, b"x");
        drop(one);
        power_off(B);
        drop(other);
        assert_eq!(known(), 1);
        pass(WAY);
        assert_eq!(known(), 0);
    });
}
