use super::*;
use crate::{
    record::{Name, What},
    sim::wire::{Feels, fate::FrameFate},
};
use std::{collections::BTreeSet, time::Duration};

fn tamper(fault: MessageFault) {
    with(|world| world.tamper(fault));
}

fn fate(wire: &Wire, frame: u64) -> FrameFate {
    with(|world| wire.tamper(world, "publish", frame))
}

/// What one fault does to the second frame.
fn of(fault: MessageFault) -> FrameFate {
    let mut done = FrameFate::default();
    between(|from, _| {
        tamper(fault);
        done = fate(from, 1);
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
    between(|from, _| {
        tamper(fault(3, Tampering::Delayed));
        for (here, peer) in [(NodeId::HARNESS, B), (A, NodeId::HARNESS)] {
            (from.here, from.peer) = (here, peer);
            assert_eq!(fate(from, 1), FrameFate::default());
        }
        (from.here, from.peer) = (A, B);
    });
}

#[test]
fn draws_follow_from_the_frame() {
    between(|from, _| {
        tamper(MessageFault { share: 0.25, delay_ms: (5, 7), ..fault(3, Tampering::Delayed) });
        let late = |frame| fate(from, frame).delayed.map(|late| late.as_millis());
        let all: Vec<_> = (0..400).map(late).collect();
        assert_eq!(all, (0..400).map(late).collect::<Vec<_>>());
        let count = all.iter().flatten().count();
        assert!((70..130).contains(&count), "{count}");
        let delays: BTreeSet<u128> = all.into_iter().flatten().collect();
        assert_eq!(delays, [5, 6, 7].into());
    });
    // Two connections, directions and faults differ; so do the draws of one frame.
    between(|from, to| {
        let bits = |wire: &Wire, frame, draw| {
            with(|world| world.messages.clear());
            tamper(MessageFault { draw, ..fault(3, Tampering::Corrupted) });
            fate(wire, frame).corrupted.unwrap()
        };
        let mut all = vec![bits(from, 1, 7), bits(from, 2, 7), bits(from, 1, 8), bits(to, 1, 7)];
        from.connection = 1;
        all.push(bits(from, 1, 7));
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 5, "{all:?}");
    });
}

#[test]
fn the_first_frame_has_none_before_it() {
    between(|from, _| {
        tamper(fault(3, Tampering::Replayed));
        assert_eq!(fate(from, 0), FrameFate::default());
        assert!(fate(from, 1).replayed.is_some());
    });
}

#[test]
fn of_what_is_lost_nothing_else_is_said() {
    between(|from, _| {
        tamper(fault(3, Tampering::Lost));
        tamper(fault(4, Tampering::Duplicated));
        tamper(fault(5, Tampering::Reset));
        assert_eq!(fate(from, 1), FrameFate { lost: true, ..FrameFate::default() });
        assert_eq!((felt(3), felt(4), from.broken(None)), (1, 0, false));
    });
}

#[test]
fn a_loss_is_felt_where_the_frame_would_have_arrived() {
    let felt_where = |act: &dyn Fn(&Wire)| {
        let mut times = 0;
        between(|from, _| {
            tamper(fault(3, Tampering::Lost));
            act(from);
            fate(from, 1);
            times = felt(3);
        });
        times
    };
    let gone = |wire: &Wire, end: usize| {
        with(|world| wire.connection(world).unwrap().ends[end].awaited = false);
        with(|world| wire.connection(world).unwrap().ends[end].halves -= 1);
    };
    assert_eq!(felt_where(&|_| ()), 1);
    assert_eq!(felt_where(&|_| with(|world| world.reset_connections(A, B, None))), 0);
    let cut = || Disturbance { cuts: vec![4], ..Disturbance::default() };
    assert_eq!(felt_where(&|_| disturb(cut())), 0);
    assert_eq!(felt_where(&|_| with(|world| world.disturb([((B, A), cut())].into()))), 1);
    between(|from, _| {
        tamper(fault(3, Tampering::Lost));
        gone(from, 1);
        fate(from, 1);
        assert_eq!(felt(3), 0);
        with(|world| from.connection(world).unwrap().ends[1].halves += 1);
    });
    // A reset is felt by who meets it.
    between(|from, to| {
        tamper(fault(3, Tampering::Reset));
        assert!(fate(from, 1).lost && from.broken(None));
        assert_eq!(felt(3), 0);
        to.meets_reset();
        assert_eq!(felt(3), 1);
    });
}

#[test]
fn it_is_recorded_what_was_done() {
    use std::{cell::RefCell, rc::Rc};
    let told = Rc::new(RefCell::new(Vec::new()));
    let sink = told.clone();
    let sink = Box::new(move |record: &crate::record::Record| {
        sink.borrow_mut().push((record.node, record.what));
    });
    between(|from, _| {
        // In a world that tells.
        sim::install(1, &["a".to_owned(), "b".to_owned()], Names::default(), sink);
        tamper(fault(3, Tampering::Delayed));
        tamper(MessageFault { share: 0.0, ..fault(4, Tampering::Delayed) });
        fate(from, 1);
    });
    let (fault, tampering, kind, to) = (3, Tampering::Delayed, Name(0), B);
    assert_eq!(*told.borrow(), [(A, What::Tampered { fault, tampering, kind, to })]);
}
