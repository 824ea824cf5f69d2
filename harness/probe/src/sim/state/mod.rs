//! What a world keeps, a file for each kind of thing. Nothing here knows the world that it is a part of.

mod felt;
mod flights;
mod hindered;
mod machine;
mod measures;
mod message_fault;
mod names;
mod pendings;
mod points;
mod timers;
mod waiters;

pub(super) use felt::Felt;
pub use flights::{Flight, Flights};
pub(super) use hindered::Hindered;
pub use hindered::{BroughtDown, Hindrance};
pub(super) use machine::{Machine, RunState};
pub use measures::{Measurement, Measures, Metric};
pub use message_fault::MessageFault;
pub use names::Names;
pub(super) use pendings::{Pending, Pendings, SLACK};
pub use points::Armed;
pub(super) use points::Points;
pub(super) use timers::{MILLISECOND, TimerId, Timers};
pub(super) use waiters::Waiters;
