//! The broker: a replicated, append-only log of events with consumer groups.
//!
//! One task owns the consensus protocol and the state machine ([`core`]); connections only carry
//! requests to it and replies back.

mod core;
mod link;
mod log;
mod serve;
mod state;

pub use state::{Command, PARTITIONS};

use crate::{Error, defects::Defects};
use omnipaxos::storage::NoSnapshot;
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};

/// How a broker is set up.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// Its number, from 1.
    pub id: u64,
    /// Where it listens: `0.0.0.0:9000`.
    pub listen: String,
    /// All brokers' addresses, its own included, in the order of their numbers.
    pub brokers: Vec<String>,
    /// Where its files are.
    pub data: PathBuf,
    /// Mistakes switched on.
    pub defects: Defects,
}

/// An entry of the replicated log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry(Arc<Proposal>);

/// A command, and who proposed it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Proposal {
    /// The broker that proposed it, in this life of it.
    proposer: u64,
    /// Its number among the proposer's.
    number: u64,
    command: Command,
}

impl omnipaxos::storage::Entry for Entry {
    type Snapshot = NoSnapshot;
}

/// Runs a broker until it fails.
///
/// # Errors
/// It cannot listen, its disk failed, or its log is damaged: start it again, and it recovers from disk.
pub async fn run(config: BrokerConfig) -> Result<(), Error> {
    let listener = squall_probe::net::TcpListener::bind(&config.listen).await?;
    let (core, inputs) = core::Core::open(&config)?;
    squall_probe::task::spawn(serve::accept(listener, core.inputs()));
    core.run(inputs).await
}
