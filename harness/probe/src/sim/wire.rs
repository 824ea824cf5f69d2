//! Simulated connections: which are broken, what message faults do to each frame, and when that is felt.
//!
//! A fault is felt when its effect arrives: a copy when its receiver has read it, a delay when the frame
//! has come. So what was done to a frame travels with it, as a place in the stream of bytes that the
//! receiver has not read yet.

use super::{Flight, OccurrenceId, World, with};
use crate::{Name, NodeId, Tampering, What, mix};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    net::SocketAddr,
    task::{Context, Poll, Waker},
    time::Duration,
};

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

/// A fault that limits what a direction carries.
#[derive(Clone, Debug)]
pub struct Bandwidth {
    /// Which occurrence.
    pub id: OccurrenceId,
    /// Bytes a second, on each direction.
    pub bytes_per_second: u64,
    /// The directions.
    pub links: BTreeSet<(NodeId, NodeId)>,
    /// When each has carried all that it was given, in microseconds of virtual time.
    pub busy_until: BTreeMap<(NodeId, NodeId), u64>,
}

/// When a fault feels what it did to a frame. Faults are named by their steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feels {
    /// When its receiver reads it.
    Read(u16),
    /// As that, or when it comes and its receiver has stopped listening.
    Late(u16),
    /// When its receiver reads a frame that was sent after it, and has not had this one.
    Overtaken(u16),
    /// When its receiver reads it, and it took longer than the network ever does.
    Slow(u16),
}

/// What becomes of one frame.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Fate {
    /// Its place among all frames.
    pub(crate) number: u64,
    /// It never arrives, or its connection is reset in its place.
    pub(crate) lost: bool,
    /// It arrives late, after frames that were sent behind it.
    pub(crate) overtaken: Option<Duration>,
    /// It and all behind it arrive late, in order.
    pub(crate) delayed: Option<Duration>,
    /// It arrives a second time, so much later, by which fault.
    pub(crate) again: Option<(Duration, u16)>,
    /// A bit of it is wrong: from which draw it follows which.
    pub(crate) corrupted: Option<u64>,
    /// An older frame of the same connection arrives behind it: from which draw it follows which, and by
    /// which fault.
    pub(crate) replayed: Option<(u64, u16)>,
    /// Who feels the frame itself.
    pub(crate) feels: Vec<Feels>,
}

/// What was injected and has not come to its end.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) what: &'static str,
    pub(super) kind: &'static str,
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    /// It should have ended by then, in microseconds; what goes on longer is no fault's doing.
    pub(super) until: u64,
}

/// As long as it lives, something injected has not come to its end.
#[derive(Debug)]
pub(crate) struct UnderWay(u64);

impl Drop for UnderWay {
    fn drop(&mut self) {
        with(|world| world.pending.remove(&self.0));
    }
}

/// Who connected, and from which port: what both ends of a connection have in common.
type Number = (NodeId, u16);

#[derive(Debug, Default)]
pub(crate) struct Wires {
    connections: BTreeMap<Number, Connection>,
    /// Connections made so far for each direction.
    made: BTreeMap<(NodeId, NodeId), u64>,
    /// Frames that others may overtake, in each direction.
    overtaken: BTreeMap<(NodeId, NodeId), Vec<Overtaken>>,
    /// There are some, or were: the order of frames matters.
    ordered: bool,
    /// Ends opened so far.
    ends: u64,
}

/// A frame that others may overtake.
#[derive(Clone, Copy, Debug)]
struct Overtaken {
    number: u64,
    /// On which connection, and to which of its ends.
    connection: Number,
    end: usize,
    /// Who makes it wait.
    fault: u16,
}

#[derive(Debug)]
struct Connection {
    /// Of who connected, and of who accepted.
    ends: [End; 2],
    /// It was reset, by a fault or by a cut that was healed.
    broken: Option<Option<u16>>,
}

#[derive(Debug)]
struct End {
    node: NodeId,
    /// Ports are used again: which of the ends that had this one.
    serial: u64,
    /// It will be opened once the connecting side hears that it was accepted.
    awaited: bool,
    /// Its software dropped it; else, if it is gone, its node crashed.
    left: bool,
    /// It said that nothing more comes from it, before the connection was reset.
    ended: bool,
    /// The machine of its peer lost power: what that had sent still arrives, and then nothing ever again.
    silent: bool,
    halves: u8,
    waker: Option<Waker>,
    /// Bytes sent to it so far, and how many of them it has read.
    sent: u64,
    read: u64,
    /// What it has not read yet, of what matters to a fault.
    coming: VecDeque<Coming>,
}

/// A frame, or a piece of the stream, that matters to a fault.
#[derive(Debug)]
struct Coming {
    /// Where in the stream it ends.
    end: u64,
    /// When it was sent, and when it has surely arrived if nothing holds it up, in microseconds.
    sent: u64,
    lands_by: u64,
    /// The number of a frame.
    number: Option<u64>,
    feels: Vec<Feels>,
}

/// Two steps of the simulation, the longest that there are: what a frame may take beside its latency, in
/// microseconds.
const SLACK: u64 = 10_000;

impl End {
    fn new(node: NodeId, awaited: bool, serial: u64, halves: u8) -> Self {
        Self {
            node,
            serial,
            awaited,
            left: false,
            ended: false,
            silent: false,
            halves,
            waker: None,
            sent: 0,
            read: 0,
            coming: VecDeque::new(),
        }
    }

    fn gone(&self) -> bool {
        self.halves == 0 && !self.awaited
    }
}

impl Wires {
    /// Breaks the connections between the two.
    pub(crate) fn reset(&mut self, a: NodeId, b: NodeId, by: Option<u16>) {
        self.reset_if(by, |x, y| (x, y) == (a, b) || (x, y) == (b, a));
    }

    /// Breaks all connections of a node.
    pub(crate) fn reset_all_of(&mut self, node: NodeId, by: Option<u16>) {
        self.reset_if(by, |x, y| x == node || y == node);
    }

    fn reset_if(&mut self, by: Option<u16>, which: impl Fn(NodeId, NodeId) -> bool) {
        for connection in self.connections.values_mut() {
            if which(connection.ends[0].node, connection.ends[1].node) {
                connection.reset(by);
            }
        }
    }

    /// The machine of `node` has lost power: its peers' ends of its connections hear nothing of it.
    pub(crate) fn fall_silent(&mut self, node: NodeId) {
        for Connection { ends: [a, b], .. } in self.connections.values_mut() {
            a.silent |= b.node == node;
            b.silent |= a.node == node;
        }
    }

    /// Whoever waits for `node` to say something looks again.
    pub(crate) fn wake_peers_of(&mut self, node: NodeId) {
        for Connection { ends: [a, b], .. } in self.connections.values_mut() {
            let (of_a, of_b) = (a.node == node, b.node == node);
            for waker in
                [b.waker.take_if(|_| of_a), a.waker.take_if(|_| of_b)].into_iter().flatten()
            {
                waker.wake();
            }
        }
    }

    /// How many ends of connections a node has.
    pub(crate) fn open_of(&self, node: NodeId) -> usize {
        let live = self.connections.values().filter(|connection| connection.broken.is_none());
        live.flat_map(|connection| &connection.ends)
            .filter(|end| end.node == node && end.halves > 0)
            .count()
    }

    /// From whom to whom something goes that a fault has to do with and that has not landed.
    pub(super) fn on_its_way(&self, now: u64) -> Option<(NodeId, NodeId)> {
        self.connections.values().filter(|connection| connection.broken.is_none()).find_map(
            |Connection { ends, .. }| {
                let lands = |end: &End| {
                    let felt = end.coming.iter().filter(|coming| !coming.feels.is_empty());
                    felt.map(|coming| coming.lands_by).max().is_some_and(|by| by > now)
                };
                let to = ends.iter().position(lands)?;
                Some((ends[1 - to].node, ends[to].node))
            },
        )
    }
}

impl Connection {
    fn reset(&mut self, by: Option<u16>) {
        if self.broken.is_some() {
            return;
        }
        self.broken = Some(by);
        for end in &mut self.ends {
            if let Some(waker) = end.waker.take() {
                waker.wake();
            }
        }
    }
}

/// One end of a simulated connection.
#[derive(Debug)]
pub struct Wire {
    number: Number,
    /// Which of the two ends, and which of those that had this port.
    end: usize,
    serial: u64,
    here: NodeId,
    peer: NodeId,
    /// How many connections in this direction came before.
    connection: u64,
    frame: u64,
    /// Frames are read from it, which count as read when they are taken one by one.
    framed: bool,
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
            let wires = &mut world.wires;
            let made = wires.made.entry((here, peer)).or_default();
            let connection = *made;
            *made += 1;
            let number = own_port.map_or((peer, peer_port), |port| (here, port));
            let end = usize::from(own_port.is_none());
            // Who accepts opens its end first, and the other when it hears of it.
            wires.ends += 1;
            let serial = wires.ends;
            if end == 1 {
                let ends = [End::new(peer, true, 0, 0), End::new(here, false, serial, 1)];
                wires.connections.insert(number, Connection { ends, broken: None });
            } else {
                // If it is unknown, the other end is gone already.
                let known = wires.connections.entry(number).or_insert_with(|| Connection {
                    ends: [End::new(here, true, 0, 0), End::new(peer, false, 0, 0)],
                    broken: None,
                });
                let end = &mut known.ends[0];
                (end.awaited, end.serial, end.halves) = (false, serial, 1);
            }
            if let Some(flights) = &mut world.flights {
                flights.opened((number, here));
            }
            Self { number, end, serial, here, peer, connection, frame: 0, framed: false }
        })
        .unwrap_or(Self {
            number: (NodeId::HARNESS, 0),
            end: 0,
            serial: 0,
            here: NodeId::HARNESS,
            peer: NodeId::HARNESS,
            connection: 0,
            frame: 0,
            framed: false,
        })
    }

    fn connection<'w>(&self, world: &'w mut World) -> Option<&'w mut Connection> {
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
        .unwrap_or(false)
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
            .unwrap_or(false)
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

    /// So many bytes went out.
    pub(crate) fn wrote(&self, bytes: usize) {
        with(|world| {
            let Some(connection) = self.connection(world) else { return };
            let end = &mut connection.ends[1 - self.end];
            end.sent += bytes as u64;
            let (at, gone) = (end.sent, end.gone());
            let Some(disturbance) = world.disturbed.get(&(self.here, self.peer)) else { return };
            let feels: Vec<Feels> = disturbance.slows.iter().map(feels_slow).collect();
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
        .unwrap_or(false)
    }

    /// Whether nothing that is written here leaves the node any more.
    pub(crate) fn is_dead(&self) -> bool {
        with(|world| world.is_dead(self.here)).unwrap_or(false)
    }

    /// Decides what becomes of the next frame, and records what was done to it.
    pub(crate) fn fate(&mut self, kind: &'static str) -> Fate {
        let frame = self.frame;
        self.frame += 1;
        with(|world| {
            world.frames += 1;
            let mut fate = if world.messages.is_empty() {
                Fate::default()
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
        .unwrap_or_default()
    }

    /// A frame goes out, the last of `ahead` bytes that are about to be sent.
    pub(crate) fn sends(&self, kind: &'static str, ahead: usize, number: u64, feels: &[Feels]) {
        with(|world| {
            self.note_sent(world, kind, false);
            let order = world.wires.ordered;
            if feels.is_empty() && !order {
                return;
            }
            let slow = world.disturbed.get(&(self.here, self.peer));
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

    /// A frame of so many bytes was read.
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

    fn tamper(&self, world: &mut World, kind: &str, frame: u64) -> Fate {
        let kind = world.names.intern(kind);
        let mut fate = Fate::default();
        let mut done = Vec::new();
        let mut reset = None;
        let mut lost = None;
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
                    fate.corrupted = Some(mix(draw));
                    fate.feels.push(Feels::Read(step));
                }
                // The first frame of a connection has none before it.
                Tampering::Replayed if frame == 0 => continue,
                Tampering::Replayed => fate.replayed = Some((mix(draw), step)),
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

    /// How long the way takes to carry so many bytes, with what it carries already, and by which faults it is
    /// narrow; `None` if it is not.
    pub(crate) fn pace(&self, bytes: usize) -> Option<(Duration, Vec<u16>)> {
        with(|world| {
            let now = world.now_here();
            let direction = (self.here, self.peer);
            let mut free = now;
            let mut narrow = Vec::new();
            for limit in &mut world.bandwidth {
                if !limit.links.contains(&direction) {
                    continue;
                }
                let takes =
                    (bytes as u64).saturating_mul(1_000_000) / limit.bytes_per_second.max(1);
                let busy = limit.busy_until.entry(direction).or_default();
                *busy = (*busy).max(now).saturating_add(takes);
                free = free.max(*busy);
                narrow.push(limit.id.step);
            }
            (free > now).then(|| (Duration::from_micros(free - now), narrow))
        })
        .flatten()
    }

    /// Something that a fault does to a frame of this end goes on for so long, as long as the result lives.
    pub(crate) fn under_way(
        &self,
        what: &'static str,
        kind: &'static str,
        takes: Duration,
    ) -> Option<UnderWay> {
        let (from, to) = (self.here, self.peer);
        with(|world| world.begin_pending(Pending { what, kind, from, to, until: 0 }, takes))
    }

    /// As [`Wire::under_way`], of a frame that goes the other way.
    pub(crate) fn being_read(&self, what: &'static str, takes: Duration) -> Option<UnderWay> {
        let (from, to) = (self.peer, self.here);
        let kind = "frame";
        with(|world| world.begin_pending(Pending { what, kind, from, to, until: 0 }, takes))
    }

    /// The node at this end.
    pub(crate) fn node(&self) -> NodeId {
        self.here
    }
}

/// The first packet of a connection is on its way, by links that may be slow.
pub(crate) struct Handshake {
    since: u64,
    feels: Vec<Feels>,
}

/// A connection to `host` is being made.
pub(crate) fn slows(host: &str) -> Handshake {
    let from = super::here();
    with(|world| {
        let to = world.node_named(host);
        let slow = to.and_then(|to| world.disturbed.get(&(from, to)));
        let feels = slow.map(|slow| slow.slows.iter().map(feels_slow).collect());
        Handshake { since: world.now_here(), feels: feels.unwrap_or_default() }
    })
    .unwrap_or(Handshake { since: 0, feels: Vec::new() })
}

impl Handshake {
    /// It has been accepted or refused.
    pub(crate) fn over(self) {
        if !self.feels.is_empty() {
            with(|world| world.feel_arrival(&self.feels, self.since));
        }
    }
}

fn feels_slow((fault, surely): &(u16, bool)) -> Feels {
    if *surely { Feels::Read(*fault) } else { Feels::Slow(*fault) }
}

/// Returns after so long, or as soon as nothing limits the way from `wire` any more.
pub(crate) async fn room(wire: &Wire, takes: Duration) {
    let direction = (wire.here, wire.peer);
    let sleep = tokio::time::sleep(takes);
    let wide = std::future::poll_fn(|context| {
        with(|world| {
            if !world.bandwidth.iter().any(|limit| limit.links.contains(&direction)) {
                return Poll::Ready(());
            }
            world.waiting_for_room.push(context.waker().clone());
            Poll::Pending
        })
        .unwrap_or(Poll::Ready(()))
    });
    tokio::select! {
        biased;
        () = sleep => {}
        () = wide => {}
    }
}

impl World {
    fn begin_pending(&mut self, mut pending: Pending, takes: Duration) -> UnderWay {
        let takes = u64::try_from(takes.as_micros()).unwrap_or(u64::MAX).saturating_add(SLACK);
        pending.until = self.now_here().saturating_add(takes);
        let number = self.pendings;
        self.pendings += 1;
        self.pending.insert(number, pending);
        UnderWay(number)
    }

    /// What is sent now, and matters to faults.
    fn coming(&self, end: u64, most_ms: u32, number: Option<u64>, feels: Vec<Feels>) -> Coming {
        let sent = self.now_here();
        let lands_by = sent + u64::from(most_ms.max(self.latency_ms)) * 1_000 + SLACK;
        Coming { end, sent, lands_by, number, feels }
    }

    /// What mattered to faults was read.
    fn arrive(&mut self, direction: (NodeId, NodeId), coming: &Coming) {
        self.feel_arrival(&coming.feels, coming.sent);
        if let Some(number) = coming.number {
            self.overtake(direction, number);
        }
    }

    fn feel_arrival(&mut self, feels: &[Feels], since: u64) {
        let took = self.now_here().saturating_sub(since);
        let usual = u64::from(self.latency_ms) * 1_000 + SLACK;
        for feels in feels {
            match feels {
                Feels::Read(fault) | Feels::Late(fault) => self.feel(*fault),
                Feels::Slow(fault) if took > usual => self.feel(*fault),
                Feels::Slow(_) | Feels::Overtaken(_) => {}
            }
        }
    }

    /// A frame was read: those that were sent before it, and have not come, feel that.
    fn overtake(&mut self, direction: (NodeId, NodeId), number: u64) {
        let Some(waiting) = self.wires.overtaken.get_mut(&direction) else { return };
        let (over, still): (Vec<Overtaken>, _) =
            waiting.iter().partition(|before| before.number <= number);
        *waiting = still;
        for Overtaken { connection, end, fault, .. } in
            over.into_iter().filter(|before| before.number < number)
        {
            // What is lost with its connection comes behind nothing.
            let comes = self.wires.connections.get(&connection).is_some_and(|known| {
                let sender = &known.ends[1 - end];
                known.broken.is_none()
                    && !known.ends[end].gone()
                    && (sender.halves > 0 || sender.left)
            });
            if comes {
                self.feel(fault);
            }
        }
    }

    /// Frames came, or would have, and nobody listens any more: since its software `left`, or it crashed.
    fn feel_late<'a>(&mut self, left: bool, feels: impl Iterator<Item = &'a Feels>) {
        for feels in feels {
            if let Feels::Late(fault) = feels
                && left
            {
                self.feel(*fault);
            }
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        with(|world| {
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
