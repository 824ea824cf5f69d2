//! The limits by which invariants judge, from what a scenario expects.

use crate::{plan::Micros, scenario::Expect};
use squall_judge::Limits;
use std::time::Duration;

/// How long the system may take to converge when a scenario sets no limit, in microseconds.
pub(super) const DEFAULT_DEADLINE: Micros = 30_000_000;

/// The limits of a run.
pub(super) fn limits(expected: &[Expect]) -> Limits {
    let mut limits = Limits {
        eventual_consistency: DEFAULT_DEADLINE,
        drains: DEFAULT_DEADLINE,
        progress: DEFAULT_DEADLINE,
        converges: DEFAULT_DEADLINE,
        recovers_within: None,
        available: None,
        latency: None,
    };
    for expect in expected {
        match expect {
            Expect::Safety(_) => {}
            Expect::EventualConsistency { within } => limits.eventual_consistency = micros(within),
            Expect::Drains { within } => limits.drains = micros(within),
            Expect::Progress { within } => limits.progress = micros(within),
            Expect::Converges { within } => limits.converges = micros(within),
            Expect::RecoversWithin(within) => limits.recovers_within = Some(micros(within)),
            Expect::Latency { quantile, limit } => {
                limits.latency = Some((*quantile, micros(limit)));
            }
            Expect::Available { at_least } => limits.available = Some(*at_least),
        }
    }
    limits
}

/// When the recovery phase ends, counted from its begin: when the last limit has passed. A limit that is missed early
/// is judged by itself, and the run goes on, so that nothing else looks broken that was only not waited for.
pub(super) fn patience(expected: &[Expect]) -> Micros {
    limits(expected).last().max(DEFAULT_DEADLINE)
}

fn micros(duration: &Duration) -> Micros {
    u64::try_from(duration.as_micros()).expect("a scenario's durations are checked when it is read")
}
