//! What is found, and the records that prove it.

use squall_probe::Record;

/// A record that proves something, and its place in the history, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Its place.
    pub index: u64,
    /// The record.
    pub record: Record,
}

/// Something that should not have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub invariant: &'static str,
    /// What is wrong, in a sentence.
    pub summary: String,
    /// The records that prove it, and those by which it came to it, in order.
    pub evidence: Vec<Evidence>,
    /// The place in the history of the record by which it went wrong; [`NEVER`] for what should have happened
    /// and did not.
    pub since: u64,
    /// Another invariant, whose violation comes before this one and explains it.
    pub consequence_of: Option<&'static str>,
}

/// When that goes wrong which never happens: at the end.
pub const NEVER: u64 = u64::MAX;
