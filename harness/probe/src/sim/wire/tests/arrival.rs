use super::*;
use crate::sim::{
    state::SLACK,
    wire::{Feels, connections::Overtaken},
    world::World,
};

#[test]
fn what_took_longer_than_the_network_ever_does() {
    between(|_, _| {
        with(|world| {
            world.set_latency(20);
            let feels = [Feels::Read(1), Feels::Late(2), Feels::Overtaken(3), Feels::Slow(4)];
            let felt = |world: &World| [1, 2, 3, 4].map(|fault| world.felt(fault));
            world.now = 100 + 20_000 + SLACK;
            world.feel_arrival(&feels, 100);
            assert_eq!(felt(world), [1, 1, 0, 0]);
            world.feel_arrival(&feels, 99);
            assert_eq!(felt(world), [2, 2, 0, 1]);
            world.feel_late(false, feels.iter());
            assert_eq!(felt(world), [2, 2, 0, 1]);
            world.feel_late(true, feels.iter());
            assert_eq!(felt(world), [2, 3, 0, 1]);
        });
    });
}

#[test]
fn what_is_sent_lands_by_what_network_and_faults_take() {
    between(|_, _| {
        with(|world| {
            world.set_latency(20);
            world.now = 100;
            let coming = world.coming(7, 50, Some(3), vec![Feels::Read(1)]);
            assert_eq!((coming.end, coming.number, coming.sent), (7, Some(3), 100));
            assert_eq!(coming.lands_by, 100 + 50_000 + SLACK);
            assert_eq!(coming.feels, [Feels::Read(1)]);
            assert_eq!(world.coming(7, 0, None, Vec::new()).lands_by, 100 + 20_000 + SLACK);
        });
    });
}

#[test]
fn a_frame_that_is_overtaken_is_felt_when_a_later_one_is_read() {
    between(|wire, _| {
        let connection = wire.number;
        with(|world| {
            let waits = |number, fault| Overtaken { number, connection, end: 1, fault };
            world.wires.overtaken.insert((A, B), vec![waits(5, 3), waits(6, 4), waits(7, 5)]);
            let read = |world: &mut World, direction, number| {
                let mut coming = world.coming(0, 0, None, Vec::new());
                coming.number = number;
                world.arrive(direction, &coming);
            };
            // In another direction, before it, and what is no frame.
            read(world, (B, A), Some(9));
            read(world, (A, B), Some(4));
            read(world, (A, B), None);
            assert_eq!(world.wires.overtaken[&(A, B)].len(), 3);
            // One was sent before this one; it itself is no longer overtaken.
            read(world, (A, B), Some(6));
            let left = |world: &World| -> Vec<u64> {
                world.wires.overtaken[&(A, B)].iter().map(|before| before.number).collect()
            };
            assert_eq!(left(world), [7]);
            world.wires.reset(A, B, None);
            read(world, (A, B), Some(8));
            assert_eq!(left(world), [0; 0]);
        });
        // The last was lost with its connection.
        assert_eq!([3, 4, 5].map(felt), [1, 0, 0]);
    });
}
