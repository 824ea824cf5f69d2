//! What is sent: when it leaves, and when it lands.

use super::{
    connection::Remembered,
    fate::{FrameFate, Sent, with_a_wrong_bit},
    feels::Feels,
    segment::{Chunk, EndId, Payload, Segment},
    tables::Overtaken,
};
use crate::{
    record::NodeId,
    sim::{
        state::{Flight, MILLISECOND},
        world::World,
    },
};
use bytes::Bytes;
use std::{io, task::Waker, time::Duration};

/// How many segments of one end may be unread before who writes to it has to wait.
pub(super) const WINDOW: usize = 4_096;

/// How many of the last frames of a connection a fault can send again.
const REMEMBERED: usize = 16;

/// The kind of bytes of which nobody knows where a message ends.
const BYTES: &str = "bytes";

/// What can be written now.
pub(super) enum Room {
    /// As much as one likes.
    Free,
    /// Nothing will arrive any more; nobody will say so.
    Nowhere,
    /// Nothing until the waker is woken.
    Full,
    /// The connection is gone.
    Gone(io::ErrorKind),
}

impl World {
    /// Whether `node` can write at this end; if not yet, `waker` is woken when it can.
    pub(super) fn room(&mut self, id: EndId, node: NodeId, waker: Option<&Waker>) -> Room {
        if self.is_dead(node) {
            return Room::Nowhere;
        }
        let Some(known) = self.network.connection_mut(id.connection) else {
            return Room::Gone(io::ErrorKind::BrokenPipe);
        };
        if known.broken.is_some() {
            self.meet_reset(id.connection);
            return Room::Gone(io::ErrorKind::ConnectionReset);
        }
        let end = &mut known.ends[id.end];
        if end.reset || !end.writes {
            return Room::Gone(io::ErrorKind::BrokenPipe);
        }
        if end.unread < WINDOW {
            return Room::Free;
        }
        if let Some(waker) = waker {
            end.writers.wait(waker);
        }
        Room::Full
    }

    /// A reset is met: the fault that did it has felt it, once.
    pub(super) fn meet_reset(&mut self, connection: usize) {
        let known = self.network.connection_mut(connection);
        let by = known.and_then(|known| known.broken.as_mut()?.take());
        if let Some(fault) = by {
            self.feel(fault);
        }
    }

    /// Bytes that are no message leave an end that has room.
    pub(super) fn send_plain(&mut self, id: EndId, bytes: Bytes) {
        self.send_felt(id, bytes, Vec::new());
    }

    fn send_felt(&mut self, id: EndId, bytes: Bytes, feels: Vec<Feels>) {
        let now = self.now_here();
        let leaves = self.end_mut(id).map_or(now, |end| end.leaves);
        let what = ("a message that comes late", BYTES);
        self.dispatch(id, now, leaves, Payload::Data(Chunk::Bytes(bytes)), feels, what);
    }

    /// Bytes of no protocol that is known are written, at the mercy of those message faults that can act on such: what is
    /// lost cuts its connection off at one of its bytes.
    pub(super) fn send_unknown(&mut self, id: EndId, bytes: Bytes) {
        if self.messages.is_empty() {
            return self.send_plain(id, bytes);
        }
        let (now, direction) = (self.now_here(), self.direction(id));
        let (Some(direction), Some(end)) = (direction, self.end_mut(id)) else { return };
        let place = (end.serial, end.frames);
        end.frames += 1;
        let fate = self.fate(id, direction, (Sent::Bytes, BYTES), place);
        if let Some(draw) = fate.cut_off {
            let length = bytes.len() as u64;
            let arrive = usize::try_from(draw.checked_rem(length).unwrap_or(0));
            let arrive = bytes.slice(..arrive.expect("fewer than there are"));
            if !arrive.is_empty() {
                self.send_plain(id, arrive);
            }
            return self.cut_off(id);
        }
        // It was reset.
        if fate.lost {
            return;
        }
        if let Some(by) = fate.delayed
            && let Some(end) = self.end_mut(id)
        {
            let by = u64::try_from(by.as_micros()).expect("a delay is 2^33 milliseconds at most");
            end.leaves = end.leaves.max(now + by);
        }
        self.send_felt(id, bytes, fate.feels);
    }

    /// The connection is reset behind what this end has sent.
    fn cut_off(&mut self, id: EndId) {
        let now = self.now_here();
        let leaves = self.network.last_leaving(id).map_or(now, |last| last.max(now));
        if leaves > now {
            let what = ("the end of a connection", "close");
            self.leave_later(id, leaves, Payload::Reset, Vec::new(), what, None);
            self.let_leave(self.network.floor);
        } else {
            self.transmit(id, Payload::Reset, Vec::new(), now);
        }
        if let Some(end) = self.end_mut(id) {
            (end.reset, end.writes) = (true, false);
            end.wake();
        }
    }

    /// A frame is written at an end that has room, at the mercy of the message faults.
    pub(super) fn send_frame(
        &mut self,
        id: EndId,
        kind: &'static str,
        frame: Bytes,
        prefixed: bool,
    ) {
        let now = self.now_here();
        let Some(known) = self.network.connection_mut(id.connection) else { return };
        let direction = (known.ends[id.end].node, known.ends[1 - id.end].node);
        let end = &mut known.ends[id.end];
        let place = (end.serial, end.frames);
        end.frames += 1;
        self.frames += 1;
        let number = self.frames;
        let fate = if self.messages.is_empty() {
            FrameFate::default()
        } else {
            self.fate(id, direction, (Sent::Frame, kind), place)
        };
        for feels in fate.feels.iter().filter(|_| !fate.lost) {
            if let Feels::Overtaken(fault) = feels {
                let waiting = self.network.overtaken.entry(direction).or_default();
                waiting.push(Overtaken { number, to: id.peer(), fault: *fault });
            }
        }
        let flight = self.note_flight(direction, kind, fate.lost);
        let frame = match fate.corrupted {
            Some(draw) => with_a_wrong_bit(&frame, draw),
            None => frame,
        };
        let older = self.remember(id, (kind, frame.clone(), prefixed), fate.replayed);
        if fate.lost {
            return;
        }
        let us = |time: Duration| {
            u64::try_from(time.as_micros()).expect("a delay is 2^33 milliseconds at most")
        };
        let Some(end) = self.end_mut(id) else { return };
        if let Some(by) = fate.delayed {
            end.leaves = end.leaves.max(now + us(by));
        }
        // Behind what faults hold up of the same stream, whatever else they do to it.
        let leaves = end.leaves.max(now) + fate.overtaken.map_or(0, us);
        let chunk = |bytes, prefixed, copy| {
            Payload::Data(Chunk::Frame { bytes, prefixed, number, flight, copy })
        };
        let again = fate.again.map(|copy| (copy, frame.clone()));
        let late = ("a message that comes late", kind);
        self.dispatch(id, now, leaves, chunk(frame, prefixed, false), fate.feels, late);
        if let Some(((by, fault), frame)) = again {
            let what = ("the second copy of a message", kind);
            let feels = vec![Feels::Read(fault)];
            self.dispatch(id, now, leaves + us(by), chunk(frame, prefixed, true), feels, what);
        }
        if let Some(((kind, frame, prefixed), fault)) = older {
            let what = ("an old message that comes again", kind);
            let feels = vec![Feels::Read(fault)];
            self.dispatch(id, now, leaves, chunk(frame, prefixed, true), feels, what);
        }
    }

    /// A piece of the stream leaves now or later.
    fn dispatch(
        &mut self,
        id: EndId,
        now: u64,
        leaves: u64,
        payload: Payload,
        feels: Vec<Feels>,
        what: (&'static str, &'static str),
    ) {
        let Some(direction) = self.direction(id) else { return };
        if let Some(end) = self.end_mut(id) {
            end.unread += 1;
        }
        // Until it leaves, and be that at once, it takes memory.
        self.hold_waiting(direction.0, &payload, 1);
        if leaves > now {
            self.leave_later(id, leaves, payload, feels, what, None);
        } else {
            self.leave_now(id, direction, now, payload, feels, what.1);
        }
        self.let_leave(self.network.floor);
    }

    /// The end of the stream goes out behind all that was sent, and after `late` by a fault.
    pub(super) fn send_end(&mut self, id: EndId, late: Option<(Duration, u16)>) {
        let known = self.network.connection(id.connection);
        if known.is_none_or(|known| known.broken.is_some()) {
            return;
        }
        let now = self.now_here();
        let mut leaves = self.network.last_leaving(id).map_or(now, |last| last.max(now));
        let mut fault = None;
        if let Some((takes, by)) = late {
            // A fault may be asked to take longer than there is time.
            leaves += u64::try_from(takes.as_micros()).unwrap_or(u64::MAX / 4);
            fault = Some(by);
        }
        if leaves > now {
            if let Some(end) = self.end_mut(id) {
                end.closing = true;
            }
            let what = ("the end of a connection", "close");
            self.leave_later(id, leaves, Payload::End, Vec::new(), what, fault);
            self.let_leave(self.network.floor);
        } else {
            self.transmit(id, Payload::End, Vec::new(), now);
        }
    }

    /// Keeps a frame for faults that send one again; the older one that is sent now, if a fault says so.
    fn remember(
        &mut self,
        id: EndId,
        frame: Remembered,
        replayed: Option<(u64, u16)>,
    ) -> Option<(Remembered, u16)> {
        let remembered = &mut self.end_mut(id)?.remembered;
        let older = replayed.and_then(|(draw, fault)| {
            let place = draw.checked_rem(remembered.len() as u64)?;
            Some((remembered[usize::try_from(place).ok()?].clone(), fault))
        });
        remembered.push_back(frame);
        if remembered.len() > REMEMBERED {
            remembered.pop_front();
        }
        older
    }

    pub(super) fn note_flight(
        &mut self,
        (from, to): (NodeId, NodeId),
        kind: &'static str,
        lost: bool,
    ) -> Option<usize> {
        let flight = Flight { from, to, kind, sent: self.now_here(), read: None };
        self.flights.sent(flight).filter(|_| !lost)
    }

    /// A segment leaves now.
    pub(super) fn transmit(&mut self, from: EndId, payload: Payload, feels: Vec<Feels>, at: u64) {
        let Some(known) = self.network.connection(from.connection) else { return };
        if known.broken.is_some() {
            return;
        }
        let direction = (known.ends[from.end].node, known.ends[1 - from.end].node);
        let to = from.peer();
        let mut segment = Segment { direction, to, payload, sent: at, lands: at, feels };
        if direction.0 == direction.1 {
            return self.land(segment);
        }
        if self.meet_cut(direction) {
            return self.lose(segment);
        }
        if let Some(link) = self.network.links.state(direction) {
            segment.feels.extend(link.feels());
        }
        let latency = self.network.links.draw(direction);
        let floor = self.network.floor;
        let Some(end) = self.end_mut(from) else { return };
        // Clocks of nodes stop at whole milliseconds.
        segment.lands = (at + latency).max(end.lands).max(floor).next_multiple_of(MILLISECOND);
        end.lands = segment.lands;
        self.network.post(segment);
    }
}
