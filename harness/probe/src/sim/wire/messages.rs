//! What message faults do to each frame.

use super::{end::Wire, fate::FrameFate, feels::Feels};
use crate::{
    record::{NodeId, Tampering, What},
    sim::{derive::derive, state::MessageFault, world::World},
};
use std::time::Duration;

impl World {
    /// A fault begins to act on single frames.
    pub fn tamper(&mut self, fault: MessageFault) {
        self.messages.push(fault);
    }
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
