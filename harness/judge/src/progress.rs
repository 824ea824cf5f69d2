//! `progress`: after the healing publishing works. A publish that is invoked then ends ok within the limit, or fails
//! because it is poison; and one that somebody still waited for at the healing ends somehow within it.
//!
//! TigerBeetle's liveness mode: once a core of the cluster is healthy, it must take requests. The harness publishes a
//! few events from every client in this phase, so that there is something to judge. A publish from before the
//! healing may end indeterminate: an outage took its request or its answer. So may one whose client went down.
//!
//! Where clients are programs of somebody else's, one may give up a publish after the healing as well: a connection to who
//! led before is cut by whoever elects another one, and what was under way on it nobody knows. It is asked to publish again,
//! until that is acknowledged.

use super::{
    evidence::{Evidence, Proof},
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    limits::{DEFAULT_WITHIN, Limit},
    setup::Setup,
    time::seconds,
    variants::{Variants, heard},
};
use squall_probe::{EventId, Mark, NodeChange, NodeId, Phase, What};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const ENTRY: Entry = Entry {
    name: "progress",
    about: "After the healing, every publish ends within the deadline, and new ones end ok.",
    safety: false,
    layer: Layer::End,
    needs: &[&["Publish", "Mark"]],
    promise: None,
    limit: Some(Limit::Within { default: Some(DEFAULT_WITHIN) }),
    judged: "each publish that was open at the healing or came later",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(Progress {
        setup: setup.clone(),
        poison: BTreeSet::new(),
        waiting: BTreeMap::new(),
        healed: None,
        works_since: BTreeMap::new(),
        findings: Findings::default(),
    }))
}

struct Waiting {
    client: NodeId,
    /// When it was invoked, and the record of that.
    since: u64,
    invoked: Proof,
    /// It was invoked after the healing.
    after: bool,
    /// It was called indeterminate after the healing.
    informed: Option<(u64, Proof)>,
}

struct Progress {
    setup: Setup,
    poison: BTreeSet<EventId>,
    /// Publishes that must end.
    waiting: BTreeMap<EventId, Waiting>,
    healed: Option<Evidence>,
    /// When each client last began a publish that ended ok in time.
    works_since: BTreeMap<NodeId, u64>,
    findings: Findings,
}

impl Progress {
    fn publish(&mut self, phase: Phase, event: EventId, evidence: &Evidence) {
        if phase == Phase::Invoke {
            let (client, after) = (evidence.record.node, self.healed.is_some());
            let (since, invoked) = (evidence.record.at, evidence.proof());
            self.waiting.insert(event, Waiting { client, since, invoked, after, informed: None });
            self.findings.judged(u64::from(after));
            return;
        }
        let Some(waiting) = self.waiting.get_mut(&event) else { return };
        let Waiting { client, since, invoked, after, .. } = *waiting;
        if after && phase == Phase::Info {
            waiting.informed.get_or_insert((evidence.record.at, evidence.proof()));
            return;
        }
        self.waiting.remove(&event);
        let Some(healed) = self.healed else { return };
        if after && phase == Phase::Fail && !self.poison.contains(&event) {
            let node = self.setup.node(client);
            self.findings.add(
                || {
                    format!(
                        "the publish of e{} by {node} failed after the healing, and it is no poison",
                        event.0
                    )
                },
                || vec![healed.proof(), invoked, evidence.proof()],
            );
            return;
        }
        let took = evidence.record.at.saturating_sub(since.max(healed.record.at));
        let limit = self.setup.limits.always_within("progress");
        if took > limit {
            let node = self.setup.node(client);
            self.findings.add(
                || {
                    format!(
                        "the publish of e{} by {node} took {} after the healing, the limit is {}",
                        event.0,
                        seconds(took),
                        seconds(limit)
                    )
                },
                || vec![healed.proof(), invoked, evidence.proof()],
            );
        } else if after && phase == Phase::Ok {
            let works_since = self.works_since.entry(client).or_default();
            *works_since = since.max(*works_since);
        }
    }

    /// Whether a client that gave up a publish has begun another one since, which ended ok.
    fn publishes_again(&self, waiting: &Waiting, informed: u64) -> bool {
        let works_since = self.works_since.get(&waiting.client);
        self.setup.gives_up && works_since.is_some_and(|since| *since > informed)
    }
}

impl Invariant for Progress {
    fn hears(&self) -> Variants {
        heard![Mark, Node, Poison, Publish]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Mark(Mark::Healed) => {
                self.healed = Some(*evidence);
                self.findings.judged(self.waiting.len() as u64);
            }
            What::Poison { event } => {
                self.poison.insert(event);
            }
            What::Publish { phase, event, .. } => self.publish(phase, event, evidence),
            What::Node { change } if change != NodeChange::Up => {
                self.waiting.retain(|_, waiting| waiting.client != evidence.record.node);
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        let mut findings = std::mem::take(&mut self.findings);
        let Some(healed) = self.healed else { return findings };
        for (event, waiting) in &self.waiting {
            let node = self.setup.node(waiting.client);
            match waiting.informed {
                Some((at, _)) if self.publishes_again(waiting, at) => {}
                Some((_, informed)) => findings.add(
                    || {
                        format!(
                            "{node} gave up publishing e{} after the healing: indeterminate to the end",
                            event.0
                        )
                    },
                    || vec![healed.proof(), waiting.invoked, informed],
                ),
                None => findings.add(
                    || format!("the publish of e{} by {node} is never answered", event.0),
                    || vec![healed.proof(), waiting.invoked],
                ),
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn a_publish_after_the_healing_is_given_up_or_never_answered_or_fails() {
        let mut h = History::new();
        h.healed().publish(1).info(1).publish(2).publish(3).fail(3);
        assert_eq!(
            h.violations("progress"),
            [
                "the publish of e3 by p failed after the healing, and it is no poison [0, 4, 5]",
                "p gave up publishing e1 after the healing: indeterminate to the end [0, 1, 2]",
                "the publish of e2 by p is never answered [0, 3]",
            ]
        );
        // It is answered in the end; it is poison.
        let mut h = History::new();
        h.healed().publish(1).info(1).ok(1, 0).publish(2).ok(2, 1).poison(3).publish(3).fail(3);
        assert_eq!(h.violations("progress"), [] as [&str; 0]);
    }

    #[test]
    fn a_client_of_somebody_elses_may_give_up_and_must_publish_again() {
        let gave_up =
            "p gave up publishing e1 after the healing: indeterminate to the end [0, 1, 3]";
        let mut h = History::new();
        h.gives_up().healed().publish(1).publish(2).info(1).ok(2, 0);
        assert_eq!(h.violations("progress"), [gave_up], "e2 was begun before");
        h.after(1).publish(3);
        assert_eq!(h.violations("progress")[0], gave_up, "nobody knows of e3 either");
        h.ok(3, 1);
        assert_eq!(h.violations("progress"), [] as [&str; 0]);
        let mut late = History::new();
        late.gives_up().healed().publish(1).publish(2).info(1).ok(2, 0).after(1).publish(3);
        late.after(LIMIT + 1).ok(3, 1);
        assert_eq!(late.violations("progress")[1..], [gave_up]);
    }

    #[test]
    fn one_from_before_the_healing_may_be_given_up_and_must_end() {
        let mut h = History::new();
        h.publish(1).healed();
        assert_eq!(h.violations("progress"), ["the publish of e1 by p is never answered [0, 1]"]);
        let mut h = History::new();
        h.publish(1).info(1).publish(2).publish(3).healed().info(2).fail(3);
        assert_eq!(h.violations("progress"), [] as [&str; 0]);
        // Its client started, and another node went down: it waits all the same.
        let mut h = History::new();
        h.publish(1).up(3).crash(0).healed();
        assert_eq!(h.violations("progress"), ["the publish of e1 by p is never answered [0, 3]"]);
        // Without a healing nothing is said.
        let mut h = History::new();
        h.publish(1);
        assert_eq!(h.violations("progress"), [] as [&str; 0]);
    }

    #[test]
    fn each_has_the_limit_from_its_own_start() {
        let mut h = History::new();
        h.publish(1).healed().after(LIMIT).ok(1, 0).publish(2).after(LIMIT).ok(2, 1);
        assert_eq!(h.violations("progress"), [] as [&str; 0]);
        let mut h = History::new();
        h.publish(1).healed().after(LIMIT + 1).info(1).publish(2).info(2).after(LIMIT + 1).ok(2, 1);
        assert_eq!(
            h.violations("progress"),
            [
                "the publish of e1 by p took 10.000s after the healing, the limit is 10.000s [0, 1, 2]",
                "the publish of e2 by p took 10.000s after the healing, the limit is 10.000s [1, 3, 5]",
            ]
        );
    }

    #[test]
    fn a_client_that_goes_down_is_not_judged() {
        let mut h = History::new();
        h.healed().publish(1).info(1).publish(2).producer_down().info(2);
        assert_eq!(h.violations("progress"), [] as [&str; 0]);
    }
}
