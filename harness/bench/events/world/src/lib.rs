//! A prototype of an event-driven world, to be measured beside turmoil: all hosts on one paused current-thread runtime,
//! which jumps to the next timer or packet.
//!
//! tokio's task hooks tell which host runs: a task belongs to the host that spawned it. Packets wait in one heap, by the
//! time at which they arrive, and one timer stands for the first of them. A host that crashes becomes inert: what its
//! tasks send goes nowhere, and what is sent to them is lost; the tasks themselves are tokio's, who has no way to hold
//! them back or to drop them (see `tests`).

pub mod net;
mod world;

pub use world::{Host, World, current, spawn_on};

#[cfg(test)]
mod tests;
