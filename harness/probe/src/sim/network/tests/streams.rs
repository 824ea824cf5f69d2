//! What comes out at the ends of a connection.

use super::*;
use crate::sim::{Hindrance, network::transmit::WINDOW, state::Flight};

/// What is read into a buffer of a size; `None` if nothing comes.
fn read_into(reader: &Reader, size: usize) -> Option<Vec<u8>> {
    let mut buffer = vec![0; size];
    let mut buffer = tokio::io::ReadBuf::new(&mut buffer);
    match reader.poll_read(Wait::Reads(Waker::noop()), &mut buffer) {
        Poll::Ready(read) => {
            read.unwrap();
            Some(buffer.filled().to_vec())
        }
        Poll::Pending => None,
    }
}

#[test]
fn what_is_written_is_read_a_way_later_in_its_order() {
    simulated(|| {
        let (one, other) = pair(A, B);
        let woken = Woken::default();
        assert_eq!(looks(&other.0, &woken.waker()), Found::Nothing);
        assert_eq!(looks(&other.0, &woken.waker()), Found::Nothing);
        assert_eq!(write(&one.1, b"bytes"), Poll::Ready(Ok(5)));
        sends(&one.1, b"frame");
        pass(WAY - 1);
        assert_eq!((read_into(&other.0, 9), woken.times()), (None, 1 - 1));
        assert_eq!(looks(&other.0, &woken.waker()), Found::Nothing);
        pass(1);
        assert_eq!(woken.times(), 1);
        assert_eq!(read(&other.0), Found::Bytes(b"bytes".to_vec()));
        assert_eq!(read(&other.0), Found::Frame(b"frame".to_vec()));
        assert_eq!(read(&other.0), Found::Nothing);
        assert_eq!(read(&one.0), Found::Nothing);
    });
}

#[test]
fn frames_are_bytes_behind_their_length_for_who_reads_bytes() {
    simulated(|| {
        let (one, other) = pair(A, B);
        assert_eq!(write(&one.1, b"ab"), Poll::Ready(Ok(2)));
        sends(&one.1, b"frame");
        sends(&one.1, b"");
        pass(WAY);
        assert_eq!(read_into(&other.0, 0).unwrap(), b"");
        assert_eq!(read_into(&other.0, 1).unwrap(), b"a");
        assert_eq!(read_into(&other.0, 4).unwrap(), b"b\0\0\0");
        assert_eq!(read_into(&other.0, 6).unwrap(), b"\x05frame");
        assert_eq!(read_into(&other.0, 9).unwrap(), b"\0\0\0\0");
        assert_eq!(read_into(&other.0, 9), None);
        drop(one);
        pass(WAY);
        assert_eq!(read_into(&other.0, 9).unwrap(), b"");
    });
}

#[test]
fn who_writes_nothing_ends_nothing() {
    simulated(|| {
        let (one, other) = pair(A, B);
        assert_eq!(write(&one.1, b""), Poll::Ready(Ok(0)));
        pass(WAY);
        assert_eq!(read_into(&other.0, 9), None);
    });
}

#[test]
fn as_much_is_taken_in_one_call_as_a_kernel_takes() {
    simulated(|| {
        let (one, _other) = pair(A, B);
        assert_eq!(write(&one.1, &[0; 70_000]), Poll::Ready(Ok(65_536)));
    });
}

#[test]
fn who_writes_waits_until_its_peer_has_read() {
    simulated(|| {
        let (one, other) = pair(A, B);
        (0..WINDOW).for_each(|_| sends(&one.1, b"x"));
        assert!(send(&one.1, b"y").is_pending());
        assert!(write(&one.1, b"y").is_pending());
        let woken = Woken::default();
        let mut frame = Some(Bytes::from_static(b"y"));
        // However often it looks, it is woken once.
        for _ in 0..2 {
            assert!(one.1.poll_send(Some(&woken.waker()), "publish", &mut frame).is_pending());
        }
        pass(WAY);
        assert_eq!(woken.times(), 0);
        assert_eq!(read(&other.0), Found::Frame(b"x".to_vec()));
        assert_eq!(woken.times(), 1);
        assert!(one.1.poll_send(Some(&woken.waker()), "publish", &mut frame).is_ready());
        assert_eq!(frame, None);
        assert!(send(&one.1, b"z").is_pending());
        pass(WAY);
        assert_eq!(frames(&other.0).len(), WINDOW);
        sends(&one.1, b"z");
    });
}

#[test]
fn who_waits_for_room_hears_that_its_peer_is_gone() {
    let ways: [fn((Reader, Writer)); 3] = [
        |other| here(B, || drop(other)),
        |other| {
            with(|world| world.reset_connections(A, B, None));
            drop(other);
        },
        // What came, and what comes, has nobody to read it.
        |other| {
            power_off(B);
            drop(other);
            stops(B);
            with(|world| world.node_returns(B));
        },
    ];
    for gone in ways {
        for arrived in [false, true] {
            simulated(|| {
                let (one, other) = pair(A, B);
                (0..WINDOW).for_each(|_| sends(&one.1, b"x"));
                if arrived {
                    pass(WAY);
                }
                let woken = Woken::default();
                let mut frame = Some(Bytes::from_static(b"y"));
                assert!(one.1.poll_send(Some(&woken.waker()), "publish", &mut frame).is_pending());
                gone(other);
                pass(2 * WAY);
                assert!(woken.times() > 0);
                let sent = one.1.poll_send(None, "publish", &mut frame);
                assert!(matches!(sent, Poll::Ready(Err(_))), "{sent:?}");
                drop(one);
                pass(WAY);
                assert_eq!(known(), 0);
            });
        }
    }
}

#[test]
fn what_had_come_before_a_reset_is_read() {
    simulated(|| {
        let (one, other) = pair(A, B);
        sends(&one.1, b"one");
        sends(&one.1, b"two");
        pass(WAY);
        with(|world| world.reset_connections(B, A, None));
        assert_eq!(frames(&other.0).len(), 2);
        assert_eq!((read(&other.0), read(&one.0)), (reset(), reset()));
        // Of its sender, too.
        let (one, other) = pair(A, B);
        sends(&one.1, b"one");
        sends(&other.1, b"unread");
        pass(WAY);
        here(A, || drop(one));
        pass(WAY);
        assert_eq!(frames(&other.0).len(), 1);
        assert_eq!(write(&other.1, b"x"), Poll::Ready(Err(ErrorKind::BrokenPipe)));
    });
}

#[test]
fn what_code_does_that_has_died_changes_nothing() {
    simulated(|| {
        let (one, other) = pair(A, B);
        with(|world| world.kill(A));
        assert_eq!(write(&one.1, b"x"), Poll::Ready(Ok(1)));
        sends(&one.1, b"x");
        one.1.shut_down();
        pass(WAY);
        assert_eq!(read(&other.0), Found::Nothing);
        // Its machine closes what it leaves.
        drop(one);
        pass(WAY);
        assert_eq!(read(&other.0), Found::End);
    });
}

#[test]
fn flights_are_kept_for_who_will_look_at_them() {
    simulated(|| {
        let (one, other) = pair(A, B);
        sends(&one.1, b"before");
        let sent = with(|world| world.now);
        sends(&one.1, b"x");
        tamper(3, Tampering::Lost);
        sends(&one.1, b"lost");
        pass(WAY + 1);
        assert_eq!(frames(&other.0).len(), 2);
        let flights = with(|world| std::mem::take(&mut world.flights).into_all());
        let flight = |sent, read| Flight { from: A, to: B, kind: "publish", sent, read };
        let read = Some(sent + 11_000);
        assert_eq!(flights, [flight(sent, read), flight(sent, read), flight(sent, None)]);
        assert_eq!(with(|world| world.frames), 3);
    });
    // Who reads bytes has read a frame when it has the first of them.
    simulated(|| {
        let (one, other) = pair(A, B);
        sends(&one.1, b"frame");
        pass(WAY);
        let now = with(|world| world.now);
        assert_eq!(read_into(&other.0, 1).unwrap(), b"\0");
        pass(1);
        assert_eq!(read_into(&other.0, 9).unwrap(), b"\0\0\x05frame");
        let flights = with(|world| std::mem::take(&mut world.flights).into_all());
        assert_eq!(flights[0].read, Some(now));
    });
}

#[test]
fn what_a_slow_reader_does_is_under_way() {
    simulated(|| {
        let (_one, other) = pair(A, B);
        let reads = other.0.being_read("a slow reader", std::time::Duration::from_millis(5));
        assert_eq!(under_way().as_deref(), Some("a slow reader (frame from a to b)"));
        drop(reads);
        assert_eq!(under_way(), None);
    });
}

#[test]
fn a_node_whose_memory_is_short_reads_nothing_of_those_it_holds_back_until_it_has_given_some_back()
{
    let id = OccurrenceId { step: 3, occurrence: 0 };
    let short = || {
        let watermark = Hindrance::Watermark { most: 4, until: 0, blocks: vec![A] };
        with(|world| world.hinder(B, id, watermark));
    };
    simulated(|| {
        let (one, other) = pair(A, B);
        let (third, from_third) = pair(C, B);
        short();
        sends(&one.1, b"x");
        pass(WAY);
        assert_eq!((read(&other.0), felt(3)), (Found::Frame(b"x".to_vec()), 0), "it has room");
        with(|world| world.hold(B, 5));
        sends(&one.1, b"y");
        assert!(write(&one.1, b"bytes").is_ready());
        sends(&third.1, b"of another");
        pass(WAY);
        let woken = Woken::default();
        assert_eq!(looks(&other.0, &woken.waker()), Found::Nothing);
        assert!(other.0.poll_readable(Wait::No).is_pending());
        assert_eq!(read_into(&other.0, 9), None);
        assert_eq!(read(&from_third.0), Found::Frame(b"of another".to_vec()));
        assert_eq!(felt(3), 1);
        // Exactly as much as it may have is not too much, and it looks again in its time.
        with(|world| world.hold(B, -1));
        pass(99 - WAY);
        assert_eq!(looks(&other.0, &woken.waker()), Found::Nothing);
        pass(1);
        assert!(woken.times() > 0);
        assert_eq!(looks(&other.0, &woken.waker()), Found::Frame(b"y".to_vec()));
        // A moment is enough.
        with(|world| world.hold(B, 1));
        with(|world| world.hold(B, -5));
        assert_eq!(looks(&other.0, &woken.waker()), Found::Nothing);
        // The end of the connection is as far behind as what comes before it.
        drop(one);
        pass(WAY);
        assert_eq!(read(&other.0), Found::Nothing);
        let before = woken.times();
        assert_eq!(looks(&other.0, &woken.waker()), Found::Nothing);
        heal(3);
        assert!(woken.times() > before);
        assert_eq!(read(&other.0), Found::Bytes(b"bytes".to_vec()));
        assert_eq!(read(&other.0), Found::End);
    });
    // Nothing was there to be read: nobody felt it.
    simulated(|| {
        let (_one, other) = pair(A, B);
        short();
        with(|world| world.hold(B, 5));
        assert_eq!((read(&other.0), felt(3)), (Found::Nothing, 0));
    });
}
