//! The simulated half, for the harness: one [`World`] on the thread of a run.
//!
//! What a world keeps (`state/`, `disk/`, `network/tables.rs`) knows nothing of the world (`world.rs`), which owns it.
//! What happens to a world stands in the other files, a subject each.
//!
//! The harness installs a world, registers nodes as it starts them, and between two steps of the
//! simulator reads and changes it. Software under test never sees it.

mod derive;
pub mod disk;
mod felt;
mod gate;
mod hindrance;
mod inside;
mod limits;
mod network;
mod nodes;
mod occurrence;
mod points;
mod state;
mod storage;
mod tasks;
#[cfg(test)]
pub(crate) mod tests;
mod timer;
mod under_way;
mod wall_clock;
mod world;

pub use derive::derive;
pub use gate::{Gated, as_node, gated, gated_harness, gated_here};
pub use inside::in_gated_task;
pub(crate) use network::{
    Datagrams, Listening, Next, Options, Place, Reader, Wait, Writer, connect,
};
pub use network::{Direction, Distribution, Latency, LinkState};
pub use nodes::current_node;
pub(crate) use nodes::stop_asked;
pub use occurrence::OccurrenceId;
pub use state::{
    Armed, BroughtDown, Flight, Flights, Hindrance, Measurement, Measures, MessageFault, Metric,
    Names,
};
pub(crate) use storage::{Handle, at_path, open, whole};
pub(crate) use tasks::spawn;
pub(crate) use timer::Timer;
pub(crate) use under_way::UnderWay;
pub use wall_clock::since_epoch;
pub use world::{
    LONGEST_LINE, MOST_SAID, Said, Sink, Summary, TaskSets, World, elapsed, install, is_active,
    try_with, uninstall, with,
};
