//! The nemesis: what goes wrong in a run, as it comes and goes.
//!
//! Each room says what happens to its part: `nodes` (crash, restart, stop, supervision), `network`, `messages`, `disks`,
//! `load`; `inject` reads an injection as one of their verbs. `triggers` pulls what waits for a condition, `occurrences`
//! begins and ends, and `recovery` is how all of it ends. `course` calls them in their order, between two steps of the
//! simulator. What they keep is in `state/`, which knows none of them; `base` owns it.

mod base;
mod course;
mod disks;
mod inject;
mod load;
mod messages;
mod network;
mod nodes;
mod occurrences;
mod recovery;
mod state;
mod triggers;

pub(super) use base::{Exits, Nemesis};
pub(super) use course::Remains;
