//! `no_dirty_read`: what a consumer was given is in the log in the end.
//!
//! After Jepsen's dirty and aborted reads (Adya's G1a), for logs: an event that a leader served before it
//! was committed may be gone with that leader. What the log has in the end is what replicas told of since
//! they last rebuilt their copies.

use super::{Evidence, Findings, Invariant, Setup};
use squall_probe::{EventId, NodeId, What};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(NoDirtyRead {
        setup: setup.clone(),
        given: BTreeMap::new(),
        held: BTreeMap::new(),
    }))
}

struct NoDirtyRead {
    setup: Setup,
    /// What consumers were given, with the first record of it.
    given: BTreeMap<(u32, u64, EventId), Evidence>,
    /// What each replica has told of since it last rebuilt its copy.
    held: BTreeMap<NodeId, BTreeSet<(u32, u64, EventId)>>,
}

impl Invariant for NoDirtyRead {
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Deliver { position, event, .. } => {
                let place = (position.partition, position.offset, event);
                self.given.entry(place).or_insert(*evidence);
            }
            What::Append { position, event, .. } => {
                let place = (position.partition, position.offset, event);
                self.held.entry(evidence.record.node).or_default().insert(place);
            }
            What::Rebuild => {
                self.held.remove(&evidence.record.node);
            }
            _ => {}
        }
    }

    fn finish(&mut self) -> Findings {
        let mut findings = Findings::default();
        for ((partition, offset, event), given) in &self.given {
            findings.judged(1);
            let place = (*partition, *offset, *event);
            if !self.held.values().any(|held| held.contains(&place)) {
                findings.add(
                    || {
                        format!(
                            "{} was given e{} at {partition}:{offset}, which no replica has in the end",
                            self.setup.node(given.record.node),
                            event.0
                        )
                    },
                    || vec![*given],
                );
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn given_and_gone() {
        let mut h = History::new();
        h.publish(1).deliver(1, 0).append_all(2, 0);
        assert_eq!(
            h.violations("no_dirty_read"),
            ["c was given e1 at 0:0, which no replica has in the end [1]"]
        );
    }

    #[test]
    fn given_before_it_was_told_or_held_by_one_only() {
        let mut h = History::new();
        h.publish(1).deliver(1, 0).append(0, 1, 0).publish(2).append_all(2, 1).deliver(2, 1);
        h.rebuild(1).rebuild(2);
        assert_eq!(h.violations("no_dirty_read"), [] as [&str; 0]);
    }
}
