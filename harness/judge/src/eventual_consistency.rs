//! `eventual_consistency`: within the limit after the healing all replicas have the same log and all groups have taken
//! it in; and in the end all replicas tell the same state of each partition, all who tell of a group's effects tell the
//! same, and these are as many as the log has events that are not dead letters.
//!
//! After Jepsen's set-full checker and the projections of event sourcing. States are what the harness's
//! observer was told over the network, not what nodes recorded. When copies came to agree is taken from the records
//! by which the last difference vanished, and not from when the observer looked: an event has the limit from the
//! healing, or from its first append if that was later, to be in every living copy and done in every group.

use super::{
    dense::ByName,
    evidence::{Evidence, Proof},
    fold::{End, bit, told},
    invariant::{Entry, Findings, Invariant, Layer},
    limits::{DEFAULT_WITHIN, Limit},
    promised,
    promises::Delivery,
    setup::Setup,
    time::seconds,
    variants::{Variants, heard},
};
use squall_probe::{Mark, NodeId, StateOf, What};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const ENTRY: Entry = Entry {
    name: "eventual_consistency",
    about: "After the healing, replicas and projections agree within the deadline, and in the end.",
    safety: false,
    layer: Layer::End,
    needs: &[&["Mark"]],
    promise: Some(promised::COPIES_OR_GROUPS),
    limit: Some(Limit::Within { default: Some(DEFAULT_WITHIN) }),
    judged: "each state that a node tells at the end, and each replica that tells none",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(EventualConsistency {
        setup: setup.clone(),
        states: BTreeMap::new(),
        applied: ByName::default(),
        healed: None,
        end: None,
    }))
}

struct EventualConsistency {
    setup: Setup,
    /// What each node told last.
    states: BTreeMap<StateOf, BTreeMap<NodeId, Evidence>>,
    /// The last effect of each group.
    applied: ByName<Option<Proof>>,
    healed: Option<Evidence>,
    /// The run converged, or its deadline passed.
    end: Option<Evidence>,
}

impl EventualConsistency {
    fn expected(&self, group: usize, end: &End<'_>) -> u64 {
        let dead = |event| end.lag.is_dead(event, bit(group));
        end.events().filter(|event| !dead(*event)).count() as u64
    }
}

impl Invariant for EventualConsistency {
    fn hears(&self) -> Variants {
        heard![Apply, Mark, State]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::State { of, .. } => {
                self.states.entry(of).or_default().insert(evidence.record.node, *evidence);
            }
            What::Apply { group, .. } => {
                *self.applied.entry(group) = Some(evidence.proof());
            }
            What::Mark(Mark::Healed) => self.healed = Some(*evidence),
            What::Mark(Mark::Converged | Mark::DeadlinePassed | Mark::Settled) => {
                self.end = Some(*evidence);
            }
            _ => {}
        }
    }

    fn finish(&mut self, end: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        let limit = self.setup.limits.always_within("eventual_consistency");
        let late = end.differed().filter(|(late, _)| *late > limit);
        if let (Some((late, last)), Some(healed)) = (late, self.healed) {
            findings.add(
                || {
                    format!(
                        "copies agreed {} after the healing, the limit is {}",
                        seconds(late),
                        seconds(limit)
                    )
                },
                || vec![healed, last],
            );
        }
        let Some(over) = self.end else { return findings };
        for (of, tellers) in &self.states {
            findings.judged(tellers.len() as u64);
            let mut all = tellers.values().filter(|told| !end.copies.is_down(told.record.node));
            let Some(first) = all.next() else { continue };
            if let Some(other) = all.find(|other| told(other) != told(first)) {
                findings.add(
                    || {
                        let a = self.setup.node(first.record.node);
                        let b = self.setup.node(other.record.node);
                        format!("{a} and {b} do not agree on {}", self.setup.state(*of))
                    },
                    || vec![*first, *other],
                );
            }
            if let StateOf::Projection { group } = of
                && let Some(index) = self.setup.group_index(*group)
                && end.copies.told
                && self.setup.promises.delivery == Delivery::EffectivelyOnce
            {
                let expected = self.expected(index, end);
                let (effects, _) = told(first);
                if effects != expected {
                    findings.add(
                        || {
                            format!(
                                "{} are {effects}, and the log has {expected} events for it",
                                self.setup.state(*of)
                            )
                        },
                        || vec![*first],
                    );
                }
            }
        }
        let replicas: BTreeSet<NodeId> = self
            .states
            .iter()
            .filter(|(of, _)| matches!(of, StateOf::Replica { .. }))
            .flat_map(|(_, tellers)| tellers.keys().copied())
            .collect();
        // After the healing only those stay down that the harness leaves down.
        let silent = |node: &&NodeId| !replicas.contains(*node) && !end.copies.is_down(**node);
        for silent in self.setup.replicas.iter().filter(silent) {
            findings.judged(1);
            findings.add(
                || format!("{} did not tell its state", self.setup.node(*silent)),
                || vec![over],
            );
        }
        for (index, group) in self.setup.groups.iter().copied().enumerate() {
            let Some(applied) = self.applied.get(group).copied().flatten() else { continue };
            if !self.states.contains_key(&StateOf::Projection { group }) {
                let group = self.setup.group(index);
                findings.add(
                    || format!("{group} has had effects, and nobody told what they add up to"),
                    || vec![applied, over.proof()],
                );
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    fn converged() -> History {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).deliver(1, 0).apply(1, 0).healed();
        h
    }

    fn told(h: &mut History, position: u64) -> &mut History {
        h.replica(0, position, 7).replica(1, position, 7).replica(2, position, 7)
    }

    #[test]
    fn replicas_differ_or_one_is_silent() {
        let mut h = converged();
        h.replica(0, 1, 7).replica(1, 1, 7).replica(2, 0, 0).projection(1, 9).deadline();
        assert_eq!(
            h.violations("eventual_consistency"),
            ["r0 and r2 do not agree on partition 0 [8, 10]"]
        );
        let mut h = converged();
        h.replica(0, 1, 7).replica(1, 1, 7).projection(1, 9).deadline();
        assert_eq!(h.violations("eventual_consistency"), ["r2 did not tell its state [11]"]);
    }

    #[test]
    fn a_projection_is_not_what_the_log_says() {
        let mut h = converged();
        h.replica(0, 1, 7).replica(1, 1, 7).replica(2, 1, 7).projection(2, 9).converged();
        assert_eq!(
            h.violations("eventual_consistency"),
            ["the effects of g are 2, and the log has 1 events for it [11]"]
        );
        // What is dead in one group is owed to the other.
        let mut h = History::with_groups(&["g", "h"]);
        h.publish(1).append_all(1, 0).ok(1, 0).apply(1, 0).apply_in(1, 1, 0);
        h.dead_letter_in(1, 2, 1).publish(2).append_all(2, 1).ok(2, 1).apply(2, 1).healed();
        told(&mut h, 2).projection(2, 9).projection_of(1, 1, 9).converged();
        assert_eq!(h.violations("eventual_consistency"), [] as [&str; 0]);
    }

    #[test]
    fn they_agree_in_the_end() {
        let mut h = converged();
        h.replica(0, 0, 0).replica(1, 1, 7).replica(2, 1, 7).replica(0, 1, 7).projection(1, 9);
        h.converged();
        assert_eq!(h.violations("eventual_consistency"), [] as [&str; 0]);
    }

    #[test]
    fn nobody_told_of_the_effects() {
        let mut h = converged();
        told(&mut h, 1).converged();
        assert_eq!(
            h.violations("eventual_consistency"),
            ["g has had effects, and nobody told what they add up to [6, 11]"]
        );
        // A group without effects has nothing to tell.
        let mut h = History::new();
        told(h.healed(), 0).converged();
        assert_eq!(h.violations("eventual_consistency"), [] as [&str; 0]);
    }

    #[test]
    fn copies_agree_too_late() {
        // A replica has the event a moment too late, and just in time.
        let too_late = "copies agreed 10.000s after the healing, the limit is 10.000s [5, 6]";
        for (late, expected) in [(LIMIT + 1, vec![too_late]), (LIMIT, vec![])] {
            let mut h = History::new();
            h.publish(1).append(0, 1, 0).append(1, 1, 0).ok(1, 0).apply(1, 0).healed();
            h.after(late).append(2, 1, 0);
            told(&mut h, 1).projection(1, 9).converged();
            assert_eq!(h.violations("eventual_consistency"), expected);
        }
        // A group has.
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).healed().after(LIMIT + 1).apply(1, 0);
        told(&mut h, 1).projection(1, 9).converged();
        assert_eq!(
            h.violations("eventual_consistency"),
            ["copies agreed 10.000s after the healing, the limit is 10.000s [5, 6]"]
        );
        // A replica builds its copy anew, long after the healing.
        let mut h = converged();
        h.after(LIMIT + 1).rebuild(2).append(2, 1, 0);
        told(&mut h, 1).projection(1, 9).converged();
        assert_eq!(
            h.violations("eventual_consistency"),
            ["copies agreed 10.000s after the healing, the limit is 10.000s [7, 9]"]
        );
        // What is published late has its own time; and the observer may look when it likes.
        let mut h = converged();
        h.after(LIMIT).publish(2).append(0, 2, 1).after(LIMIT).append(1, 2, 1).append(2, 2, 1);
        h.after(LIMIT).ok(2, 1);
        told(&mut h, 2).projection(1, 9);
        assert_eq!(h.violations("eventual_consistency"), [] as [&str; 0]);
    }

    #[test]
    fn what_a_dead_replica_held_is_not_in_the_log() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).apply(1, 0).publish(2).append(2, 2, 1).apply(2, 1);
        h.crash(2).healed().replica(0, 1, 7).replica(1, 1, 7).projection(2, 9).converged();
        assert_eq!(
            h.violations("eventual_consistency"),
            ["the effects of g are 2, and the log has 1 events for it [13]"]
        );
        // It may be down, and another has the event; what it told before it went does not matter.
        let mut h = converged();
        h.replica(2, 0, 0).crash(2).replica(0, 1, 7).replica(1, 1, 7).projection(1, 9).converged();
        assert_eq!(h.violations("eventual_consistency"), [] as [&str; 0]);
    }
}
