//! The simulated half, for the harness: one [`World`] on the thread of a run.
//!
//! What a world keeps (`state/`, `disk/`, `wire/connections.rs`) knows nothing of the world (`world.rs`), which owns it.
//! What happens to a world stands in the other files, a subject each.
//!
//! The harness installs a world, registers nodes as it starts them, and between two steps of the
//! simulator reads and changes it. Software under test never sees it.

mod derive;
pub mod disk;
mod felt;
mod gate;
mod hindrance;
mod limits;
mod links;
mod nodes;
mod occurrence;
mod points;
mod state;
mod storage;
mod tasks;
#[cfg(test)]
mod tests;
mod under_way;
mod wall_clock;
mod wire;
mod world;

pub use derive::derive;
pub(crate) use gate::gated_sender;
pub use gate::{Gated, gated, gated_here, in_gated_task};
pub(crate) use links::{reachable, room, silent, slows};
pub use nodes::current_node;
pub(crate) use nodes::stop_asked;
pub use occurrence::OccurrenceId;
pub use state::{Armed, BroughtDown, Disturbance, Flight, Flights, Hindrance, MessageFault, Names};
pub(crate) use storage::{Handle, on_disk, open};
pub(crate) use tasks::spawn;
pub(crate) use under_way::UnderWay;
pub use wall_clock::since_epoch;
pub(crate) use wire::Feels;
pub use wire::Wire;
pub use world::{Sink, Summary, World, elapsed, install, is_active, try_with, uninstall, with};
