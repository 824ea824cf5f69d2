//! `dead_letters`: what is in a dead-letter queue is poison, or had its retries spent while a fault acted; no
//! poison is applied instead; and what is in the queue is not applied too, unless it was redriven.
//!
//! Judged for systems that promise a dead-letter queue. That nothing is missing from it is `no_loss`'s
//! business.

use super::{Evidence, Findings, Invariant, Setup, fold::Redriven};
use squall_probe::{EventId, Mark, Name, NodeChange, NodeId, What};
use std::collections::{BTreeMap, BTreeSet};

/// So long after a fault is over what it broke may still be spent, in microseconds.
const AFTERMATH: u64 = 5_000_000;

pub(super) fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    setup.promises.dead_letters.then(|| {
        Box::new(DeadLetters {
            setup: setup.clone(),
            poison: BTreeSet::new(),
            dead: BTreeMap::new(),
            redriven: Redriven::default(),
            applied: BTreeMap::new(),
            active: BTreeSet::new(),
            down: BTreeSet::new(),
            last: None,
            findings: Findings::default(),
        }) as Box<dyn Invariant>
    })
}

struct DeadLetters {
    setup: Setup,
    poison: BTreeSet<EventId>,
    /// What is in a queue now.
    dead: BTreeMap<(Name, EventId), Evidence>,
    redriven: Redriven,
    applied: BTreeMap<(Name, EventId), Evidence>,
    /// Faults that act now.
    active: BTreeSet<u16>,
    /// Nodes that are down now.
    down: BTreeSet<NodeId>,
    /// When something was wrong the last time.
    last: Option<u64>,
    findings: Findings,
}

impl DeadLetters {
    /// A fault acts, or did so short ago.
    fn outage(&self, now: u64) -> bool {
        !self.active.is_empty()
            || !self.down.is_empty()
            || self.last.is_some_and(|last| now.saturating_sub(last) <= AFTERMATH)
    }

    fn group(&self, group: Name) -> String {
        let index = self.setup.group_index(group);
        index.map_or("?", |index| self.setup.group(index)).to_owned()
    }
}

impl Invariant for DeadLetters {
    fn record(&mut self, evidence: &Evidence) {
        let record = &evidence.record;
        match record.what {
            What::Poison { event } => {
                self.findings.judged(u64::from(self.poison.insert(event)));
            }
            What::FaultBegan { fault, .. } => {
                self.active.insert(fault);
                self.last = Some(record.at);
            }
            What::FaultHealed { fault } => {
                self.active.remove(&fault);
                self.last = Some(record.at);
            }
            What::Mark(Mark::Healed) => {
                self.active.clear();
                self.last = self.last.map(|_| record.at);
            }
            What::Node { change: NodeChange::Up } => {
                if self.down.remove(&record.node) {
                    self.last = Some(record.at);
                }
            }
            What::Node { .. } => {
                self.down.insert(record.node);
                self.last = Some(record.at);
            }
            What::DeadLetter { group, position, event, .. } => {
                if self.redriven.is_old(&record.what) {
                    return;
                }
                if self.dead.insert((group, event), *evidence).is_some() {
                    return;
                }
                self.findings.judged(1);
                if !self.poison.contains(&event) && !self.outage(record.at) {
                    let group = self.group(group);
                    self.findings.add(
                        || {
                            format!(
                                "e{} at {position} is no poison and was dead-lettered in {group}, when \
                                 nothing was wrong",
                                event.0
                            )
                        },
                        || vec![*evidence],
                    );
                }
                if let Some(applied) = self.applied.get(&(group, event)).copied() {
                    let group = self.group(group);
                    self.findings.add(
                        || {
                            format!(
                                "{group} applied e{} at {position} and dead-lettered it",
                                event.0
                            )
                        },
                        || vec![applied, *evidence],
                    );
                }
            }
            What::Redrive { group, event, times, .. } => {
                if self.redriven.take(group, event, times) {
                    self.dead.remove(&(group, event));
                }
            }
            What::Apply { group, position, event, .. } => {
                self.applied.entry((group, event)).or_insert(*evidence);
                if let Some(dead) = self.dead.get(&(group, event)).copied() {
                    let group = self.group(group);
                    self.findings.add(
                        || {
                            format!(
                                "{group} dead-lettered e{} at {position} and applied it",
                                event.0
                            )
                        },
                        || vec![dead, *evidence],
                    );
                } else if self.poison.contains(&event) {
                    let group = self.group(group);
                    self.findings.add(
                        || format!("{group} applied e{} at {position}, which is poison", event.0),
                        || vec![*evidence],
                    );
                }
            }
            _ => {}
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
    fn a_good_event_among_the_dead() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).dead_letter(1, 0);
        assert_eq!(
            h.violations("dead_letters"),
            ["e1 at 0:0 is no poison and was dead-lettered in g, when nothing was wrong [4]"]
        );
    }

    #[test]
    fn poison_that_is_applied_and_a_dead_letter_that_is() {
        let mut h = History::new();
        h.poison(1).publish(1).append_all(1, 0).apply(1, 0);
        assert_eq!(h.violations("dead_letters"), ["g applied e1 at 0:0, which is poison [5]"]);
        let mut h = History::new();
        h.fault_began(0).publish(1).append_all(1, 0).dead_letter(1, 0).apply(1, 0);
        assert_eq!(
            h.violations("dead_letters"),
            ["g dead-lettered e1 at 0:0 and applied it [5, 6]"]
        );
    }

    #[test]
    fn poison_and_what_an_outage_exhausted_and_what_was_redriven() {
        let mut h = History::new();
        h.poison(1).publish(1).append_all(1, 0).dead_letter(1, 0);
        h.fault_began(0).fault_healed(0).after(1_000_000);
        h.publish(2).append_all(2, 1).dead_letter(2, 1).redrive(2, 1).apply(2, 1);
        assert_eq!(h.violations("dead_letters"), [] as [&str; 0]);
    }

    #[test]
    fn an_outage_long_ago_excuses_nothing() {
        let mut h = History::new();
        h.fault_began(0).fault_healed(0).after(6_000_000);
        h.publish(1).append_all(1, 0).dead_letter(1, 0);
        assert_eq!(h.violations("dead_letters").len(), 1);
    }
}
