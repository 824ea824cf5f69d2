//! The vocabulary of a history: small plain values, one per thing that was seen to happen.
//!
//! A system under test emits the records that only it can know (a replica made an event visible, an
//! effect became durable); the harness emits the rest (what its clients asked for and were told, what
//! the faults did). Invariants see these records and nothing else.

mod digest;
mod identity;
mod line;
mod values;
mod what;

pub use digest::mix;
pub use identity::{EventId, Name, NodeId, Position};
pub use line::Record;
pub use values::{
    BreakerState, Mark, NodeChange, Phase, Removed, Requeued, SagaChange, StateOf, Tampering,
};
pub use what::What;
