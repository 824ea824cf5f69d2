//! What is found, and the records that prove it.

use squall_probe::{NodeId, Record};
use std::num::NonZeroU32;

/// A record that proves something, and its place in the history, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Its place.
    pub index: u64,
    /// The record.
    pub record: Record,
}

/// Which record proves something: its place, and who told it. An eighth of the record itself, so tables are made of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The place, from 1.
    place: NonZeroU32,
    pub(crate) node: NodeId,
}

impl Proof {
    /// The record's place in the history, from 0.
    pub(crate) fn index(self) -> u64 {
        u64::from(self.place.get()) - 1
    }
}

impl Evidence {
    pub(crate) fn proof(&self) -> Proof {
        let place = u32::try_from(self.index + 1).ok().and_then(NonZeroU32::new);
        Proof {
            place: place.expect("a history of fewer than 2^32 records"),
            node: self.record.node,
        }
    }
}

impl From<Evidence> for Proof {
    fn from(evidence: Evidence) -> Self {
        evidence.proof()
    }
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
