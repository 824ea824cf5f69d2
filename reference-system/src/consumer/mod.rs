//! A consumer process: one member for each of the services' groups, and a projection of the topic.

mod bank;
mod member;
mod replay;
mod view;

pub use bank::{ATTEMPTS, CAP, FIRST, GATEWAY};
pub use member::{IN_FLIGHT, IN_FLIGHT_BUFFER};

use crate::{Error, defects::Defects, domain::GROUPS, metrics::Metrics};
use bank::Bank;
use member::Member;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::Mutex;

/// How a consumer is set up.
#[derive(Clone, Debug)]
pub struct ConsumerConfig {
    /// Its name, unique among consumers.
    pub name: String,
    /// All brokers' addresses, in the order of their numbers.
    pub brokers: Vec<String>,
    /// The store's address.
    pub store: String,
    /// The payment gateway's address.
    pub gateway: String,
    /// Where it answers questions about its projection: `0.0.0.0:9300`.
    pub listen: String,
    /// Where its projection's snapshots are.
    pub data: PathBuf,
    /// Mistakes switched on.
    pub defects: Defects,
    /// What it counts.
    pub metrics: Metrics,
}

/// Runs a consumer until it is asked to stop.
///
/// # Errors
/// Its projection cannot listen or write, or a member ended, which it never should.
pub async fn run(config: ConsumerConfig) -> Result<(), Error> {
    let bank = Arc::new(Mutex::new(Bank::new(
        config.gateway.clone(),
        &config.defects,
        config.metrics.clone(),
    )));
    let mut members = Vec::new();
    for group in GROUPS {
        let member = Member::new(group, &config, bank.clone());
        members.push(squall_probe::task::spawn(member.run()));
    }
    let view = view::run(&config);
    let members = async {
        for member in members {
            member.await?;
        }
        Ok::<_, Error>(())
    };
    tokio::select! {
        biased;
        // They end when they are asked to stop.
        ended = members => ended,
        ended = view => ended,
    }
}
