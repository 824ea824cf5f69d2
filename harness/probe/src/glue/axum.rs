//! What `axum::serve` listens on.

use crate::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use std::{io, net::SocketAddr, time::Duration};

impl axum::serve::Listener for TcpListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match Self::accept(self).await {
                Ok(accepted) => return accepted,
                // As axum does with tokio's: too many files may be open.
                Err(_) => sleep(Duration::from_secs(1)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }
}
