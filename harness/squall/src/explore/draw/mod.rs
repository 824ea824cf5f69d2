//! Strategies of proptest that draw scenarios for a system, from its own words.

mod draws;
mod parameters;
mod scenario;
mod step;
mod words;

pub(super) use draws::Draws;
pub(super) use scenario::{Swarm, scenario, targets_of, topology, uniform};
pub(super) use step::{PACES, power_failure, step};
pub(super) use words::{Bias, Words, kind, subject};
