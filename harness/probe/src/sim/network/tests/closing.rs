//! Ends that are closed, in whole or in half.

use super::*;
use crate::sim::{Hindrance, network::transmit::WINDOW};

#[test]
fn an_end_that_says_no_more_goes_on_reading() {
    simulated(|| {
        let (one, other) = pair(A, B);
        let woken = Woken::default();
        assert_eq!(looks(&other.0, &woken.waker()), Found::Nothing);
        sends(&one.1, b"last");
        one.1.shut_down();
        one.1.shut_down();
        assert_eq!(write(&one.1, b"more"), Poll::Ready(Err(ErrorKind::BrokenPipe)));
        pass(WAY);
        assert_eq!(read(&other.0), Found::Frame(b"last".to_vec()));
        assert_eq!((read(&other.0), woken.times()), (Found::End, 1));
        sends(&other.1, b"answer");
        drop(other);
        pass(WAY);
        assert_eq!(read(&one.0), Found::Frame(b"answer".to_vec()));
        assert_eq!(read(&one.0), Found::End);
        assert_eq!(known(), 1);
        drop(one);
        assert_eq!(known(), 0);
    });
}

#[test]
fn who_waits_hears_that_the_stream_ends() {
    simulated(|| {
        let (one, other) = pair(A, B);
        let woken = Woken::default();
        assert_eq!(looks(&other.0, &woken.waker()), Found::Nothing);
        drop(one);
        pass(WAY);
        assert_eq!((read(&other.0), woken.times()), (Found::End, 1));
    });
}

#[test]
fn who_leaves_something_unread_resets_and_what_it_had_still_to_send_is_not_sent() {
    simulated(|| {
        let (one, other) = pair(A, B);
        sends(&one.1, b"unread");
        pass(WAY);
        tamper(3, Tampering::Delayed);
        sends(&other.1, b"late");
        assert_eq!(memory(B), 8);
        heal(3);
        here(B, || drop(other));
        assert_eq!((under_way(), memory(B)), (None, 0));
        let woken = Woken::default();
        assert_eq!(looks(&one.0, &woken.waker()), Found::Nothing);
        pass(2 * WAY);
        assert_eq!((read(&one.0), woken.times()), (reset(), 1));
        assert_eq!(write(&one.1, b"more"), Poll::Ready(Err(ErrorKind::BrokenPipe)));
        assert!(one.1.is_closed());
        drop(one);
        pass(WAY);
        assert_eq!(known(), 0);
    });
}

#[test]
fn who_writes_to_an_end_that_is_gone_is_reset() {
    simulated(|| {
        let (one, other) = pair(A, B);
        drop(other);
        pass(WAY);
        assert_eq!(read(&one.0), Found::End);
        sends(&one.1, b"into the void");
        pass(2 * WAY);
        assert_eq!(write(&one.1, b"x"), Poll::Ready(Err(ErrorKind::BrokenPipe)));
        drop(one);
        pass(WAY);
        assert_eq!(known(), 0);
    });
}

#[test]
fn what_an_end_that_is_gone_had_still_to_send_does_not_come_behind_its_reset() {
    simulated(|| {
        let (one, other) = pair(A, B);
        let (two, second) = pair(A, B);
        sends(&one.1, b"too late");
        pass(1);
        tamper(3, Tampering::Delayed);
        sends(&other.1, b"late");
        sends(&second.1, b"kept");
        heal(3);
        with(|world| world.narrow(ID, 1, [(B, A)].into()));
        drop(other);
        pass(WAY - 1);
        assert_eq!(memory(B), 8);
        heal(3);
        pass(WAY + 1);
        assert_eq!((read(&one.0), read(&one.0)), (reset(), reset()));
        assert_eq!((frames(&two.0), memory(B)), (vec![b"kept".to_vec()], 0));
    });
}

#[test]
fn who_closes_slowly_does_so_also_if_its_peer_is_reset_meanwhile() {
    simulated(|| {
        let (one, other) = pair(A, B);
        with(|world| world.hinder(B, ID, Hindrance::SlowClose { ms: 50 }));
        sends(&one.1, b"too late");
        drop(other);
        pass(2 * WAY);
        assert_eq!((read(&one.0), felt(3)), (reset(), 0));
        pass(50);
        assert_eq!(felt(3), 1);
    });
}

#[test]
fn what_comes_to_an_end_that_only_writes_is_read_by_nobody_and_takes_no_room() {
    simulated(|| {
        let (one, (reader, writer)) = pair(A, B);
        tamper(3, Tampering::Delayed);
        here(B, || drop(reader));
        for _ in 0..=1 {
            (0..WINDOW).for_each(|_| sends(&one.1, b"x"));
            pass(2 * WAY);
        }
        // Its software left that half by itself.
        assert_eq!(felt(3), 2 * WINDOW as u64);
        sends(&writer, b"y");
        pass(2 * WAY);
        assert_eq!(read(&one.0), Found::Frame(b"y".to_vec()));
        // It is gone when it says that nothing more comes.
        here(B, || writer.shut_down());
        drop(writer);
        pass(2 * WAY);
        assert_eq!(read(&one.0), Found::End);
        sends(&one.1, b"x");
        pass(3 * WAY);
        assert_eq!((felt(3), one.1.is_closed()), (2 * WINDOW as u64 + 2, true));
        drop(one);
        pass(2 * WAY);
        assert_eq!(known(), 0);
    });
}

#[test]
fn what_nobody_reads_is_given_up_by_whichever_half_goes_last() {
    for shuts_down in [false, true] {
        simulated(|| {
            let (one, (reader, writer)) = pair(A, B);
            sends(&one.1, b"unread");
            pass(WAY);
            here(B, || {
                drop(reader);
                if shuts_down {
                    writer.shut_down();
                } else {
                    drop(writer);
                }
            });
            pass(WAY);
            assert!(one.1.is_closed());
        });
    }
}

#[test]
fn that_a_connection_is_gone_is_heard_once() {
    use std::pin::pin;
    simulated(|| {
        let (one, other) = pair(A, B);
        let woken = Woken::default();
        let waker = woken.waker();
        let mut context = Context::from_waker(&waker);
        let mut closed = pin!(one.1.closed());
        for _ in 0..2 {
            assert!(closed.as_mut().poll(&mut context).is_pending());
        }
        assert!(!one.1.is_closed());
        with(|world| world.reset_connections(A, B, None));
        assert!(one.1.is_closed() && other.1.is_closed());
        assert_eq!(woken.times(), 1);
        assert!(closed.as_mut().poll(&mut context).is_ready());
    });
}

#[test]
fn late_frames_are_felt_by_who_left_and_not_by_who_crashed() {
    for leaves in [true, false] {
        for arrived in [true, false] {
            simulated(|| {
                let (one, other) = pair(A, B);
                tamper(3, Tampering::Delayed);
                tamper(4, Tampering::Corrupted);
                sends(&one.1, b"late");
                pass(if arrived { 2 * WAY } else { 1 });
                if leaves {
                    here(B, || drop(other));
                } else {
                    drop(other);
                }
                pass(2 * WAY);
                assert_eq!((felt(3), felt(4)), (u64::from(leaves), 0));
            });
        }
    }
}
