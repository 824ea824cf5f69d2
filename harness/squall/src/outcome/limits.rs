//! The limits by which invariants judge, from what a scenario expects.

use crate::{plan::Micros, scenario::Expect};
use squall_judge::{DEFAULT_WITHIN, Limits};

/// The limits of a run.
pub(crate) fn limits(expected: &[Expect]) -> Limits {
    Limits::new(expected.iter().filter_map(|one| Some((one.name.as_str(), one.limit?))))
}

/// When the recovery phase ends, counted from its begin: when the last limit has passed. A limit that is missed early
/// is judged by itself, and the run goes on, so that nothing else looks broken that was only not waited for.
pub(crate) fn patience(expected: &[Expect]) -> Micros {
    limits(expected).last().max(DEFAULT_WITHIN)
}
