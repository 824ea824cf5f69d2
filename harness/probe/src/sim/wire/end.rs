//! One end of a simulated connection.

use super::{
    connections::{Coming, Connection, Number, Overtaken},
    fate::FrameFate,
    feels::Feels,
};
use crate::{
    record::NodeId,
    sim::{
        state::Flight,
        under_way::UnderWay,
        world::{World, try_with, with},
    },
};
use std::{io, net::SocketAddr, task::Context, time::Duration};

/// One end of a simulated connection.
#[derive(Debug)]
pub struct Wire {
    pub(super) number: Number,
    /// Which of the two ends, and which of those that had this port.
    pub(super) end: usize,
    pub(super) serial: u64,
    pub(super) here: NodeId,
    pub(super) peer: NodeId,
    /// How many connections in this direction came before.
    pub(super) connection: u64,
    pub(super) frame: u64,
    /// Frames are read from it, which count as read when they are taken one by one.
    pub(super) framed: bool,
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
        let loopback = peer.ip().is_loopback();
        let name = if loopback { None } else { turmoil::reverse_lookup(peer.ip()) };
        let peer_port = peer.port();
        with(|world| {
            let here = world.here();
            let peer = name.and_then(|name| world.node_named(&name));
            let peer = peer.unwrap_or(if loopback { here } else { NodeId::HARNESS });
            let number = own_port.map_or((peer, peer_port), |port| (here, port));
            let end = usize::from(own_port.is_none());
            let (serial, connection) = world.wires.open(number, end, here, peer);
            if let Some(flights) = &mut world.flights {
                flights.opened((number, here));
            }
            Self { number, end, serial, here, peer, connection, frame: 0, framed: false }
        })
    }

    pub(super) fn connection<'w>(&self, world: &'w mut World) -> Option<&'w mut Connection> {
        let known = world.wires.connections.get_mut(&self.number);
        known.filter(|known| known.ends[self.end].serial == self.serial)
    }

    /// A second handle on the same end.
    pub(crate) fn twin(&self) -> Self {
        with(|world| {
            if let Some(connection) = self.connection(world) {
                connection.ends[self.end].halves += 1;
            }
        });
        Self { ..*self }
    }

    /// Frames are read from it.
    pub(crate) fn carries_frames(&mut self) {
        self.framed = true;
    }

    /// Whether the connection was reset. The reader's waker is kept for when it is.
    pub(crate) fn broken(&self, context: Option<&mut Context<'_>>) -> bool {
        with(|world| {
            let Some(connection) = self.connection(world) else { return false };
            if connection.broken.is_none()
                && let Some(context) = context
            {
                connection.ends[self.end].waker = Some(context.waker().clone());
            }
            connection.broken.is_some()
        })
    }

    /// This end is told that the connection was reset: who did it has felt it.
    pub(crate) fn meets_reset(&self) -> io::Error {
        with(|world| {
            let connection = self.connection(world);
            let by = connection.and_then(|connection| connection.broken.as_mut()?.take());
            if let Some(fault) = by {
                world.feel(fault);
            }
        });
        io::ErrorKind::ConnectionReset.into()
    }

    /// Whether the peer had ended the stream before the connection was reset.
    pub(crate) fn ended(&self) -> bool {
        with(|world| self.connection(world).is_some_and(|known| known.ends[1 - self.end].ended))
    }

    /// The end of the stream went out.
    pub(crate) fn ends(&self) {
        self.wrote(0);
        with(|world| {
            if let Some(connection) = self.connection(world) {
                connection.ends[self.end].ended = connection.broken.is_none();
            }
        });
    }

    /// `bytes` went out.
    pub(crate) fn wrote(&self, bytes: usize) {
        with(|world| {
            let Some(connection) = self.connection(world) else { return };
            let end = &mut connection.ends[1 - self.end];
            end.sent += bytes as u64;
            let (at, gone) = (end.sent, end.gone());
            let Some(disturbance) = world.links.disturbance(self.here, self.peer) else { return };
            let feels = Feels::slow(disturbance);
            let most_ms = disturbance.most_ms;
            world.meet_cut(self.here, self.peer);
            if feels.is_empty() || gone {
                return;
            }
            let coming = world.coming(at, most_ms, None, feels);
            if let Some(connection) = self.connection(world) {
                connection.ends[1 - self.end].coming.push_back(coming);
            }
        });
    }

    /// Bytes came out of the stream, unless frames are taken from it.
    pub(crate) fn took(&self, bytes: usize) {
        if !self.framed {
            with(|world| self.reads(world, bytes));
        }
    }

    /// Whether the end of the connection (or an error, if `error`) is hidden from this end: its peer lost power,
    /// so nobody has sent one.
    pub(crate) fn hides_end(&self, error: bool) -> bool {
        with(|world| {
            let silent = self.connection(world).is_some_and(|known| known.ends[self.end].silent);
            // Once its machine is back, it answers what it does not know with a reset.
            silent && (!error || world.is_dark(self.peer))
        })
    }

    /// Whether nothing that is written here leaves the node any more.
    pub(crate) fn is_dead(&self) -> bool {
        with(|world| world.is_dead(self.here))
    }

    /// Decides what becomes of the next frame, and records what was done to it.
    pub(crate) fn fate(&mut self, kind: &'static str) -> FrameFate {
        let frame = self.frame;
        self.frame += 1;
        with(|world| {
            world.frames += 1;
            let mut fate = if world.messages.is_empty() {
                FrameFate::default()
            } else {
                self.tamper(world, kind, frame)
            };
            fate.number = world.frames;
            let direction = (self.here, self.peer);
            for feels in fate.feels.iter().filter(|_| !fate.lost) {
                if let Feels::Overtaken(fault) = feels {
                    let waiting = world.wires.overtaken.entry(direction).or_default();
                    waiting.push(Overtaken {
                        number: fate.number,
                        connection: self.number,
                        end: 1 - self.end,
                        fault: *fault,
                    });
                    world.wires.ordered = true;
                }
            }
            if fate.lost {
                self.note_sent(world, kind, true);
            }
            fate
        })
    }

    /// A frame goes out, the last of `ahead` bytes that are about to be sent.
    pub(crate) fn sends(&self, kind: &'static str, ahead: usize, number: u64, feels: &[Feels]) {
        with(|world| {
            self.note_sent(world, kind, false);
            let order = world.wires.ordered;
            if feels.is_empty() && !order {
                return;
            }
            let slow = world.links.disturbance(self.here, self.peer);
            let most_ms = slow.map_or(0, |slow| slow.most_ms);
            let Some(connection) = self.connection(world) else { return };
            let end = &connection.ends[1 - self.end];
            if end.gone() {
                let left = end.left;
                world.feel_late(left, feels.iter());
                return;
            }
            let at = end.sent + ahead as u64;
            let coming = world.coming(at, most_ms, Some(number), feels.to_vec());
            if let Some(connection) = self.connection(world) {
                connection.ends[1 - self.end].coming.push_back(coming);
            }
        });
    }

    fn note_sent(&self, world: &mut World, kind: &'static str, lost: bool) {
        if world.flights.is_none() {
            return;
        }
        let sent = world.now_here();
        let flight = Flight { from: self.here, to: self.peer, kind, sent, read: None };
        if let Some(flights) = &mut world.flights {
            flights.sent((self.number, self.here), flight, lost);
        }
    }

    /// A frame was read: `bytes`, with its length.
    pub(crate) fn reads_frame(&self, bytes: usize) {
        with(|world| {
            if world.flights.is_some() {
                let now = world.now_here();
                if let Some(flights) = &mut world.flights {
                    flights.read((self.number, self.peer), now);
                }
            }
            self.reads(world, bytes);
        });
    }

    fn reads(&self, world: &mut World, bytes: usize) {
        let Some(connection) = self.connection(world) else { return };
        connection.ends[self.end].read += bytes as u64;
        while let Some(coming) = self.arrived(world) {
            world.arrive((self.peer, self.here), &coming);
        }
    }

    fn arrived(&self, world: &mut World) -> Option<Coming> {
        let end = &mut self.connection(world)?.ends[self.end];
        end.coming.pop_front_if(|coming| coming.end <= end.read)
    }

    /// How long the way takes to carry `bytes`, with what it carries already, and by which faults it is narrow; `None`
    /// if it is not.
    pub(crate) fn pace(&self, bytes: usize) -> Option<(Duration, Vec<u16>)> {
        with(|world| {
            let now = world.now_here();
            world.links.carry(self.direction(), bytes, now)
        })
    }

    /// Something that a fault does to a frame of this end goes on until the result is dropped, for `takes` at most.
    pub(crate) fn under_way(
        &self,
        what: &'static str,
        kind: &'static str,
        takes: Duration,
    ) -> UnderWay {
        with(|world| world.begin_under_way(what, kind, self.direction(), takes))
    }

    /// As [`Wire::under_way`], of a frame that goes the other way.
    pub(crate) fn being_read(&self, what: &'static str, takes: Duration) -> UnderWay {
        with(|world| world.begin_under_way(what, "frame", (self.peer, self.here), takes))
    }

    /// From this end to the other.
    pub(crate) fn direction(&self) -> (NodeId, NodeId) {
        (self.here, self.peer)
    }

    /// The node at this end.
    pub(crate) fn node(&self) -> NodeId {
        self.here
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // A node's tasks may be dropped when its simulation is over.
        try_with(|world| {
            // Tasks of a node that crashes are dropped between two steps, when no node runs.
            let left = world.here() == self.here;
            let Some(connection) = self.connection(world) else { return };
            let end = &mut connection.ends[self.end];
            end.halves -= 1;
            if end.halves > 0 {
                return;
            }
            end.left = left;
            end.ended |= connection.broken.is_none();
            let coming = std::mem::take(&mut end.coming);
            if connection.ends.iter().all(|end| end.halves == 0) {
                world.wires.connections.remove(&self.number);
            }
            for coming in coming {
                world.feel_late(left, coming.feels.iter());
            }
        });
    }
}

impl World {
    /// Breaks the open connections between two nodes, in both directions: each end meets a reset, which a
    /// fault feels if it is the cause.
    pub fn reset_connections(&mut self, a: NodeId, b: NodeId, by: Option<u16>) {
        self.wires.reset(a, b, by);
    }
}
