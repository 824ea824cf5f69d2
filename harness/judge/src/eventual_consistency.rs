//! `eventual_consistency`: when the deadline after the healing has passed, or the run has converged before,
//! all replicas tell the same state of each partition, all who tell of a group's effects tell the same,
//! and these are as many as the log has events that are not dead letters.
//!
//! After Jepsen's set-full checker and the projections of event sourcing. States are what the harness's
//! observer was told over the network, not what nodes recorded. It says nothing of how fast copies agree;
//! that is `recovers_within`.

use super::{Evidence, Findings, Invariant, Setup, fold::Lag};
use squall_probe::{Mark, NodeChange, NodeId, StateOf, What};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(EventualConsistency {
        setup: setup.clone(),
        lag: Lag::new(setup),
        states: BTreeMap::new(),
        down: BTreeSet::new(),
        end: None,
    }))
}

struct EventualConsistency {
    setup: Setup,
    lag: Lag,
    /// What each node told last.
    states: BTreeMap<StateOf, BTreeMap<NodeId, Evidence>>,
    /// Nodes that lost power and have not come back.
    down: BTreeSet<NodeId>,
    /// The run converged, or its deadline passed.
    end: Option<Evidence>,
}

fn told(evidence: &Evidence) -> (u64, u64) {
    match evidence.record.what {
        What::State { position, digest, .. } => (position, digest),
        _ => (0, 0),
    }
}

impl EventualConsistency {
    fn describe(&self, of: StateOf) -> String {
        match of {
            StateOf::Replica { partition } => format!("partition {partition}"),
            StateOf::Projection { group } => {
                let group =
                    self.setup.group_index(group).map_or("?", |index| self.setup.group(index));
                format!("the effects of {group}")
            }
            StateOf::Conserved { .. } => "what should not change".to_owned(),
            StateOf::View { .. } => "a view of the log".to_owned(),
        }
    }

    fn expected(&self, group: usize) -> u64 {
        let bit = 1 << (group % 64);
        self.lag.events().filter(|(_, owed)| owed.held != 0 && owed.dead & bit == 0).count() as u64
    }
}

impl Invariant for EventualConsistency {
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::State { of, .. } => {
                self.states.entry(of).or_default().insert(evidence.record.node, *evidence);
            }
            What::Node { change } => {
                if change == NodeChange::Crashed {
                    self.down.insert(evidence.record.node);
                } else {
                    self.down.remove(&evidence.record.node);
                }
                self.lag.record(&evidence.record);
            }
            What::Mark(Mark::Converged | Mark::DeadlinePassed) => self.end = Some(*evidence),
            _ => self.lag.record(&evidence.record),
        }
    }

    fn finish(&mut self) -> Findings {
        let mut findings = Findings::default();
        let Some(end) = self.end else { return findings };
        for (of, tellers) in &self.states {
            findings.judged(tellers.len() as u64);
            let mut all = tellers.values();
            let Some(first) = all.next() else { continue };
            if let Some(other) = all.find(|other| told(other) != told(first)) {
                findings.add(
                    || {
                        let a = self.setup.node(first.record.node);
                        let b = self.setup.node(other.record.node);
                        format!("{a} and {b} do not agree on {}", self.describe(*of))
                    },
                    || vec![*first, *other],
                );
            }
            if let StateOf::Projection { group } = of
                && let Some(index) = self.setup.group_index(*group)
            {
                let expected = self.expected(index);
                let (effects, _) = told(first);
                if effects != expected {
                    findings.add(
                        || {
                            format!(
                                "{} are {effects}, and the log has {expected} events for it",
                                self.describe(*of)
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
        let silent = |node: &&NodeId| !replicas.contains(*node) && !self.down.contains(*node);
        for silent in self.setup.replicas.iter().filter(silent) {
            findings.judged(1);
            findings.add(
                || format!("{} did not tell its state", self.setup.node(*silent)),
                || vec![end],
            );
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
    }

    #[test]
    fn they_agree_in_the_end() {
        let mut h = converged();
        h.replica(0, 0, 0).replica(1, 1, 7).replica(2, 1, 7).replica(0, 1, 7).projection(1, 9);
        h.converged();
        assert_eq!(h.violations("eventual_consistency"), [] as [&str; 0]);
    }
}
