//! `no_dirty_read`: what a consumer was given is in the log in the end.
//!
//! After Jepsen's dirty and aborted reads (Adya's G1a), for logs: an event that a leader served before it
//! was committed may be gone with that leader. What the log has in the end is what living replicas told of
//! since they last rebuilt their copies, up to the ends that they told at last.

use super::{
    dense::ByPlace,
    evidence::{Evidence, Proof},
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{EventId, Position, What};
use std::collections::BTreeMap;

pub(super) const ENTRY: Entry = Entry {
    name: "no_dirty_read",
    about: "No consumer is given an event that the log then does not contain.",
    safety: true,
    layer: Layer::Log,
    needs: &[&["Deliver"]],
    promise: Some(promised::LOG),
    limit: None,
    judged: "each event that a consumer was given",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(NoDirtyRead {
        setup: setup.clone(),
        given: ByPlace::default(),
        others: BTreeMap::new(),
    }))
}

struct NoDirtyRead {
    setup: Setup,
    /// What a consumer was given first at each place, with the record of it.
    given: ByPlace<Option<(EventId, Proof)>>,
    /// And what others were given there.
    others: BTreeMap<(Position, EventId), Proof>,
}

impl Invariant for NoDirtyRead {
    fn hears(&self) -> Variants {
        heard![Deliver]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        if let What::Deliver { position, event, .. } = evidence.record.what {
            let (first, _) = self.given.entry(position).get_or_insert((event, evidence.proof()));
            if *first != event {
                self.others.entry((position, event)).or_insert(evidence.proof());
            }
        }
    }

    fn finish(&mut self, end: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        let first = self.given.iter().filter_map(|(at, given)| Some((at, (*given)?)));
        let others = self.others.iter().map(|((at, event), given)| (*at, (*event, *given)));
        for (position, (event, given)) in first.chain(others) {
            findings.judged(1);
            if !end.copies.has(position, event) {
                findings.add(
                    || {
                        format!(
                            "{} was given e{} at {position}, which no replica has in the end",
                            self.setup.node(given.node),
                            event.0
                        )
                    },
                    || vec![given],
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
        h.publish(1).deliver(1, 0).deliver(1, 0).append_all(2, 0);
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

    #[test]
    fn only_a_replica_that_is_down_has_it_or_none_by_its_own_word() {
        let mut h = History::new();
        h.publish(1).append(0, 1, 0).deliver(1, 0).crash(0);
        assert_eq!(
            h.violations("no_dirty_read"),
            ["c was given e1 at 0:0, which no replica has in the end [2, 3]"]
        );
        h.append(1, 1, 0);
        assert_eq!(h.violations("no_dirty_read"), [] as [&str; 0]);
        h.replica(1, 0, 0);
        assert_eq!(
            h.violations("no_dirty_read"),
            ["c was given e1 at 0:0, which no replica has in the end [2, 3]"]
        );
    }
}
