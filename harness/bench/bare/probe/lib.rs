//! `squall-probe` as it is in production (its sources, without the feature `sim`), but for what would leave the process:
//! the sockets are those of the crate called `tokio` here, files are in memory, and nothing is random.
//!
//! The reference system is compiled against it a second time, and so runs under a simulator without squall: no records,
//! no fault points, no faults of frames, disks, links and nodes.

#[path = "../../../probe/src/generator.rs"]
mod generator;
#[allow(dead_code)] // What only a world asks.
#[path = "../../../probe/src/record/mod.rs"]
mod record;
#[path = "../../../probe/src/task.rs"]
pub mod task;
#[path = "../../../probe/src/time.rs"]
pub mod time;

pub mod clock;
pub mod fs;
mod instrument;
pub mod net;

pub use generator::Rng;
pub use instrument::{
    Reserved, counter, gauge, name, point, record, record_unless_recorded, reserve, rng, signal,
    stop_asked,
};
pub use record::{
    BreakerState, EventId, Mark, Name, NodeChange, NodeId, Phase, Position, Record, Removed,
    Requeued, SagaChange, StateOf, Tampering, What, mix,
};
