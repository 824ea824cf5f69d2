//! Connections that somebody stops to want while they are made.

use super::*;
use crate::sim::Hindrance;

#[test]
fn who_gives_up_before_its_connection_is_made_resets_it() {
    // When the first segment, or the answer, is on the wire.
    for ms in [WAY / 2, WAY + WAY / 2] {
        simulated(|| {
            let listening = bind(B, "0.0.0.0:5").unwrap();
            let mut connects = connecting(A, "b:5");
            assert!(connects.look().is_none());
            pass(ms);
            drop(connects);
            pass(3 * WAY);
            let (reader, writer, _) = accepting(B, &listening).look().unwrap().unwrap();
            assert_eq!(read(&reader), reset());
            drop((reader, writer));
            pass(WAY);
            assert_eq!(known(), 0);
        });
    }
}

#[test]
fn who_gives_up_what_was_made_without_its_notice_closes_it() {
    simulated(|| {
        let listening = bind(B, "0.0.0.0:5").unwrap();
        let mut connects = connecting(A, "b:5");
        assert!(connects.look().is_none());
        pass(2 * WAY);
        drop(connects);
        let (reader, writer, _) = accepting(B, &listening).look().unwrap().unwrap();
        assert_eq!(read(&reader), Found::Nothing);
        pass(WAY);
        assert_eq!(read(&reader), Found::End);
        drop((reader, writer));
        pass(WAY);
        assert_eq!(known(), 0);
    });
}

#[test]
fn who_opened_its_connection_gives_nothing_up() {
    simulated(|| {
        let (one, other) = pair(A, B);
        pass(2 * WAY);
        assert_eq!((read(&one.0), read(&other.0)), (Found::Nothing, Found::Nothing));
        assert_eq!(known(), 1);
    });
}

#[test]
fn a_fault_that_resets_who_connects_refuses_it_and_is_felt() {
    simulated(|| {
        let _listening = bind(B, "0.0.0.0:5").unwrap();
        let mut connects = connecting(A, "b:5");
        assert!(connects.look().is_none());
        pass(1);
        with(|world| world.hinder(B, ID, Hindrance::Unavailable));
        assert_eq!((connects.woken.times(), felt(3)), (1, 0));
        assert_eq!(connects.fails(), Some(ErrorKind::ConnectionRefused));
        assert_eq!((felt(3), known()), (1, 0));
    });
}

#[test]
fn who_connects_while_a_cut_is_healed_or_a_link_is_reset_is_not_touched() {
    simulated(|| {
        let _listening = bind(B, "0.0.0.0:5").unwrap();
        links([((B, A), cut())]);
        let mut connects = connecting(A, "b:5");
        assert!(connects.look().is_none());
        pass(1);
        links([]);
        with(|world| world.reset_connections(A, B, Some(4)));
        assert!(connects.look().is_none());
        pass(2 * WAY - 1);
        assert!(connects.look().unwrap().is_ok());
    });
}

#[test]
fn code_that_has_died_opens_no_connection() {
    simulated(|| {
        let listening = bind(B, "0.0.0.0:5").unwrap();
        let mut connects = connecting(A, "b:5");
        assert!(connects.look().is_none());
        pass(2 * WAY);
        // It runs on to its next await.
        power_off(B);
        assert!(accepting(B, &listening).look().is_none());
        power_off(A);
        assert!(connects.look().is_none());
        assert!(connecting(A, "b:5").look().is_none());
        drop(connects);
        pass(WAY);
        assert_eq!(known(), 0);
        // Nor does it find one that is forgotten.
        assert!(accepting(B, &listening).look().is_none());
    });
}

#[test]
fn a_connection_of_a_machine_that_lost_power_while_it_was_made_is_forgotten() {
    simulated(|| {
        let _listening = bind(B, "0.0.0.0:5").unwrap();
        let mut connects = connecting(A, "b:5");
        assert!(connects.look().is_none());
        pass(1);
        power_off(A);
        drop(connects);
        power_off(B);
        pass(3 * WAY);
        assert_eq!(known(), 0);
    });
}
