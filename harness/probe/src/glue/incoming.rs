//! Connections as a stream.

use crate::net::{TcpListener, TcpStream};
use futures_core::Stream;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// The connections that a listener accepts, as a stream, as `tokio_stream::wrappers::TcpListenerStream` makes of tokio's.
#[derive(Debug)]
pub struct Incoming(TcpListener);

impl From<TcpListener> for Incoming {
    fn from(listener: TcpListener) -> Self {
        Self(listener)
    }
}

impl Stream for Incoming {
    type Item = io::Result<TcpStream>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_accept(context).map_ok(|(stream, _)| stream).map(Some)
    }
}
