//! Messages of known protocols in bytes, and what faults do to them.

use super::*;

const SET: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
const GET: &[u8] = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n";

fn writes(writer: &Writer, bytes: &[u8]) {
    assert_eq!(write(writer, bytes), Poll::Ready(Ok(bytes.len())));
}

/// All bytes that have come.
fn heard(reader: &Reader) -> Vec<u8> {
    let mut heard = Vec::new();
    while let Found::Bytes(bytes) = read(reader) {
        heard.extend(bytes);
    }
    heard
}

/// A fault loses all messages of a kind.
fn lose(kind: &str) {
    with(|world| {
        let kinds = vec![world.intern(kind)];
        world.tamper(MessageFault { kinds, ..fault(3, Tampering::Lost) });
    });
}

#[test]
fn a_message_is_lost_as_a_whole_and_by_its_kind() {
    simulated(|| {
        let ((from_reader, writer), (reader, answers)) = pair(A, B);
        lose("SET");
        // However they are written.
        writes(&writer, &[SET, GET, &SET[..7]].concat());
        writes(&writer, &SET[7..]);
        writes(&writer, GET);
        pass(WAY);
        assert_eq!(heard(&reader), [GET, GET].concat());
        assert_eq!(felt(3), 2);
        // Its answer is of another kind.
        writes(&answers, b"+OK\r\n");
        pass(WAY);
        assert_eq!(heard(&from_reader), b"+OK\r\n");
    });
}

#[test]
fn a_message_comes_twice_and_who_reads_bytes_finds_both() {
    simulated(|| {
        let ((_kept, writer), (reader, _other)) = pair(A, B);
        tamper(3, Tampering::Duplicated);
        writes(&writer, GET);
        pass(2 * WAY);
        assert_eq!(heard(&reader), [GET, GET].concat());
        assert_eq!(felt(3), 1);
    });
}

#[test]
fn an_answer_is_lost_of_http() {
    simulated(|| {
        let ((reader, writer), (requests, answers)) = pair(A, B);
        lose("response");
        let request = b"GET / HTTP/1.1\r\n\r\n";
        writes(&writer, request);
        pass(WAY);
        assert_eq!(heard(&requests), request);
        writes(&answers, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
        writes(&answers, b"ok");
        pass(2 * WAY);
        assert_eq!((heard(&reader), felt(3)), (Vec::new(), 1));
    });
}

#[test]
fn where_no_fault_acts_bytes_leave_as_they_are_written() {
    simulated(|| {
        let ((_kept, writer), (reader, _other)) = pair(A, B);
        writes(&writer, &GET[..5]);
        pass(WAY);
        assert_eq!(heard(&reader), &GET[..5]);
        // What has begun to leave leaves: the fault acts on the next.
        tamper(3, Tampering::Lost);
        writes(&writer, &GET[5..]);
        writes(&writer, SET);
        pass(WAY);
        assert_eq!((heard(&reader), felt(3)), (GET[5..].to_vec(), 1));
    });
}

#[test]
fn half_a_message_waits_for_the_rest_while_a_fault_acts_and_leaves_when_nothing_more_comes() {
    simulated(|| {
        let ((_kept, writer), (reader, _other)) = pair(A, B);
        lose("PUBLISH");
        writes(&writer, &GET[..5]);
        pass(WAY);
        assert_eq!(read(&reader), Found::Nothing);
        here(A, || writer.shut_down());
        pass(WAY);
        assert_eq!(read(&reader), Found::Bytes(GET[..5].to_vec()));
        assert_eq!(read(&reader), Found::End);
    });
}

#[test]
fn who_went_on_with_something_else_wrote_bytes() {
    simulated(|| {
        let ((_kept, writer), (reader, _other)) = pair(A, B);
        tamper(3, Tampering::Duplicated);
        writes(&writer, GET);
        writes(&writer, b"something else\r\n");
        writes(&writer, GET);
        pass(2 * WAY);
        let heard = heard(&reader);
        assert_eq!(heard, [GET, b"something else\r\n", GET, GET].concat());
        assert_eq!(felt(3), 1);
    });
}

/// What comes of bytes of which nobody knows where a message ends, and how often the fault was felt.
fn unknown(tampering: Tampering, act: impl FnOnce(&Writer, &Reader)) -> u64 {
    let mut felt = 0;
    simulated(|| {
        let ((_kept, writer), (reader, _other)) = pair(A, B);
        writes(&writer, b"before.");
        tamper(3, tampering);
        act(&writer, &reader);
        felt = super::felt(3);
    });
    felt
}

#[test]
fn bytes_that_are_lost_cut_their_connection_off_at_one_of_them() {
    let felt = unknown(Tampering::Lost, |writer, reader| {
        writes(writer, b"0123456789");
        // Who writes hears that as of any reset.
        assert_eq!(write(writer, b"more"), Poll::Ready(Err(ErrorKind::BrokenPipe)));
        pass(WAY);
        let heard = heard(reader);
        assert!(b"before.0123456789".starts_with(&heard[..]) && heard.len() < 17, "{heard:?}");
        assert!(heard.len() > 7, "{heard:?}");
        assert_eq!(read(reader), reset());
    });
    assert_eq!(felt, 1);
}

#[test]
fn bytes_can_be_late_and_reset() {
    let felt = unknown(Tampering::Delayed, |writer, reader| {
        writes(writer, b"late");
        pass(WAY);
        assert_eq!(heard(reader), b"before.");
        pass(5);
        assert_eq!(heard(reader), b"late");
    });
    assert_eq!(felt, 1);
    let felt = unknown(Tampering::Reset, |writer, reader| {
        writes(writer, b"gone");
        assert_eq!(read(reader), reset());
    });
    assert_eq!(felt, 1);
}

#[test]
fn bytes_can_not_be_gone_come_again_overtake_or_be_wrong() {
    use Tampering::{Corrupted, Duplicated, Reordered, Replayed};
    for tampering in [Corrupted, Duplicated, Reordered, Replayed] {
        let felt = unknown(tampering, |writer, reader| {
            writes(writer, b"one");
            writes(writer, b"two");
            pass(2 * WAY);
            assert_eq!(heard(reader), b"before.onetwo");
        });
        assert_eq!(felt, 0, "{tampering:?}");
    }
}
