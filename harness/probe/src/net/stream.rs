//! Connections.

use super::{
    frames::{self, FrameReceiver, FrameSender},
    halves::{Read, ReadHalf, Write, WriteHalf},
};
#[cfg(feature = "sim")]
use crate::sim;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection.
#[derive(Debug)]
pub struct TcpStream(pub(super) Transport);

#[derive(Debug)]
pub(super) enum Transport {
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
    pub async fn connect(address: &str) -> io::Result<Self> {
        #[cfg(feature = "sim")]
        if sim::is_active() {
            let (reader, writer, _) = sim::connect(address).await?;
            return Ok(Self(Transport::Simulated(reader, writer)));
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
            Transport::Simulated(reader, writer) => {
                (ReadHalf(Read::Simulated(reader)), WriteHalf(Write::Simulated(writer)))
            }
        }
    }

    /// Makes it a connection of frames, each preceded by its length (four bytes, big endian).
    #[must_use]
    pub fn into_frames(self) -> (FrameSender, FrameReceiver) {
        let (read, write) = self.into_split();
        frames::over(read, write)
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Transport::Real(real) => Pin::new(real).poll_read(context, buffer),
            #[cfg(feature = "sim")]
            Transport::Simulated(reader, _) => reader.poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Transport::Real(real) => Pin::new(real).poll_write(context, bytes),
            #[cfg(feature = "sim")]
            Transport::Simulated(_, writer) => writer.poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Transport::Real(real) => Pin::new(real).poll_flush(context),
            #[cfg(feature = "sim")]
            Transport::Simulated(..) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Transport::Real(real) => Pin::new(real).poll_shutdown(context),
            #[cfg(feature = "sim")]
            Transport::Simulated(_, writer) => {
                writer.shut_down();
                Poll::Ready(Ok(()))
            }
        }
    }
}
