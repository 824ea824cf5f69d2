//! A consumer process: one member for each of the services' groups, and a projection of the topic.

pub(crate) mod bank;
mod config;
mod delivered;
pub(crate) mod landing;
mod member;
pub(crate) mod membership;
mod orchestrator;
pub(crate) mod policy;
pub(crate) mod projection;
mod replay;
mod services;
pub(crate) mod snapshot;
mod view;

pub use bank::{ATTEMPTS, CAP, FIRST, GATEWAY};
pub use config::ConsumerConfig;
pub use member::IN_FLIGHT_BUFFER;
pub use membership::IN_FLIGHT;
pub use policy::ConsumerPolicy;

use crate::{Error, domain::Service};
use bank::Bank;
use member::Member;
use membership::{Addresses, Membership};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Runs a consumer until it is asked to stop.
///
/// # Errors
/// Its projection cannot listen or write, or a member ended, which it never should.
pub async fn run(config: ConsumerConfig) -> Result<(), Error> {
    let (policy, metrics) = (config.policy, &config.metrics);
    let bank = Bank::new(config.gateway.clone(), policy.client, policy.bank, metrics.clone());
    let bank = Arc::new(Mutex::new(bank));
    let addresses = Addresses { brokers: &config.brokers, store: &config.store };
    let mut members = Vec::new();
    for service in Service::ALL {
        let membership = Membership::new(
            service,
            &config.name,
            &addresses,
            bank.clone(),
            (policy.client, policy.member),
            metrics.clone(),
        );
        members.push(squall_probe::task::spawn(Member::new(membership).run()));
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
