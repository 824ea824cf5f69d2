//! Chaos testing and fault injection for event systems.
//!
//! A system of your own implements [`system::System`], and gets the whole command with
//! `fn main() -> ExitCode { squall::main(Arc::new(MySystem)) }`. What it writes is a [`report`].
//!
//! Inside, one direction and no way back: a scenario (YAML) becomes a plan (every draw made), which the simulation
//! turns into a history of [`squall_probe::Record`]s; `squall_judge` judges the history and nothing else; the report
//! collects verdicts. `ARCHITECTURE.md` names the rooms. What is public is listed in `public-api.txt`, on purpose.

pub mod catalogue;
pub mod exit;
pub mod system;
#[doc(hidden)]
pub mod testing;

pub use cli::main;
/// The format of reports: reading, writing, merging, comparing and showing them.
pub use squall_reports as report;

mod alerts;
mod audit;
mod canary;
mod cli;
mod determinism;
mod enough;
mod explain;
mod explore;
mod faults;
mod history;
mod injection;
mod metrics;
mod pairs;
mod parameters;
mod plan;
mod pool;
mod replay;
mod runner;
#[cfg(test)]
mod sample;
mod scenario;
mod schema;
mod series;
mod shard;
mod shell;
mod shrink;
mod signals;
mod sim;
mod stream;
mod syntax;
#[cfg(test)]
mod walls;
mod why;
mod words;
mod worker;
