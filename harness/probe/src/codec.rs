//! Frames of any codec, with tokio-util's names: in a program that does `use tokio_util::codec`, put `squall_probe::codec`
//! there.
//!
//! [`Framed`] and [`FramedWrite`] are tokio-util's inside. In a simulation each item that is sent is a frame for faults on
//! messages, of the kind `frame`, or of the kind that [`Framed::with_kinds`] tells by its bytes. What reads may be anything:
//! frames are the bytes that the codec makes of them. (`Decoder::framed` and `Builder::new_framed` make tokio-util's own
//! type, whose items are bytes to faults: use `Framed::new`.)

use crate::net::{TcpStream, tcp::OwnedWriteHalf};
#[cfg(feature = "sim")]
use bytes::Bytes;
use bytes::BytesMut;
use futures_core::Stream;
use futures_sink::Sink;
#[cfg(feature = "sim")]
use std::task::Waker;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec as real;
pub use tokio_util::codec::{
    AnyDelimiterCodec, BytesCodec, Decoder, Encoder, FramedParts, FramedRead, LengthDelimitedCodec,
    LinesCodec, length_delimited,
};

/// Sockets whose frames faults can act on.
pub trait Wire: sealed::Writes {}

impl Wire for TcpStream {}
impl Wire for OwnedWriteHalf {}

mod sealed {
    use super::{OwnedWriteHalf, TcpStream};

    pub trait Writes {
        #[cfg(feature = "sim")]
        #[doc(hidden)]
        #[allow(private_interfaces)]
        fn simulated(&self) -> Option<&crate::sim::Writer>;
    }

    impl Writes for TcpStream {
        #[cfg(feature = "sim")]
        #[allow(private_interfaces)]
        fn simulated(&self) -> Option<&crate::sim::Writer> {
            self.writer()
        }
    }

    impl Writes for OwnedWriteHalf {
        #[cfg(feature = "sim")]
        #[allow(private_interfaces)]
        fn simulated(&self) -> Option<&crate::sim::Writer> {
            self.writer()
        }
    }
}

/// Tells the kind of a frame by its bytes, as the codec made them.
type Kinds = fn(&[u8]) -> &'static str;

/// The kind of frames of which nobody tells one.
#[cfg(feature = "sim")]
const KIND: &str = "frame";

/// What was sent and has not left yet, in a simulation.
struct Outbox {
    #[cfg_attr(not(feature = "sim"), allow(dead_code))]
    kinds: Option<Kinds>,
    #[cfg(feature = "sim")]
    frame: Option<(&'static str, Bytes)>,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}

impl Outbox {
    fn new() -> Self {
        Self {
            kinds: None,
            #[cfg(feature = "sim")]
            frame: None,
        }
    }

    #[cfg(feature = "sim")]
    fn put(&mut self, frame: BytesMut) {
        let kind = self.kinds.map_or(KIND, |kinds| kinds(&frame));
        self.frame = Some((kind, frame.freeze()));
    }

    /// Ready when nothing waits to leave.
    #[cfg(feature = "sim")]
    fn poll_leave(
        &mut self,
        writer: &crate::sim::Writer,
        waker: Option<&Waker>,
    ) -> Poll<std::io::Result<()>> {
        let Some((kind, frame)) = self.frame.take() else { return Poll::Ready(Ok(())) };
        let mut waits = Some(frame);
        let sent = writer.poll_send_bare(waker, kind, &mut waits);
        if sent.is_pending() {
            self.frame = waits.map(|frame| (kind, frame));
        }
        sent
    }
}

macro_rules! sink {
    ($name:ident, $codec:ident) => {
        impl<T, C> $name<T, C> {
            /// Tells the kind of each frame by its bytes, as the codec made them.
            #[must_use]
            pub fn with_kinds(mut self, kinds: fn(&[u8]) -> &'static str) -> Self {
                self.outbox.kinds = Some(kinds);
                self
            }

            /// The socket.
            pub fn get_ref(&self) -> &T {
                self.inner.get_ref()
            }

            /// The socket. What is read from it or written to it past the codec breaks frames.
            pub fn get_mut(&mut self) -> &mut T {
                self.inner.get_mut()
            }

            /// The socket, without what was read and not decoded.
            pub fn into_inner(self) -> T {
                self.inner.into_inner()
            }
        }

        #[cfg(feature = "sim")]
        impl<T: Wire, C> $name<T, C> {
            /// Ready when nothing waits to leave; nothing at all if its socket is a real one.
            fn poll_leave(&mut self, waker: Option<&Waker>) -> Option<Poll<std::io::Result<()>>> {
                let writer = self.inner.get_ref().simulated()?;
                Some(self.outbox.poll_leave(writer, waker))
            }
        }

        impl<T, C, I> Sink<I> for $name<T, C>
        where
            T: AsyncWrite + Wire + Unpin,
            C: Encoder<I> + Unpin,
            C::Error: From<std::io::Error>,
        {
            type Error = C::Error;

            fn poll_ready(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<Result<(), Self::Error>> {
                let this = self.get_mut();
                #[cfg(feature = "sim")]
                if let Some(left) = this.poll_leave(Some(context.waker())) {
                    return left.map_err(C::Error::from);
                }
                Sink::<I>::poll_ready(Pin::new(&mut this.inner), context)
            }

            fn start_send(self: Pin<&mut Self>, item: I) -> Result<(), Self::Error> {
                let this = self.get_mut();
                #[cfg(feature = "sim")]
                if this.inner.get_ref().simulated().is_some() {
                    let mut frame = BytesMut::new();
                    this.inner.$codec().encode(item, &mut frame)?;
                    this.outbox.put(frame);
                    // It leaves now, if there is room.
                    if let Some(Poll::Ready(left)) = this.poll_leave(None) {
                        left?;
                    }
                    return Ok(());
                }
                Pin::new(&mut this.inner).start_send(item)
            }

            fn poll_flush(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<Result<(), Self::Error>> {
                let this = self.get_mut();
                #[cfg(feature = "sim")]
                if let Some(left) = this.poll_leave(Some(context.waker())) {
                    return left.map_err(C::Error::from);
                }
                Sink::<I>::poll_flush(Pin::new(&mut this.inner), context)
            }

            fn poll_close(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<Result<(), Self::Error>> {
                let this = self.get_mut();
                #[cfg(feature = "sim")]
                if let Some(left) = this.poll_leave(Some(context.waker())) {
                    std::task::ready!(left)?;
                }
                Sink::<I>::poll_close(Pin::new(&mut this.inner), context)
            }
        }
    };
}

/// A connection of frames, as tokio-util's of this name.
#[derive(Debug)]
pub struct Framed<T, C> {
    inner: real::Framed<T, C>,
    outbox: Outbox,
}

impl<T: AsyncRead + AsyncWrite, C> Framed<T, C> {
    /// Frames of `codec` over a socket.
    pub fn new(socket: T, codec: C) -> Self {
        Self { inner: real::Framed::new(socket, codec), outbox: Outbox::new() }
    }

    /// As that, with room for so many bytes that were read.
    pub fn with_capacity(socket: T, codec: C, capacity: usize) -> Self {
        Self { inner: real::Framed::with_capacity(socket, codec, capacity), outbox: Outbox::new() }
    }
}

impl<T, C> Framed<T, C> {
    /// The codec.
    pub fn codec(&self) -> &C {
        self.inner.codec()
    }

    /// The codec.
    pub fn codec_mut(&mut self) -> &mut C {
        self.inner.codec_mut()
    }

    /// What was read and not decoded.
    pub fn read_buffer(&self) -> &BytesMut {
        self.inner.read_buffer()
    }

    /// What was read and not decoded.
    pub fn read_buffer_mut(&mut self) -> &mut BytesMut {
        self.inner.read_buffer_mut()
    }
}

impl<T: AsyncRead + Unpin, C: Decoder + Unpin> Stream for Framed<T, C> {
    type Item = Result<C::Item, C::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.get_mut().inner).poll_next(context)
    }
}

sink!(Framed, codec_mut);

/// The half of a connection of frames that sends them, as tokio-util's of this name.
#[derive(Debug)]
pub struct FramedWrite<T, C> {
    inner: real::FramedWrite<T, C>,
    outbox: Outbox,
}

impl<T: AsyncWrite, C> FramedWrite<T, C> {
    /// Frames of `codec` over a socket.
    pub fn new(socket: T, codec: C) -> Self {
        Self { inner: real::FramedWrite::new(socket, codec), outbox: Outbox::new() }
    }
}

impl<T, C> FramedWrite<T, C> {
    /// The codec.
    pub fn encoder(&self) -> &C {
        self.inner.encoder()
    }

    /// The codec.
    pub fn encoder_mut(&mut self) -> &mut C {
        self.inner.encoder_mut()
    }
}

sink!(FramedWrite, encoder_mut);
