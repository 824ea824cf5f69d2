//! HTTP/2: a message is a frame, its kind the name of its type. One that is lost may break its connection: headers are
//! compressed by what came before them.

use super::begins::{Begins, Side};

/// What who connects sends first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Types of frames by number (RFC 9113, section 6).
const TYPES: &[&str] = &[
    "DATA",
    "HEADERS",
    "PRIORITY",
    "RST_STREAM",
    "SETTINGS",
    "PUSH_PROMISE",
    "PING",
    "GOAWAY",
    "WINDOW_UPDATE",
    "CONTINUATION",
];

/// Who connects begins with the preface, who accepts with its settings.
pub(super) fn is_first(side: Side, first: &[u8]) -> bool {
    match (side, first) {
        (Side::Connected, _) => {
            first.starts_with(PREFACE) || first.len() >= 3 && PREFACE.starts_with(first)
        }
        (Side::Accepted, [0, 0, length, 4, 0, 0, 0, 0, 0, ..]) => length.is_multiple_of(6),
        (Side::Accepted, _) => false,
    }
}

pub(super) fn next(bytes: &[u8]) -> Begins {
    if bytes.starts_with(PREFACE) {
        return Begins::Message(PREFACE.len(), "PREFACE");
    }
    if bytes.starts_with(b"PRI") && PREFACE.starts_with(bytes) {
        return Begins::Incomplete;
    }
    let Some([high, middle, low, kind, ..]) = bytes.first_chunk::<9>() else {
        return Begins::Incomplete;
    };
    let length = 9 + u32::from_be_bytes([0, *high, *middle, *low]) as usize;
    if bytes.len() < length {
        return Begins::Incomplete;
    }
    let kind = TYPES.get(usize::from(*kind)).copied().unwrap_or("frame");
    Begins::Message(length, kind)
}
