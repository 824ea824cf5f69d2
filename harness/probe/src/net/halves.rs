//! The two halves of a connection, as bytes: those that borrow it, and those that own it together.

#[cfg(feature = "sim")]
use super::simulated::{
    gathered, or_would_block, poll_peek, poll_ready, try_read, try_read_buf, try_read_vectored,
};
#[cfg(feature = "sim")]
use crate::sim::{self, Wait};
use bytes::BufMut;
use std::{
    error, fmt,
    future::poll_fn,
    io::{self, IoSlice, IoSliceMut},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready},
    net::tcp,
};

/// Both addresses of a half.
macro_rules! addresses {
    ($inner:ident) => {
        /// The address of this end.
        ///
        /// # Errors
        /// As tokio's.
        pub fn local_addr(&self) -> io::Result<SocketAddr> {
            match &self.0 {
                $inner::Real(real) => real.local_addr(),
                #[cfg(feature = "sim")]
                $inner::Simulated(simulated) => simulated.addresses().map(|(own, _)| own),
            }
        }

        /// The address of the other end.
        ///
        /// # Errors
        /// As tokio's.
        pub fn peer_addr(&self) -> io::Result<SocketAddr> {
            match &self.0 {
                $inner::Real(real) => real.peer_addr(),
                #[cfg(feature = "sim")]
                $inner::Simulated(simulated) => simulated.addresses().map(|(_, peer)| peer),
            }
        }
    };
}

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
            addresses!($inner);

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

            /// Reads what has come: how many bytes.
            ///
            /// # Errors
            /// As tokio's: [`WouldBlock`](io::ErrorKind::WouldBlock) if nothing has.
            pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                match &self.0 {
                    $inner::Real(real) => real.try_read(buffer),
                    #[cfg(feature = "sim")]
                    $inner::Simulated(reader) => try_read(reader, buffer),
                }
            }

            /// As that, into several buffers.
            ///
            /// # Errors
            /// As those of it.
            pub fn try_read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                match &self.0 {
                    $inner::Real(real) => real.try_read_vectored(buffers),
                    #[cfg(feature = "sim")]
                    $inner::Simulated(reader) => try_read_vectored(reader, buffers),
                }
            }

            /// As that, into a buffer that grows.
            ///
            /// # Errors
            /// As those of it.
            pub fn try_read_buf<B: BufMut>(&self, buffer: &mut B) -> io::Result<usize> {
                match &self.0 {
                    $inner::Real(real) => real.try_read_buf(buffer),
                    #[cfg(feature = "sim")]
                    $inner::Simulated(reader) => try_read_buf(reader, buffer),
                }
            }
        }

        impl$(<$life>)? AsyncRead for $half$(<$life>)? {
            fn poll_read(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match &mut self.get_mut().0 {
                    $inner::Real(real) => Pin::new(real).poll_read(context, buffer),
                    #[cfg(feature = "sim")]
                    $inner::Simulated(reader) => {
                        reader.poll_read(Wait::Reads(context.waker()), buffer)
                    }
                }
            }
        }
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
            addresses!($inner);

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

            /// Writes what there is room for: how many bytes.
            ///
            /// # Errors
            /// As tokio's: [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none.
            pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
                match &self.0 {
                    $inner::Real(real) => real.try_write(bytes),
                    #[cfg(feature = "sim")]
                    $inner::Simulated(writer) => or_would_block(writer.poll_write(None, bytes)),
                }
            }

            /// As that, of several buffers.
            ///
            /// # Errors
            /// As those of it.
            pub fn try_write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
                match &self.0 {
                    $inner::Real(real) => real.try_write_vectored(buffers),
                    #[cfg(feature = "sim")]
                    $inner::Simulated(writer) => {
                        or_would_block(writer.poll_write(None, &gathered(buffers)))
                    }
                }
            }
        }

        impl$(<$life>)? AsyncWrite for $half$(<$life>)? {
            fn poll_write(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                match &mut self.get_mut().0 {
                    $inner::Real(real) => Pin::new(real).poll_write(context, bytes),
                    #[cfg(feature = "sim")]
                    $inner::Simulated(writer) => writer.poll_write(Some(context.waker()), bytes),
                }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                buffers: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match &mut self.get_mut().0 {
                    $inner::Real(real) => Pin::new(real).poll_write_vectored(context, buffers),
                    #[cfg(feature = "sim")]
                    $inner::Simulated(writer) => {
                        writer.poll_write(Some(context.waker()), &gathered(buffers))
                    }
                }
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                // As tokio's: nothing waits here.
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                match &mut self.get_mut().0 {
                    $inner::Real(real) => Pin::new(real).poll_shutdown(context),
                    #[cfg(feature = "sim")]
                    $inner::Simulated(writer) => {
                        let _ = context;
                        writer.shut_down();
                        Poll::Ready(Ok(()))
                    }
                }
            }
        }
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
