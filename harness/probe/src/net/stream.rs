//! Connections.

use super::{
    address::ToSocketAddrs,
    frames::{self, FrameReceiver, FrameSender},
    halves::{
        OwnedReadHalf, OwnedWriteHalf, Read, ReadHalf, ReadRef, ReuniteError, Write, WriteHalf,
        WriteRef,
    },
    shared::{addresses, async_read, async_write, readiness, try_reads, try_writes},
    unsupported::not_simulated,
};
#[cfg(feature = "sim")]
use super::{
    address::first_of,
    simulated::{poll_peek, poll_ready},
    unsupported::unsupported,
};
#[cfg(feature = "sim")]
use crate::sim::{self, Wait};
use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::{Interest, ReadBuf, Ready};

/// A connection, as tokio's of this name.
///
/// There are no raw descriptors (`AsFd`): a simulated connection has none.
#[derive(Debug)]
pub struct TcpStream(Stream);

#[derive(Debug)]
enum Stream {
    Real(tokio::net::TcpStream),
    #[cfg(feature = "sim")]
    Simulated(sim::Reader, sim::Writer),
}

impl TcpStream {
    /// Connects to `address` (`broker-1:9000`).
    ///
    /// Give it a timeout: a host that is cut off or down does not answer.
    ///
    /// # Errors
    /// As tokio's: refused, unknown host.
    pub async fn connect<A: ToSocketAddrs>(address: A) -> io::Result<Self> {
        #[cfg(feature = "sim")]
        if sim::is_active() {
            let made = first_of(&address, async |place| sim::connect(&place, 0).await).await;
            return made.map(|(reader, writer, _)| Self::simulated(reader, writer));
        }
        tokio::net::TcpStream::connect(address).await.map(Self::real)
    }

    pub(super) fn real(stream: tokio::net::TcpStream) -> Self {
        Self(Stream::Real(stream))
    }

    #[cfg(feature = "sim")]
    pub(super) fn simulated(reader: sim::Reader, writer: sim::Writer) -> Self {
        Self(Stream::Simulated(reader, writer))
    }

    /// Takes a socket of std's, which is in non-blocking mode.
    ///
    /// # Errors
    /// As tokio's; [`Unsupported`](io::ErrorKind::Unsupported) in a simulation.
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<Self> {
        not_simulated("a socket of std's")?;
        tokio::net::TcpStream::from_std(stream).map(Self::real)
    }

    /// Makes it a socket of std's.
    ///
    /// # Errors
    /// As tokio's; [`Unsupported`](io::ErrorKind::Unsupported) in a simulation.
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        match self.0 {
            Stream::Real(real) => real.into_std(),
            #[cfg(feature = "sim")]
            Stream::Simulated(..) => Err(unsupported("a socket of std's")),
        }
    }

    /// Splits it into halves that share it.
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        match &mut self.0 {
            Stream::Real(real) => {
                let (read, write) = real.split();
                (ReadHalf(ReadRef::Real(read)), WriteHalf(WriteRef::Real(write)))
            }
            #[cfg(feature = "sim")]
            Stream::Simulated(reader, writer) => {
                (ReadHalf(ReadRef::Simulated(reader)), WriteHalf(WriteRef::Simulated(writer)))
            }
        }
    }

    /// Splits it into halves that can live in different tasks. Dropping the one that writes tells the peer that nothing
    /// more comes.
    #[must_use]
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        match self.0 {
            Stream::Real(real) => {
                let (read, write) = real.into_split();
                (OwnedReadHalf(Read::Real(read)), OwnedWriteHalf(Write::Real(write)))
            }
            #[cfg(feature = "sim")]
            Stream::Simulated(reader, writer) => {
                (OwnedReadHalf(Read::Simulated(reader)), OwnedWriteHalf(Write::Simulated(writer)))
            }
        }
    }

    /// Makes it a connection of frames, each preceded by its length (four bytes, big endian). What is written leaves at
    /// once (`TCP_NODELAY`).
    #[must_use]
    pub fn into_frames(self) -> (FrameSender, FrameReceiver) {
        // One that is gone already says so when it is used.
        let _ = self.set_nodelay(true);
        let (read, write) = self.into_split();
        frames::over(read, write)
    }

    addresses!(Stream::Real(real) => real, Stream::Simulated(reader, _) => reader);
    try_reads!(Stream::Real(real) => real, Stream::Simulated(reader, _) => reader);
    try_writes!(Stream::Real(real) => real, Stream::Simulated(_, writer) => writer);
    readiness!(Stream::Real(real) => real, Stream::Simulated(..));

    /// The error that waits to be told. In a simulation none ever does: reads and writes tell it.
    ///
    /// # Errors
    /// As tokio's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        match &self.0 {
            Stream::Real(real) => real.take_error(),
            #[cfg(feature = "sim")]
            Stream::Simulated(..) => Ok(None),
        }
    }

    /// Waits until it can be read or written, or both, as asked for.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        match &self.0 {
            Stream::Real(real) => real.ready(interest).await,
            #[cfg(feature = "sim")]
            Stream::Simulated(reader, writer) => {
                std::future::poll_fn(|context| {
                    poll_ready(Some(reader), Some(writer), interest, context)
                })
                .await
            }
        }
    }

    /// As [`TcpStream::readable`], for the one task that reads.
    pub fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0 {
            Stream::Real(real) => real.poll_read_ready(context),
            #[cfg(feature = "sim")]
            Stream::Simulated(reader, _) => {
                reader.poll_readable(Wait::Reads(context.waker())).map(|_| Ok(()))
            }
        }
    }

    /// As [`TcpStream::writable`].
    pub fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0 {
            Stream::Real(real) => real.poll_write_ready(context),
            #[cfg(feature = "sim")]
            Stream::Simulated(_, writer) => {
                writer.poll_writable(Some(context.waker())).map(|_| Ok(()))
            }
        }
    }

    /// Copies what would be read, which stays: how many bytes.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.0 {
            Stream::Real(real) => real.peek(buffer).await,
            #[cfg(feature = "sim")]
            Stream::Simulated(reader, _) => {
                let mut buffer = ReadBuf::new(buffer);
                std::future::poll_fn(|context| poll_peek(reader, context, &mut buffer)).await
            }
        }
    }

    /// As [`TcpStream::peek`].
    pub fn poll_peek(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        match &self.0 {
            Stream::Real(real) => real.poll_peek(context, buffer),
            #[cfg(feature = "sim")]
            Stream::Simulated(reader, _) => poll_peek(reader, context, buffer),
        }
    }

    /// Whether what is written leaves at once. In a simulation it always does.
    ///
    /// # Errors
    /// As tokio's.
    pub fn nodelay(&self) -> io::Result<bool> {
        match &self.0 {
            Stream::Real(real) => real.nodelay(),
            #[cfg(feature = "sim")]
            Stream::Simulated(reader, _) => reader.options(|options| options.nodelay),
        }
    }

    /// Says whether what is written leaves at once.
    ///
    /// # Errors
    /// As tokio's.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        match &self.0 {
            Stream::Real(real) => real.set_nodelay(nodelay),
            #[cfg(feature = "sim")]
            Stream::Simulated(reader, _) => reader.options(|options| options.nodelay = nodelay),
        }
    }

    /// How long closing it waits for what was written to arrive.
    ///
    /// # Errors
    /// As tokio's.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        match &self.0 {
            Stream::Real(real) => real.linger(),
            #[cfg(feature = "sim")]
            Stream::Simulated(reader, _) => reader.options(|options| options.linger),
        }
    }

    /// Says how long closing it waits for what was written to arrive. In a simulation, where nothing blocks, zero resets
    /// the connection when it is closed, and any other time is of no effect.
    ///
    /// # Errors
    /// As tokio's.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        match &self.0 {
            // tokio warns that it blocks; who calls it has been warned there.
            #[allow(deprecated)]
            Stream::Real(real) => real.set_linger(linger),
            #[cfg(feature = "sim")]
            Stream::Simulated(reader, _) => reader.options(|options| options.linger = linger),
        }
    }

    /// Closing it resets the connection.
    ///
    /// # Errors
    /// As tokio's.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        match &self.0 {
            Stream::Real(real) => real.set_zero_linger(),
            #[cfg(feature = "sim")]
            Stream::Simulated(..) => self.set_linger(Some(Duration::ZERO)),
        }
    }

    /// How many hops its packets may make.
    ///
    /// # Errors
    /// As tokio's.
    pub fn ttl(&self) -> io::Result<u32> {
        match &self.0 {
            Stream::Real(real) => real.ttl(),
            #[cfg(feature = "sim")]
            Stream::Simulated(reader, _) => reader.options(|options| options.ttl),
        }
    }

    /// Says how many hops its packets may make. Of no effect in a simulation.
    ///
    /// # Errors
    /// As tokio's.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        match &self.0 {
            Stream::Real(real) => real.set_ttl(ttl),
            #[cfg(feature = "sim")]
            Stream::Simulated(reader, _) => reader.options(|options| options.ttl = ttl),
        }
    }

    #[cfg(all(feature = "sim", feature = "codec"))]
    pub(crate) fn writer(&self) -> Option<&sim::Writer> {
        match &self.0 {
            Stream::Real(_) => None,
            Stream::Simulated(_, writer) => Some(writer),
        }
    }

    #[cfg(feature = "sim")]
    pub(super) fn set_options(&self, asked: &sim::Options) {
        if let Stream::Simulated(reader, _) = &self.0 {
            // One that is gone already says so when it is used.
            let _ = reader.options(|options| *options = asked.clone());
        }
    }
}

async_read!([] TcpStream, Stream::Real(real) => real, Stream::Simulated(reader, _) => reader);
async_write!([] TcpStream, Stream::Real(real) => real, Stream::Simulated(_, writer) => writer);

impl OwnedReadHalf {
    /// Puts the halves of one connection together again.
    ///
    /// # Errors
    /// They are those of two.
    pub fn reunite(self, other: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
        match (self.0, other.0) {
            (Read::Real(read), Write::Real(write)) => match read.reunite(write) {
                Ok(real) => Ok(TcpStream::real(real)),
                Err(tokio::net::tcp::ReuniteError(read, write)) => {
                    Err(ReuniteError(Self(Read::Real(read)), OwnedWriteHalf(Write::Real(write))))
                }
            },
            #[cfg(feature = "sim")]
            (Read::Simulated(reader), Write::Simulated(writer)) if reader.belongs_to(&writer) => {
                Ok(TcpStream::simulated(reader, writer))
            }
            #[cfg(feature = "sim")]
            (read, write) => Err(ReuniteError(Self(read), OwnedWriteHalf(write))),
        }
    }
}

impl OwnedWriteHalf {
    #[cfg(all(feature = "sim", feature = "codec"))]
    pub(crate) fn writer(&self) -> Option<&sim::Writer> {
        match &self.0 {
            Write::Real(_) => None,
            Write::Simulated(writer) => Some(writer),
        }
    }

    /// As [`OwnedReadHalf::reunite`].
    ///
    /// # Errors
    /// As those of it.
    pub fn reunite(self, other: OwnedReadHalf) -> Result<TcpStream, ReuniteError> {
        other.reunite(self)
    }
}
