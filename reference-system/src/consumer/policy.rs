//! What a consumer decides.

use super::{
    bank::BankPolicy,
    membership::MemberPolicy,
    projection::Late,
    snapshot::{self, Snapshot},
};
use crate::client::policy::ClientPolicy;
use std::{collections::BTreeMap, io, path::Path};

/// What a consumer decides. By default it decides well.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConsumerPolicy {
    pub(crate) client: ClientPolicy,
    pub(crate) member: MemberPolicy,
    pub(crate) bank: BankPolicy,
    pub(crate) view: ViewPolicy,
}

/// A moment at which the projection could be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Events were read, and are not in the projection yet.
    Read,
    /// They are in the projection.
    TakenIn,
}

/// What the keeper of the projection decides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ViewPolicy {
    /// What becomes of an event that is older than what the projection says.
    pub(crate) late: Late,
    /// Whether a snapshot that is due is taken at a moment, given whether some events are still missing. It claims
    /// all that was read.
    pub(crate) saves_at: fn(Moment, bool) -> bool,
    /// The times of the log that a snapshot claims, given those up to which everything was taken in.
    pub(crate) times: fn(&BTreeMap<u32, u64>) -> BTreeMap<u32, u64>,
    /// Where a replay begins, given the next offset that was not read.
    pub(crate) replay_from: fn(u64) -> u64,
    /// Where a replay ends, given the offset with which following has begun.
    pub(crate) replay_to: fn(u64) -> u64,
    pub(crate) load: fn(&Path) -> Option<Snapshot>,
    pub(crate) save: fn(&Path, &Snapshot) -> io::Result<()>,
}

impl Default for ViewPolicy {
    fn default() -> Self {
        Self {
            late: Late::PassedOver,
            // Only a state without a gap can be said to have a position.
            saves_at: |moment, catching_up| moment == Moment::TakenIn && !catching_up,
            times: BTreeMap::clone,
            replay_from: |next| next,
            replay_to: |end| end,
            load: snapshot::load,
            save: snapshot::save,
        }
    }
}
