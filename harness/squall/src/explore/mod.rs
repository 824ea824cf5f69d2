//! Scenarios that nobody wrote: drawn, run, and where they fail handed over as a person would have written them.
//!
//! Each scenario is drawn from strategies (`draw/`) over topology, workload, faults and triggers, in the manner of swarm
//! testing (Groce et al., ISSTA 2012): from a subset of the faults of its own, at a pace of its own. What a run reached
//! that no run before had reached (`coverage.rs`) earns its scenario a place in the corpus (`corpus.rs`), from where it
//! is changed (`change.rs`): a fault more, one less, another time; or its beginning is kept up to a rare state, and what
//! follows drawn anew. Every scenario runs with the first seed, so that what is found is found again by the file alone.

mod change;
mod corpus;
mod coverage;
mod draw;
mod explorer;
mod findings;
mod questions;
mod small;

pub use corpus::Corpus;
pub use explorer::explore;
pub use findings::Finding;
pub use questions::{Explored, Questions, Told};
