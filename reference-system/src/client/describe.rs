//! Asking nodes for their state, for whoever observes the system.

use super::{policy::ClientPolicy, rpc::Rpc};
use crate::{
    Error,
    wire::{
        broker::{BrokerReply, BrokerRequest},
        gateway::{GatewayReply, GatewayRequest},
        store::{StoreReply, StoreRequest},
    },
};
use std::time::Duration;

/// How long describing may take.
const DESCRIBE: Duration = Duration::from_secs(2);

fn rpc(address: &str) -> Rpc {
    Rpc::new(address.to_owned(), ClientPolicy::default())
}

fn unexpected(answer: impl std::fmt::Debug) -> Error {
    format!("an answer that was not asked for: {answer:?}").into()
}

/// What a broker says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerState {
    /// End offset and digest of each partition.
    pub partitions: Vec<(u32, u64, u64)>,
    /// It leads.
    pub leader: bool,
    /// Dead letters that wait to be redriven, over all groups.
    pub exhausted: u64,
    /// Events that groups with members have not committed, over all groups.
    pub uncommitted: u64,
}

/// Asks a broker for its state.
///
/// # Errors
/// No answer.
pub async fn describe_broker(address: &str) -> Result<BrokerState, Error> {
    let mut rpc = rpc(address);
    match rpc.ask("describe", &BrokerRequest::Describe, DESCRIBE).await? {
        BrokerReply::Described { partitions, leader, exhausted, uncommitted } => {
            Ok(BrokerState { partitions, leader, exhausted, uncommitted })
        }
        other => Err(unexpected(other)),
    }
}

/// What the store says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreState {
    /// Group, number of effects, digest.
    pub groups: Vec<(String, u64, u64)>,
    /// Items that are reserved, and neither shipped nor put back.
    pub reserved: i64,
    /// How many orders were shipped.
    pub shipped: u64,
}

/// Asks the store for its state.
///
/// # Errors
/// No answer.
pub async fn describe_store(address: &str) -> Result<StoreState, Error> {
    let mut rpc = rpc(address);
    match rpc.ask("describe", &StoreRequest::Describe, DESCRIBE).await? {
        StoreReply::Described { groups, reserved, shipped } => {
            Ok(StoreState { groups, reserved, shipped })
        }
        other => Err(unexpected(other)),
    }
}

/// Asks the gateway for how much was charged and not given back, in cents, and for how many orders.
///
/// # Errors
/// No answer.
pub async fn describe_gateway(address: &str) -> Result<(u64, u64), Error> {
    let mut rpc = rpc(address);
    match rpc.ask("describe", &GatewayRequest::Describe, DESCRIBE).await? {
        GatewayReply::Described { cents, orders } => Ok((cents, orders)),
        other => Err(unexpected(other)),
    }
}

/// Asks a consumer's projection how many events it has taken in, and for its digest.
///
/// # Errors
/// No answer.
pub async fn describe_view(address: &str) -> Result<(u64, u64), Error> {
    let mut rpc = rpc(address);
    Ok(rpc.ask("describe", &(), DESCRIBE).await?)
}
