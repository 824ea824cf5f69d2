//! What message faults do to each frame.

use super::*;
use crate::{
    record::{Name, What},
    sim::network::{
        fate::{FrameFate, Sent, with_a_wrong_bit},
        feels::Feels,
        segment::EndId,
    },
};
use std::{cell::RefCell, collections::BTreeSet, time::Duration};

const FROM: EndId = EndId { connection: 0, end: 0 };
const TO: EndId = EndId { connection: 0, end: 1 };

fn fate(id: EndId, place: u64) -> FrameFate {
    with(|world| {
        let direction = world.direction(id).unwrap();
        let serial = world.end_mut(id).map_or(0, |end| end.serial);
        world.fate(id, direction, (Sent::Frame, "publish"), (serial, place))
    })
}

/// What one fault does to the second frame.
fn of(fault: MessageFault) -> FrameFate {
    let mut done = FrameFate::default();
    simulated(|| {
        let _ends = pair(A, B);
        with(|world| world.tamper(fault));
        done = fate(FROM, 1);
    });
    done
}

#[test]
fn what_each_does() {
    let late = Duration::from_millis(5);
    assert_eq!(of(fault(3, Tampering::Lost)), FrameFate { lost: true, ..FrameFate::default() });
    assert_eq!(of(fault(3, Tampering::Reset)), FrameFate { lost: true, ..FrameFate::default() });
    let again = FrameFate { again: Some((late, 3)), ..FrameFate::default() };
    assert_eq!(of(fault(3, Tampering::Duplicated)), again);
    let overtaken =
        |feels| FrameFate { overtaken: Some(late), feels: vec![feels], ..FrameFate::default() };
    assert_eq!(of(fault(3, Tampering::Reordered)), overtaken(Feels::Late(3)));
    let by_order = MessageFault { by_order: true, ..fault(3, Tampering::Reordered) };
    assert_eq!(of(by_order), overtaken(Feels::Overtaken(3)));
    let delayed =
        FrameFate { delayed: Some(late), feels: vec![Feels::Late(3)], ..FrameFate::default() };
    assert_eq!(of(fault(3, Tampering::Delayed)), delayed);
    let corrupted = of(fault(3, Tampering::Corrupted));
    assert!(corrupted.corrupted.is_some());
    assert_eq!(corrupted.feels, [Feels::Read(3)]);
    let replayed = of(fault(3, Tampering::Replayed));
    assert_eq!((replayed.replayed.unwrap().1, replayed.feels), (3, vec![]));
}

#[test]
fn whom_it_acts_on() {
    let acts = |change: &dyn Fn(&mut MessageFault)| {
        let mut delays = fault(3, Tampering::Delayed);
        change(&mut delays);
        of(delays).delayed.is_some()
    };
    // The first name of a world is the kind of its first frame.
    assert!(acts(&|fault| fault.kinds = vec![Name(9), Name(0)]));
    assert!(!acts(&|fault| fault.kinds = vec![Name(9)]));
    assert!(acts(&|fault| fault.links = Some([(A, B)].into())));
    assert!(!acts(&|fault| fault.links = Some([(B, A)].into())));
    assert!(!acts(&|fault| fault.share = 0.0));
    // What the harness says or hears is left alone.
    simulated(|| {
        let _ends = (pair(NodeId::HARNESS, B), pair(A, NodeId::HARNESS));
        tamper(3, Tampering::Delayed);
        for connection in [0, 1] {
            for end in [0, 1] {
                assert_eq!(fate(EndId { connection, end }, 1), FrameFate::default());
            }
        }
    });
}

#[test]
fn draws_follow_from_the_frame() {
    simulated(|| {
        let _ends = pair(A, B);
        let delayed = fault(3, Tampering::Delayed);
        with(|world| world.tamper(MessageFault { share: 0.25, delay_ms: (5, 7), ..delayed }));
        let late = |place| fate(FROM, place).delayed.map(|late| late.as_millis());
        let all: Vec<_> = (0..400).map(late).collect();
        assert_eq!(all, (0..400).map(late).collect::<Vec<_>>());
        let count = all.iter().flatten().count();
        assert!((70..130).contains(&count), "{count}");
        let delays: BTreeSet<u128> = all.into_iter().flatten().collect();
        assert_eq!(delays, [5, 6, 7].into());
    });
    // Two connections, directions and faults differ; so do the draws of one frame.
    simulated(|| {
        let _ends = (pair(A, B), pair(A, B));
        let bits = |id, place, draw| {
            with(|world| {
                world.messages.clear();
                world.tamper(MessageFault { draw, ..fault(3, Tampering::Corrupted) });
            });
            fate(id, place).corrupted.unwrap()
        };
        let second = EndId { connection: 1, end: 0 };
        let all = [bits(FROM, 1, 7), bits(FROM, 2, 7), bits(FROM, 1, 8), bits(TO, 1, 7)];
        let all: BTreeSet<_> = all.into_iter().chain([bits(second, 1, 7)]).collect();
        assert_eq!(all.len(), 5, "{all:?}");
    });
}

#[test]
fn the_first_frame_has_none_before_it() {
    simulated(|| {
        let (one, _other) = pair(A, B);
        tamper(3, Tampering::Replayed);
        assert_eq!(fate(FROM, 0), FrameFate::default());
        assert!(fate(FROM, 1).replayed.is_some());
        // Frames of an end are counted.
        let pieces = || with(|world| world.on_the_wire(&[(A, B)].into())[&(A, B)]);
        let sent = [(); 3].map(|()| {
            sends(&one.1, b"x");
            pieces()
        });
        assert_eq!(sent, [1, 3, 5]);
    });
}

#[test]
fn of_what_is_lost_nothing_else_is_said() {
    simulated(|| {
        let (one, _other) = pair(A, B);
        tamper(3, Tampering::Lost);
        tamper(4, Tampering::Duplicated);
        tamper(5, Tampering::Reset);
        assert_eq!(fate(FROM, 1), FrameFate { lost: true, ..FrameFate::default() });
        assert_eq!((felt(3), felt(4), read(&one.0)), (1, 0, Found::Nothing));
    });
}

#[test]
fn a_loss_is_felt_where_the_frame_would_have_arrived() {
    let felt_after = |act: &dyn Fn((Reader, Writer))| {
        let mut times = 0;
        simulated(|| {
            let (_one, other) = pair(A, B);
            tamper(3, Tampering::Lost);
            act(other);
            fate(FROM, 1);
            times = felt(3);
        });
        times
    };
    let cut = || LinkState { cuts: vec![4], ..LinkState::default() };
    assert_eq!(felt_after(&std::mem::forget), 1);
    assert_eq!(felt_after(&drop), 0);
    assert_eq!(
        felt_after(&|other| {
            with(|world| world.reset_connections(A, B, None));
            std::mem::forget(other);
        }),
        0
    );
    let over = |way| {
        felt_after(&|other| {
            links([(way, cut())]);
            std::mem::forget(other);
        })
    };
    assert_eq!((over((A, B)), over((B, A))), (0, 1));
}

#[test]
fn one_bit_of_one_byte_is_wrong_as_the_draw_says() {
    let frame = Bytes::from_static(&[0; 7]);
    let mut seen = BTreeSet::new();
    for draw in 0..7 * 8 {
        let wrong = with_a_wrong_bit(&frame, draw);
        assert_eq!(wrong.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
        seen.insert(wrong);
    }
    assert_eq!(seen.len(), 7 * 8);
    assert_eq!(with_a_wrong_bit(&frame, 7 * 8 + 2)[..2], [4, 0]);
    assert_eq!(with_a_wrong_bit(&Bytes::new(), 2), Bytes::new());
}

#[test]
fn it_is_recorded_what_was_done() {
    let told = Rc::new(RefCell::new(Vec::new()));
    let sink = told.clone();
    let sink = Box::new(move |record: &crate::record::Record| {
        sink.borrow_mut().push((record.node, record.what));
    });
    super::told(
        || {
            let _ends = pair(A, B);
            tamper(3, Tampering::Delayed);
            with(|world| {
                world.tamper(MessageFault { share: 0.0, ..fault(4, Tampering::Delayed) });
            });
            fate(FROM, 1);
        },
        sink,
    );
    let (fault, tampering, kind, to) = (3, Tampering::Delayed, Name(0), B);
    assert_eq!(*told.borrow(), [(A, What::Tampered { fault, tampering, kind, to })]);
}

#[test]
fn what_took_longer_than_the_network_ever_does() {
    simulated(|| {
        with(|world| {
            let feels = [Feels::Read(1), Feels::Late(2), Feels::Overtaken(3), Feels::Slow(4)];
            let felt = |world: &World| [1, 2, 3, 4].map(|fault| world.felt(fault));
            // Two steps of five milliseconds beside its latency.
            world.feel_arrival(&feels, 100, 20_100);
            assert_eq!(felt(world), [1, 1, 0, 0]);
            world.feel_arrival(&feels, 99, 20_100);
            assert_eq!(felt(world), [2, 2, 0, 1]);
            world.feel_late(false, &feels);
            assert_eq!(felt(world), [2, 2, 0, 1]);
            world.feel_late(true, &feels);
            assert_eq!(felt(world), [2, 3, 0, 1]);
        });
    });
}

/// A frame waits to be overtaken, and another is behind it.
fn overtaken(act: impl FnOnce(&mut Vec<(Reader, Writer)>)) -> u64 {
    let mut times = 0;
    simulated(|| {
        let (one, other) = pair(A, B);
        let (two, second) = pair(A, B);
        let (three, third) = pair(B, A);
        with(|world| {
            world.tamper(MessageFault { by_order: true, ..fault(3, Tampering::Reordered) });
        });
        sends(&two.1, b"slow");
        heal(3);
        sends(&three.1, b"the other way");
        pass(WAY);
        assert_eq!(frames(&third.0).len(), 1);
        let mut ends = vec![two, second, three, third];
        act(&mut ends);
        sends(&one.1, b"fast");
        pass(WAY);
        assert_eq!(frames(&other.0).len(), 1);
        // Once it is known, nothing more is waited for.
        assert!(with(|world| world.network.overtaken[&(A, B)].is_empty()));
        sends(&one.1, b"fast");
        pass(WAY);
        assert_eq!(frames(&other.0).len(), 1);
        times = felt(3);
    });
    times
}

#[test]
fn a_frame_that_is_overtaken_is_felt_when_a_later_one_is_read_and_it_still_comes() {
    assert_eq!(overtaken(|_| ()), 1);
    // It has been read itself.
    let read = |ends: &mut Vec<(Reader, Writer)>| {
        pass(WAY);
        assert_eq!(frames(&ends[1].0).len(), 1);
    };
    assert_eq!(overtaken(read), 0);
    // Its receiver does not listen any more.
    assert_eq!(overtaken(|ends| drop(ends.remove(1))), 0);
    // Its sender crashed, or left.
    assert_eq!(overtaken(|ends| drop(ends.remove(0))), 0);
    assert_eq!(overtaken(|ends| here(A, || drop(ends.remove(0)))), 1);
}

#[test]
fn what_is_lost_with_its_connection_comes_behind_nothing() {
    simulated(|| {
        let (two, second) = pair(A, B);
        with(|world| {
            world.tamper(MessageFault { by_order: true, ..fault(3, Tampering::Reordered) });
        });
        sends(&two.1, b"slow");
        heal(3);
        with(|world| world.reset_connections(A, B, None));
        let (one, other) = pair(A, B);
        sends(&one.1, b"fast");
        pass(WAY);
        assert_eq!((frames(&other.0).len(), felt(3)), (1, 0));
        drop(second);
    });
    // Nor is what is lost by itself overtaken.
    simulated(|| {
        let (one, _other) = pair(A, B);
        with(|world| {
            world.tamper(MessageFault { by_order: true, ..fault(3, Tampering::Reordered) });
            world.tamper(fault(4, Tampering::Lost));
        });
        sends(&one.1, b"lost");
        assert!(with(|world| world.network.overtaken.is_empty()));
    });
}
