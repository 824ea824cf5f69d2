//! Bytes that software writes: the messages of a protocol that is known leave whole, at the mercy of the message faults.
//!
//! As long as no fault acts on messages, bytes leave as they are written. While one does, what is no whole message yet
//! waits for the rest of it.

use super::{
    connection::Written,
    framing::{Begins, Framing, Side},
    segment::EndId,
};
use crate::sim::world::World;
use bytes::{Buf as _, Bytes};

/// What leaves.
enum Leaves {
    Message(&'static str, Bytes),
    Plain(Bytes),
}

impl World {
    /// Bytes are written at an end that has room.
    pub(super) fn send_bytes(&mut self, id: EndId, bytes: Bytes) {
        let acts = !self.messages.is_empty();
        let Some(known) = self.network.connection_mut(id.connection) else { return };
        if let Written::Nothing = known.written {
            let framing = Framing::of(Side::of_end(id.end), &bytes);
            known.written = framing.map_or(Written::Bytes, Written::Messages);
        }
        if let Written::Bytes = known.written {
            return self.send_unknown(id, bytes);
        }
        known.ends[id.end].partial.extend_from_slice(&bytes);
        while let Some(leaves) = self.next_of(id, acts) {
            match leaves {
                Leaves::Message(kind, message) => self.send_frame(id, kind, message, false),
                Leaves::Plain(bytes) => self.send_plain(id, bytes),
            }
        }
    }

    /// The next that leaves of what was written at an end.
    fn next_of(&mut self, id: EndId, acts: bool) -> Option<Leaves> {
        let known = self.network.connection_mut(id.connection)?;
        let Written::Messages(framing) = &mut known.written else { return None };
        let end = &mut known.ends[id.end];
        if end.partial.is_empty() {
            return None;
        }
        match framing.next(Side::of_end(id.end), &end.partial) {
            Begins::Message(length, kind) => {
                let mut message = end.partial.split_to(length);
                let sent = std::mem::take(&mut end.partial_sent);
                if sent == 0 {
                    return Some(Leaves::Message(kind, message.freeze()));
                }
                message.advance(sent.min(length));
                Some(Leaves::Plain(message.freeze()))
            }
            Begins::Incomplete if acts => None,
            Begins::Incomplete => {
                let rest = Bytes::copy_from_slice(&end.partial[end.partial_sent..]);
                end.partial_sent = end.partial.len();
                (!rest.is_empty()).then_some(Leaves::Plain(rest))
            }
            Begins::Else => {
                known.written = Written::Bytes;
                let mut rest = std::mem::take(&mut end.partial);
                rest.advance(std::mem::take(&mut end.partial_sent));
                Some(Leaves::Plain(rest.freeze()))
            }
        }
    }

    /// Nothing more is written at an end: what waits for the rest of its message leaves.
    pub(super) fn send_rest(&mut self, id: EndId) {
        let Some(end) = self.end_mut(id) else { return };
        let mut rest = std::mem::take(&mut end.partial);
        rest.advance(std::mem::take(&mut end.partial_sent));
        if !rest.is_empty() {
            self.send_plain(id, rest.freeze());
        }
    }
}
