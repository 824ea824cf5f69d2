//! The simulated network: connections between nodes, and segments on the wire between them.
//!
//! A segment lands when its link's latency has passed, in the order of its stream; links can be cut, held, slow or narrow
//! in each direction. A fault is felt when its effect arrives: a copy when its receiver has read it, a delay when the
//! frame has come. So what was done to a frame travels with it.
//!
//! What is kept: `segment`, `connection` and `link`, in `tables`. What happens: `connect`, `transmit` (with what message
//! faults do to a frame, `fate`, and what they keep from leaving, `leave`), `land`, `links` as faults change them,
//! `breaking`, `close`; and `ends`, which software holds. What is written in bytes is looked at for messages of protocols
//! that everybody knows (`written`, `framing`). Datagrams (`datagrams`, and `mailbox`, what came of them) go over the same
//! links.

mod breaking;
mod close;
mod connect;
mod connection;
mod datagrams;
mod ends;
mod fate;
mod feels;
mod framing;
mod land;
mod leave;
mod link;
mod links;
mod mailbox;
mod place;
mod segment;
pub(super) mod tables;
mod transmit;
mod written;

pub(crate) use connect::{Listening, connect};
pub(crate) use connection::Options;
pub(crate) use datagrams::Datagrams;
pub(crate) use ends::{Next, Reader, Wait, Writer};
pub use link::{Distribution, Latency, LinkState};
pub(crate) use place::Place;
pub use segment::Direction;

#[cfg(test)]
mod tests;
