//! From a run that fails to the smallest scenario that fails for the same cause, as a person would have written it.
//!
//! As in delta debugging (Zeller and Hildebrandt, 2002), simpler scenarios are tried as long as one keeps the cause:
//! fewer faults, fewer events and nodes, simpler triggers, rounder times, one node in place of a choice. Each is judged
//! from the text of its file, with the first seed if that will do, so that what is left over is a scenario that fails by
//! itself.

mod cause;
mod cost;
mod fewer;
mod looked;
mod search;
mod simpler;
mod story;

pub use cause::Cause;
pub(crate) use search::FIRST_SEED;
pub use search::{Limits, ShrinkError, shrink};
pub(crate) use story::{broken_by, defects_of, story};
