//! TCP, with tokio's names, and length-delimited frames over it.
//!
//! Frames are the unit that message faults act on: each is sent with a kind (`"publish"`), by which a
//! scenario chooses which messages to lose, duplicate or reorder.

mod frames;
mod queue;
#[cfg(feature = "sim")]
mod tampering;

pub use frames::{FrameReceiver, FrameSender};
pub use queue::MAX_FRAME;

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[cfg(feature = "sim")]
use crate::sim;

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
                Ok((TcpStream(Transport::Real(stream)), peer))
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
                    return Ok((TcpStream(Transport::Simulated(stream, wire)), peer));
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
pub struct TcpStream(Transport);

#[derive(Debug)]
enum Transport {
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
                        return Ok(Self(Transport::Simulated(stream, wire)));
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
        Ok(Self(Transport::Real(stream)))
    }

    /// Splits it into halves that can live in different tasks.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        match self.0 {
            Transport::Real(real) => {
                let (read, write) = real.into_split();
                (ReadHalf(Read::Real(read)), WriteHalf(Write::Real(write)))
            }
            #[cfg(feature = "sim")]
            Transport::Simulated(simulated, wire) => {
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
        #[cfg(feature = "sim")]
        if let Write::Simulated(_, _, sends) = &mut write.0 {
            *sends = Sends::Frames;
        }
        frames::over(read, write)
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
