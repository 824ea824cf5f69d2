//! Where one message ends in bytes that software writes, where that is known by itself: so faults on messages act on what
//! a program sends by a protocol that everybody knows, though it writes bytes.
//!
//! Who connects tells the protocol by its first bytes, and who accepts answers in the same. (In HTTP/2 either may be first.) A message is what one line of a
//! specification calls so: a request or a response of HTTP/1 (RFC 9112), a frame of HTTP/2 (RFC 9113, section 4), a value of
//! RESP (Redis' serialization protocol, versions 2 and 3).

mod begins;
mod http1;
mod http2;
mod resp;

pub(in crate::sim) use begins::{Begins, Side};

use std::collections::VecDeque;

/// A message longer than this is bytes, in bytes.
const LONGEST: usize = 1 << 20;

/// A protocol whose messages are known.
#[derive(Clone, Debug)]
pub(in crate::sim) enum Framing {
    Resp,
    Http1 {
        /// Requests that were not answered yet: whether the answer has no body.
        bodiless: VecDeque<bool>,
    },
    Http2,
}

impl Framing {
    /// The protocol of the side that writes this first.
    pub(in crate::sim) fn of(side: Side, first: &[u8]) -> Option<Self> {
        if http2::is_first(side, first) {
            return Some(Self::Http2);
        }
        if side == Side::Accepted {
            return None;
        }
        if http1::is_request(first) {
            return Some(Self::Http1 { bodiless: VecDeque::new() });
        }
        resp::is_command(first).then_some(Self::Resp)
    }

    /// What bytes of a side begin with.
    pub(in crate::sim) fn next(&mut self, side: Side, bytes: &[u8]) -> Begins {
        let begins = match self {
            Self::Resp => resp::next(side, bytes),
            Self::Http1 { bodiless } => http1::next(side, bytes, bodiless),
            Self::Http2 => http2::next(bytes),
        };
        match begins {
            Begins::Incomplete if bytes.len() > LONGEST => Begins::Else,
            begins => begins,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All messages of some bytes, however they are cut.
    fn messages(framing: &Framing, side: Side, bytes: &[u8]) -> Vec<(usize, &'static str)> {
        let whole = all(&mut framing.clone(), side, bytes);
        for cut in 1..bytes.len() {
            let mut framing = framing.clone();
            let mut found = Vec::new();
            let mut rest = Vec::new();
            for piece in [&bytes[..cut], &bytes[cut..]] {
                rest.extend_from_slice(piece);
                while let Begins::Message(length, kind) = framing.next(side, &rest) {
                    found.push((length, kind));
                    rest.drain(..length);
                }
            }
            assert_eq!(found, whole, "cut at {cut}");
        }
        whole
    }

    fn all(framing: &mut Framing, side: Side, bytes: &[u8]) -> Vec<(usize, &'static str)> {
        let mut rest = bytes;
        let mut found = Vec::new();
        while let Begins::Message(length, kind) = framing.next(side, rest) {
            found.push((length, kind));
            rest = &rest[length..];
        }
        found
    }

    #[test]
    fn who_connects_tells_the_protocol() {
        let named = |first: &[u8]| {
            Framing::of(Side::Connected, first).map(|framing| format!("{framing:?}"))
        };
        assert_eq!(named(b"*1\r\n$4\r\nPING\r\n").unwrap(), "Resp");
        assert_eq!(named(http2::PREFACE).unwrap(), "Http2");
        for request in ["GET / HTTP/1.1\r\n", "DELETE /a HTTP/1.0\r\n\r\n", "OPTIONS * HTTP/1.1"] {
            assert!(named(request.as_bytes()).unwrap().starts_with("Http1"), "{request}");
        }
        for other in ["GETAWAY", "GET ", "*x", "", "hello", "HTTP/1.1 200 OK\r\n"] {
            assert_eq!(named(other.as_bytes()), None, "{other}");
        }
        // Who accepts may begin with its settings.
        let accepted = |first: &[u8]| Framing::of(Side::Accepted, first).is_some();
        assert!(accepted(&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1]));
        assert!(!accepted(&[0, 0, 5, 4, 0, 0, 0, 0, 0]) && !accepted(b"*1\r\n$4\r\nPING\r\n"));
    }

    #[test]
    fn values_of_resp() {
        let side = Side::Connected;
        let commands =
            b"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$2\r\n\r\n\r\n*1\r\n$4\r\nPING\r\n*1\r\n$3\r\nzzz\r\n";
        assert_eq!(
            messages(&Framing::Resp, side, commands),
            [(28, "SET"), (14, "PING"), (13, "command")]
        );
        let replies =
            b"+OK\r\n$-1\r\n:7\r\n*2\r\n$1\r\na\r\n*0\r\n%1\r\n+k\r\n_\r\n*-1\r\n-ERR no\r\n";
        let lengths: Vec<usize> =
            messages(&Framing::Resp, Side::Accepted, replies).iter().map(|(l, _)| *l).collect();
        assert_eq!(lengths, [5, 5, 4, 15, 11, 5, 9]);
        for other in ["hello\r\n", "*x\r\n", "$3\r\nabcd\r\n", "*1\r\nzzz\r\n"] {
            assert_eq!(Framing::Resp.next(side, other.as_bytes()), Begins::Else, "{other}");
        }
    }

    #[test]
    fn messages_of_http1() {
        let mut framing = Framing::of(Side::Connected, b"GET / HTTP/1.1\r\n").unwrap();
        let get = b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n";
        let post = b"POST /a HTTP/1.1\r\ncontent-LENGTH:  3 \r\n\r\nabc";
        let chunked = b"PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\n\n\r\n0\r\nT: 1\r\n\r\n";
        let head = b"HEAD /a HTTP/1.1\r\n\r\n";
        let all_of_them = [&get[..], post, chunked, head].concat();
        let kinds = messages(&framing, Side::Connected, &all_of_them);
        let expected = [
            (get.len(), "GET"),
            (post.len(), "POST"),
            (chunked.len(), "PUT"),
            (head.len(), "HEAD"),
        ];
        assert_eq!(kinds, expected);
        // Responses are to those requests.
        all(&mut framing, Side::Connected, &all_of_them);
        let first = b"HTTP/1.1 100 Continue\r\n\r\n";
        let second = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let third = b"HTTP/1.1 204 No Content\r\n\r\n";
        let fourth = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        // To HEAD: it tells the length of what does not come.
        let fifth = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
        let responses = [&first[..], second, third, fourth, fifth].concat();
        let lengths: Vec<usize> =
            messages(&framing, Side::Accepted, &responses).iter().map(|(l, _)| *l).collect();
        let expected = [first.len(), second.len(), third.len(), fourth.len(), fifth.len()];
        assert_eq!(lengths, expected);
    }

    #[test]
    fn what_is_no_message_of_http1() {
        for (side, other) in [
            // It ends when the connection does.
            (Side::Accepted, "HTTP/1.1 200 OK\r\n\r\n"),
            (Side::Accepted, "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
            (Side::Connected, "CONNECT a:1 HTTP/1.1\r\n\r\n"),
            (
                Side::Connected,
                "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
            ),
            (Side::Connected, "PUT /a HTTP/1.1\r\nContent-Length: x\r\n\r\n"),
            (Side::Connected, "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
            (Side::Connected, "something else\r\n\r\n"),
        ] {
            let mut framing = Framing::Http1 { bodiless: [false].into() };
            assert_eq!(framing.next(side, other.as_bytes()), Begins::Else, "{other}");
        }
        let mut framing = Framing::Http1 { bodiless: VecDeque::new() };
        let endless = [b"GET /".to_vec(), vec![b'a'; LONGEST]].concat();
        assert_eq!(framing.next(Side::Connected, &endless), Begins::Else);
    }

    #[test]
    fn frames_of_http2() {
        let bytes =
            [http2::PREFACE, &[0, 0, 0, 4, 0, 0, 0, 0, 0], &[0, 0, 2, 0, 1, 0, 0, 0, 1, 7, 7]];
        let kinds = messages(&Framing::Http2, Side::Connected, &bytes.concat());
        assert_eq!(kinds, [(24, "PREFACE"), (9, "SETTINGS"), (11, "DATA")]);
    }
}
