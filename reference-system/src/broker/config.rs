//! How a broker is set up.

use super::policy::BrokerPolicy;
use crate::metrics::Metrics;
use std::path::PathBuf;

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
    /// What it decides.
    pub policy: BrokerPolicy,
    /// What it counts.
    pub metrics: Metrics,
}
