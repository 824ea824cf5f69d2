//! The two halves of a connection, as bytes.

#[cfg(feature = "sim")]
use crate::sim;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The reading half of a [`TcpStream`](crate::net::TcpStream).
#[derive(Debug)]
pub struct ReadHalf(pub(super) Read);

#[derive(Debug)]
pub(super) enum Read {
    Real(tokio::net::tcp::OwnedReadHalf),
    #[cfg(feature = "sim")]
    Simulated(sim::Reader),
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
            Read::Simulated(simulated) => simulated.poll_read(context, buffer),
        }
    }
}

/// The writing half of a [`TcpStream`](crate::net::TcpStream). Dropping it tells the peer that nothing more comes.
#[derive(Debug)]
pub struct WriteHalf(pub(super) Write);

#[derive(Debug)]
pub(super) enum Write {
    Real(tokio::net::tcp::OwnedWriteHalf),
    #[cfg(feature = "sim")]
    Simulated(sim::Writer),
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
            Write::Simulated(simulated) => simulated.poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Write::Real(real) => Pin::new(real).poll_flush(context),
            #[cfg(feature = "sim")]
            Write::Simulated(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Write::Real(real) => Pin::new(real).poll_shutdown(context),
            #[cfg(feature = "sim")]
            Write::Simulated(simulated) => {
                simulated.shut_down();
                Poll::Ready(Ok(()))
            }
        }
    }
}
