//! What a system under test links.
//!
//! A system that takes its network, disk, clock, tasks and randomness from here runs unchanged on
//! real TCP and a real disk, and under squall's simulation. It also says here what only it can know:
//! [`record`]s of what happened, and fault [`point`]s where something could go wrong.
//!
//! The crate knows nothing of the harness. The simulated half stands behind the feature `sim` and acts
//! only on a thread on which a simulation runs; everywhere else each call is its tokio or std namesake.

mod generator;
mod instrument;
mod record;

pub mod clock;
#[cfg(feature = "codec")]
pub mod codec;
pub mod fs;
#[cfg(any(feature = "axum", feature = "codec", feature = "hyper", feature = "tonic"))]
pub mod glue;
pub mod net;
#[cfg(feature = "sim")]
pub mod sim;
pub mod task;
pub mod time;
#[cfg(feature = "tracing")]
pub mod tracing;

pub use generator::Rng;
pub use instrument::{
    Reserved, counter, gauge, name, point, record, reserve, rng, say, signal, stop_asked,
};
pub use record::{
    BreakerState, EventId, Mark, Name, NodeChange, NodeId, Phase, Position, Record, Removed,
    Requeued, SagaChange, StateOf, Tampering, What, mix,
};
