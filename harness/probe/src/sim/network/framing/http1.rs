//! HTTP/1: a message is its head and its body. A request's kind is its method, an answer's is `response`.

use super::begins::{Begins, Side};
use std::collections::VecDeque;

/// Methods whose requests are messages. (Behind CONNECT come bytes.)
const METHODS: &[&str] =
    &["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"];

/// It begins with a method, a target and the protocol.
pub(super) fn is_request(first: &[u8]) -> bool {
    let line = first.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    METHODS.iter().any(|known| known.as_bytes() == method)
        && words.next().is_some_and(|target| !target.is_empty())
        && words.next().is_some_and(|protocol| protocol.starts_with(b"HTTP/1."))
}

pub(super) fn next(side: Side, bytes: &[u8], bodiless: &mut VecDeque<bool>) -> Begins {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Begins::Incomplete;
    };
    let head = head + 4;
    let Ok(text) = std::str::from_utf8(&bytes[..head]) else { return Begins::Else };
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let headers = Headers(lines.collect());
    let length = match side {
        Side::Connected => request_length(first, &headers, &bytes[head..]),
        Side::Accepted => {
            let to_head = bodiless.front().copied().unwrap_or(false);
            response_length(first, &headers, &bytes[head..], to_head)
        }
    };
    let body = match length {
        Ok(Some(body)) if bytes.len() >= head + body => body,
        Ok(_) => return Begins::Incomplete,
        Err(NoMessage) => return Begins::Else,
    };
    let kind = match side {
        Side::Connected => {
            let method = first.split(' ').next().unwrap_or_default();
            bodiless.push_back(method == "HEAD");
            METHODS.iter().find(|known| **known == method).copied().unwrap_or("request")
        }
        Side::Accepted => {
            // More than one of these may come before the answer.
            if !status(first).is_some_and(|status| (100..200).contains(&status)) {
                bodiless.pop_front();
            }
            "response"
        }
    };
    Begins::Message(head + body, kind)
}

/// Bytes are no message, or nobody can tell where it ends.
struct NoMessage;

struct Headers<'a>(Vec<&'a str>);

impl Headers<'_> {
    fn get(&self, wanted: &str) -> Option<&str> {
        self.0.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    }

    /// How long a body is by what the head says, if it says so; of one in chunks, as far as `rest` tells.
    fn body(&self, rest: &[u8]) -> Result<Option<Body>, NoMessage> {
        if let Some(coding) = self.get("transfer-encoding") {
            let last = coding.rsplit(',').next().unwrap_or_default().trim();
            if !last.eq_ignore_ascii_case("chunked") {
                return Err(NoMessage);
            }
            return chunks(rest).map(|length| Some(Body(length)));
        }
        let Some(length) = self.get("content-length") else { return Ok(None) };
        length.parse().map(|length| Some(Body(Some(length)))).map_err(|_| NoMessage)
    }
}

/// The length of a body, if that is known yet.
struct Body(Option<usize>);

/// How long a request's body is, if that is known yet.
fn request_length(
    first: &str,
    headers: &Headers<'_>,
    rest: &[u8],
) -> Result<Option<usize>, NoMessage> {
    // Who expects an answer waits for it before the body, and behind CONNECT come other bytes.
    let waits = headers.get("expect").is_some() || headers.get("upgrade").is_some();
    if !is_request(first.as_bytes()) || waits || first.starts_with("CONNECT ") {
        return Err(NoMessage);
    }
    Ok(headers.body(rest)?.map_or(Some(0), |body| body.0))
}

/// How long a response's body is, if that is known yet.
fn response_length(
    first: &str,
    headers: &Headers<'_>,
    rest: &[u8],
    to_head: bool,
) -> Result<Option<usize>, NoMessage> {
    match status(first).ok_or(NoMessage)? {
        101 => Err(NoMessage),
        100..200 | 204 | 304 => Ok(Some(0)),
        _ if to_head => Ok(Some(0)),
        // Without a length it ends when the connection does.
        _ => headers.body(rest)?.map(|body| body.0).ok_or(NoMessage),
    }
}

fn status(first: &str) -> Option<u16> {
    let mut words = first.split(' ');
    words.next().filter(|protocol| protocol.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}

/// How long a body in chunks is, with its trailers, if its end is there (RFC 9112, section 7.1).
fn chunks(rest: &[u8]) -> Result<Option<usize>, NoMessage> {
    let line = |at: usize| -> Option<(&[u8], usize)> {
        let from = rest.get(at..)?;
        let end = from.windows(2).position(|two| two == b"\r\n")?;
        Some((&from[..end], at + end + 2))
    };
    let mut at = 0;
    while let Some((size, data)) = line(at) {
        let digits = size.split(|byte| *byte == b';').next().unwrap_or_default();
        let digits = std::str::from_utf8(digits).map_err(|_| NoMessage)?;
        let size = usize::from_str_radix(digits.trim(), 16).map_err(|_| NoMessage)?;
        if size > 0 {
            at = data.checked_add(size).and_then(|end| end.checked_add(2)).ok_or(NoMessage)?;
            continue;
        }
        at = data;
        while let Some((trailer, next)) = line(at) {
            if trailer.is_empty() {
                return Ok(Some(next));
            }
            at = next;
        }
        return Ok(None);
    }
    Ok(None)
}
