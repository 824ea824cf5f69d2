//! TCP and frames over it, as much as the reference system uses. Frames are the probe's own; sockets are those of the crate
//! called `tokio` here, of which simulators have no more than these.

#[path = "../../../probe/src/net/frames.rs"]
mod frames;
#[path = "../../../probe/src/net/queue.rs"]
mod queue;

/// Where frames look for them.
mod halves {
    pub use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
}

pub use frames::{FrameReceiver, FrameSender};
pub use queue::MAX_FRAME;
use std::{io, net::SocketAddr};

/// A listening socket.
pub struct TcpListener(tokio::net::TcpListener);

impl TcpListener {
    /// Listens on `address` (`0.0.0.0:9000`).
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn bind(address: &str) -> io::Result<Self> {
        tokio::net::TcpListener::bind(address).await.map(Self)
    }

    /// The next connection.
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.0.accept().await.map(|(stream, peer)| (TcpStream(stream), peer))
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// Those of the socket.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection.
pub struct TcpStream(tokio::net::TcpStream);

impl TcpStream {
    /// Connects to `address` (`broker-1:9000`).
    ///
    /// # Errors
    /// Those of the socket.
    pub async fn connect(address: &str) -> io::Result<Self> {
        tokio::net::TcpStream::connect(address).await.map(Self)
    }

    /// Makes it a connection of frames.
    pub fn into_frames(self) -> (FrameSender, FrameReceiver) {
        let _ = self.0.set_nodelay(true);
        let (read, write) = self.0.into_split();
        frames::over(read, write)
    }
}
