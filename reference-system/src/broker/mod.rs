//! The broker: a replicated, append-only log of events with consumer groups.
//!
//! One task owns the consensus protocol and the state machine ([`core`]); connections only carry
//! requests to it and replies back.

mod core;
mod link;
mod log;
mod recover;
mod serve;
mod state;

pub use state::{Command, PARTITIONS};

use crate::{Error, defects::Defects, metrics::Metrics};
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
    /// It was part of the cluster before: if its log is gone, it must not vote before it has another's.
    pub rejoins: bool,
    /// Mistakes switched on.
    pub defects: Defects,
    /// What it counts.
    pub metrics: Metrics,
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

/// Runs a broker until it fails or is asked to stop.
///
/// # Errors
/// It cannot listen, or its disk failed: start it again, and it recovers from disk.
pub async fn run(config: BrokerConfig) -> Result<(), Error> {
    let listener = squall_probe::net::TcpListener::bind(&config.listen).await?;
    let (core, inputs) = match open(&config) {
        Ok(opened) => opened,
        Err(Opening::Damaged(reason)) => {
            recover::recover(&config, &listener, &reason).await?;
            core::Core::open(&config)?
        }
        Err(Opening::Failed(error)) => return Err(error),
    };
    squall_probe::task::spawn(serve::accept(listener, core.inputs()));
    core.run(inputs).await
}

enum Opening {
    /// The log is gone, or damaged as no crash damages it.
    Damaged(String),
    Failed(Error),
}

type Opened = (core::Core, tokio::sync::mpsc::Receiver<core::Input>);

fn open(config: &BrokerConfig) -> Result<Opened, Opening> {
    if config.rejoins && log::LogStore::is_missing(&config.data) {
        return Err(Opening::Damaged("there is no log".to_owned()));
    }
    core::Core::open(config).map_err(|error| {
        let damaged = error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData);
        if damaged { Opening::Damaged(error.to_string()) } else { Opening::Failed(error) }
    })
}
