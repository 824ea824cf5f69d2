//! Links by themselves.

use super::*;
use crate::sim::network::{feels::Feels, link::Links};

const fn latency(min_ms: u32, max_ms: u32, distribution: Distribution) -> Latency {
    Latency { min_ms, max_ms, distribution }
}

#[test]
fn latencies_lie_between_the_shortest_and_the_longest_as_their_distribution_says() {
    // The mean, and how many are in the first and in the last tenth of the span.
    for (distribution, mean, first, last) in [
        (Distribution::Exponential, 290..310, 380..410, 5..25),
        (Distribution::Uniform, 590..610, 90..115, 90..115),
        (Distribution::Normal, 590..610, 3..20, 3..20),
        (Distribution::HeavyTailed, 205..245, 690..740, 20..45),
    ] {
        let of = latency(100, 1_100, distribution);
        let mut links = Links::new(7);
        links.set_base(of);
        let all: Vec<u64> = (0..10_000).map(|_| links.draw((A, B)) / 1_000).collect();
        assert!(all.iter().all(|ms| (100..=1_100).contains(ms)), "{distribution:?}");
        let share = |from, to| all.iter().filter(|ms| (from..to).contains(*ms)).count() / 10;
        let told = (all.iter().sum::<u64>() / 10_000, share(100, 200), share(1_000, 1_101));
        assert!(
            mean.contains(&told.0) && first.contains(&told.1) && last.contains(&told.2),
            "{distribution:?}: {told:?}"
        );
    }
}

#[test]
fn a_latency_follows_from_its_draw() {
    let half = 1 << 63;
    assert_eq!(latency(3, 3, Distribution::Uniform).of(half), 3_000);
    assert_eq!(latency(4, 3, Distribution::Uniform).of(half), 4_000);
    assert_eq!(latency(3, 5, Distribution::Uniform).of(half), 4_000);
    assert_eq!(latency(3, 5, Distribution::Uniform).of(0), 3_000);
    assert_eq!(latency(3, 5, Distribution::Uniform).of(u64::MAX), 5_000);
    // ln 2 / 5 of a thousand, and (2^(1 / 1.2) - 1) / 20 of it.
    assert_eq!(latency(0, 1_000, Distribution::Exponential).of(half), 139_000);
    assert_eq!(latency(0, 1_000, Distribution::HeavyTailed).of(half), 39_000);
    assert_eq!(latency(0, 1_000, Distribution::Exponential).of(u64::MAX), 1_000_000);
    assert_eq!(latency(0, 1_000, Distribution::HeavyTailed).of(u64::MAX), 1_000_000);
}

#[test]
fn each_segment_of_each_direction_has_a_latency_of_its_own_from_the_seed() {
    let draws = |seed, way| {
        let mut links = Links::new(seed);
        links.set_base(latency(0, 1_000_000, Distribution::Uniform));
        [(); 3].map(|()| links.draw(way))
    };
    assert_eq!(draws(1, (A, B)), draws(1, (A, B)));
    let mut all = vec![draws(1, (A, B)), draws(1, (B, A)), draws(1, (A, C)), draws(2, (A, B))];
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|three| three[0] != three[1] && three[1] != three[2]));
    // Other directions, and links of a fixed latency in between, move none.
    let mut links = Links::new(1);
    links.set_base(latency(0, 1_000_000, Distribution::Uniform));
    links.draw((B, A));
    let slow = Some(latency(7, 7, Distribution::Uniform));
    links.set([((A, B), LinkState { slow, ..LinkState::default() })].into());
    assert_eq!((links.draw((A, B)), links.longest_us()), (7_000, 1_000_000_000));
    links.set([].into());
    assert_eq!(links.draw((A, B)), draws(1, (A, B))[1]);
}

#[test]
fn what_faults_do_is_done_to_one_direction() {
    let mut links = Links::new(1);
    assert!(links.state((A, B)).is_none() && !links.is_cut((A, B)) && !links.is_held((A, B)));
    links.set([((A, B), cut()), ((B, A), held())].into());
    assert_eq!((links.is_cut((A, B)), links.is_held((A, B))), (true, false));
    assert_eq!((links.is_cut((B, A)), links.is_held((B, A))), (false, true));
    assert!(links.state((A, C)).is_none());
    assert_eq!(links.disturbed().len(), 2);
    let before = links.set([].into());
    assert_eq!(before, [((A, B), cut()), ((B, A), held())].into());
}

#[test]
fn a_fault_that_surely_slows_is_felt_by_whatever_is_read() {
    let slow = LinkState { slowed_by: vec![(3, true), (4, false)], ..LinkState::default() };
    assert_eq!(slow.feels().collect::<Vec<_>>(), [Feels::Read(3), Feels::Slow(4)]);
}

fn id(step: u16) -> OccurrenceId {
    OccurrenceId { step, occurrence: 0 }
}

#[test]
fn a_narrow_direction_carries_one_frame_after_the_other() {
    let mut links = Links::new(1);
    links.narrow(id(3), 1_000, [(A, B)].into());
    assert_eq!((links.is_narrow((A, B)), links.is_narrow((B, A))), (true, false));
    assert_eq!(links.carry((B, A), 500, 0), None);
    assert_eq!(links.carry((A, B), 500, 0), Some((500_000, vec![3])));
    // It waits for what is before it, and not for what has arrived.
    assert_eq!(links.carry((A, B), 250, 100_000), Some((750_000, vec![3])));
    assert_eq!(links.carry((A, B), 0, 749_999), Some((750_000, vec![3])));
    assert_eq!(links.carry((A, B), 0, 750_000), None);
    assert_eq!(links.carry((A, B), 100, 2_000_000), Some((2_100_000, vec![3])));
}

#[test]
fn of_several_limits_the_narrowest_counts_and_all_are_felt() {
    let mut links = Links::new(1);
    links.narrow(id(3), 1_000, [(A, B), (B, A)].into());
    links.narrow(id(5), 100, [(A, B)].into());
    links.narrow(id(6), 200, [(A, B)].into());
    assert_eq!(links.carry((A, B), 100, 0), Some((1_000_000, vec![3, 5, 6])));
    assert_eq!(links.carry((B, A), 1_000, 0), Some((1_000_000, vec![3])));
    assert!(!links.end(id(4)) && links.end(id(5)) && !links.end(id(5)));
    // What waits already goes first.
    assert_eq!(links.carry((A, B), 100, 0), Some((1_500_000, vec![3, 6])));
    links.end(id(3));
    assert_eq!((links.is_narrow((A, B)), links.is_narrow((B, A))), (true, false));
    assert_eq!(links.carry((B, A), 1, 0), None);
    links.narrow(id(3), 1_000, [(A, B), (B, A)].into());
    assert_eq!(links.carry((A, B), 20, 0), Some((1_600_000, vec![6, 3])));
    assert_eq!(links.carry((B, A), 1, 0), Some((1_000, vec![3])));
    // What waits in a node that goes down is gone with it.
    links.forget(A);
    assert_eq!(links.carry((A, B), 20, 0), Some((100_000, vec![6, 3])));
    assert_eq!(links.carry((B, A), 1, 0), Some((2_000, vec![3])));
}
