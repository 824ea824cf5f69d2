//! Listening sockets.

use super::stream::{TcpStream, Transport};
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
    Simulated(turmoil::net::TcpListener),
}

impl TcpListener {
    /// Listens on `address` (`0.0.0.0:9000`).
    ///
    /// # Errors
    /// As tokio's: the address is in use, or not ours.
    pub async fn bind(address: &str) -> io::Result<Self> {
        #[cfg(feature = "sim")]
        if sim::is_active() {
            let listener = turmoil::net::TcpListener::bind(address).await?;
            return Ok(Self(Listener::Simulated(listener)));
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
                stream.set_nodelay(true)?;
                Ok((TcpStream(Transport::Real(stream)), peer))
            }
            #[cfg(feature = "sim")]
            Listener::Simulated(simulated) => {
                loop {
                    let (stream, peer) = simulated.accept().await?;
                    let here = sim::current_node();
                    if sim::with(|world| world.refuses(here)) {
                        // The kernel takes it, and it ends at once.
                        continue;
                    }
                    let wire = sim::Wire::accepted(peer);
                    return Ok((TcpStream(Transport::Simulated(stream, wire)), peer));
                }
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
            Listener::Simulated(simulated) => simulated.local_addr(),
        }
    }
}
