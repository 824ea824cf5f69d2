//! How a consumer is set up.

use super::policy::ConsumerPolicy;
use crate::metrics::Metrics;
use std::path::PathBuf;

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
    /// What it decides.
    pub policy: ConsumerPolicy,
    /// What it counts.
    pub metrics: Metrics,
}
