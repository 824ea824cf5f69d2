//! What message faults do to each frame.

use super::{
    feels::Feels,
    segment::{Direction, EndId},
};
use crate::{
    record::{NodeId, Tampering, What},
    sim::{derive::derive, state::MessageFault, world::World},
};
use bytes::Bytes;
use std::time::Duration;

/// What is sent, by which follows what faults can do to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// A whole message of a stream.
    Frame,
    /// It has no connection that could be reset, or that an older one could be of.
    Datagram,
    /// Bytes of which nobody knows where a message ends: they can be late, and end anywhere, but not be gone or come again.
    Bytes,
}

impl Sent {
    fn can_be(self, tampering: Tampering) -> bool {
        match self {
            Self::Frame => true,
            Self::Datagram => !matches!(tampering, Tampering::Reset | Tampering::Replayed),
            Self::Bytes => {
                matches!(tampering, Tampering::Lost | Tampering::Reset | Tampering::Delayed)
            }
        }
    }
}

/// What becomes of one frame.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct FrameFate {
    /// It never arrives, or its connection is reset in its place.
    pub(super) lost: bool,
    /// Of bytes that are lost: from which draw it follows how many of them arrive.
    pub(super) cut_off: Option<u64>,
    /// It arrives late, after frames that were sent behind it.
    pub(super) overtaken: Option<Duration>,
    /// It and all behind it arrive late, in order.
    pub(super) delayed: Option<Duration>,
    /// It arrives a second time: how much later, and by which fault.
    pub(super) again: Option<(Duration, u16)>,
    /// A bit of it is wrong: from which draw it follows which.
    pub(super) corrupted: Option<u64>,
    /// An older frame of the same connection arrives behind it: from which draw it follows which, and by
    /// which fault.
    pub(super) replayed: Option<(u64, u16)>,
    /// Who feels the frame itself.
    pub(super) feels: Vec<Feels>,
}

impl World {
    /// A fault begins to act on single frames.
    pub fn tamper(&mut self, fault: MessageFault) {
        self.messages.push(fault);
    }

    /// Decides what becomes of a frame, the one in this `place` of those of its end, which has this `serial`, and records
    /// what is done to it.
    pub(super) fn fate(
        &mut self,
        id: EndId,
        direction: Direction,
        (sent, kind): (Sent, &str),
        (serial, place): (u64, u64),
    ) -> FrameFate {
        let kind = self.names.intern(kind);
        let (from, to) = direction;
        let mut fate = FrameFate::default();
        let mut done = Vec::new();
        let mut reset = None;
        let mut lost = None;
        for fault in &self.messages {
            let applies = (fault.kinds.is_empty() || fault.kinds.contains(&kind))
                && fault.links.as_ref().is_none_or(|links| links.contains(&direction))
                && to != NodeId::HARNESS
                && from != NodeId::HARNESS
                && sent.can_be(fault.tampering);
            // Draws are a function of (fault, direction, connection, frame): no state, so whatever else changes, this
            // frame's draw does not.
            let [here, peer] = [from, to].map(|node| u64::from(node.0));
            let draw = derive(fault.draw, "frame", &[here, peer, serial, place]);
            let further = |purpose| derive(draw, purpose, &[]);
            #[allow(clippy::cast_precision_loss)]
            let chance = (draw >> 11) as f64 / (1_u64 << 53) as f64;
            if !applies || chance >= fault.share {
                continue;
            }
            let (least, most) = fault.delay_ms;
            let span = u64::from(most.saturating_sub(least)) + 1;
            let late = Duration::from_millis(u64::from(least) + further("delay") % span);
            // Of a frame that is lost nothing else can be said.
            if fate.lost {
                continue;
            }
            let step = fault.id.step;
            match fault.tampering {
                Tampering::Lost => {
                    fate.lost = true;
                    lost = Some(step);
                    fate.cut_off = (sent == Sent::Bytes).then(|| further("byte"));
                }
                Tampering::Reset => {
                    fate.lost = true;
                    reset = Some(step);
                }
                Tampering::Duplicated => fate.again = Some((late, step)),
                Tampering::Reordered => {
                    fate.overtaken = Some(late);
                    let feels = if fault.by_order { Feels::Overtaken } else { Feels::Late };
                    fate.feels.push(feels(step));
                }
                Tampering::Delayed => {
                    fate.delayed = Some(late);
                    fate.feels.push(Feels::Late(step));
                }
                Tampering::Corrupted => {
                    fate.corrupted = Some(further("bit"));
                    fate.feels.push(Feels::Read(step));
                }
                // The first frame of a connection has none before it.
                Tampering::Replayed if place == 0 => continue,
                Tampering::Replayed => fate.replayed = Some((further("older frame"), step)),
            }
            done.push((step, fault.tampering));
        }
        for (fault, tampering) in done {
            self.record(from, What::Tampered { fault, tampering, kind, to });
        }
        if let Some(fault) = reset {
            self.break_connection(id.connection, Some(fault));
        }
        let cut = self.cut(from, to);
        if let Some(fault) = lost.filter(|_| sent == Sent::Datagram && !cut) {
            self.feel(fault);
        }
        if let Some(known) = self.network.connection(id.connection) {
            // What would not have arrived anyway is no loss.
            let alive = known.broken.is_none() && !known.ends[1 - id.end].gone();
            if let Some(fault) = lost.filter(|_| alive && !cut) {
                self.feel(fault);
            }
        }
        fate
    }
}

/// A copy of a frame of which one bit is wrong.
pub(super) fn with_a_wrong_bit(frame: &Bytes, draw: u64) -> Bytes {
    let mut wrong = frame.to_vec();
    if let Some(at) = (draw >> 3).checked_rem(wrong.len() as u64) {
        wrong[usize::try_from(at).expect("below the length")] ^= 1 << (draw & 7);
    }
    Bytes::from(wrong)
}
