//! What servers of tonic take connections from.

use crate::net::{TcpListener, TcpStream};
use futures_core::Stream;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::transport::server::{Connected, TcpConnectInfo};

impl Connected for TcpStream {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        TcpConnectInfo { local_addr: self.local_addr().ok(), remote_addr: self.peer_addr().ok() }
    }
}

/// The connections that a listener accepts, as a stream.
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
