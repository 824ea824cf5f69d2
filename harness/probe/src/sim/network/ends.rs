//! The two halves of one end of a connection, as its software has them.

use super::{
    connection::{Arrived, Options},
    segment::{Chunk, EndId},
    transmit::Room,
};
use crate::{
    record::NodeId,
    sim::{
        under_way::UnderWay,
        world::{World, try_with, with},
    },
};
use bytes::{BufMut as _, Bytes, BytesMut};
use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::io::ReadBuf;

/// What comes next out of a connection.
#[derive(Debug)]
pub(crate) enum Next {
    /// A frame, which [`Reader::take_frame`] takes.
    Frame,
    /// Some bytes, which are taken with this.
    Bytes(Bytes),
    /// Nothing more.
    End,
}

/// Who is woken when there is something to read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait<'a> {
    /// Nobody.
    No,
    /// The one that reads, and nobody who asked so before.
    Reads(&'a Waker),
    /// Beside others.
    Looks(&'a Waker),
}

/// The half that reads.
#[derive(Debug)]
pub(crate) struct Reader {
    id: EndId,
    node: NodeId,
}

/// The half that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    id: EndId,
    node: NodeId,
}

impl Reader {
    /// Waits for what comes next.
    pub(crate) fn poll_next(&self, context: &mut Context<'_>) -> Poll<io::Result<Next>> {
        with(|world| match world.poll_front(self.id, Wait::Reads(context.waker())) {
            Poll::Ready(Ok(true)) => match world.front(self.id) {
                Some(Chunk::Frame { prefixed: true, .. }) => Poll::Ready(Ok(Next::Frame)),
                _ => Poll::Ready(Ok(Next::Bytes(world.take_bytes(self.id)))),
            },
            Poll::Ready(Ok(false)) => Poll::Ready(Ok(Next::End)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        })
    }

    /// Takes the frame that comes next.
    pub(crate) fn take_frame(&self) -> Option<Bytes> {
        with(|world| world.take_frame(self.id))
    }

    /// Reads into a buffer.
    pub(crate) fn poll_read(
        &self,
        wait: Wait<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        with(|world| match world.poll_front(self.id, wait) {
            Poll::Ready(Ok(more)) => {
                if more {
                    world.read_into(self.id, buffer);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        })
    }

    /// Copies into a buffer what would be read, which stays.
    pub(crate) fn poll_peek(
        &self,
        wait: Wait<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        with(|world| {
            world.poll_front(self.id, wait).map_ok(|more| {
                if more {
                    world.peek_into(self.id, buffer);
                }
            })
        })
    }

    /// Ready when a read would not wait; whether that would find the end.
    pub(crate) fn poll_readable(&self, wait: Wait<'_>) -> Poll<bool> {
        with(|world| world.poll_front(self.id, wait).map(|more| !more.is_ok_and(|more| more)))
    }

    /// The addresses of this end and of its peer.
    pub(crate) fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        addresses(self.id)
    }

    /// Looks at what was asked of the socket, or changes it.
    pub(crate) fn options<R>(&self, act: impl FnOnce(&mut Options) -> R) -> io::Result<R> {
        with(|world| {
            let end = world.end_mut(self.id).ok_or(io::ErrorKind::NotConnected)?;
            Ok(act(&mut end.options))
        })
    }

    /// Both are halves of one end.
    pub(crate) fn belongs_to(&self, writer: &Writer) -> bool {
        self.id == writer.id
    }

    /// Something that a fault does to what is read here goes on until the result is dropped, for `takes` at most.
    pub(crate) fn being_read(&self, what: &'static str, takes: Duration) -> UnderWay {
        with(|world| {
            let (here, peer) = world.direction(self.id).unwrap_or((self.node, self.node));
            world.begin_under_way(what, "frame", (peer, here), takes)
        })
    }
}

impl Writer {
    /// Writes bytes: how many. If there is no room, `waker` is woken when there is.
    pub(crate) fn poll_write(
        &self,
        waker: Option<&Waker>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // A kernel sends nothing for it, and who reads nothing takes that for the end.
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        with(|world| match world.room(self.id, self.node, waker) {
            Room::Free => {
                // As much as the kernel would take in one call.
                let count = bytes.len().min(64 << 10);
                world.send_bytes(self.id, Bytes::copy_from_slice(&bytes[..count]));
                Poll::Ready(Ok(count))
            }
            Room::Nowhere => Poll::Ready(Ok(bytes.len())),
            Room::Full => Poll::Pending,
            Room::Gone(kind) => Poll::Ready(Err(kind.into())),
        })
    }

    /// Ready when a write would not wait; whether it would fail.
    pub(crate) fn poll_writable(&self, waker: Option<&Waker>) -> Poll<bool> {
        with(|world| match world.room(self.id, self.node, waker) {
            Room::Free | Room::Nowhere => Poll::Ready(false),
            Room::Gone(_) => Poll::Ready(true),
            Room::Full => Poll::Pending,
        })
    }

    /// The addresses of this end and of its peer.
    pub(crate) fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        addresses(self.id)
    }

    /// Sends a frame of a kind behind its length, or waits until there is room for it. It is taken once it is sent.
    pub(crate) fn poll_send(
        &self,
        waker: Option<&Waker>,
        kind: &'static str,
        frame: &mut Option<Bytes>,
    ) -> Poll<io::Result<()>> {
        self.poll_send_frame(waker, kind, frame, true)
    }

    /// As that, of a frame whose bytes are all that there is of it.
    #[cfg_attr(not(feature = "codec"), allow(dead_code))]
    pub(crate) fn poll_send_bare(
        &self,
        waker: Option<&Waker>,
        kind: &'static str,
        frame: &mut Option<Bytes>,
    ) -> Poll<io::Result<()>> {
        self.poll_send_frame(waker, kind, frame, false)
    }

    fn poll_send_frame(
        &self,
        waker: Option<&Waker>,
        kind: &'static str,
        frame: &mut Option<Bytes>,
        prefixed: bool,
    ) -> Poll<io::Result<()>> {
        with(|world| match world.room(self.id, self.node, waker) {
            Room::Free => {
                if let Some(frame) = frame.take() {
                    world.send_frame(self.id, kind, frame, prefixed);
                }
                Poll::Ready(Ok(()))
            }
            Room::Nowhere => Poll::Ready(Ok(())),
            Room::Full => Poll::Pending,
            Room::Gone(_) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        })
    }

    /// Says that nothing more comes.
    pub(crate) fn shut_down(&self) {
        with(|world| {
            if !world.is_dead(self.node) {
                world.stop_writing(self.id);
                world.leave_end(self.id);
            }
        });
    }

    /// Drops it, and tells the peer so when the other half is dropped.
    pub(crate) fn forget(self) {
        with(|world| world.forget_writing(self.id));
        std::mem::forget(self);
    }

    /// The connection is known to be gone.
    pub(crate) fn is_closed(&self) -> bool {
        with(|world| world.is_gone(self.id))
    }

    /// Returns when the connection is known to be gone.
    pub(crate) async fn closed(&self) {
        std::future::poll_fn(|context| {
            with(|world| {
                if world.is_gone(self.id) {
                    return Poll::Ready(());
                }
                if let Some(end) = world.end_mut(self.id) {
                    end.writers.wait(context.waker());
                }
                Poll::Pending
            })
        })
        .await;
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // A node's tasks may be dropped when its simulation is over.
        try_with(|world| world.close(self.id, true));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        try_with(|world| world.close(self.id, false));
    }
}

impl World {
    /// Software opens an end.
    pub(super) fn open(&mut self, id: EndId) -> (Reader, Writer) {
        let end = self.end_mut(id).expect("an end that is to be opened is known");
        end.open();
        let node = end.node;
        (Reader { id, node }, Writer { id, node })
    }

    /// Whether something more comes out at this end (`false` at the end of the stream).
    fn poll_front(&mut self, id: EndId, wait: Wait<'_>) -> Poll<io::Result<bool>> {
        let Some(known) = self.network.connection_mut(id.connection) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let broken = known.broken.is_some();
        let end = &mut known.ends[id.end];
        // As on Linux, what had arrived before a reset is read first.
        if !end.inbox.is_empty() {
            return self.poll_held_back(id, wait);
        }
        if end.ended {
            return Poll::Ready(Ok(false));
        }
        if broken || end.reset {
            self.meet_reset(id.connection);
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        match wait {
            Wait::No => {}
            Wait::Reads(waker) => {
                if !end.reader.as_ref().is_some_and(|known| known.will_wake(waker)) {
                    end.reader = Some(waker.clone());
                }
            }
            Wait::Looks(waker) => end.lookers.wait(waker),
        }
        Poll::Pending
    }

    /// Something is there to be read, and is read unless the node's memory is too short for it.
    fn poll_held_back(&mut self, id: EndId, wait: Wait<'_>) -> Poll<io::Result<bool>> {
        let held_back = self.direction(id).and_then(|(here, peer)| {
            let fault = self.is_held_back(here, peer)?;
            Some((here, fault))
        });
        let Some((here, fault)) = held_back else { return Poll::Ready(Ok(true)) };
        self.feel_once(fault);
        if let Wait::Reads(waker) | Wait::Looks(waker) = wait
            && let Some(hindered) = self.hindered_mut(here)
        {
            hindered.wait(waker);
        }
        Poll::Pending
    }

    fn front(&self, id: EndId) -> Option<&Chunk> {
        let known = self.network.connection(id.connection)?;
        known.ends[id.end].inbox.front().map(|arrived| &arrived.chunk)
    }

    fn take_arrived(&mut self, id: EndId) -> Option<Chunk> {
        let Arrived { chunk, sent, feels } = self.end_mut(id)?.inbox.pop_front()?;
        self.is_read(id);
        if !feels.is_empty() {
            let now = self.now_here();
            self.feel_arrival(&feels, sent, now);
        }
        if let Chunk::Frame { number, flight, .. } = chunk {
            self.frame_is_read(id, number, flight);
        }
        Some(chunk)
    }

    /// A frame was read, or the first bytes of it.
    fn frame_is_read(&mut self, id: EndId, number: u64, flight: Option<usize>) {
        if !self.network.overtaken.is_empty()
            && let Some(direction) = self.direction(id.peer())
        {
            self.overtake(direction, number);
        }
        if let Some(place) = flight {
            let now = self.now_here();
            self.flights.read(place, now);
        }
    }

    fn take_frame(&mut self, id: EndId) -> Option<Bytes> {
        match self.take_arrived(id)? {
            Chunk::Frame { bytes, .. } | Chunk::Bytes(bytes) => Some(bytes),
        }
    }

    fn take_bytes(&mut self, id: EndId) -> Bytes {
        self.take_arrived(id).map(into_bytes).unwrap_or_default()
    }

    fn peek_into(&mut self, id: EndId, buffer: &mut ReadBuf<'_>) {
        let Some(end) = self.end_mut(id) else { return };
        for arrived in &end.inbox {
            let bytes = into_bytes(arrived.chunk.clone());
            buffer.put_slice(&bytes[..bytes.len().min(buffer.remaining())]);
        }
    }

    fn read_into(&mut self, id: EndId, buffer: &mut ReadBuf<'_>) {
        while buffer.remaining() > 0 {
            let Some(end) = self.end_mut(id) else { return };
            let Some(front) = end.inbox.front_mut() else { return };
            if front.chunk.len() <= buffer.remaining() {
                buffer.put_slice(&self.take_bytes(id));
                continue;
            }
            let whole = std::mem::replace(&mut front.chunk, Chunk::Bytes(Bytes::new()));
            let frame = if let Chunk::Frame { number, flight, .. } = whole {
                Some((number, flight))
            } else {
                None
            };
            let mut bytes = into_bytes(whole);
            buffer.put_slice(&bytes.split_to(buffer.remaining()));
            front.chunk = Chunk::Bytes(bytes);
            if let Some((number, flight)) = frame {
                self.frame_is_read(id, number, flight);
            }
        }
    }

    fn is_gone(&self, id: EndId) -> bool {
        self.network
            .connection(id.connection)
            .is_none_or(|known| known.broken.is_some() || known.ends[id.end].reset)
    }
}

/// The addresses of an end and of its peer.
fn addresses(id: EndId) -> io::Result<(SocketAddr, SocketAddr)> {
    with(|world| {
        let known = world.network.connection(id.connection).ok_or(io::ErrorKind::NotConnected)?;
        Ok((known.ends[id.end].address, known.ends[1 - id.end].address))
    })
}

fn into_bytes(chunk: Chunk) -> Bytes {
    match chunk {
        Chunk::Bytes(bytes) => bytes,
        Chunk::Frame { bytes, prefixed: false, .. } => bytes,
        Chunk::Frame { bytes, .. } => {
            let mut whole = BytesMut::with_capacity(4 + bytes.len());
            whole.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            whole.put_slice(&bytes);
            whole.freeze()
        }
    }
}
