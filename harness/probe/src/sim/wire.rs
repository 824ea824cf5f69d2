//! Simulated connections: which are broken, and what message faults do to each frame.

use super::{Flight, World, with};
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

/// A fault that limits what a direction carries.
#[derive(Clone, Debug)]
pub struct Bandwidth {
    /// Index in the plan.
    pub fault: u16,
    /// Bytes a second, on each direction.
    pub bytes_per_second: u64,
    /// The directions.
    pub links: BTreeSet<(NodeId, NodeId)>,
    /// When each has carried all that it was given, in microseconds of virtual time.
    pub busy_until: BTreeMap<(NodeId, NodeId), u64>,
}

/// What becomes of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Fate {
    /// It never arrives.
    pub lost: bool,
    /// It arrives late, after frames that were sent behind it.
    pub overtaken: Option<Duration>,
    /// It and all behind it arrive late, in order.
    pub delayed: Option<Duration>,
    /// It arrives a second time, so much later.
    pub again: Option<Duration>,
    /// A bit of it is wrong: from which draw it follows which.
    pub corrupted: Option<u64>,
    /// Its connection is reset in its place.
    pub reset: bool,
    /// An older frame of the same connection arrives behind it: from which draw it follows which.
    pub replayed: Option<u64>,
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
    /// Who connected, and from which port: what both ends have in common.
    number: (NodeId, u16),
    halves: u8,
    broken: bool,
    waker: Option<Waker>,
}

impl Wires {
    /// Breaks the connections between the two. How many ends there were.
    pub(crate) fn reset(&mut self, a: NodeId, b: NodeId) -> usize {
        self.reset_if(|open| (open.here, open.peer) == (a, b) || (open.here, open.peer) == (b, a))
    }

    /// Breaks one connection, at both ends.
    pub(crate) fn reset_one(&mut self, id: u64, (here, peer): (NodeId, NodeId)) {
        let Some(number) = self.open.get(&id).map(|open| open.number) else { return };
        self.reset_if(|open| {
            ((open.here, open.peer) == (here, peer) || (open.here, open.peer) == (peer, here))
                && open.number == number
        });
    }

    /// Breaks all connections of a node.
    pub(crate) fn reset_all_of(&mut self, node: NodeId) -> usize {
        self.reset_if(|open| open.here == node || open.peer == node)
    }

    fn reset_if(&mut self, which: impl Fn(&Open) -> bool) -> usize {
        let mut broken = 0;
        for open in self.open.values_mut().filter(|open| !open.broken && which(open)) {
            broken += 1;
            open.broken = true;
            if let Some(waker) = open.waker.take() {
                waker.wake();
            }
        }
        broken
    }

    /// How many ends of connections a node has.
    pub(crate) fn open_of(&self, node: NodeId) -> usize {
        self.open.values().filter(|open| open.here == node && !open.broken).count()
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
    /// The end of who connected to `peer` from `port`.
    pub(crate) fn connected(peer: SocketAddr, port: u16) -> Self {
        Self::open(peer, Some(port))
    }

    /// The end of who was connected to from `peer`.
    pub(crate) fn accepted(peer: SocketAddr) -> Self {
        Self::open(peer, None)
    }

    fn open(peer: SocketAddr, own_port: Option<u16>) -> Self {
        let name = turmoil::reverse_lookup(peer.ip());
        let peer_port = peer.port();
        with(|world| {
            let here = world.here();
            let peer = name.and_then(|name| world.node_named(&name)).unwrap_or(NodeId::HARNESS);
            let wires = &mut world.wires;
            let made = wires.made.entry((here, peer)).or_default();
            let connection = *made;
            *made += 1;
            let id = wires.next;
            wires.next += 1;
            let number = own_port.map_or((peer, peer_port), |port| (here, port));
            let open = Open { here, peer, number, halves: 1, broken: false, waker: None };
            wires.open.insert(id, open);
            if let Some(flights) = &mut world.flights {
                flights.opened((number, here));
            }
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
            let fate = if world.messages.is_empty() {
                Fate::default()
            } else {
                self.tamper(world, kind, frame)
            };
            if fate.lost || fate.reset {
                self.note_sent(world, kind, true);
            }
            fate
        })
        .unwrap_or_default()
    }

    /// A frame goes out, for diagrams.
    pub(crate) fn sends(&self, kind: &'static str) {
        with(|world| self.note_sent(world, kind, false));
    }

    fn note_sent(&self, world: &mut World, kind: &'static str, lost: bool) {
        let sent = world.now_here();
        let (Some(flights), Some(open)) = (&mut world.flights, world.wires.open.get(&self.id))
        else {
            return;
        };
        let flight = Flight { from: self.here, to: self.peer, kind, sent, read: None };
        flights.sent((open.number, self.here), flight, lost);
    }

    /// A frame was read, for diagrams.
    pub(crate) fn reads(&self) {
        with(|world| {
            let now = world.now_here();
            let number = world.wires.open.get(&self.id).map(|open| open.number);
            if let (Some(flights), Some(number)) = (&mut world.flights, number) {
                flights.read((number, self.peer), now);
            }
        });
    }

    fn tamper(&self, world: &mut World, kind: &str, frame: u64) -> Fate {
        let kind = world.names.intern(kind);
        let mut fate = Fate::default();
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
            // Of a frame that is lost nothing else can be said.
            if fate.lost || fate.reset {
                continue;
            }
            match fault.tampering {
                Tampering::Lost => fate.lost = true,
                Tampering::Reset => fate.reset = true,
                Tampering::Duplicated => fate.again = Some(late),
                Tampering::Reordered => fate.overtaken = Some(late),
                Tampering::Delayed => fate.delayed = Some(late),
                Tampering::Corrupted => fate.corrupted = Some(mix(draw)),
                // The first frame of a connection has none before it.
                Tampering::Replayed if frame == 0 => continue,
                Tampering::Replayed => fate.replayed = Some(mix(draw)),
            }
            done.push((fault.fault, fault.tampering));
        }
        for (fault, tampering) in done {
            world.record(self.here, What::Tampered { fault, tampering, kind, to: self.peer });
        }
        if fate.reset {
            let broken = (self.here, self.peer);
            world.wires.reset_one(self.id, broken);
        }
        fate
    }

    /// How long the way takes to carry so many bytes, with what it carries already.
    pub(crate) fn pace(&self, bytes: usize) -> Duration {
        with(|world| {
            let now = world.now_here();
            let direction = (self.here, self.peer);
            let mut free = now;
            let mut felt = Vec::new();
            for limit in &mut world.bandwidth {
                if !limit.links.contains(&direction) {
                    continue;
                }
                let takes =
                    (bytes as u64).saturating_mul(1_000_000) / limit.bytes_per_second.max(1);
                let busy = limit.busy_until.entry(direction).or_default();
                *busy = (*busy).max(now).saturating_add(takes);
                free = free.max(*busy);
                felt.push(limit.fault);
            }
            for fault in felt {
                world.feel(fault);
            }
            Duration::from_micros(free - now)
        })
        .unwrap_or_default()
    }

    /// The node at this end.
    pub(crate) fn node(&self) -> NodeId {
        self.here
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
