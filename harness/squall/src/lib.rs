//! Chaos testing and fault injection for event systems.
//!
//! One direction, no way back: a [`scenario`] (YAML) becomes a [`plan`] (every draw made), which
//! [`sim`] turns into a history of [`squall_probe::Record`]s; [`squall_judge`] judges the history and
//! nothing else; `squall_reports` collects verdicts. `ARCHITECTURE.md` names the rooms.

pub mod audit;
pub mod canary;
pub mod cli;
pub mod determinism;
pub mod exit;
pub mod faults;
pub mod history;
pub mod injection;
mod legacy;
pub mod pairs;
pub mod plan;
mod replay;
pub mod runner;
#[cfg(test)]
mod sample;
pub mod scenario;
pub mod shard;
mod shell;
mod signals;
pub mod sim;
pub mod stream;
mod syntax;
pub mod system;
#[cfg(test)]
mod walls;
pub mod words;
pub mod worker;
