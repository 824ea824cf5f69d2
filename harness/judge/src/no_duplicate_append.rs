//! `no_duplicate_append`: no event stands at two places of the log.
//!
//! After Jepsen's kafka checker ("duplicate"). Replicas tell of one place each for itself, and again
//! after a restart: that is no duplicate.

use super::{
    dense::ByEvent,
    evidence::{Evidence, Proof},
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{EventId, Position, What};
use std::collections::BTreeSet;

pub(super) const ENTRY: Entry = Entry {
    name: "no_duplicate_append",
    about: "No event stands at two places of the log.",
    safety: true,
    layer: Layer::Log,
    needs: &[&["Append"]],
    promise: Some(promised::LOG_ONCE),
    limit: None,
    judged: "each event of the log",
    make,
};

fn make(_: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(NoDuplicateAppend {
        first: ByEvent::default(),
        told: BTreeSet::new(),
        findings: Findings::default(),
    }))
}

struct NoDuplicateAppend {
    /// The first place of each event, and its evidence.
    first: ByEvent<Option<(Position, Proof)>>,
    /// Other places that were told.
    told: BTreeSet<(EventId, Position)>,
    findings: Findings,
}

impl Invariant for NoDuplicateAppend {
    fn hears(&self) -> Variants {
        heard![Append]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let What::Append { position, event, .. } = evidence.record.what else { return };
        match self.first.entry(event) {
            none @ None => {
                self.findings.judged(1);
                *none = Some((position, evidence.proof()));
            }
            Some((first, proof)) if *first != position && self.told.insert((event, position)) => {
                self.findings.add(
                    || format!("e{} stands at {first} and at {position}", event.0),
                    || vec![*proof, evidence.proof()],
                );
            }
            Some(_) => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn at_two_places() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).append_all(1, 1);
        assert_eq!(h.violations("no_duplicate_append"), ["e1 stands at 0:0 and at 0:1 [1, 4]"]);
    }

    #[test]
    fn three_replicas_and_a_restart_are_one_place() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).rebuild(0).append(0, 1, 0);
        assert_eq!(h.violations("no_duplicate_append"), [] as [&str; 0]);
    }
}
