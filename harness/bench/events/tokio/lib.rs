//! tokio, with the event world's sockets in place of the kernel's.

pub use tokio::*;

/// As `tokio::net`.
pub mod net {
    pub use event_world::net::{TcpListener, TcpStream, tcp};
}

/// As `tokio::spawn`, into the host's `LocalSet`: what is under a crash.
pub fn spawn<F>(future: F) -> task::JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    task::spawn_local(future)
}
