//! What message faults do to each frame.

use super::{Feels, OccurrenceId, Wire, World};
use crate::{Name, NodeId, Tampering, What, sim::derive};
use std::{collections::BTreeSet, time::Duration};

/// A fault that acts on single frames.
#[derive(Clone, Debug)]
pub struct MessageFault {
    /// Which occurrence.
    pub id: OccurrenceId,
    /// Its own draw, from which those of the frames follow.
    pub draw: u64,
    /// What it does.
    pub tampering: Tampering,
    /// The share of frames that it acts on, 0 to 1.
    pub share: f64,
    /// The kinds of message it acts on; all if empty.
    pub kinds: Vec<Name>,
    /// The directions it acts on; all if `None`.
    pub links: Option<BTreeSet<(NodeId, NodeId)>>,
    /// How late a late copy comes, in milliseconds, from and to.
    pub delay_ms: (u32, u32),
    /// Of frames that are overtaken: it is felt only where a later one is read first.
    pub by_order: bool,
}

/// What becomes of one frame.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct FrameFate {
    /// Its place among all frames.
    pub(crate) number: u64,
    /// It never arrives, or its connection is reset in its place.
    pub(crate) lost: bool,
    /// It arrives late, after frames that were sent behind it.
    pub(crate) overtaken: Option<Duration>,
    /// It and all behind it arrive late, in order.
    pub(crate) delayed: Option<Duration>,
    /// It arrives a second time: how much later, and by which fault.
    pub(crate) again: Option<(Duration, u16)>,
    /// A bit of it is wrong: from which draw it follows which.
    pub(crate) corrupted: Option<u64>,
    /// An older frame of the same connection arrives behind it: from which draw it follows which, and by
    /// which fault.
    pub(crate) replayed: Option<(u64, u16)>,
    /// Who feels the frame itself.
    pub(crate) feels: Vec<Feels>,
}

impl Wire {
    pub(super) fn tamper(&self, world: &mut World, kind: &str, frame: u64) -> FrameFate {
        let kind = world.names.intern(kind);
        let mut fate = FrameFate::default();
        let mut done = Vec::new();
        let mut reset = None;
        let mut lost = None;
        for fault in &world.messages {
            let direction = (self.here, self.peer);
            let applies = (fault.kinds.is_empty() || fault.kinds.contains(&kind))
                && fault.links.as_ref().is_none_or(|links| links.contains(&direction))
                && self.peer != NodeId::HARNESS
                && self.here != NodeId::HARNESS;
            // Draws are a function of (fault, direction, connection, frame): no state, so whatever else changes, this
            // frame's draw does not.
            let [here, peer] = [self.here, self.peer].map(|node| u64::from(node.0));
            let draw = derive(fault.draw, "frame", &[here, peer, self.connection, frame]);
            let further = |purpose| derive(draw, purpose, &[]);
            #[allow(clippy::cast_precision_loss)]
            let chance = (draw >> 11) as f64 / (1_u64 << 53) as f64;
            if !applies || chance >= fault.share {
                continue;
            }
            let (from, to) = fault.delay_ms;
            let span = u64::from(to.saturating_sub(from)) + 1;
            let late = Duration::from_millis(u64::from(from) + further("delay") % span);
            // Of a frame that is lost nothing else can be said.
            if fate.lost {
                continue;
            }
            let step = fault.id.step;
            match fault.tampering {
                Tampering::Lost => {
                    fate.lost = true;
                    lost = Some(step);
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
                Tampering::Replayed if frame == 0 => continue,
                Tampering::Replayed => fate.replayed = Some((further("older frame"), step)),
            }
            done.push((step, fault.tampering));
        }
        for (fault, tampering) in done {
            world.record(self.here, What::Tampered { fault, tampering, kind, to: self.peer });
        }
        let cut = world.cut(self.here, self.peer);
        if let Some(connection) = self.connection(world) {
            if let Some(fault) = reset {
                connection.reset(Some(fault));
            }
            // What would not have arrived anyway is no loss.
            let alive = connection.broken.is_none() && !connection.ends[1 - self.end].gone();
            if let Some(fault) = lost.filter(|_| alive && !cut) {
                world.feel(fault);
            }
        }
        fate
    }
}
