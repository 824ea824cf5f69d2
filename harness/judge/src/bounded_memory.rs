//! `bounded_memory`: no buffer of a node holds more than its bound, and no node holds more in its queues than
//! its role may; and when all is drained, hardly anything waits any more.
//!
//! Back-pressure, seen from where it matters: whoever cannot pass work on must stop taking it in. Buffers are
//! those that a system declares. What a node holds in all is counted by the simulation (frames that wait, and
//! what is reserved), so that a queue of which nobody spoke is seen too.

use super::{
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{Mark, Name, NodeId, What};
use std::collections::BTreeSet;

pub(super) const ENTRY: Entry = Entry {
    name: "bounded_memory",
    about: "No buffer outgrows its bound, nor a node what its role may hold.",
    safety: true,
    layer: Layer::Means,
    needs: &[&["Buffered"], &["Held"]],
    promise: Some(promised::BOUNDS),
    limit: None,
    judged: "each time that a buffer with a bound tells how much waits in it, or a node with a bound holds much",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    let promised = !setup.buffers.is_empty() || setup.memory.iter().any(Option::is_some);
    promised.then(|| {
        Box::new(BoundedMemory {
            setup: setup.clone(),
            drained: false,
            told: BTreeSet::new(),
            findings: Findings::default(),
        }) as Box<dyn Invariant>
    })
}

struct BoundedMemory {
    setup: Setup,
    /// Everything that was to be done is done: nothing should wait.
    drained: bool,
    /// Buffers that were found too full already; `None` for all that a node holds.
    told: BTreeSet<(NodeId, Option<Name>)>,
    findings: Findings,
}

/// When all is drained a node may hold this part of its bound: answers that are under way.
const AT_REST: u64 = 4;

impl BoundedMemory {
    fn held(&mut self, bytes: u64, evidence: &Evidence) {
        let node = evidence.record.node;
        let most = self.setup.memory.get(usize::from(node.0)).copied().flatten();
        let Some(most) = most else { return };
        self.findings.judged(1);
        let (most, when) =
            if self.drained { (most / AT_REST, " when all is drained") } else { (most, "") };
        if bytes > most && self.told.insert((node, None)) {
            self.findings.add(
                || {
                    let node = self.setup.node(node);
                    format!("{node} holds {bytes} bytes{when}, the bound is {most}")
                },
                || vec![*evidence],
            );
        }
    }
}

impl Invariant for BoundedMemory {
    fn hears(&self) -> Variants {
        heard![Buffered, Held, Mark]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let (buffer, amount) = match evidence.record.what {
            What::Buffered { buffer, amount } => (buffer, amount),
            What::Held { bytes } => return self.held(bytes, evidence),
            What::Mark(Mark::Converged) => {
                self.drained = true;
                return;
            }
            _ => return,
        };
        let Some(index) = self.setup.buffers.iter().position(|known| *known == buffer) else {
            return;
        };
        self.findings.judged(1);
        let (name, bound) = self.setup.promises.buffers[index];
        let node = evidence.record.node;
        if amount > bound && self.told.insert((node, Some(buffer))) {
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

    fn finish(&mut self, _: &End<'_>) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    #[test]
    fn it_judges_where_a_buffer_or_a_node_has_a_bound() {
        let judges = |buffers: &[Name], memory: &[Option<u64>]| {
            let (buffers, memory) = (buffers.to_vec(), memory.to_vec());
            make(&Setup { buffers, memory, ..Setup::default() }).is_some()
        };
        assert!(!judges(&[], &[None]));
        assert!(judges(&[Name(1)], &[None]));
        assert!(judges(&[], &[None, Some(1)]));
    }

    #[test]
    fn one_too_many_and_exactly_as_many() {
        let mut h = History::new();
        h.buffered(BOUND).buffered(BOUND + 1).buffered(BOUND + 2);
        assert_eq!(h.violations("bounded_memory"), ["queue of c holds 11, the bound is 10 [1]"]);
        let mut h = History::new();
        h.buffered(BOUND).buffered(0).buffered(BOUND);
        assert_eq!(h.violations("bounded_memory"), [] as [&str; 0]);
    }

    #[test]
    fn what_a_node_holds_in_all() {
        let mut h = History::new();
        h.held(MEMORY).held(MEMORY + 1);
        assert_eq!(h.violations("bounded_memory"), ["c holds 1001 bytes, the bound is 1000 [1]"]);
        let mut h = History::new();
        h.held(MEMORY).converged().held(MEMORY / 4);
        assert_eq!(h.violations("bounded_memory"), [] as [&str; 0]);
        let mut h = History::new();
        h.held(MEMORY).converged().held(MEMORY / 4 + 1);
        assert_eq!(
            h.violations("bounded_memory"),
            ["c holds 251 bytes when all is drained, the bound is 250 [2]"]
        );
    }
}
