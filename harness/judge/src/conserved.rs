//! `conserved`: sums that nothing should change are in the end what they were.
//!
//! Money is not made and not lost, and two ledgers of the same thing say the same (Gray and Reuter, Transaction
//! Processing, 1993). What is summed up, the system says, with what it was in the beginning.

use super::{
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{Name, NodeId, StateOf, What};
use std::collections::BTreeMap;

pub(super) const ENTRY: Entry = Entry {
    name: "conserved",
    about: "Sums that nothing should change are in the end what they were.",
    safety: true,
    layer: Layer::Sum,
    needs: &[&["State"]],
    promise: None,
    limit: None,
    judged: "each sum that a node tells at the end (StateOf::Conserved)",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(Conserved { setup: setup.clone(), sums: BTreeMap::new() }))
}

struct Conserved {
    setup: Setup,
    /// Sums as each teller told them last: (before, now).
    sums: BTreeMap<(Name, NodeId), (u64, u64, Evidence)>,
}

impl Invariant for Conserved {
    fn hears(&self) -> Variants {
        heard![State]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        if let What::State { of: StateOf::Conserved { quantity }, position, digest } =
            evidence.record.what
        {
            self.sums.insert((quantity, evidence.record.node), (digest, position, *evidence));
        }
    }

    fn finish(&mut self, end: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        for ((quantity, teller), (before, now, evidence)) in &self.sums {
            findings.judged(1);
            if before != now {
                findings.add_missing(
                    || {
                        let (quantity, teller) = ((end.names)(*quantity), self.setup.node(*teller));
                        format!("{quantity}: {now} and {before}, as {teller} tells")
                    },
                    || vec![*evidence],
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
    fn money_that_comes_from_nowhere() {
        let mut h = History::new();
        h.conserved(8, 7);
        assert_eq!(h.violations("conserved"), ["money: 8 and 7, as s tells [0]"]);
    }

    #[test]
    fn what_counts_is_what_is_told_last() {
        let mut h = History::new();
        h.conserved(8, 7).conserved(7, 7);
        assert_eq!(h.violations("conserved"), [] as [&str; 0]);
        assert_eq!(h.judged("conserved"), 1);
    }
}
