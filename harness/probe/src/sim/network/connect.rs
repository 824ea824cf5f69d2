//! How connections are made.

use super::{
    connection::{Connection, End, Handshake},
    ends::{Reader, Writer},
    place::{Place, unknown},
    segment::{EndId, Payload},
    tables::Listener,
};
use crate::{
    record::NodeId,
    sim::{
        nodes::current_node,
        state::RunState,
        world::{World, try_with, with},
    },
};
use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    task::{Context, Poll, Waker},
};

/// How many connections may wait to be accepted.
const BACKLOG: usize = 1_024;

/// An end of a connection that is made, and the address of the other.
pub(crate) type Made = (Reader, Writer, SocketAddr);

/// A listening socket of a node.
#[derive(Debug)]
pub(crate) struct Listening {
    node: NodeId,
    address: SocketAddr,
}

impl Listening {
    /// Listens on a port of the node that runs now; on a free one if it is 0.
    pub(crate) fn bind(place: &Place) -> io::Result<Self> {
        let node = current_node();
        with(|world| {
            let address = world.bind(
                place,
                node,
                |network| network.free_port(node),
                |network, port| network.listeners.contains_key(&(node, port)),
            )?;
            let listener = Listener { loopback: place.is_loopback(), ..Listener::default() };
            world.network.listeners.insert((node, address.port()), listener);
            Ok(Self { node, address })
        })
    }

    /// The address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection, and who made it.
    pub(crate) fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Made>> {
        let key = (self.node, self.address.port());
        with(|world| {
            // What opens a connection now would leave it open for ever.
            if world.is_dead(self.node) {
                return Poll::Pending;
            }
            let Some(listener) = world.network.listeners.get_mut(&key) else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            };
            let Some(connection) = listener.backlog.pop_front() else {
                listener.waiting.wait(context.waker());
                return Poll::Pending;
            };
            let id = EndId { connection, end: 1 };
            let (reader, writer) = world.open(id);
            let peer = world.network.connection(connection).map(|known| known.ends[0].address);
            Poll::Ready(Ok((reader, writer, peer.expect("a connection that waits is known"))))
        })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // A node's tasks may be dropped when its simulation is over.
        try_with(|world| world.stop_listening((self.node, self.address.port())));
    }
}

/// Who connects has lost interest, unless the connection was opened.
struct Attempt(Option<usize>);

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(connection) = self.0 {
            // Made and wanted by nobody, it is closed as any other, which needs the world.
            let made = try_with(|world| world.stop_connecting(connection));
            drop(made);
        }
    }
}

/// Connects the node that runs now; from the port `own` if it is not 0.
pub(crate) async fn connect(place: &Place, own: u16) -> io::Result<Made> {
    let from = current_node();
    let port = place.port;
    let to = match with(|world| world.resolve(place, from)) {
        Some(to) => to,
        // As on Linux.
        None if place.is_unspecified() => from,
        None => return Err(unknown(place)),
    };
    loop {
        let begun = poll_fn(|_| with(|world| world.begin_connect(from, to, port, own))).await;
        let (connection, openings) = begun?;
        let mut attempt = Attempt(Some(connection));
        let outcome = poll_fn(|context| {
            with(|world| world.poll_handshake(from, connection, context.waker()))
        })
        .await;
        match outcome {
            Handshake::Done => {
                attempt.0 = None;
                let id = EndId { connection, end: 0 };
                return Ok(with(|world| {
                    let (reader, writer) = world.open(id);
                    (reader, writer, world.network.socket(to, port))
                }));
            }
            Handshake::Refused => {
                with(|world| world.meet_reset(connection));
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            // TCP sends its first segment again and again; here once there is a way.
            Handshake::Lost | Handshake::UnderWay => {
                drop(attempt);
                poll_fn(|context| {
                    with(|world| {
                        if world.network.openings > openings {
                            return Poll::Ready(());
                        }
                        world.network.waiting_to_connect.wait(context.waker());
                        Poll::Pending
                    })
                })
                .await;
            }
        }
    }
}

impl World {
    /// Sends the first segment of a connection: its number, and how often a way had opened before.
    fn begin_connect(
        &mut self,
        from: NodeId,
        to: NodeId,
        port: u16,
        own: u16,
    ) -> Poll<io::Result<(usize, u64)>> {
        if self.is_dead(from) {
            return Poll::Pending;
        }
        if self.out_of_connections(from) {
            return Poll::Ready(Err(io::Error::other("too many open files")));
        }
        let own = match own {
            0 => self.network.free_port(from).ok_or(io::ErrorKind::AddrNotAvailable),
            own if self.network.is_used(from, own) => Err(io::ErrorKind::AddrInUse),
            own => Ok(own),
        };
        let own = match own {
            Ok(own) => own,
            Err(error) => return Poll::Ready(Err(error.into())),
        };
        let ends = [((from, to), own), ((to, from), port)].map(|(direction, port)| {
            let serial = self.network.next_serial(direction);
            End::new(direction.0, self.network.socket(direction.0, port), serial)
        });
        let [connector, mut acceptor] = ends;
        acceptor.awaited = false;
        let ends = [connector, acceptor];
        let connection = self.network.insert(Connection::new(ends));
        let openings = self.network.openings;
        let now = self.now_here();
        let payload = Payload::Connect { port };
        self.transmit(EndId { connection, end: 0 }, payload, Vec::new(), now);
        Poll::Ready(Ok((connection, openings)))
    }

    fn poll_handshake(
        &mut self,
        from: NodeId,
        connection: usize,
        waker: &Waker,
    ) -> Poll<Handshake> {
        if self.is_dead(from) {
            return Poll::Pending;
        }
        let known = self.network.connection_mut(connection);
        let known = known.expect("it is not forgotten while a node that lives makes it");
        if known.handshake == Handshake::UnderWay {
            known.ends[0].reader = Some(waker.clone());
            return Poll::Pending;
        }
        Poll::Ready(known.handshake)
    }

    /// Who connected does not want to any more: the connection, if it was made already.
    fn stop_connecting(&mut self, connection: usize) -> Option<(Reader, Writer)> {
        let id = EndId { connection, end: 0 };
        let known = self.network.connection_mut(connection)?;
        if known.handshake == Handshake::Done && known.ends[0].awaited {
            return Some(self.open(id));
        }
        known.ends[0].awaited = false;
        self.network.forget_if_over(connection);
        None
    }

    /// The first segment of a connection, or the answer to it, is lost.
    pub(super) fn lose_handshake(&mut self, connection: usize) {
        if let Some(known) = self.network.connection_mut(connection) {
            known.handshake = Handshake::Lost;
            known.ends[0].wake();
        }
    }

    /// A first segment has come.
    pub(super) fn somebody_connects(&mut self, to: EndId, node: NodeId, port: u16, now: u64) {
        let serves = self.machine(node).is_none_or(|machine| machine.life == RunState::Running);
        let refuses = !serves || self.refuses(node);
        let from_itself = self.direction(to).is_some_and(|(own, peer)| own == peer);
        let listener = self.network.listeners.get_mut(&(node, port));
        let listener = listener.filter(|one| from_itself || !one.loopback);
        match listener.filter(|one| !refuses && one.backlog.len() < BACKLOG) {
            Some(listener) => {
                listener.backlog.push_back(to.connection);
                listener.waiting.wake();
                if let Some(end) = self.end_mut(to) {
                    end.awaited = true;
                }
                self.transmit(to, Payload::Accepted, Vec::new(), now);
            }
            None => self.transmit(to, Payload::Refused, Vec::new(), now),
        }
    }

    /// The answer to a first segment has come.
    pub(super) fn is_accepted(&mut self, to: EndId, now: u64) {
        let Some(known) = self.network.connection_mut(to.connection) else { return };
        if known.ends[to.end].gone() {
            // Who wanted to connect has given up.
            return self.send_reset(to, now);
        }
        known.handshake = Handshake::Done;
        known.ends[to.end].wake();
    }

    /// Nobody listens at a port any more: who waited to be accepted is told so.
    fn stop_listening(&mut self, key: (NodeId, u16)) {
        let Some(listener) = self.network.listeners.remove(&key) else { return };
        for connection in listener.backlog {
            let id = EndId { connection, end: 1 };
            if let Some(end) = self.end_mut(id) {
                end.awaited = false;
            }
            if !self.is_dark(key.0) {
                let now = self.now_here();
                self.send_reset(id, now);
            }
            self.network.forget_if_over(connection);
        }
    }

    /// A node's software is gone: so are its listening sockets.
    pub(in crate::sim) fn close_listeners(&mut self, node: NodeId) {
        let of_node = |key: &&(NodeId, u16)| key.0 == node;
        let keys: Vec<_> = self.network.listeners.keys().filter(of_node).copied().collect();
        keys.into_iter().for_each(|key| self.stop_listening(key));
    }
}
