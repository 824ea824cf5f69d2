//! tokio, with the event world's sockets in place of the kernel's.

pub use tokio::*;

/// As `tokio::net`.
pub mod net {
    pub use event_world::net::{TcpListener, TcpStream, tcp};
}
