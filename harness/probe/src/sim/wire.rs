//! Simulated connections: which are broken, and what message faults do to each frame.

use super::{World, with};
use crate::{Name, NodeId, Tampering, What, mix};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
    task::{Context, Waker},
    time::Duration,
};

/// A fault that acts on single frames.
#[derive(Clone, Debug)]
pub struct MessageFault {
    /// Index in the plan.
    pub fault: u16,
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
}

/// What becomes of one frame: the delays after which copies of it are sent. No copy: it is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    first: Option<Duration>,
    second: Option<Duration>,
}

impl Fate {
    const UNTOUCHED: Self = Self { first: Some(Duration::ZERO), second: None };

    /// The delay of each copy.
    pub fn copies(self) -> impl Iterator<Item = Duration> {
        self.first.into_iter().chain(self.second)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Wires {
    open: BTreeMap<u64, Open>,
    next: u64,
    /// Connections made so far for each direction.
    made: BTreeMap<(NodeId, NodeId), u64>,
}

#[derive(Debug)]
struct Open {
    here: NodeId,
    peer: NodeId,
    halves: u8,
    broken: bool,
    waker: Option<Waker>,
}

impl Wires {
    pub(crate) fn reset(&mut self, a: NodeId, b: NodeId) {
        for open in self.open.values_mut() {
            if (open.here, open.peer) == (a, b) || (open.here, open.peer) == (b, a) {
                open.broken = true;
                if let Some(waker) = open.waker.take() {
                    waker.wake();
                }
            }
        }
    }
}

/// One end of a simulated connection.
#[derive(Debug)]
pub struct Wire {
    id: u64,
    here: NodeId,
    peer: NodeId,
    /// How many connections in this direction came before.
    connection: u64,
    frame: u64,
}

impl Wire {
    pub(crate) fn open(peer: SocketAddr) -> Self {
        let name = turmoil::reverse_lookup(peer.ip());
        with(|world| {
            let here = world.here();
            let peer = name.and_then(|name| world.node_named(&name)).unwrap_or(NodeId::HARNESS);
            let wires = &mut world.wires;
            let made = wires.made.entry((here, peer)).or_default();
            let connection = *made;
            *made += 1;
            let id = wires.next;
            wires.next += 1;
            wires.open.insert(id, Open { here, peer, halves: 1, broken: false, waker: None });
            Self { id, here, peer, connection, frame: 0 }
        })
        .unwrap_or(Self {
            id: u64::MAX,
            here: NodeId::HARNESS,
            peer: NodeId::HARNESS,
            connection: 0,
            frame: 0,
        })
    }

    /// A second handle on the same end.
    pub(crate) fn twin(&self) -> Self {
        with(|world| {
            if let Some(open) = world.wires.open.get_mut(&self.id) {
                open.halves += 1;
            }
        });
        Self { ..*self }
    }

    /// An error if the connection was broken; the reader's waker is kept for when it is.
    pub(crate) fn intact(&self, context: Option<&mut Context<'_>>) -> io::Result<()> {
        with(|world| {
            if context.is_none() {
                world.touch(self.here, self.peer);
            }
            self.check(world, context)
        })
        .unwrap_or(Ok(()))
    }

    fn check(&self, world: &mut World, context: Option<&mut Context<'_>>) -> io::Result<()> {
        match world.wires.open.get_mut(&self.id) {
            Some(open) if open.broken => Err(io::ErrorKind::ConnectionReset.into()),
            Some(open) => {
                if let Some(context) = context {
                    open.waker = Some(context.waker().clone());
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Decides what becomes of the next frame, and records what was done to it.
    pub(crate) fn fate(&mut self, kind: &'static str) -> Fate {
        let frame = self.frame;
        self.frame += 1;
        with(|world| {
            world.frames += 1;
            if world.messages.is_empty() {
                Fate::UNTOUCHED
            } else {
                self.tamper(world, kind, frame)
            }
        })
        .unwrap_or(Fate::UNTOUCHED)
    }

    fn tamper(&self, world: &mut World, kind: &str, frame: u64) -> Fate {
        let kind = world.names.intern(kind);
        let mut fate = Fate::UNTOUCHED;
        let mut done = Vec::new();
        for fault in &world.messages {
            let direction = (self.here, self.peer);
            let applies = (fault.kinds.is_empty() || fault.kinds.contains(&kind))
                && fault.links.as_ref().is_none_or(|links| links.contains(&direction))
                && self.peer != NodeId::HARNESS
                && self.here != NodeId::HARNESS;
            // Draws are a function of (seed, fault, direction, connection, frame): no state, so
            // whatever else changes, this frame's draw does not.
            let draw = mix(world.seed_for("message", self.here, u64::from(self.peer.0))
                ^ mix(fault.draw ^ self.connection << 32 ^ frame));
            #[allow(clippy::cast_precision_loss)]
            let chance = (draw >> 11) as f64 / (1_u64 << 53) as f64;
            if !applies || chance >= fault.share {
                continue;
            }
            let (from, to) = fault.delay_ms;
            let span = u64::from(to.saturating_sub(from)) + 1;
            let late = Duration::from_millis(u64::from(from) + mix(draw) % span);
            match fault.tampering {
                Tampering::Lost => fate = Fate { first: None, second: None },
                Tampering::Duplicated if fate.first.is_some() => fate.second = Some(late),
                Tampering::Reordered if fate.first.is_some() => fate.first = Some(late),
                Tampering::Duplicated | Tampering::Reordered => continue,
            }
            done.push((fault.fault, fault.tampering));
        }
        for (fault, tampering) in done {
            world.record(self.here, What::Tampered { fault, tampering, kind, to: self.peer });
        }
        fate
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        with(|world| {
            let wires = &mut world.wires;
            if let Some(open) = wires.open.get_mut(&self.id) {
                open.halves -= 1;
                if open.halves == 0 {
                    wires.open.remove(&self.id);
                }
            }
        });
    }
}
