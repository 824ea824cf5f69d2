//! `no_skip`: within one assignment a consumer is given every offset of its partition in turn.
//!
//! After Jepsen's kafka checker ("poll skip"). Going back (a redelivery) is allowed, jumping ahead is not;
//! offsets are dense, so an offset that was jumped over exists. What a consumer was given before its process died may have
//! been committed by what that had sent: it need not come again in the process's next life.

use super::{
    dense::ByKey,
    evidence::{Evidence, Proof},
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{Name, NodeChange, NodeId, What};
use std::collections::BTreeMap;

pub(super) const ENTRY: Entry = Entry {
    name: "no_skip",
    about: "Within one assignment no consumer jumps over an event.",
    safety: true,
    layer: Layer::Delivery,
    needs: &[&["Deliver"]],
    promise: Some(promised::LOG),
    limit: None,
    judged: "each delivery after the first of an assignment",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(NoSkip {
        setup: setup.clone(),
        last: ByKey::default(),
        earlier: BTreeMap::new(),
        findings: Findings::default(),
    }))
}

/// Consumer, group, partition, generation.
type Assignment = (NodeId, Name, u32, u64);

struct NoSkip {
    setup: Setup,
    /// The furthest that each consumer was given in this life of it.
    last: ByKey<Assignment, (u64, Proof)>,
    /// And in its earlier lives.
    earlier: BTreeMap<Assignment, u64>,
    findings: Findings,
}

impl Invariant for NoSkip {
    fn hears(&self) -> Variants {
        heard![Deliver, Node]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let node = evidence.record.node;
        match evidence.record.what {
            What::Deliver { group, position, generation, .. } => {
                let offset = position.offset;
                let key = (node, group, position.partition, generation);
                let known = self.last.entry(key).or_insert((offset, evidence.proof()));
                let (last, before) = *known;
                self.findings.judged(u64::from(before.index() != evidence.index));
                if offset >= last {
                    *known = (offset, evidence.proof());
                }
                let missing =
                    last.max(self.earlier.get(&key).copied().unwrap_or(0)).saturating_add(1);
                if offset > last.saturating_add(1) && offset > missing {
                    self.findings.add(
                        || {
                            let node = self.setup.node(node);
                            format!(
                                "{node} was given {}:{last} and then {position}, and never {}:{missing}",
                                position.partition, position.partition
                            )
                        },
                        || vec![before, evidence.proof()],
                    );
                }
            }
            // Its next life begins where the group has committed.
            What::Node { change: NodeChange::Up } => {
                let lives = self.last.take_out(|(consumer, ..)| *consumer == node);
                for (assignment, (last, _)) in lives {
                    let earlier = self.earlier.entry(assignment).or_default();
                    *earlier = last.max(*earlier);
                }
            }
            _ => {}
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
    fn a_jump_within_a_generation() {
        let mut h = History::new();
        h.deliver(1, 0).deliver(3, 2);
        assert_eq!(h.violations("no_skip"), ["c was given 0:0 and then 0:2, and never 0:1 [0, 1]"]);
        // It was given the last before it twice, and another node has started anew.
        let mut h = History::new();
        h.deliver(1, 0).deliver(1, 0).up(0).deliver(3, 2);
        assert_eq!(h.violations("no_skip"), ["c was given 0:0 and then 0:2, and never 0:1 [1, 3]"]);
    }

    #[test]
    fn what_its_former_life_was_given_need_not_come_again() {
        // It had sent a commit up to 3 when it died, which arrived when it had begun again with 1.
        let lives = |then: u64| {
            let mut h = History::new();
            for offset in 0..3 {
                h.deliver(offset + 1, offset);
            }
            h.consumer_up().deliver(2, 1).deliver(then + 1, then);
            h.violations("no_skip")
        };
        assert_eq!(lives(3), [] as [&str; 0]);
        assert_eq!(lives(4), ["c was given 0:1 and then 0:4, and never 0:3 [4, 5]"]);
    }

    #[test]
    fn going_back_or_on_and_a_new_generation() {
        let mut h = History::new();
        h.deliver(1, 0).deliver(2, 1).deliver(1, 0).deliver(2, 1).deliver(3, 2);
        h.deliver_gen(9, 8, 2).deliver_gen(10, 9, 2);
        assert_eq!(h.violations("no_skip"), [] as [&str; 0]);
        // So has a new process what its group has committed, in whose name others went on.
        h.consumer_up().deliver_gen(15, 14, 2);
        assert_eq!(h.violations("no_skip"), [] as [&str; 0]);
    }
}
