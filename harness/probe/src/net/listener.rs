//! Listening sockets.

use super::stream::TcpStream;
#[cfg(feature = "sim")]
use crate::sim;
use std::{io, net::SocketAddr};

/// A listening socket.
pub struct TcpListener(Listener);

impl std::fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TcpListener").field(&self.local_addr()).finish()
    }
}

enum Listener {
    Real(tokio::net::TcpListener),
    #[cfg(feature = "sim")]
    Simulated(sim::Listening),
}

impl TcpListener {
    /// Listens on `address` (`0.0.0.0:9000`).
    ///
    /// # Errors
    /// As tokio's: the address is in use, or not ours.
    pub async fn bind(address: &str) -> io::Result<Self> {
        #[cfg(feature = "sim")]
        if sim::is_active() {
            return sim::Listening::bind(address)
                .map(|simulated| Self(Listener::Simulated(simulated)));
        }
        tokio::net::TcpListener::bind(address).await.map(|real| Self(Listener::Real(real)))
    }

    /// The next connection.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.0 {
            Listener::Real(real) => {
                let (stream, peer) = real.accept().await?;
                Ok((TcpStream::real(stream)?, peer))
            }
            #[cfg(feature = "sim")]
            Listener::Simulated(simulated) => {
                let (reader, writer, peer) = simulated.accept().await?;
                Ok((TcpStream::simulated(reader, writer), peer))
            }
        }
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// As tokio's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Listener::Real(real) => real.local_addr(),
            #[cfg(feature = "sim")]
            Listener::Simulated(simulated) => Ok(simulated.address()),
        }
    }
}
