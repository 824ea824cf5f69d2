//! Sockets that are neither connected nor listen yet.

use super::{
    listener::{Listener, TcpListener},
    stream::TcpStream,
};
#[cfg(feature = "sim")]
use crate::sim;
#[cfg(feature = "sim")]
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fmt, io, net::SocketAddr, time::Duration};

/// A socket that is to be connected or to listen, as tokio's of this name.
///
/// In a simulation what is asked of it is told back; a zero linger resets the connection that is made of it, and the rest
/// is of no effect: a port that was closed is free at once, and a port has one listener.
#[derive(Debug)]
pub struct TcpSocket(Kind);

enum Kind {
    Real(tokio::net::TcpSocket),
    #[cfg(feature = "sim")]
    Simulated(Mutex<Asked>),
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real(real) => real.fmt(f),
            #[cfg(feature = "sim")]
            Self::Simulated(asked) => asked.fmt(f),
        }
    }
}

/// What was asked of a simulated one.
#[cfg(feature = "sim")]
#[derive(Clone, Debug, Default)]
struct Asked {
    bound: Option<SocketAddr>,
    options: sim::Options,
    reuse_address: bool,
    reuse_port: bool,
    /// Bytes that may wait to be sent, and to be received.
    send_buffer: u32,
    receive_buffer: u32,
}

#[cfg(feature = "sim")]
fn asked(of: &Mutex<Asked>) -> MutexGuard<'_, Asked> {
    // Whoever panicked with it changed one value at most.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An option: how it is read and how it is set.
macro_rules! option {
    ($(#[$about:meta])* $get:ident -> $out:ty, $set:ident($in:ty), $it:ident => $place:expr) => {
        $(#[$about])*
        ///
        /// # Errors
        /// As tokio's.
        pub fn $get(&self) -> io::Result<$out> {
            match &self.0 {
                Kind::Real(real) => real.$get(),
                #[cfg(feature = "sim")]
                Kind::Simulated(socket) => {
                    let $it = &mut *asked(socket);
                    Ok($place)
                }
            }
        }

        $(#[$about])*
        ///
        /// # Errors
        /// As tokio's.
        pub fn $set(&self, value: $in) -> io::Result<()> {
            match &self.0 {
                // tokio warns where it blocks; who calls it has been warned there.
                #[allow(deprecated)]
                Kind::Real(real) => real.$set(value),
                #[cfg(feature = "sim")]
                Kind::Simulated(socket) => {
                    let $it = &mut *asked(socket);
                    $place = value;
                    Ok(())
                }
            }
        }
    };
}

impl TcpSocket {
    /// A socket for addresses of IPv4.
    ///
    /// # Errors
    /// As tokio's.
    pub fn new_v4() -> io::Result<Self> {
        #[cfg(feature = "sim")]
        if sim::is_active() {
            return Ok(Self(Kind::Simulated(Mutex::default())));
        }
        tokio::net::TcpSocket::new_v4().map(|real| Self(Kind::Real(real)))
    }

    /// A socket for addresses of IPv6. In a simulation nodes have none: it is one for IPv4 there.
    ///
    /// # Errors
    /// As tokio's.
    pub fn new_v6() -> io::Result<Self> {
        #[cfg(feature = "sim")]
        if sim::is_active() {
            return Self::new_v4();
        }
        tokio::net::TcpSocket::new_v6().map(|real| Self(Kind::Real(real)))
    }

    option!(
        /// Whether a connection that is idle is probed (`SO_KEEPALIVE`).
        keepalive -> bool, set_keepalive(bool), it => it.options.keepalive
    );
    option!(
        /// Whether it may be bound to a port that was closed a moment ago (`SO_REUSEADDR`).
        reuseaddr -> bool, set_reuseaddr(bool), it => it.reuse_address
    );
    #[cfg(unix)]
    option!(
        /// Whether several may be bound to one port (`SO_REUSEPORT`). In a simulation none may.
        reuseport -> bool, set_reuseport(bool), it => it.reuse_port
    );
    option!(
        /// How many bytes may wait to be sent.
        send_buffer_size -> u32, set_send_buffer_size(u32), it => it.send_buffer
    );
    option!(
        /// How many bytes may wait to be received.
        recv_buffer_size -> u32, set_recv_buffer_size(u32), it => it.receive_buffer
    );
    option!(
        /// How long closing the connection waits for what was written to arrive.
        linger -> Option<Duration>, set_linger(Option<Duration>), it => it.options.linger
    );
    option!(
        /// Whether what is written leaves at once. In a simulation it always does.
        nodelay -> bool, set_nodelay(bool), it => it.options.nodelay
    );

    /// Closing the connection resets it.
    ///
    /// # Errors
    /// As tokio's.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        match &self.0 {
            Kind::Real(real) => real.set_zero_linger(),
            #[cfg(feature = "sim")]
            Kind::Simulated(_) => self.set_linger(Some(Duration::ZERO)),
        }
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    /// As tokio's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Kind::Real(real) => real.local_addr(),
            #[cfg(feature = "sim")]
            Kind::Simulated(socket) => {
                asked(socket).bound.ok_or_else(|| io::ErrorKind::InvalidInput.into())
            }
        }
    }

    /// The error that waits to be told. In a simulation none ever does.
    ///
    /// # Errors
    /// As tokio's.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        match &self.0 {
            Kind::Real(real) => real.take_error(),
            #[cfg(feature = "sim")]
            Kind::Simulated(_) => Ok(None),
        }
    }

    /// Says from where it is to connect, or where it is to listen. In a simulation what is wrong with that is told then.
    ///
    /// # Errors
    /// As tokio's.
    pub fn bind(&self, address: SocketAddr) -> io::Result<()> {
        match &self.0 {
            Kind::Real(real) => real.bind(address),
            #[cfg(feature = "sim")]
            Kind::Simulated(socket) => {
                asked(socket).bound = Some(address);
                Ok(())
            }
        }
    }

    /// Connects.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn connect(self, address: SocketAddr) -> io::Result<TcpStream> {
        match self.0 {
            Kind::Real(real) => real.connect(address).await.map(TcpStream::real),
            #[cfg(feature = "sim")]
            Kind::Simulated(socket) => {
                let Asked { bound, options, .. } = asked(&socket).clone();
                let own = bound.map_or(0, |bound| bound.port());
                let (reader, writer, _) = sim::connect(&address.into(), own).await?;
                let stream = TcpStream::simulated(reader, writer);
                stream.set_options(&options);
                Ok(stream)
            }
        }
    }

    /// Listens. `backlog` is how many connections may wait to be accepted; in a simulation 1,024 may.
    ///
    /// # Errors
    /// As tokio's.
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        match self.0 {
            Kind::Real(real) => real.listen(backlog).map(|real| TcpListener(Listener::Real(real))),
            #[cfg(feature = "sim")]
            Kind::Simulated(socket) => {
                let any = SocketAddr::from(([0, 0, 0, 0], 0));
                let bound = asked(&socket).bound.unwrap_or(any);
                let simulated = sim::Listening::bind(&bound.into())?;
                Ok(TcpListener(Listener::Simulated(simulated)))
            }
        }
    }

    /// Takes a socket of std's.
    ///
    /// # Panics
    /// In a simulation, where there is none.
    #[must_use]
    pub fn from_std_stream(stream: std::net::TcpStream) -> Self {
        #[cfg(feature = "sim")]
        assert!(!sim::is_active(), "a simulation has no sockets of std's: use TcpSocket::new_v4");
        Self(Kind::Real(tokio::net::TcpSocket::from_std_stream(stream)))
    }
}
