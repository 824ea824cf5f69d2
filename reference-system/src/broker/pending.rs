//! Proposals of this broker whose outcome is open, and who waits for it.

use crate::calls::Caller;
use squall_probe::time::Instant;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// After this time a proposal without an outcome is forgotten; its client has long asked again.
const FORGOTTEN: Duration = Duration::from_secs(5);

/// Who waits, and for what.
#[derive(Debug)]
pub(crate) enum Waiting {
    Publish {
        caller: Caller,
    },
    Emit {
        caller: Caller,
    },
    Join {
        caller: Caller,
        group: Arc<str>,
        member: Arc<str>,
    },
    /// A change of a group, of which its caller is told what came of it.
    Group {
        caller: Caller,
    },
}

/// Proposals by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Pending(BTreeMap<u64, (Waiting, Instant)>);

impl Pending {
    pub(super) fn add(&mut self, number: u64, waiting: Waiting) {
        self.0.insert(number, (waiting, Instant::now()));
    }

    /// The proposal of this number is decided: who waits for it.
    pub(super) fn take(&mut self, number: u64) -> Option<Waiting> {
        self.0.remove(&number).map(|(waiting, _)| waiting)
    }

    pub(super) fn forget_old(&mut self, now: Instant) {
        self.0.retain(|_, (_, since)| now - *since < FORGOTTEN);
    }

    /// Nobody is answered any more. What waits may or may not be decided by another leader: clients will ask it.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes out publishes that have waited for longer than this. (Only `mistakes/` does.)
    pub(crate) fn take_publishes(&mut self, longer_than: Duration) -> Vec<Caller> {
        let now = Instant::now();
        let taken = self.0.extract_if(.., |_, (waiting, since)| {
            matches!(waiting, Waiting::Publish { .. }) && now - *since >= longer_than
        });
        taken
            .filter_map(|(_, (waiting, _))| match waiting {
                Waiting::Publish { caller } => Some(caller),
                _ => None,
            })
            .collect()
    }
}
