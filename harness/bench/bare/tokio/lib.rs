//! tokio, with turmoil's sockets in place of the kernel's.

pub use tokio::*;

/// As `tokio::net`.
pub mod net {
    pub use turmoil::net::{TcpListener, TcpStream, tcp};
}
