//! TCP and UDP, with tokio's names: in a program that does `use tokio::net`, put `squall_probe::net` there. And
//! length-delimited frames over a connection.
//!
//! In production each type is tokio's own inside. In a simulation they are sockets of the simulated network, where the
//! nodes are known by their names (`broker-1:9000`). Frames are the unit that message faults act on: each is sent with a
//! kind (`"publish"`), by which a scenario chooses which messages to lose, duplicate or reorder. Datagrams are frames of
//! the kind `datagram`.
//!
//! What tokio has beside and this module has not: Unix sockets and pipes (`UnixStream`, `UnixListener`, `UnixDatagram`,
//! `unix`, `windows`), raw descriptors (`AsFd`, `AsRawFd`), and the options `tos`, `tclass`, `quickack` and `device`.
//! Multicast is refused in a simulation.
//!
//! ```
//! use squall_probe::net::{TcpListener, TcpStream};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
//! let client = TcpStream::connect(listener.local_addr()?).await?;
//! let (server, _) = listener.accept().await?;
//! // Frames, where faults shall act on single messages: by their kinds.
//! let (sender, _receiver) = client.into_frames();
//! sender.send("publish", "an order".into()).await?;
//! let (_sender, mut receiver) = server.into_frames();
//! assert_eq!(receiver.recv().await?.as_deref(), Some(&b"an order"[..]));
//! # Ok(())
//! # }
//! ```

mod address;
mod frames;
mod halves;
mod listener;
mod queue;
mod shared;
#[cfg(feature = "sim")]
mod simulated;
mod socket;
mod stream;
mod udp;
mod unsupported;

pub use address::{ToSocketAddrs, lookup_host};
pub use frames::{FrameReceiver, FrameSender};
pub use listener::TcpListener;
pub use queue::MAX_FRAME;
pub use socket::TcpSocket;
pub use stream::TcpStream;
pub use udp::UdpSocket;

/// Halves of connections, with tokio's names.
pub mod tcp {
    pub use super::halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
}
