//! Datagrams: each travels by itself over the same links as the segments of streams, so it can be lost, come twice, or
//! overtake another.
//!
//! Message faults act on each as on a frame, of the kind `datagram`. As on Linux, a socket that is connected takes its
//! peer's alone, and hears that nobody has the port; what finds no room at its receiver is lost. Nothing is fragmented.

use super::{
    ends::Wait,
    fate::{FrameFate, Sent, with_a_wrong_bit},
    feels::Feels,
    mailbox::{Letter, Mailbox},
    place::Place,
    segment::{Datagram, Direction, EndId, Payload, Segment},
    tables::Overtaken,
};
use crate::{
    record::NodeId,
    sim::{
        nodes::current_node,
        state::{MILLISECOND, RunState},
        world::{World, try_with, with},
    },
};
use bytes::Bytes;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    task::Poll,
    time::Duration,
};
use tokio::io::ReadBuf;

/// The kind of all datagrams.
const KIND: &str = "datagram";

/// The most bytes that a datagram can carry over IPv4.
const LONGEST: usize = 65_507;

/// How many bytes of datagrams may wait to be received, as Linux has it (`net.core.rmem_default`).
const ROOM: usize = 212_992;

/// A socket for datagrams of a node.
#[derive(Debug)]
pub(crate) struct Datagrams {
    node: NodeId,
    address: SocketAddr,
}

impl Datagrams {
    /// Has a port of the node that runs now; a free one if it is 0.
    pub(crate) fn bind(place: &Place) -> io::Result<Self> {
        let node = current_node();
        with(|world| {
            let address = world.bind(
                place,
                node,
                |network| network.free_mailbox(node),
                |network, port| network.mailboxes.contains_key(&(node, port)),
            )?;
            // Those of connections are others.
            let serial = 1 << 32 | world.network.next_serial((node, node));
            let mailbox = Mailbox { loopback: place.is_loopback(), serial, ..Mailbox::default() };
            world.network.mailboxes.insert((node, address.port()), mailbox);
            Ok(Self { node, address })
        })
    }

    /// Its own address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn act<R>(&self, act: impl FnOnce(&mut World, &mut Mailbox) -> io::Result<R>) -> io::Result<R> {
        let key = (self.node, self.address.port());
        with(|world| {
            // Taken out, so that what acts on it may look at the world.
            let mut mailbox =
                world.network.mailboxes.remove(&key).ok_or(io::ErrorKind::NotConnected)?;
            let done = act(world, &mut mailbox);
            world.network.mailboxes.insert(key, mailbox);
            done
        })
    }

    /// Sends to one peer from now on, and takes its datagrams alone.
    pub(crate) fn connect(&self, peer: SocketAddr) -> io::Result<()> {
        self.act(|_, mailbox| {
            mailbox.peer = Some(peer);
            Ok(())
        })
    }

    /// The peer that it is connected to.
    pub(crate) fn peer(&self) -> io::Result<SocketAddr> {
        self.act(|_, mailbox| mailbox.peer.ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }

    /// Whether it may send to all.
    pub(crate) fn broadcast(&self) -> io::Result<bool> {
        self.act(|_, mailbox| Ok(mailbox.broadcast))
    }

    pub(crate) fn set_broadcast(&self, on: bool) -> io::Result<()> {
        self.act(|_, mailbox| {
            mailbox.broadcast = on;
            Ok(())
        })
    }

    /// Takes the error that waits to be told.
    pub(crate) fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.act(|_, mailbox| Ok(take_refusal(mailbox).err()))
    }

    /// Sends a datagram, to the peer if no address is told: how many bytes.
    pub(crate) fn send(&self, bytes: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
        let port = self.address.port();
        let (nodes, to, serial, place) = self.act(|world, mailbox| {
            take_refusal(mailbox)?;
            let to = to.or(mailbox.peer).ok_or(io::ErrorKind::NotConnected)?;
            if bytes.len() > LONGEST {
                let message = format!("message too long: {} bytes", bytes.len());
                return Err(io::Error::other(message));
            }
            let nodes = world.receivers(self.node, to, mailbox.broadcast)?;
            let place = mailbox.sent;
            mailbox.sent += 1;
            Ok((nodes, to, mailbox.serial, place))
        })?;
        with(|world| {
            if world.is_dead(self.node) {
                return;
            }
            for node in nodes {
                let loopback = node == self.node && to.ip().is_loopback();
                let from = if loopback { to.ip() } else { world.network.address(self.node) };
                let from = SocketAddr::new(from, port);
                let bytes = Bytes::copy_from_slice(bytes);
                world.send_datagram((self.node, node), (serial, place), from, to.port(), bytes);
            }
        });
        Ok(bytes.len())
    }

    /// Receives a datagram, or looks at it if it `stays`: who sent it. What the buffer has no room for is lost with it.
    pub(crate) fn poll_receive(
        &self,
        wait: Wait<'_>,
        buffer: &mut ReadBuf<'_>,
        stays: bool,
    ) -> Poll<io::Result<SocketAddr>> {
        let found = self.act(|_, mailbox| {
            take_refusal(mailbox)?;
            let Some(letter) = mailbox.letters.front() else {
                mailbox.wait(wait);
                return Ok(None);
            };
            let bytes = &letter.datagram.bytes;
            buffer.put_slice(&bytes[..bytes.len().min(buffer.remaining())]);
            let from = letter.datagram.from;
            if stays {
                return Ok(Some((from, None)));
            }
            mailbox.bytes -= bytes.len();
            Ok(Some((from, mailbox.letters.pop_front())))
        });
        match found {
            Ok(None) => Poll::Pending,
            Ok(Some((from, letter))) => {
                if let Some(letter) = letter {
                    with(|world| world.is_received(letter));
                }
                Poll::Ready(Ok(from))
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Ready when there is something to receive.
    pub(crate) fn poll_readable(&self, wait: Wait<'_>) -> Poll<()> {
        let found = self.act(|_, mailbox| {
            let found = mailbox.refused || !mailbox.letters.is_empty();
            if !found {
                mailbox.wait(wait);
            }
            Ok(found)
        });
        if found.unwrap_or(true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// An error that waits to be told is told once.
fn take_refusal(mailbox: &mut Mailbox) -> io::Result<()> {
    if std::mem::take(&mut mailbox.refused) {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(())
}

impl Mailbox {
    fn wait(&mut self, wait: Wait<'_>) {
        match wait {
            Wait::No => {}
            Wait::Reads(waker) => self.reader = Some(waker.clone()),
            Wait::Looks(waker) => self.lookers.wait(waker),
        }
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        // A node's tasks may be dropped when its simulation is over.
        try_with(|world| world.network.mailboxes.remove(&(self.node, self.address.port())));
    }
}

impl World {
    /// The nodes that a datagram to an address goes to.
    fn receivers(&self, from: NodeId, to: SocketAddr, broadcast: bool) -> io::Result<Vec<NodeId>> {
        let all = match to.ip() {
            IpAddr::V4(ip) => ip.is_broadcast() || ip == Ipv4Addr::new(192, 168, 255, 255),
            IpAddr::V6(_) => false,
        };
        if all && !broadcast {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        if all {
            return Ok((0..self.machines.len()).map(NodeId::of_index).collect());
        }
        if to.ip().is_unspecified() {
            return Ok(vec![from]);
        }
        let node = self.resolve(&to.into(), from);
        Ok(vec![node.ok_or(io::ErrorKind::NetworkUnreachable)?])
    }

    /// A datagram is sent, at the mercy of the message faults.
    fn send_datagram(
        &mut self,
        direction: Direction,
        place: (u64, u64),
        from: SocketAddr,
        port: u16,
        bytes: Bytes,
    ) {
        let now = self.now_here();
        self.frames += 1;
        let number = self.frames;
        let fate = if self.messages.is_empty() {
            FrameFate::default()
        } else {
            self.fate(EndId::NONE, direction, (Sent::Datagram, KIND), place)
        };
        let flight = self.note_flight(direction, KIND, fate.lost);
        if fate.lost {
            return;
        }
        for feels in &fate.feels {
            if let Feels::Overtaken(fault) = feels {
                let waiting = self.network.overtaken.entry(direction).or_default();
                waiting.push(Overtaken { number, to: EndId::NONE, fault: *fault });
            }
        }
        let bytes = match fate.corrupted {
            Some(draw) => with_a_wrong_bit(&bytes, draw),
            None => bytes,
        };
        let us = |time: Duration| {
            u64::try_from(time.as_micros()).expect("a delay is 2^33 milliseconds at most")
        };
        let late = fate.delayed.map_or(0, us) + fate.overtaken.map_or(0, us);
        let datagram = |copy| Datagram { from, port, bytes: bytes.clone(), number, flight, copy };
        let again = fate.again.map(|(by, fault)| (late + us(by), vec![Feels::Read(fault)], true));
        for (late, feels, copy) in [(late, fate.feels, false)].into_iter().chain(again) {
            let payload = Payload::Datagram(datagram(copy));
            self.hold_waiting(direction.0, &payload, 1);
            if late > 0 {
                let what = ("a message that comes late", KIND);
                self.wait_to_leave(EndId::NONE, direction, now + late, payload, feels, what, None);
            } else {
                self.leave_now(EndId::NONE, direction, now, payload, feels, KIND);
            }
        }
        self.let_leave(self.network.floor);
    }

    /// Something that belongs to no connection leaves now.
    pub(super) fn transmit_loose(
        &mut self,
        direction: Direction,
        payload: Payload,
        feels: Vec<Feels>,
        at: u64,
    ) {
        let to = EndId::NONE;
        let mut segment = Segment { direction, to, payload, sent: at, lands: at, feels };
        if direction.0 == direction.1 {
            return self.land(segment);
        }
        if self.meet_cut(direction) {
            return;
        }
        if let Some(link) = self.network.links.state(direction) {
            segment.feels.extend(link.feels());
        }
        let latency = self.network.links.draw(direction);
        segment.lands = (at + latency).max(self.network.floor).next_multiple_of(MILLISECOND);
        self.network.post(segment);
    }

    /// A datagram has come to a node's machine.
    pub(super) fn datagram_lands(
        &mut self,
        direction: Direction,
        datagram: Datagram,
        sent: u64,
        feels: Vec<Feels>,
        at: u64,
    ) {
        let (from, node) = direction;
        let serves = self.machine(node).is_none_or(|machine| machine.life == RunState::Running);
        let mailbox = self.network.mailboxes.get_mut(&(node, datagram.port));
        let mailbox = mailbox.filter(|one| serves && (from == node || !one.loopback));
        let Some(mailbox) = mailbox.filter(|one| one.peer.is_none_or(|peer| peer == datagram.from))
        else {
            let peer = self.network.socket(node, datagram.port);
            let port = datagram.from.port();
            let payload = Payload::Unreachable { port, peer };
            return self.transmit_loose((node, from), payload, Vec::new(), at);
        };
        if mailbox.bytes + datagram.bytes.len() <= ROOM {
            mailbox.bytes += datagram.bytes.len();
            mailbox.letters.push_back(Letter { datagram, direction, sent, feels });
            mailbox.wake();
        }
    }

    /// Nobody has the port that a datagram was sent to. Only who is connected to it hears of that.
    pub(super) fn is_unreachable(&mut self, node: NodeId, port: u16, peer: SocketAddr) {
        if let Some(mailbox) = self.network.mailboxes.get_mut(&(node, port))
            && mailbox.peer.is_some_and(|known| {
                known.port() == peer.port() && (known.ip() == peer.ip() || known.ip().is_loopback())
            })
        {
            mailbox.refused = true;
            mailbox.wake();
        }
    }

    fn is_received(&mut self, letter: Letter) {
        let now = self.now_here();
        self.feel_arrival(&letter.feels, letter.sent, now);
        if !self.network.overtaken.is_empty() {
            self.overtake(letter.direction, letter.datagram.number);
        }
        if let Some(place) = letter.datagram.flight {
            self.flights.read(place, now);
        }
    }

    /// A node's software is gone: so are its sockets.
    pub(in crate::sim) fn close_mailboxes(&mut self, node: NodeId) {
        self.network.mailboxes.retain(|(of, _), _| *of != node);
    }
}
