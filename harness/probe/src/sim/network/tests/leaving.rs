//! When frames leave and land, what is remembered of them, and what memory they take meanwhile.

use super::*;
use crate::sim::Hindrance;
use std::collections::BTreeSet;

pub(super) fn with_delay(step: u16, tampering: Tampering, ms: u32) {
    with(|world| world.tamper(MessageFault { delay_ms: (ms, ms), ..fault(step, tampering) }));
}

/// Frames as they come, each with how many milliseconds later.
pub(super) fn come(reader: &Reader, ms: u64) -> Vec<(u64, String)> {
    let mut come = Vec::new();
    for at in 1..=ms {
        pass(1);
        for frame in frames(reader) {
            come.push((at, String::from_utf8(frame).unwrap()));
        }
    }
    come
}

pub(super) fn expect(come: &[(u64, String)], expected: &[(u64, &str)]) {
    let come: Vec<_> = come.iter().map(|(at, frame)| (*at, frame.as_str())).collect();
    assert_eq!(come, expected);
}

#[test]
fn a_delayed_frame_keeps_those_behind_it_waiting() {
    simulated(|| {
        let (one, other) = pair(A, B);
        with_delay(3, Tampering::Delayed, 5);
        sends(&one.1, b"one");
        heal(3);
        sends(&one.1, b"two");
        assert!(write(&one.1, b"bytes").is_ready());
        assert_eq!(under_way().as_deref(), Some("a message that comes late (publish from a to b)"));
        drop(one);
        assert_eq!(memory(A), 7 + 7 + 5);
        expect(&come(&other.0, 14), &[]);
        assert_eq!((memory(A), felt(3)), (0, 0));
        assert_eq!(under_way().as_deref(), Some("a tampered frame on the wire (from a to b)"));
        pass(1);
        assert_eq!(frames(&other.0).len(), 2);
        assert_eq!(felt(3), 1);
    });
    // What waits is bytes too.
    simulated(|| {
        let (one, other) = pair(A, B);
        with_delay(3, Tampering::Delayed, 5);
        sends(&one.1, b"one");
        assert!(write(&one.1, b"bytes").is_ready());
        drop(one);
        pass(15);
        assert_eq!(read(&other.0), Found::Frame(b"one".to_vec()));
        assert_eq!(read(&other.0), Found::Bytes(b"bytes".to_vec()));
        assert_eq!(read(&other.0), Found::End);
    });
}

#[test]
fn what_a_delay_holds_up_into_the_same_step_is_not_overtaken_in_it() {
    simulated(|| {
        let (one, other) = pair(A, B);
        let began = with(|world| world.now);
        at(A, began + 500, || {
            with_delay(3, Tampering::Delayed, 2);
            sends(&one.1, b"one");
            heal(3);
        });
        pass(2);
        // The first leaves after half of this step.
        with(|world| world.begin_step(began + 3_000));
        at(A, began + 2_400, || sends(&one.1, b"two"));
        at(A, began + 2_600, || {
            sends(&one.1, b"three");
            drop(one);
        });
        with(|world| world.end_steps(1, began + 3_000));
        pass(WAY);
        assert_eq!(frames(&other.0), [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
        assert_eq!(read(&other.0), Found::End);
        assert_eq!(memory(A), 0);
    });
}

#[test]
fn what_is_reordered_comes_behind_what_was_sent_after_it_and_before_nothing_that_was_sent_earlier()
{
    simulated(|| {
        let (one, other) = pair(A, B);
        with_delay(3, Tampering::Reordered, 5);
        sends(&one.1, b"one");
        heal(3);
        sends(&one.1, b"two");
        expect(&come(&other.0, 20), &[(10, "two"), (15, "one")]);
        // Behind a frame that is delayed, with all that is behind it.
        with_delay(4, Tampering::Delayed, 9);
        sends(&one.1, b"one");
        heal(4);
        with_delay(3, Tampering::Reordered, 5);
        sends(&one.1, b"two");
        heal(3);
        sends(&one.1, b"three");
        expect(&come(&other.0, 30), &[(19, "one"), (19, "three"), (24, "two")]);
    });
}

#[test]
fn a_second_copy_comes_after_the_first() {
    simulated(|| {
        let (one, other) = pair(A, B);
        with_delay(3, Tampering::Duplicated, 5);
        sends(&one.1, b"one");
        assert_eq!(
            under_way().as_deref(),
            Some("the second copy of a message (publish from a to b)")
        );
        expect(&come(&other.0, 14), &[(10, "one")]);
        assert_eq!(felt(3), 0);
        expect(&come(&other.0, 6), &[(1, "one")]);
        assert_eq!(felt(3), 1);
        // However late that is.
        with_delay(4, Tampering::Delayed, 20);
        sends(&one.1, b"two");
        expect(&come(&other.0, 50), &[(30, "two"), (35, "two")]);
    });
}

#[test]
fn a_second_copy_waits_in_the_network_and_takes_no_memory_of_who_sent_the_first() {
    simulated(|| {
        let (one, _other) = pair(A, B);
        for tampering in [Tampering::Duplicated, Tampering::Replayed] {
            with_delay(3, tampering, 5);
            sends(&one.1, b"one");
            assert_eq!(memory(A), 0, "{tampering:?}");
            heal(3);
        }
        with_delay(4, Tampering::Delayed, 5);
        sends(&one.1, b"one");
        assert_eq!(memory(A), 7);
        // Neither does what comes again behind it.
        with_delay(3, Tampering::Replayed, 5);
        sends(&one.1, b"two");
        assert_eq!(memory(A), 14);
        pass(50);
        assert_eq!(memory(A), 0);
    });
}

#[test]
fn one_of_the_last_sixteen_frames_comes_again() {
    simulated(|| {
        let (one, other) = pair(A, B);
        let all: Vec<&'static [u8]> = (0..20).map(|number| &*vec![number].leak()).collect();
        all.iter().for_each(|frame| sends(&one.1, frame));
        pass(WAY);
        assert_eq!(frames(&other.0).len(), 20);
        let mut seen = BTreeSet::new();
        for draw in 0..200 {
            with(|world| {
                world.messages.clear();
                world.tamper(MessageFault { draw, ..fault(3, Tampering::Replayed) });
            });
            sends(&one.1, b"x");
            pass(WAY);
            let come = frames(&other.0);
            assert_eq!((come.len(), &come[0][..]), (2, &b"x"[..]));
            if draw == 0 {
                seen.insert(come[1][0]);
                assert!(come[1][0] >= 4);
            }
            let kept = with(|world| world.network.connection(0).unwrap().ends[0].remembered.len());
            assert_eq!(kept, 16);
        }
        assert_eq!(felt(3), 200);
    });
    // Of two, each comes.
    let mut seen = BTreeSet::new();
    for draw in 0..20 {
        simulated(|| {
            let (one, other) = pair(A, B);
            sends(&one.1, b"1");
            sends(&one.1, b"2");
            with(|world| world.tamper(MessageFault { draw, ..fault(3, Tampering::Replayed) }));
            sends(&one.1, b"x");
            pass(WAY);
            seen.extend(frames(&other.0).pop());
        });
    }
    assert_eq!(seen, [b"1".to_vec(), b"2".to_vec()].into());
}

#[test]
fn a_frame_that_is_lost_takes_no_room_and_a_wrong_one_has_one_wrong_bit() {
    simulated(|| {
        let (one, other) = pair(A, B);
        tamper(3, Tampering::Lost);
        (0..5_000).for_each(|_| sends(&one.1, b"lost"));
        heal(3);
        tamper(4, Tampering::Corrupted);
        sends(&one.1, b"wrong");
        sends(&one.1, b"");
        pass(WAY);
        let come = frames(&other.0);
        let wrong: u32 = come[0].iter().zip(b"wrong").map(|(a, b)| (a ^ b).count_ones()).sum();
        assert_eq!((wrong, come.len(), &come[1][..]), (1, 2, &b""[..]));
    });
}

#[test]
fn a_connection_that_closes_slowly_is_half_open_for_a_while() {
    simulated(|| {
        let (one, other) = pair(A, B);
        with(|world| world.hinder(A, ID, Hindrance::SlowClose { ms: 5 }));
        with_delay(4, Tampering::Delayed, 3);
        sends(&one.1, b"late");
        with(|world| assert_eq!(world.open_of(A), 1));
        drop(one);
        pass(7);
        with(|world| assert_eq!(world.open_of(A), 1));
        assert_eq!(felt(3), 0);
        assert_eq!(under_way().as_deref(), Some("the end of a connection (close from a to b)"));
        pass(2);
        with(|world| assert_eq!((world.open_of(A), world.open_of(B)), (0, 1)));
        assert_eq!(felt(3), 1);
        pass(WAY - 2);
        assert_eq!(frames(&other.0).len(), 1);
        assert_eq!(read(&other.0), Found::Nothing);
        pass(1);
        assert_eq!(read(&other.0), Found::End);
        drop(other);
        pass(WAY);
        assert_eq!(known(), 0);
    });
}

#[test]
fn a_connection_that_closes_for_longer_than_there_is_time_does_not_close() {
    simulated(|| {
        let (one, other) = pair(A, B);
        with(|world| world.hinder(A, ID, Hindrance::SlowClose { ms: u64::MAX }));
        drop(one);
        pass(3 * WAY);
        assert_eq!((felt(3), read(&other.0)), (0, Found::Nothing));
    });
}

#[test]
fn what_is_closed_already_does_not_close_slowly() {
    simulated(|| {
        let (one, _other) = pair(A, B);
        with(|world| world.hinder(A, ID, Hindrance::SlowClose { ms: 5 }));
        with(|world| world.reset_connections(A, B, None));
        drop(one);
        assert_eq!(under_way(), None);
        pass(10);
        assert_eq!(felt(3), 0);
    });
}

#[test]
fn the_machine_of_software_that_is_gone_closes_what_it_had_not_closed() {
    simulated(|| {
        let (one, other) = pair(A, B);
        let (back, _back) = pair(B, A);
        with(|world| world.hinder(A, ID, Hindrance::SlowClose { ms: 500 }));
        with_delay(4, Tampering::Delayed, 300);
        sends(&one.1, b"one");
        sends(&back.1, b"two");
        with(|world| world.node_goes_down(A));
        drop(one);
        with(|world| world.node_stops(A));
        with(|world| assert_eq!(world.open_of(A), 1));
        assert_eq!((memory(A), memory(B)), (0, 7));
        pass(WAY);
        assert_eq!((read(&other.0), felt(3)), (Found::End, 0));
        drop(other);
        pass(WAY);
        assert_eq!(known(), 1);
    });
}
