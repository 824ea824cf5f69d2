//! What a client decides.

use crate::wire::Checksums;
use std::time::Duration;

/// The number of failures in a row that takes a broker out of rotation.
pub const FAILURES: u32 = 2;

/// What a client decides. By default it decides well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientPolicy {
    /// How long an answer is waited for, given the time in which it should come.
    pub(crate) patience: fn(Duration) -> Duration,
    pub(crate) checksums: Checksums,
    /// The number of failures in a row that takes a broker out of rotation.
    pub(crate) out_after: u32,
    /// Whether another broker is turned to, given whether a leader was found before.
    pub(crate) looks_up_leader: fn(bool) -> bool,
}

impl Default for ClientPolicy {
    fn default() -> Self {
        Self {
            patience: |within| within,
            checksums: Checksums::Verified,
            out_after: FAILURES,
            looks_up_leader: |_| true,
        }
    }
}
