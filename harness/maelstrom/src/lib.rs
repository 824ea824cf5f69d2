//! Programs that speak Maelstrom's protocol: JSON lines over standard input and output.
//!
//! This crate starts them as real processes, puts a network between them whose rules can cut, hold, delay, lose, double
//! and reorder messages, answers for the services that the protocol names, asks for what a workload wants of them, and
//! judges what they answered. It knows no scenarios: whoever has them changes the [`Network`]'s rules and the nodes of a
//! [`Host`] while it runs.
//!
//! Messages, services, error codes, workloads and anomalies are those of Maelstrom
//! (<https://github.com/jepsen-io/maelstrom>), whose documents define them; `docs/maelstrom.md` says where we differ.

mod draws;
pub mod errors;
pub mod findings;
pub mod history;
mod host;
mod journal;
mod kept;
mod lines;
mod message;
mod network;
mod process;
mod rpc;
mod run;
mod services;
pub mod workloads;

pub use findings::{Anomaly, Findings, Verdict};
pub use host::{Host, NotReady, Settings};
pub use kept::{End, Header, KeptHistory, is_history, read};
pub use message::{Body, Message};
pub use network::{Effect, Network, Rule, RuleId, Shape};
pub use run::{Driving, Judged, Load, Outcome};
