//! Simulated connections: which are broken, what message faults do to each frame, and when that is felt.
//!
//! A fault is felt when its effect arrives: a copy when its receiver has read it, a delay when the frame
//! has come. So what was done to a frame travels with it, as a place in the stream of bytes that the
//! receiver has not read yet.

mod arrival;
pub(super) mod connections;
mod end;
mod fate;
pub(super) mod feels;
mod messages;
#[cfg(test)]
mod tests;

pub use end::Wire;
pub(crate) use feels::Feels;
