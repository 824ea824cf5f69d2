//! What a broker decides.

use super::{
    log::{Change, SharedLog, newest_promise, others_rely_on},
    pending::Pending,
    state::{State, group::GroupPolicy},
};
use crate::{
    journal::Care,
    wire::{
        Checksums,
        events::{Place, PlacedEvent},
        log::Entry,
        peers::Copied,
    },
};
use omnipaxos::{ballot_leader_election::Ballot, messages::Message};

/// Events that are in the log from an index on and not applied to the state, for whoever reads from these places.
pub(crate) type BeyondCommit = fn(&State, &SharedLog, usize, &[Place]) -> Vec<PlacedEvent>;

/// What a broker decides. By default it decides well.
#[derive(Clone, Copy, Debug)]
pub struct BrokerPolicy {
    pub(crate) care: Care,
    pub(crate) checksums: Checksums,
    /// Whether a broker that starts again asks the others how far it had been.
    pub(crate) asks_how_far: bool,
    /// Whether a change of the log must be on disk before any message leaves the broker.
    pub(crate) must_be_synced: fn(&Change) -> bool,
    /// Whether a broker that starts again promises the newest ballot that any of the others has promised.
    pub(crate) asks_promises: bool,
    /// The promise with which a broker goes on that has got its log from these others.
    pub(crate) recovered_promise: fn(&[Copied]) -> Option<Ballot>,
    /// What is left out of a peer's message.
    pub(crate) overheard: fn(&mut Message<Entry>),
    /// What is forgotten of a state that was rebuilt from the log.
    pub(crate) forgotten: fn(&mut State),
    /// Which publishes are answered although the log does not say that they are decided.
    pub(crate) answered_undecided: fn(&mut Pending),
    /// What consumers are given that is not committed.
    pub(crate) beyond_commit: BeyondCommit,
    pub(crate) groups: GroupPolicy,
}

impl Default for BrokerPolicy {
    fn default() -> Self {
        Self {
            care: Care::default(),
            checksums: Checksums::Verified,
            asks_how_far: true,
            asks_promises: true,
            must_be_synced: others_rely_on,
            recovered_promise: newest_promise,
            overheard: |_| {},
            forgotten: |_| {},
            answered_undecided: |_| {},
            beyond_commit: |_, _, _, _| Vec::new(),
            groups: GroupPolicy::default(),
        }
    }
}
