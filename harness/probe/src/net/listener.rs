//! Listening sockets.

use super::{address::ToSocketAddrs, stream::TcpStream, unsupported::not_simulated};
#[cfg(feature = "sim")]
use super::{address::first_of, unsupported::unsupported};
#[cfg(feature = "sim")]
use crate::sim;
use std::{
    fmt,
    future::poll_fn,
    io,
    net::SocketAddr,
    task::{Context, Poll},
};

/// A listening socket, as tokio's of this name.
///
/// In a simulation one that is bound to a loopback address (`127.0.0.1`, `localhost`) is reached by its own node alone, and
/// one that is bound to all (`0.0.0.0`) shows its node's address.
pub struct TcpListener(pub(super) Listener);

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpListener").field(&self.local_addr()).finish()
    }
}

pub(super) enum Listener {
    Real(tokio::net::TcpListener),
    #[cfg(feature = "sim")]
    Simulated(sim::Listening),
}

impl TcpListener {
    /// Listens on `address` (`0.0.0.0:9000`).
    ///
    /// # Errors
    /// As tokio's: the address is in use, or not ours.
    pub async fn bind<A: ToSocketAddrs>(address: A) -> io::Result<Self> {
        #[cfg(feature = "sim")]
        if sim::is_active() {
            let bound = first_of(&address, async |place| sim::Listening::bind(&place)).await;
            return bound.map(|simulated| Self(Listener::Simulated(simulated)));
        }
        tokio::net::TcpListener::bind(address).await.map(|real| Self(Listener::Real(real)))
    }

    /// The next connection.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    /// As [`TcpListener::accept`].
    pub fn poll_accept(
        &self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        match &self.0 {
            Listener::Real(real) => {
                real.poll_accept(context).map_ok(|(stream, peer)| (TcpStream::real(stream), peer))
            }
            #[cfg(feature = "sim")]
            Listener::Simulated(simulated) => simulated
                .poll_accept(context)
                .map_ok(|(reader, writer, peer)| (TcpStream::simulated(reader, writer), peer)),
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

    /// How many hops its packets may make. In a simulation always 64.
    ///
    /// # Errors
    /// As tokio's.
    pub fn ttl(&self) -> io::Result<u32> {
        match &self.0 {
            Listener::Real(real) => real.ttl(),
            #[cfg(feature = "sim")]
            Listener::Simulated(_) => Ok(64),
        }
    }

    /// Says how many hops its packets may make. Of no effect in a simulation.
    ///
    /// # Errors
    /// As tokio's.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        match &self.0 {
            Listener::Real(real) => real.set_ttl(ttl),
            #[cfg(feature = "sim")]
            Listener::Simulated(_) => Ok(()),
        }
    }

    /// Takes a socket of std's, which is in non-blocking mode.
    ///
    /// # Errors
    /// As tokio's; [`Unsupported`](io::ErrorKind::Unsupported) in a simulation.
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        not_simulated("a socket of std's")?;
        tokio::net::TcpListener::from_std(listener).map(|real| Self(Listener::Real(real)))
    }

    /// Makes it a socket of std's.
    ///
    /// # Errors
    /// As tokio's; [`Unsupported`](io::ErrorKind::Unsupported) in a simulation.
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        match self.0 {
            Listener::Real(real) => real.into_std(),
            #[cfg(feature = "sim")]
            Listener::Simulated(_) => Err(unsupported("a socket of std's")),
        }
    }
}
