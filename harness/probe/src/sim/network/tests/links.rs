//! Links that are cut, held and slow, one after the other and at once.

use super::*;

/// Numbers that have come, one byte each.
fn numbers(reader: &Reader) -> Vec<u8> {
    frames(reader).into_iter().map(|frame| frame[0]).collect()
}

const NUMBERS: [&[u8]; 4] = [&[0], &[1], &[2], &[3]];

#[test]
fn what_is_sent_into_a_cut_is_lost_and_felt() {
    simulated(|| {
        let (one, other) = pair(A, B);
        sends(&one.1, NUMBERS[0]);
        links([((A, B), LinkState { cuts: vec![3, 4], ..LinkState::default() })]);
        sends(&one.1, NUMBERS[1]);
        sends(&other.1, NUMBERS[2]);
        assert_eq!((felt(3), felt(4)), (1, 1));
        pass(WAY);
        assert_eq!((numbers(&other.0), numbers(&one.0)), (vec![], vec![2]));
        // When it is whole again it is reset: not while the other way is cut.
        links([((B, A), cut())]);
        assert_eq!((read(&one.0), read(&other.0)), (Found::Nothing, Found::Nothing));
        links([]);
        assert_eq!((read(&one.0), read(&other.0)), (reset(), reset()));
        assert_eq!(felt(3), 1, "nobody feels the reset");
    });
}

#[test]
fn a_cut_that_is_healed_resets_connections_of_that_link_only() {
    simulated(|| {
        let (one, _other) = pair(A, B);
        let (two, _second) = pair(C, A);
        let (three, _third) = pair(C, B);
        links([((B, C), cut()), ((A, B), held())]);
        links([((A, B), held())]);
        let found = [&one, &two, &three].map(|end| read(&end.0));
        assert_eq!(found, [Found::Nothing, Found::Nothing, reset()]);
        links([]);
        assert_eq!(read(&one.0), Found::Nothing);
    });
}

#[test]
fn what_is_held_waits_and_nothing_comes_sooner_for_it() {
    simulated(|| {
        let (one, other) = pair(A, B);
        sends(&one.1, NUMBERS[0]);
        pass(WAY / 2);
        links([((A, B), held())]);
        sends(&one.1, NUMBERS[1]);
        assert_eq!(with(|world| world.on_the_wire(&[(A, B)].into())), [((A, B), 2)].into());
        assert_eq!(with(|world| world.on_the_wire(&[(B, A)].into())), [].into());
        pass(WAY);
        assert_eq!(numbers(&other.0), []);
        sends(&one.1, NUMBERS[2]);
        sends(&other.1, NUMBERS[3]);
        // Another hold takes over, and keeps the order.
        links([((A, B), LinkState { slowed_by: vec![(4, true)], ..held() })]);
        pass(1);
        links([]);
        assert_eq!(with(|world| world.on_the_wire(&[(A, B)].into())), [((A, B), 3)].into());
        pass(1);
        assert_eq!(numbers(&other.0), [0, 1]);
        pass(WAY - 3);
        assert_eq!(numbers(&other.0), []);
        pass(1);
        assert_eq!((numbers(&other.0), numbers(&one.0)), (vec![2], vec![3]));
    });
}

#[test]
fn what_is_released_keeps_its_order_over_all_connections() {
    simulated(|| {
        let (one, other) = pair(A, B);
        let (two, second) = pair(A, B);
        let (near, _near) = pair(C, A);
        links([((A, B), held())]);
        sends(&one.1, NUMBERS[0]);
        pass(1);
        sends(&two.1, NUMBERS[1]);
        sends(&near.1, NUMBERS[3]);
        pass(1);
        sends(&one.1, NUMBERS[2]);
        drop(one);
        pass(3 * WAY);
        links([((A, B), held()), ((C, B), held())]);
        links([]);
        with(|world| assert_eq!(world.network.next_landing(B), Some(world.now)));
        pass(1);
        assert_eq!(numbers(&other.0), [0, 2]);
        assert_eq!(numbers(&second.0), [1]);
        assert_eq!(read(&other.0), Found::End);
    });
}

#[test]
fn a_cut_takes_what_is_held() {
    simulated(|| {
        let (one, other) = pair(A, B);
        let (two, second) = pair(C, B);
        links([((A, B), held()), ((C, B), held())]);
        sends(&one.1, NUMBERS[0]);
        sends(&two.1, NUMBERS[1]);
        pass(1);
        links([((A, B), LinkState { held: true, ..cut() }), ((C, B), held())]);
        links([((C, B), held())]);
        links([]);
        pass(2 * WAY);
        assert_eq!((read(&other.0), numbers(&second.0)), (reset(), vec![1]));
    });
}

#[test]
fn what_a_cut_takes_of_a_connection_that_is_closed_lets_it_be_forgotten() {
    simulated(|| {
        let (one, other) = pair(A, B);
        sends(&one.1, NUMBERS[0]);
        drop((one, other));
        assert_eq!(known(), 1);
        links([((A, B), cut()), ((B, A), cut())]);
        assert_eq!(known(), 0);
    });
}

#[test]
fn what_is_on_the_wire_when_a_link_becomes_slow_is_not_slowed_and_the_order_stays() {
    let slow = |ms| {
        let slow = Latency { min_ms: ms, max_ms: ms, distribution: Distribution::Uniform };
        LinkState { slow: Some(slow), slowed_by: vec![(3, true)], ..LinkState::default() }
    };
    simulated(|| {
        let (one, other) = pair(A, B);
        sends(&one.1, NUMBERS[0]);
        links([((A, B), slow(50))]);
        sends(&one.1, NUMBERS[1]);
        links([]);
        sends(&one.1, NUMBERS[2]);
        pass(WAY);
        assert_eq!((numbers(&other.0), felt(3)), (vec![0], 0));
        assert_eq!(under_way().as_deref(), Some("a tampered frame on the wire (from a to b)"));
        pass(50 - WAY - 1);
        assert_eq!(numbers(&other.0), []);
        pass(1);
        assert_eq!(under_way(), None);
        assert_eq!((numbers(&other.0), felt(3)), (vec![1, 2], 1));
    });
}

#[test]
fn nothing_that_is_sent_in_a_step_lands_in_it() {
    simulated(|| {
        with(|world| {
            let distribution = Distribution::Uniform;
            world.set_latency(Latency { min_ms: 0, max_ms: 0, distribution });
        });
        let listening = bind(B, "0.0.0.0:5").unwrap();
        with(|world| world.begin_step(1_000));
        assert!(connecting(A, "b:5").look().is_none());
        assert_eq!(with(|world| world.network.next_landing(B)), Some(1_000));
        assert_eq!(with(|world| world.network.next_landing(A)), None);
        with(|world| world.end_steps(1, 5_000));
        with(|world| world.land_by(B, 999));
        assert_eq!(with(|world| world.network.next_landing(B)), Some(1_000));
        with(|world| world.land_by(B, 1_000));
        assert_eq!(with(|world| world.network.next_landing(B)), None);
        // What answers does so when it is asked, and lands no earlier than now.
        assert_eq!(with(|world| world.network.next_landing(A)), Some(5_000));
        drop(listening);
    });
}
