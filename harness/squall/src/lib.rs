//! Chaos testing and fault injection for event systems.
//!
//! A system of your own implements [`system::System`], and gets the whole command with
//! `fn main() -> ExitCode { squall::main(Arc::new(MySystem)) }`. What it writes is a [`report`].
//!
//! The smallest system there is: one node, which does nothing.
//!
//! ```no_run
//! use squall::system::{Client, Cluster, Error, LocalFuture, Node, Role, State, System};
//! use std::{process::ExitCode, sync::Arc};
//!
//! struct Idle;
//!
//! const SERVER: Role = Role {
//!     name: "server",
//!     plural: "servers",
//!     default: 1,
//!     min: 1,
//!     max: 1,
//!     client: false,
//!     replica: false,
//!     about: "Waits to be stopped",
//! };
//!
//! impl System for Idle {
//!     fn name(&self) -> &str {
//!         "idle"
//!     }
//!     fn version(&self) -> &str {
//!         env!("CARGO_PKG_VERSION")
//!     }
//!     fn roles(&self) -> &[Role] {
//!         &[SERVER]
//!     }
//!     fn start(&self, _: Node, _: Cluster) -> LocalFuture<Result<(), Error>> {
//!         Box::pin(async {
//!             squall_probe::stop_asked().await;
//!             Ok(())
//!         })
//!     }
//!     fn client(&self, _: Node, _: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
//!         Box::pin(async { Err("it has no clients".into()) })
//!     }
//!     fn inspect(&self, _: Node, _: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
//!         Box::pin(async { Ok(Vec::new()) })
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     squall::main(Arc::new(Idle))
//! }
//! ```
//!
//! `squall init DIR` writes a crate with a system that does something, scenarios, and a bug to find.
//!
//! Build with `--cfg tokio_unstable` (in `.cargo/config.toml`, as `squall init` writes it): without it an unbiased
//! `tokio::select!` in the system under test is not deterministic, and `run` says so. Some of what keeps a run repeatable
//! needs Linux on x86-64 or aarch64; elsewhere `run` says what is missing.
//!
//! Inside, one direction and no way back: a scenario (YAML) becomes a plan (every draw made), which the simulation
//! turns into a history of [`squall_probe::Record`]s; `squall_judge` judges the history and nothing else; the report
//! collects verdicts. `ARCHITECTURE.md` names the rooms. What is public is listed in `public-api.txt`, on purpose.

pub mod catalogue;
pub mod exit;
pub mod system;
#[doc(hidden)]
pub mod testing;

pub use cli::{main, main_with};
pub use live::KnownSystem;
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
mod live;
mod metrics;
mod outcome;
mod pairs;
mod parameters;
mod plan;
mod pool;
mod replay;
mod runner;
mod sample;
mod scenario;
mod schedule;
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
