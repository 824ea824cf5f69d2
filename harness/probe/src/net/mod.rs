//! TCP, with tokio's names, and length-delimited frames over it.
//!
//! Frames are the unit that message faults act on: each is sent with a kind (`"publish"`), by which a
//! scenario chooses which messages to lose, duplicate or reorder.

mod frames;
mod halves;
mod listener;
mod queue;
mod stream;

pub use frames::{FrameReceiver, FrameSender};
pub use halves::{ReadHalf, WriteHalf};
pub use listener::TcpListener;
pub use queue::MAX_FRAME;
pub use stream::TcpStream;
