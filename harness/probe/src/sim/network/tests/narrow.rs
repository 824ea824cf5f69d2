//! Narrow links, and what memory is taken by what waits for them.

use super::{
    leaving::{come, expect, with_delay},
    *,
};
use crate::sim::Hindrance;
use std::cell::RefCell;

fn narrow(step: u16, bytes_per_second: u64) {
    let id = OccurrenceId { step, occurrence: 0 };
    with(|world| world.narrow(id, bytes_per_second, [(A, B)].into()));
}

#[test]
fn what_waits_for_a_narrow_link_in_a_step_is_not_overtaken_in_it() {
    simulated(|| {
        let (one, other) = pair(A, B);
        let began = with(|world| world.now);
        // A hundred microseconds for ten bytes, and none for four.
        narrow(3, 100_000);
        with(|world| world.begin_step(began + 1_000));
        let long = Bytes::from_static(b"123456");
        at(A, began, || sends(&one.1, b"123456"));
        heal(3);
        narrow(4, 10_000_000);
        at(A, began + 200, || sends(&one.1, b""));
        at(A, began + 200, || drop(one));
        with(|world| world.end_steps(1, began + 1_000));
        pass(WAY);
        assert_eq!(frames(&other.0), [long.to_vec(), Vec::new()]);
        assert_eq!(read(&other.0), Found::End);
        assert_eq!((felt(3), felt(4)), (1, 0));
    });
}

#[test]
fn a_frame_waits_for_what_is_before_it_on_a_narrow_link() {
    simulated(|| {
        let (one, other) = pair(A, B);
        narrow(3, 1_000);
        sends(&one.1, b"123456");
        sends(&one.1, b"1");
        drop(one);
        assert_eq!(memory(A), 15);
        assert_eq!(
            under_way().as_deref(),
            Some("a message that waits for a narrow link (publish from a to b)")
        );
        expect(&come(&other.0, 19), &[]);
        assert_eq!((felt(3), memory(A)), (2, 0));
        expect(&come(&other.0, 3), &[(1, "123456")]);
        expect(&come(&other.0, 3), &[(3, "1")]);
        assert_eq!(read(&other.0), Found::End);
    });
}

#[test]
fn a_link_that_is_wide_again_lets_go_what_waited_in_its_order() {
    simulated(|| {
        let (one, other) = pair(A, B);
        let (back, _back) = pair(B, A);
        narrow(3, 10);
        sends(&one.1, b"one");
        sends(&one.1, b"two");
        drop(one.1);
        with(|world| world.narrow(OccurrenceId { step: 4, occurrence: 0 }, 10, [(B, A)].into()));
        sends(&back.1, b"answer");
        pass(1);
        // That of the other way goes on.
        heal(3);
        pass(1);
        sends(&other.1, b"waits");
        expect(&come(&other.0, WAY), &[(9, "one"), (9, "two")]);
        assert_eq!((read(&other.0), memory(A)), (Found::End, 0));
        assert_eq!((felt(3), felt(4), memory(B)), (2, 0, 10 + 9));
    });
}

#[test]
fn what_waits_for_something_else_goes_on_waiting_when_a_link_is_wide_again() {
    simulated(|| {
        let (one, other) = pair(A, B);
        narrow(3, 10);
        sends(&one.1, b"one");
        with_delay(4, Tampering::Delayed, 30);
        sends(&one.1, b"two");
        let id = OccurrenceId { step: 5, occurrence: 0 };
        with(|world| world.hinder(A, id, Hindrance::SlowClose { ms: 50 }));
        drop(one);
        pass(1);
        heal(3);
        expect(&come(&other.0, 39), &[(10, "one"), (39, "two")]);
        // Its end is held back from where it was to come behind both.
        pass(700 + 50 - 40);
        assert_eq!((felt(5), read(&other.0)), (0, Found::Nothing));
        pass(WAY + 1);
        assert_eq!((felt(5), read(&other.0)), (1, Found::End));
    });
}

#[test]
fn nothing_overtakes_on_a_link_of_which_limits_end_and_begin() {
    let ways: [fn(); 3] = [
        // The narrower of two limits ends.
        || {
            narrow(3, 1_000);
            narrow(4, 100);
        },
        || narrow(4, 100),
        || {
            narrow(4, 100);
            narrow(5, 1_000_000);
        },
    ];
    for (number, begin) in ways.into_iter().enumerate() {
        simulated(|| {
            let (one, other) = pair(A, B);
            begin();
            sends(&one.1, b"one");
            if number == 1 {
                // One begins in the same moment.
                narrow(3, 1_000);
            }
            heal(4);
            sends(&one.1, b"2");
            drop(one);
            pass(100);
            assert_eq!(frames(&other.0), [b"one".to_vec(), b"2".to_vec()]);
            assert_eq!(read(&other.0), Found::End);
        });
    }
}

#[test]
fn a_frame_is_in_memory_until_it_leaves_and_counts_once() {
    let held = |act: &dyn Fn(&Writer)| {
        let told = Rc::new(RefCell::new(Vec::new()));
        let sink = told.clone();
        let sink = Box::new(move |record: &crate::record::Record| {
            if let crate::record::What::Held { bytes } = record.what {
                sink.borrow_mut().push((record.node, bytes));
            }
        });
        super::told(
            || {
                let (one, _other) = pair(A, B);
                act(&one.1);
                assert_eq!(memory(A), 0);
            },
            sink,
        );
        told.take()
    };
    let long: &'static [u8] = Box::leak(Box::new([0; 100_000]));
    let once = [(A, 100_004)];
    assert_eq!(held(&|writer| sends(writer, long)), once);
    assert_eq!(
        held(&|writer| {
            narrow(3, 1_000_000);
            sends(writer, long);
            pass(200);
        }),
        once
    );
    assert_eq!(
        held(&|writer| {
            narrow(3, 1_000_000);
            with_delay(4, Tampering::Delayed, 5);
            sends(writer, long);
            pass(200);
        }),
        once
    );
    assert_eq!(
        held(&|writer| {
            with_delay(4, Tampering::Delayed, 5);
            sends(writer, long);
            with(|world| world.reset_connections(A, B, None));
        }),
        once
    );
}

#[test]
fn what_is_given_up_takes_neither_memory_nor_the_link_any_more() {
    simulated(|| {
        let (one, other) = pair(A, B);
        let (two, another) = pair(A, B);
        narrow(3, 1_000);
        let before = memory(A);
        // Both halves may go first; either way a reset is all that comes.
        let _ = one.0.options(|options| options.linger = Some(std::time::Duration::ZERO));
        here(A, || sends(&one.1, &[1; 100]));
        here(A, || sends(&two.1, &[2; 10]));
        let waits = memory(A) - before;
        here(A, || {
            drop(one.1);
            drop(one.0);
        });
        assert!(memory(A) < before + waits / 2, "{} of {waits}", memory(A) - before);
        pass(WAY + 1);
        assert_eq!(read(&other.0), reset());
        // It waits for its own bytes alone.
        pass(30);
        assert_eq!(frames(&another.0), [[2; 10]]);
    });
}
