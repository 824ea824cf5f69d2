//! The two halves of a connection, as bytes: those that borrow it, and those that own it together.

use super::shared::{addresses, async_read, async_write, try_reads, try_writes};
#[cfg(feature = "sim")]
use super::simulated::{poll_peek, poll_ready};
#[cfg(feature = "sim")]
use crate::sim;
use std::{
    error, fmt,
    future::poll_fn,
    io,
    net::SocketAddr,
    task::{Context, Poll},
};
use tokio::{
    io::{Interest, ReadBuf, Ready},
    net::tcp,
};

macro_rules! read_half {
    ($(#[$doc:meta])* $half:ident $inner:ident [$($life:lifetime)?] $real:ty, $simulated:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $half$(<$life>)?(pub(super) $inner$(<$life>)?);

        #[derive(Debug)]
        pub(super) enum $inner$(<$life>)? {
            Real($real),
            #[cfg(feature = "sim")]
            Simulated($simulated),
        }

        impl$(<$life>)? $half$(<$life>)? {
            addresses!($inner::Real(real) => real, $inner::Simulated(reader) => reader);
            try_reads!($inner::Real(real) => real, $inner::Simulated(reader) => reader);

            /// Waits until it can be read.
            ///
            /// # Errors
            /// As tokio's.
            pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
                match &self.0 {
                    $inner::Real(real) => real.ready(interest).await,
                    #[cfg(feature = "sim")]
                    $inner::Simulated(reader) => {
                        poll_fn(|context| poll_ready(Some(reader), None, interest, context)).await
                    }
                }
            }

            /// Waits until a read would not wait.
            ///
            /// # Errors
            /// As tokio's.
            pub async fn readable(&self) -> io::Result<()> {
                self.ready(Interest::READABLE).await.map(|_| ())
            }

            /// Copies what would be read, which stays: how many bytes.
            ///
            /// # Errors
            /// As tokio's.
            pub async fn peek(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let mut buffer = ReadBuf::new(buffer);
                poll_fn(|context| self.poll_peek(context, &mut buffer)).await
            }

            /// As that.
            pub fn poll_peek(
                &mut self,
                context: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<usize>> {
                match &mut self.0 {
                    $inner::Real(real) => real.poll_peek(context, buffer),
                    #[cfg(feature = "sim")]
                    $inner::Simulated(reader) => poll_peek(reader, context, buffer),
                }
            }
        }

        async_read!([$($life)?] $half$(<$life>)?, $inner::Real(real) => real, $inner::Simulated(reader) => reader);
    };
}

macro_rules! write_half {
    ($(#[$doc:meta])* $half:ident $inner:ident [$($life:lifetime)?] $real:ty, $simulated:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $half$(<$life>)?(pub(super) $inner$(<$life>)?);

        #[derive(Debug)]
        pub(super) enum $inner$(<$life>)? {
            Real($real),
            #[cfg(feature = "sim")]
            Simulated($simulated),
        }

        impl$(<$life>)? $half$(<$life>)? {
            addresses!($inner::Real(real) => real, $inner::Simulated(writer) => writer);
            try_writes!($inner::Real(real) => real, $inner::Simulated(writer) => writer);

            /// Waits until it can be written.
            ///
            /// # Errors
            /// As tokio's.
            pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
                match &self.0 {
                    $inner::Real(real) => real.ready(interest).await,
                    #[cfg(feature = "sim")]
                    $inner::Simulated(writer) => {
                        poll_fn(|context| poll_ready(None, Some(writer), interest, context)).await
                    }
                }
            }

            /// Waits until a write would not wait.
            ///
            /// # Errors
            /// As tokio's.
            pub async fn writable(&self) -> io::Result<()> {
                self.ready(Interest::WRITABLE).await.map(|_| ())
            }
        }

        async_write!([$($life)?] $half$(<$life>)?, $inner::Real(real) => real, $inner::Simulated(writer) => writer);
    };
}

read_half!(
    /// The half that reads of a [`TcpStream`](crate::net::TcpStream) that is borrowed.
    ReadHalf ReadRef ['a] tcp::ReadHalf<'a>, &'a sim::Reader
);
write_half!(
    /// The half that writes of a [`TcpStream`](crate::net::TcpStream) that is borrowed.
    WriteHalf WriteRef ['a] tcp::WriteHalf<'a>, &'a sim::Writer
);
read_half!(
    /// The half that reads of a [`TcpStream`](crate::net::TcpStream).
    OwnedReadHalf Read [] tcp::OwnedReadHalf, sim::Reader
);
write_half!(
    /// The half that writes of a [`TcpStream`](crate::net::TcpStream). Dropping it tells the peer that nothing more comes.
    OwnedWriteHalf Write [] tcp::OwnedWriteHalf, sim::Writer
);

impl OwnedWriteHalf {
    /// Drops it without telling the peer that nothing more comes, until the other half is dropped.
    pub fn forget(self) {
        match self.0 {
            Write::Real(real) => real.forget(),
            #[cfg(feature = "sim")]
            Write::Simulated(writer) => writer.forget(),
        }
    }
}

/// Halves of two connections were to be put together.
#[derive(Debug)]
pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tried to reunite halves that are not from the same socket")
    }
}

impl error::Error for ReuniteError {}
