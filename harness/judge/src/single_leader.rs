//! `single_leader`: no two nodes lead one term; and no leader acknowledges, for a place of the log, an
//! event that a later term's leader has committed another for.
//!
//! Election safety and leader completeness of the Raft paper (§5.2, §5.4). That an old leader answers
//! after a new one was elected is not in itself a violation: its entry may have been chosen while it led,
//! with the last vote still under way, and then the new leader has it too (Paxos Made Simple, §2.2). So
//! an acknowledgement is judged by what it promises, not by when it is given.

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
    name: "single_leader",
    about: "No two nodes lead one term, and no ack contradicts what a later term committed.",
    safety: true,
    layer: Layer::Log,
    needs: &[&["Lead"], &["Acknowledge", "Append"]],
    promise: Some(promised::LEADERS),
    limit: None,
    judged: "each time that a node leads, and each place of the log that was acknowledged and then seen",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(SingleLeader {
        setup: setup.clone(),
        leaders: BTreeMap::new(),
        log: ByPlace::default(),
        findings: Findings::default(),
    }))
}

struct SingleLeader {
    setup: Setup,
    leaders: BTreeMap<u64, Evidence>,
    log: ByPlace<Place>,
    findings: Findings,
}

/// What is known of a place of the log.
#[derive(Default)]
struct Place {
    /// Event and term acknowledged for it.
    ack: Option<(EventId, u64, Proof)>,
    /// Event and newest term committed there.
    append: Option<(EventId, u64, Proof)>,
}

impl SingleLeader {
    fn compare(&mut self, position: Position) {
        let Some(Place { ack: Some((acked, ack_term, ack)), append: Some((stands, term, append)) }) =
            self.log.get(position)
        else {
            return;
        };
        self.findings.judged(1);
        if acked != stands && term > ack_term {
            self.findings.add(
                || {
                    format!(
                        "the leader of term {ack_term} acknowledged e{} at {position}, where term \
                         {term} has e{}",
                        acked.0, stands.0
                    )
                },
                || vec![*ack, *append],
            );
        }
    }
}

impl Invariant for SingleLeader {
    fn hears(&self) -> Variants {
        heard![Acknowledge, Append, Lead]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Lead { term } => {
                self.findings.judged(1);
                let first = *self.leaders.entry(term).or_insert(*evidence);
                if first.record.node != evidence.record.node {
                    self.findings.add(
                        || {
                            let a = self.setup.node(first.record.node);
                            let b = self.setup.node(evidence.record.node);
                            format!("{a} and {b} both lead term {term}")
                        },
                        || vec![first, *evidence],
                    );
                }
            }
            What::Acknowledge { event, position: Some(position), term } => {
                self.log.entry(position).ack = Some((event, term, evidence.proof()));
                self.compare(position);
            }
            What::Append { event, position, term, .. } => {
                let known = &mut self.log.entry(position).append;
                // Replicas tell one after the other: only news is compared.
                if known.is_none_or(|(stands, newest, _)| stands != event && term >= newest) {
                    *known = Some((event, term, evidence.proof()));
                    self.compare(position);
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
    fn two_leaders_of_one_term() {
        let mut h = History::new();
        h.lead(0, 1).lead(1, 2).lead(2, 2);
        assert_eq!(h.violations("single_leader"), ["r1 and r2 both lead term 2 [1, 2]"]);
    }

    #[test]
    fn an_old_leader_promises_what_the_new_one_does_not_have() {
        let mut h = History::new();
        h.publish(1).publish(2).lead(0, 1).lead(1, 2).append_in(1, 2, 0, 2).acknowledge(0, 1, 0, 1);
        assert_eq!(
            h.violations("single_leader"),
            ["the leader of term 1 acknowledged e1 at 0:0, where term 2 has e2 [4, 5]"]
        );
        // Of what stands there the newest counts, and of one term what was told last; whoever tells of older.
        for (terms, proof) in [([1, 2], 1), ([2, 2], 1), ([2, 1], 0)] {
            let mut h = History::new();
            let events = if proof == 0 { [2, 1] } else { [1, 2] };
            h.append_in(0, events[0], 0, terms[0]).append_in(1, events[1], 0, terms[1]);
            h.acknowledge(0, 1, 0, 1);
            let told = format!("where term 2 has e2 [{proof}, 2]");
            let expected = format!("the leader of term 1 acknowledged e1 at 0:0, {told}");
            assert_eq!(h.violations("single_leader"), [expected]);
        }
    }

    #[test]
    fn a_leader_may_lead_again_and_an_old_one_may_answer_late() {
        let mut h = History::new();
        h.lead(0, 1).publish(1).lead(1, 2).append_in(1, 1, 0, 2).acknowledge(0, 1, 0, 1);
        h.lead(1, 2).lead(0, 3);
        assert_eq!(h.violations("single_leader"), [] as [&str; 0]);
        // What one leader says of one place is no matter of terms.
        let mut h = History::new();
        h.append_in(1, 2, 0, 2).acknowledge(0, 1, 0, 2);
        assert_eq!(h.violations("single_leader"), [] as [&str; 0]);
    }
}
