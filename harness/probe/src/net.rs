//! TCP, with tokio's names, and length-delimited frames over it.
//!
//! Frames are the unit that message faults act on: each is sent with a kind (`"publish"`), by which a
//! scenario chooses which messages to lose, duplicate or reorder.

use bytes::{BufMut as _, Bytes, BytesMut};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    sync::mpsc,
};

#[cfg(feature = "sim")]
use crate::sim;

/// Frames above this size are refused by the receiver, in bytes.
pub const MAX_FRAME: usize = 64 * 1024 * 1024;

/// How many frames may wait for the network before [`FrameSender::send`] waits.
const QUEUE: usize = 1024;

/// A listening socket.
pub struct TcpListener(Listener);

impl std::fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TcpListener").field(&self.local_addr()).finish()
    }
}

enum Listener {
    Real(tokio::net::TcpListener),
    #[cfg(feature = "sim")]
    Simulated(turmoil::net::TcpListener),
}

impl TcpListener {
    /// Listens on `address` (`0.0.0.0:9000`).
    ///
    /// # Errors
    /// As tokio's: the address is in use, or not ours.
    pub async fn bind(address: &str) -> io::Result<Self> {
        #[cfg(feature = "sim")]
        if sim::is_active() {
            let listener = turmoil::net::TcpListener::bind(address).await?;
            return Ok(Self(Listener::Simulated(listener)));
        }
        tokio::net::TcpListener::bind(address).await.map(|real| Self(Listener::Real(real)))
    }

    /// The next connection.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.0 {
            Listener::Real(real) => {
                let (stream, peer) = real.accept().await?;
                stream.set_nodelay(true)?;
                Ok((TcpStream(Stream::Real(stream)), peer))
            }
            #[cfg(feature = "sim")]
            Listener::Simulated(simulated) => {
                loop {
                    let (stream, peer) = simulated.accept().await?;
                    let here = sim::current_node();
                    if sim::with(|world| world.refuses(here)) {
                        // The kernel takes it, and it ends at once.
                        continue;
                    }
                    let wire = sim::Wire::accepted(peer);
                    return Ok((TcpStream(Stream::Simulated(stream, wire)), peer));
                }
            }
        }
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// As tokio's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Listener::Real(real) => real.local_addr(),
            #[cfg(feature = "sim")]
            Listener::Simulated(simulated) => simulated.local_addr(),
        }
    }
}

/// A connection.
#[derive(Debug)]
pub struct TcpStream(Stream);

#[derive(Debug)]
enum Stream {
    Real(tokio::net::TcpStream),
    #[cfg(feature = "sim")]
    Simulated(turmoil::net::TcpStream, sim::Wire),
}

impl TcpStream {
    /// Connects to `address` (`broker-1:9000`).
    ///
    /// Give it a timeout: a host that is cut off or down does not answer.
    ///
    /// # Errors
    /// As tokio's: refused, unknown host.
    pub async fn connect(address: &str) -> io::Result<Self> {
        #[cfg(feature = "sim")]
        if sim::is_active() {
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
            loop {
                sim::reachable(host).await?;
                let slow = sim::slows(host);
                // A cut takes the handshake away as well. turmoil then says "refused" at once, or answers
                // over a way that does not exist; who connects would hear nothing, and try on.
                let connected = turmoil::net::TcpStream::connect(address).await;
                slow.over();
                match connected {
                    Ok(stream) if !sim::silent(host) => {
                        let port = stream.local_addr()?.port();
                        let wire = sim::Wire::connected(stream.peer_addr()?, port);
                        return Ok(Self(Stream::Simulated(stream, wire)));
                    }
                    Ok(_) => {}
                    Err(error)
                        if error.kind() == io::ErrorKind::ConnectionRefused
                            && sim::silent(host) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(Stream::Real(stream)))
    }

    /// Splits it into halves that can live in different tasks.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        match self.0 {
            Stream::Real(real) => {
                let (read, write) = real.into_split();
                (ReadHalf(Read::Real(read)), WriteHalf(Write::Real(write)))
            }
            #[cfg(feature = "sim")]
            Stream::Simulated(simulated, wire) => {
                let (read, write) = simulated.into_split();
                let twin = wire.twin();
                let write = WriteHalf(Write::Simulated(write, twin, Sends::Bytes));
                (ReadHalf(Read::Simulated(read, wire)), write)
            }
        }
    }

    /// Makes it a connection of frames, each preceded by its length (four bytes, big endian).
    #[must_use]
    pub fn into_frames(self) -> (FrameSender, FrameReceiver) {
        #[cfg_attr(not(feature = "sim"), allow(unused_mut))]
        let (read, mut write) = self.into_split();
        let (queue, frames) = mpsc::channel(QUEUE);
        #[cfg(feature = "sim")]
        if let Write::Simulated(_, _, sends) = &mut write.0 {
            *sends = Sends::Frames;
        }
        crate::task::spawn_sender(write_frames(write, frames));
        (FrameSender { queue }, FrameReceiver::new(read))
    }
}

/// The reading half of a [`TcpStream`].
#[derive(Debug)]
pub struct ReadHalf(Read);

#[derive(Debug)]
enum Read {
    Real(tokio::net::tcp::OwnedReadHalf),
    #[cfg(feature = "sim")]
    Simulated(turmoil::net::tcp::OwnedReadHalf, sim::Wire),
}

impl AsyncRead for ReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Read::Real(real) => Pin::new(real).poll_read(context, buffer),
            #[cfg(feature = "sim")]
            Read::Simulated(simulated, wire) => {
                let broken = wire.broken(Some(context));
                let (before, room) = (buffer.filled().len(), buffer.remaining());
                let poll = Pin::new(simulated).poll_read(context, buffer);
                let count = buffer.filled().len() - before;
                let more = matches!(poll, Poll::Ready(Ok(()))) && (count > 0 || room == 0);
                // As on Linux, what had arrived before the reset is read first.
                if broken && !more && !(poll.is_ready() && wire.ended()) {
                    return Poll::Ready(Err(wire.meets_reset()));
                }
                let over = match &poll {
                    Poll::Ready(Ok(())) => !more && wire.hides_end(false),
                    Poll::Ready(Err(_)) => wire.hides_end(true),
                    Poll::Pending => false,
                };
                if over {
                    return Poll::Pending;
                }
                wire.took(count);
                poll
            }
        }
    }
}

/// The writing half of a [`TcpStream`]. Dropping it tells the peer that nothing more comes.
#[derive(Debug)]
pub struct WriteHalf(Write);

#[derive(Debug)]
enum Write {
    Real(tokio::net::tcp::OwnedWriteHalf),
    #[cfg(feature = "sim")]
    Simulated(turmoil::net::tcp::OwnedWriteHalf, sim::Wire, Sends),
}

/// What a simulated connection is given to send.
#[cfg(feature = "sim")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sends {
    /// Bytes, by the node's own code.
    Bytes,
    /// Frames that its code gave to a queue, by a task of ours: those leave although it has died meanwhile.
    Frames,
}

impl AsyncWrite for WriteHalf {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Write::Real(real) => Pin::new(real).poll_write(context, bytes),
            #[cfg(feature = "sim")]
            Write::Simulated(simulated, wire, sends) => {
                if *sends == Sends::Bytes && wire.is_dead() {
                    return Poll::Ready(Ok(bytes.len()));
                }
                if wire.broken(None) {
                    return Poll::Ready(Err(wire.meets_reset()));
                }
                let poll = Pin::new(simulated).poll_write(context, bytes);
                // The kernel keeps it, and sends it again and again.
                if matches!(poll, Poll::Ready(Err(_))) && wire.hides_end(true) {
                    return Poll::Ready(Ok(bytes.len()));
                }
                if let Poll::Ready(Ok(count)) = poll {
                    wire.wrote(count);
                }
                poll
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Write::Real(real) => Pin::new(real).poll_flush(context),
            #[cfg(feature = "sim")]
            Write::Simulated(simulated, ..) => Pin::new(simulated).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Write::Real(real) => Pin::new(real).poll_shutdown(context),
            #[cfg(feature = "sim")]
            Write::Simulated(_, wire, _) if wire.is_dead() => Poll::Ready(Ok(())),
            #[cfg(feature = "sim")]
            Write::Simulated(simulated, wire, _) => {
                let poll = Pin::new(simulated).poll_shutdown(context);
                if let Poll::Ready(Ok(())) = poll {
                    wire.ends();
                }
                poll
            }
        }
    }
}

/// A frame that waits for the network.
#[derive(Debug)]
struct Queued {
    #[cfg_attr(not(feature = "sim"), allow(dead_code))] // Only message faults ask.
    kind: &'static str,
    frame: Bytes,
    _memory: crate::Reserved,
}

impl Queued {
    fn new(kind: &'static str, frame: Bytes) -> Self {
        let memory = crate::reserve(frame.len());
        Self { kind, frame, _memory: memory }
    }
}

/// Sends frames. Clones share one connection, which closes when the last is dropped.
#[derive(Clone, Debug)]
pub struct FrameSender {
    queue: mpsc::Sender<Queued>,
}

impl FrameSender {
    /// Queues a frame of a kind; waits while the queue is full.
    ///
    /// # Errors
    /// `BrokenPipe` when the connection is gone. That the frame was queued does not say that it arrives.
    pub async fn send(&self, kind: &'static str, frame: Bytes) -> io::Result<()> {
        #[cfg(feature = "sim")]
        if sim::try_with(|world| world.is_dead_here()) == Some(true) {
            // A node that has died and does not know sends nothing any more.
            return Ok(());
        }
        let queued = Queued::new(kind, frame);
        self.queue.send(queued).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Queues a frame of a kind, unless the queue is full.
    ///
    /// # Errors
    /// `BrokenPipe` when the connection is gone, `WouldBlock` when the queue is full.
    pub fn try_send(&self, kind: &'static str, frame: Bytes) -> io::Result<()> {
        #[cfg(feature = "sim")]
        if sim::try_with(|world| world.is_dead_here()) == Some(true) {
            return Ok(());
        }
        self.queue.try_send(Queued::new(kind, frame)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => io::ErrorKind::WouldBlock.into(),
            mpsc::error::TrySendError::Closed(_) => io::ErrorKind::BrokenPipe.into(),
        })
    }

    /// The connection is known to be gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Returns when the connection's sending side is gone.
    pub async fn closed(&self) {
        self.queue.closed().await;
    }
}

/// Receives frames.
#[derive(Debug)]
pub struct FrameReceiver {
    read: ReadHalf,
    buffer: BytesMut,
    /// A slow reader is done with the first frame of the buffer at this time.
    #[cfg(feature = "sim")]
    busy: Option<Busy>,
}

/// A reader is slow: until when, and by which fault.
#[cfg(feature = "sim")]
#[derive(Debug)]
struct Busy {
    until: tokio::time::Instant,
    fault: u16,
    _under_way: sim::UnderWay,
}

impl FrameReceiver {
    #[cfg_attr(not(feature = "sim"), allow(unused_mut))]
    fn new(mut read: ReadHalf) -> Self {
        #[cfg(feature = "sim")]
        if let Read::Simulated(_, wire) = &mut read.0 {
            wire.carries_frames();
        }
        Self {
            read,
            buffer: BytesMut::new(),
            #[cfg(feature = "sim")]
            busy: None,
        }
    }

    /// The time that a slow reader takes over a frame, however often it is asked meanwhile.
    #[cfg(feature = "sim")]
    async fn take_time(&mut self) {
        if self.busy.is_none()
            && let Read::Simulated(_, wire) = &self.read.0
            && let Some((takes, fault)) = sim::with(|world| world.reading_takes_here())
        {
            let until = tokio::time::Instant::now() + takes;
            let _under_way =
                wire.being_read("a message that a slow reader takes its time over", takes);
            self.busy = Some(Busy { until, fault, _under_way });
        }
        if let Some(Busy { until, fault, .. }) = &self.busy {
            let fault = *fault;
            tokio::time::sleep_until(*until).await;
            self.busy = None;
            sim::with(|world| world.feel(fault));
        }
    }

    /// The next frame; `None` when the peer has closed the connection between two frames.
    /// Cancel safe.
    ///
    /// # Errors
    /// The connection was reset, ended inside a frame, or the frame exceeds [`MAX_FRAME`].
    pub async fn recv(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(prefix) = self.buffer.first_chunk::<4>() {
                let length = u32::from_be_bytes(*prefix) as usize;
                if length > MAX_FRAME {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("a frame of {length} bytes; at most {MAX_FRAME} are accepted"),
                    ));
                }
                if self.buffer.len() >= 4 + length {
                    #[cfg(feature = "sim")]
                    self.take_time().await;
                    let mut frame = self.buffer.split_to(4 + length);
                    let _ = frame.split_to(4);
                    #[cfg(feature = "sim")]
                    if let Read::Simulated(_, wire) = &self.read.0 {
                        wire.reads_frame(4 + length);
                    }
                    return Ok(Some(frame.freeze()));
                }
            }
            if self.read.read_buf(&mut self.buffer).await? == 0 {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

fn put_frame(out: &mut BytesMut, frame: &[u8]) {
    // A frame that a u32 cannot describe is far above MAX_FRAME: the receiver refuses it.
    out.put_u32(u32::try_from(frame.len()).unwrap_or(u32::MAX));
    out.put_slice(frame);
}

async fn write_frames(mut write: WriteHalf, mut queue: mpsc::Receiver<Queued>) {
    #[cfg(feature = "sim")]
    if let Write::Simulated(_, wire, _) = &write.0 {
        let wire = wire.twin();
        return write_simulated(write, queue, wire).await;
    }
    let mut batch = Vec::new();
    let mut out = BytesMut::new();
    while queue.recv_many(&mut batch, 64).await > 0 {
        for queued in batch.drain(..) {
            put_frame(&mut out, &queued.frame);
        }
        if write.write_all_buf(&mut out).await.is_err() {
            return;
        }
    }
    let _ = write.shutdown().await;
}

/// How many of the last frames of a connection a fault can send again.
#[cfg(feature = "sim")]
const REMEMBERED: usize = 16;

/// A frame that will go out, now or later.
#[cfg(feature = "sim")]
struct Outgoing {
    due: tokio::time::Instant,
    kind: &'static str,
    frame: Bytes,
    number: u64,
    /// What faults did to it, and when they feel it.
    feels: Vec<sim::Feels>,
    /// Faults make it wait.
    _under_way: Option<sim::UnderWay>,
}

/// As above, with each frame at the mercy of the message faults. The end of the stream goes out behind the
/// last frame that is late.
#[cfg(feature = "sim")]
async fn write_simulated(
    mut write: WriteHalf,
    mut queue: mpsc::Receiver<Queued>,
    mut wire: sim::Wire,
) {
    use std::collections::VecDeque;
    use tokio::time::{Instant, sleep, sleep_until};
    let mut batch = Vec::new();
    let mut out = BytesMut::new();
    // In the order in which they go out: of those due at one time the first to be queued goes first.
    let mut waiting: Vec<Outgoing> = Vec::new();
    let mut sent: VecDeque<(&'static str, Bytes)> = VecDeque::new();
    // Frames that keep their order leave no earlier than this.
    let mut in_order = Instant::now();
    let mut open = true;
    while open || !waiting.is_empty() {
        let due = waiting.first().map(|first| first.due);
        tokio::select! {
            biased;
            count = queue.recv_many(&mut batch, 64), if open => open = count > 0,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
        }
        let now = Instant::now();
        for Queued { kind, frame, .. } in batch.drain(..) {
            let fate = wire.fate(kind);
            let frame = match fate.corrupted {
                Some(draw) => with_a_wrong_bit(&frame, draw),
                None => frame,
            };
            if fate.lost {
                continue;
            }
            if let Some(by) = fate.delayed {
                in_order = in_order.max(now + by);
            }
            let due = match fate.overtaken {
                Some(by) => now + by,
                None => in_order.max(now),
            };
            let number = fate.number;
            let mut goes = |due: Instant, kind, frame, feels, what| {
                let takes = due - now;
                let waits = !takes.is_zero();
                let _under_way = waits.then(|| wire.under_way(what, kind, takes));
                waiting.push(Outgoing { due, kind, frame, number, feels, _under_way });
            };
            let older = fate.replayed.and_then(|(draw, fault)| {
                let index = usize::try_from(draw).unwrap_or(0) % sent.len().max(1);
                let (kind, frame) = sent.get(index)?.clone();
                Some((kind, frame, fault))
            });
            goes(due, kind, frame.clone(), fate.feels, "a message that comes late");
            if let Some((by, fault)) = fate.again {
                let feels = vec![sim::Feels::Read(fault)];
                goes(now + by, kind, frame.clone(), feels, "the second copy of a message");
            }
            if let Some((kind, frame, fault)) = older {
                let feels = vec![sim::Feels::Read(fault)];
                goes(due, kind, frame, feels, "an old message that comes again");
            }
            sent.push_back((kind, frame));
            if sent.len() > REMEMBERED {
                sent.pop_front();
            }
        }
        waiting.sort_by_key(|outgoing| outgoing.due);
        let now = Instant::now();
        let ripe = waiting.partition_point(|outgoing| outgoing.due <= now);
        for Outgoing { kind, frame, number, feels, .. } in waiting.drain(..ripe) {
            if let Some((takes, narrow)) = wire.pace(4 + frame.len()) {
                if !out.is_empty() && write.write_all_buf(&mut out).await.is_err() {
                    return;
                }
                let what = "a message that waits for a narrow link";
                let _under_way = wire.under_way(what, kind, takes);
                sim::room(wire.direction(), takes).await;
                sim::with(|world| narrow.iter().for_each(|fault| world.feel(*fault)));
            }
            put_frame(&mut out, &frame);
            wire.sends(kind, out.len(), number, &feels);
        }
        if !out.is_empty() && write.write_all_buf(&mut out).await.is_err() {
            return;
        }
    }
    let late = sim::with(|world| world.closing_takes(wire.node()));
    if let Some((takes, fault)) = late {
        let _under_way = wire.under_way("the end of a connection", "close", takes);
        sleep(takes).await;
        sim::with(|world| world.feel(fault));
    }
    let _ = write.shutdown().await;
}

#[cfg(feature = "sim")]
fn with_a_wrong_bit(frame: &Bytes, draw: u64) -> Bytes {
    let mut wrong = frame.to_vec();
    let at = usize::try_from(draw >> 3).unwrap_or(0) % wrong.len().max(1);
    if let Some(byte) = wrong.get_mut(at) {
        *byte ^= 1 << (draw & 7);
    }
    Bytes::from(wrong)
}
