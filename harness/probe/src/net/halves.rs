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

/// The writing half of a [`TcpStream`](crate::net::TcpStream). Dropping it tells the peer that nothing more comes.
#[derive(Debug)]
pub struct WriteHalf(pub(super) Write);

#[derive(Debug)]
pub(super) enum Write {
    Real(tokio::net::tcp::OwnedWriteHalf),
    #[cfg(feature = "sim")]
    Simulated(turmoil::net::tcp::OwnedWriteHalf, sim::Wire, Sends),
}

/// What a simulated connection is given to send.
#[cfg(feature = "sim")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sends {
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
