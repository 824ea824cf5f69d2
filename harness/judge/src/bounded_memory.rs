//! `bounded_memory`: no buffer of a node holds more than its bound.
//!
//! Back-pressure, seen from where it matters: whoever cannot pass work on must stop taking it in.

use super::{Evidence, Findings, Invariant, Setup};
use squall_probe::{Name, NodeId, What};
use std::collections::BTreeSet;

pub(super) fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    (!setup.buffers.is_empty()).then(|| {
        Box::new(BoundedMemory {
            setup: setup.clone(),
            told: BTreeSet::new(),
            findings: Findings::default(),
        }) as Box<dyn Invariant>
    })
}

struct BoundedMemory {
    setup: Setup,
    /// Buffers that were found too full already.
    told: BTreeSet<(NodeId, Name)>,
    findings: Findings,
}

impl Invariant for BoundedMemory {
    fn record(&mut self, evidence: &Evidence) {
        let What::Buffered { buffer, amount } = evidence.record.what else { return };
        let Some(index) = self.setup.buffers.iter().position(|known| *known == buffer) else {
            return;
        };
        self.findings.judged(1);
        let (name, bound) = self.setup.promises.buffers[index];
        let node = evidence.record.node;
        if amount > bound && self.told.insert((node, buffer)) {
            self.findings.add(
                || {
                    format!(
                        "{name} of {} holds {amount}, the bound is {bound}",
                        self.setup.node(node)
                    )
                },
                || vec![*evidence],
            );
        }
    }

    fn finish(&mut self) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn one_too_many_and_exactly_as_many() {
        let mut h = History::new();
        h.buffered(BOUND).buffered(BOUND + 1).buffered(BOUND + 2);
        assert_eq!(h.violations("bounded_memory"), ["queue of c holds 11, the bound is 10 [1]"]);
        let mut h = History::new();
        h.buffered(BOUND).buffered(0).buffered(BOUND);
        assert_eq!(h.violations("bounded_memory"), [] as [&str; 0]);
    }
}
