//! The broker: a replicated, append-only log of events with consumer groups.
//!
//! One task owns the consensus protocol and the state machine (`core.rs`); connections only carry
//! requests to it and replies back.

mod config;
mod core;
mod fetches;
mod input;
mod link;
pub(crate) mod log;
pub(crate) mod pending;
pub(crate) mod policy;
mod records;
mod recover;
mod replication;
mod serve;
mod sessions;
pub(crate) mod state;

pub use crate::wire::events::PARTITIONS;
pub use config::BrokerConfig;
pub use policy::BrokerPolicy;

use crate::Error;
use core::Core;
use link::Link;
use log::LogStore;
use recover::{Found, Known};
use squall_probe::net::TcpListener;
use std::io;
use tokio::sync::mpsc::channel;

/// The number of inputs that may wait for the broker's task; once they do, connections wait.
const INPUTS: usize = 4096;

/// Runs a broker until it fails or is asked to stop.
///
/// # Errors
/// It cannot listen, or its disk failed: start it again, and it recovers from disk.
pub async fn run(config: BrokerConfig) -> Result<(), Error> {
    let listener = TcpListener::bind(&config.listen).await?;
    let mut core = match open(&config) {
        Ok(core) => match found(&config, &listener, &core).await? {
            Found::AsItWas(promise) => {
                let promise = promise.filter(|_| config.policy.asks_promises);
                core.promising(&config, promise)?
            }
            Found::TooOld(reason) => {
                core.found_old()?;
                let known = Known { log: Some(core.copied()), ..core.known() };
                drop(core);
                recover::recover(&config, &listener, &reason, &known).await?;
                Core::open(&config)?
            }
        },
        Err(Opening::Damaged(reason)) => {
            recover::recover(&config, &listener, &reason, &Known::default()).await?;
            Core::open(&config)?
        }
        Err(Opening::Failed(error)) => return Err(error),
    };
    if config.rejoins {
        core.rejoin();
    }
    let (inputs, receiver) = channel(INPUTS);
    for (address, peer) in config.brokers.iter().zip(1..).filter(|(_, peer)| *peer != config.id) {
        core.connect(peer, Link::start(config.id, peer, address.clone(), inputs.clone()));
    }
    squall_probe::task::spawn(serve::accept(listener, inputs, config.policy.checksums));
    core.run(receiver).await
}

/// Whether the log that was found, whole, is the one that this broker had.
async fn found(config: &BrokerConfig, listener: &TcpListener, core: &Core) -> Result<Found, Error> {
    if !config.rejoins || !config.policy.asks_how_far {
        return Ok(Found::AsItWas(None));
    }
    if core.is_old() {
        return Ok(Found::TooOld("the log was found to be too old before".to_owned()));
    }
    recover::found(config, listener, &core.known(), core.found_age()).await
}

enum Opening {
    /// The log is gone, or damaged as no crash damages it.
    Damaged(String),
    Failed(Error),
}

fn open(config: &BrokerConfig) -> Result<Core, Opening> {
    if config.rejoins && LogStore::is_missing(&config.data) {
        return Err(Opening::Damaged("there is no log".to_owned()));
    }
    Core::open(config).map_err(|error| {
        let damaged = error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::InvalidData);
        if damaged { Opening::Damaged(error.to_string()) } else { Opening::Failed(error) }
    })
}
