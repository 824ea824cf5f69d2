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
pub struct TcpStream {
    pub(super) read: ReadHalf,
    pub(super) write: WriteHalf,
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
            return Ok(Self::simulated(reader, writer));
        }
        Self::real(tokio::net::TcpStream::connect(address).await?)
    }

    pub(super) fn real(stream: tokio::net::TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        Ok(Self { read: ReadHalf(Read::Real(read)), write: WriteHalf(Write::Real(write)) })
    }

    #[cfg(feature = "sim")]
    pub(super) fn simulated(reader: sim::Reader, writer: sim::Writer) -> Self {
        let (read, write) = (Read::Simulated(reader), Write::Simulated(writer));
        Self { read: ReadHalf(read), write: WriteHalf(write) }
    }

    /// Splits it into halves that can live in different tasks.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        (self.read, self.write)
    }

    /// Makes it a connection of frames, each preceded by its length (four bytes, big endian).
    #[must_use]
    pub fn into_frames(self) -> (FrameSender, FrameReceiver) {
        frames::over(self.read, self.write)
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(context, buffer)
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.write).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.write).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.write).poll_shutdown(context)
    }
}
