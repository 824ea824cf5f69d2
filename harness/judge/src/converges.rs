//! `converges`: within the limit after the healing everything that should agree has answered the observer, and agrees:
//! replicas, projections, views, sums; nothing is owed and no publish is waited for. Who does not answer is named.
//!
//! TigerBeetle's liveness mode. When logs and groups came to agree is taken from the records, as in
//! `eventual_consistency`. What only the observer can see (views, sums) has agreed at the latest when it found so; a
//! round of it takes a while, which is not held against the system.

use super::{
    evidence::{Evidence, Proof},
    fold::{End, told},
    invariant::{Entry, Findings, Invariant, Layer},
    limits::{DEFAULT_WITHIN, Limit},
    setup::Setup,
    time::seconds,
    variants::{Variants, heard},
};
use squall_probe::{Mark, NodeId, StateOf, What};
use std::collections::{BTreeMap, BTreeSet};

/// The observer asks one node after the other and gives each half a second. What changed behind its back it sees in
/// its next round. In microseconds for each node.
const ROUNDS: u64 = 2 * 500_000;

pub(super) const ENTRY: Entry = Entry {
    name: "converges",
    about: "After the healing, all that should agree answers and agrees within the deadline.",
    safety: false,
    layer: Layer::End,
    needs: &[&["Mark", "State"], &["Mark", "Unanswered"]],
    promise: None,
    limit: Some(Limit::Within { default: Some(DEFAULT_WITHIN) }),
    judged: "each state that a node tells at the end, and each node that tells none",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(Converges {
        setup: setup.clone(),
        states: BTreeMap::new(),
        silent: BTreeMap::new(),
        healed: None,
        busy: None,
        converged: None,
        deadline: None,
    }))
}

struct Converges {
    setup: Setup,
    /// What each node told last.
    states: BTreeMap<StateOf, BTreeMap<NodeId, Evidence>>,
    /// Nodes that did not answer in the last look.
    silent: BTreeMap<NodeId, Evidence>,
    healed: Option<Evidence>,
    /// The last record since the healing that says that something went on: a publish, an append, an effect.
    busy: Option<(u64, Proof)>,
    converged: Option<Evidence>,
    deadline: Option<Evidence>,
}

impl Converges {
    /// What is wrong with the states that were told last.
    fn disagreements(&self, end: &End<'_>) -> Vec<(String, Vec<Evidence>)> {
        let mut wrong = Vec::new();
        for (of, tellers) in &self.states {
            let mut all = tellers.values().filter(|told| !end.copies.is_down(told.record.node));
            let Some(first) = all.next() else { continue };
            if matches!(of, StateOf::Conserved { .. }) {
                let mut all = std::iter::once(first).chain(all);
                if let Some(state) = all.find(|state| told(state).0 != told(state).1) {
                    let (now, before) = told(state);
                    let node = self.setup.node(state.record.node);
                    wrong.push((
                        format!("a sum that {node} tells of is {now} and should be {before}"),
                        vec![*state],
                    ));
                }
            } else if let StateOf::Queue { .. } = of
                && let Some(state) =
                    std::iter::once(first).chain(all.clone()).find(|s| told(s).0 > 0)
            {
                let (node, what) = (self.setup.node(state.record.node), self.setup.state(*of));
                let held = told(state).0;
                wrong.push((
                    format!(
                        "{node} tells of {what} that it is {held} messages, and none should be left"
                    ),
                    vec![*state],
                ));
            } else if let Some(other) = all.find(|other| told(other) != told(first)) {
                let (a, b) =
                    (self.setup.node(first.record.node), self.setup.node(other.record.node));
                let what = self.setup.state(*of);
                wrong.push((format!("{a} and {b} do not agree on {what}"), vec![*first, *other]));
            }
        }
        wrong
    }
}

impl Invariant for Converges {
    fn hears(&self) -> Variants {
        heard![Append, Apply, Mark, Publish, State, Unanswered]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let node = evidence.record.node;
        match evidence.record.what {
            What::State { of, .. } => {
                self.states.entry(of).or_default().insert(node, *evidence);
                self.silent.remove(&node);
            }
            What::Unanswered => {
                self.silent.insert(node, *evidence);
            }
            What::Publish { .. } | What::Append { .. } | What::Apply { .. }
                if self.converged.is_none() =>
            {
                self.busy = Some((evidence.record.at, evidence.proof()));
            }
            What::Mark(Mark::Healed) => (self.healed, self.busy) = (Some(*evidence), None),
            What::Mark(Mark::Converged) => {
                self.converged.get_or_insert(*evidence);
            }
            What::Mark(Mark::DeadlinePassed) => {
                self.deadline.get_or_insert(*evidence);
            }
            _ => {}
        }
    }

    fn finish(&mut self, end: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        let Some(healed) = self.healed else { return findings };
        let told: usize = self.states.values().map(BTreeMap::len).sum();
        findings.judged((told + self.silent.len()) as u64);
        for (node, unanswered) in &self.silent {
            findings.add(
                || format!("{} does not tell its state", self.setup.node(*node)),
                || vec![healed, *unanswered],
            );
        }
        let limit = self.setup.limits.always_within("converges");
        let waits = [end.differed(), end.lag.waited].into_iter().flatten();
        let late = waits.max_by_key(|(late, _)| *late).filter(|(late, _)| *late > limit);
        if let Some((late, last)) = late {
            findings.add(
                || {
                    format!(
                        "everything agreed {} after the healing, the limit is {}",
                        seconds(late),
                        seconds(limit)
                    )
                },
                || vec![healed, last],
            );
        }
        // From here on the observer's view counts, and its time.
        let (at, busy) = self.busy.unwrap_or((healed.record.at, healed.proof()));
        let patience = ROUNDS * self.setup.nodes.len() as u64;
        if let Some(converged) = self.converged {
            let took = converged.record.at.saturating_sub(at);
            if late.is_none() && took > limit.saturating_add(patience) {
                findings.add(
                    || {
                        format!(
                            "everything agreed {} after the last event, the limit is {}",
                            seconds(took),
                            seconds(limit)
                        )
                    },
                    || vec![busy, converged.proof()],
                );
            }
            return findings;
        }
        let Some(deadline) = self.deadline else { return findings };
        let since = seconds(deadline.record.at.saturating_sub(healed.record.at));
        let told: BTreeSet<NodeId> =
            self.states.values().flat_map(|tellers| tellers.keys().copied()).collect();
        let quiet = |node: &&NodeId| {
            !told.contains(*node) && !self.silent.contains_key(*node) && !end.copies.is_down(**node)
        };
        for node in self.setup.replicas.iter().filter(quiet) {
            findings.add(
                || format!("{} does not tell its state", self.setup.node(*node)),
                || vec![healed, deadline],
            );
        }
        for (wrong, evidence) in self.disagreements(end) {
            findings.add(
                || format!("{since} after the healing {wrong}"),
                || evidence.into_iter().chain([deadline]).collect(),
            );
        }
        if end.lag.open() > 0 {
            let open = end.lag.open();
            findings.add(
                || format!("{since} after the healing {open} publishes are not answered"),
                || vec![healed, deadline],
            );
        }
        if !end.lag.is_drained() {
            findings.add(
                || format!("{since} after the healing groups are behind the log"),
                || vec![healed, deadline],
            );
        }
        // It may have agreed just before, with the observer on its way.
        let idle = deadline.record.at.saturating_sub(at);
        if findings.is_empty() && idle > patience {
            findings.add(
                || {
                    format!(
                        "{since} after the healing the observer had not found it at rest and agreed"
                    )
                },
                || vec![healed, deadline],
            );
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    fn told(h: &mut History) -> &mut History {
        h.replica(0, 1, 7).replica(1, 1, 7).replica(2, 1, 7).projection(1, 9)
    }

    fn one() -> History {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).deliver(1, 0).apply(1, 0).healed();
        h
    }

    #[test]
    fn who_does_not_answer_is_named() {
        let mut h = one();
        told(h.after(LIMIT).deadline()).unanswered(5);
        assert_eq!(h.violations("converges"), ["s does not tell its state [7, 13]"]);
        let mut h = one();
        h.after(LIMIT).deadline().replica(0, 1, 7).replica(1, 1, 7).projection(1, 9);
        assert_eq!(h.violations("converges"), ["r2 does not tell its state [7, 8]"]);
        // It is down, and the harness leaves it so.
        let mut h = one();
        h.crash(2).replica(0, 1, 7).replica(1, 1, 7).projection(1, 9).converged();
        assert_eq!(h.violations("converges"), [] as [&str; 0]);
        // It answered later.
        let mut h = one();
        told(h.unanswered(0)).converged();
        assert_eq!(h.violations("converges"), [] as [&str; 0]);
    }

    #[test]
    fn what_does_not_agree_by_the_deadline() {
        let mut h = one();
        told(h.publish(2).append_all(2, 1).after(LIMIT).deadline()).replica(2, 0, 0);
        h.projection(1, 9).conserved(8, 7);
        assert_eq!(
            h.violations("converges"),
            [
                "10.000s after the healing r0 and r2 do not agree on partition 0 [12, 13, 17]",
                "10.000s after the healing a sum that s tells of is 8 and should be 7 [12, 19]",
                "10.000s after the healing 1 publishes are not answered (and 1 more like it) [7, 12]",
            ]
        );
    }

    #[test]
    fn it_agrees_and_the_observer_never_finds_it_so() {
        let mut h = one();
        told(h.after(LIMIT).deadline());
        assert_eq!(
            h.violations("converges"),
            ["10.000s after the healing the observer had not found it at rest and agreed [7, 8]"]
        );
        // It had only just come to rest.
        let mut h = one();
        told(
            h.after(LIMIT)
                .deliver(1, 0)
                .publish(2)
                .append_all(2, 1)
                .ok(2, 1)
                .apply(2, 1)
                .deadline(),
        );
        assert_eq!(h.violations("converges"), [] as [&str; 0]);
        // Or a second for each node ago.
        let came_to_rest = |ago: u64| {
            let mut h = one();
            told(h.after(LIMIT).apply(1, 0).after(ago).deadline());
            h.violations("converges")
        };
        assert_eq!(came_to_rest(6_000_000), [] as [&str; 0]);
        assert_eq!(
            came_to_rest(6_000_001),
            ["16.000s after the healing the observer had not found it at rest and agreed [7, 9]"]
        );
    }

    #[test]
    fn late_by_the_records_and_by_the_observer() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).healed().after(LIMIT + 1).ok(1, 0).apply(1, 0);
        told(&mut h).converged();
        assert_eq!(
            h.violations("converges"),
            ["everything agreed 10.000s after the healing, the limit is 10.000s [4, 5]"]
        );
        let mut h = History::new();
        h.publish(1).append_all(1, 0).healed().after(LIMIT).ok(1, 0).apply(1, 0);
        told(&mut h).converged();
        assert_eq!(h.violations("converges"), [] as [&str; 0]);
        // The observer may take a second for each node.
        let mut h = one();
        told(h.after(LIMIT + 6_000_000)).converged();
        assert_eq!(h.violations("converges"), [] as [&str; 0]);
        let mut h = one();
        told(h.after(LIMIT + 6_000_001)).converged();
        assert_eq!(
            h.violations("converges"),
            ["everything agreed 16.000s after the last event, the limit is 10.000s [7, 12]"]
        );
        // What goes on when it has agreed does not matter.
        h.after(1).apply(1, 0);
        assert_eq!(
            h.violations("converges"),
            ["everything agreed 16.000s after the last event, the limit is 10.000s [7, 12]"]
        );
    }
}
