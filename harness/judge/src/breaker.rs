//! `breaker`: after so many failures in a row no call reaches the dependency until the cooldown is over, then
//! no more at a time than there are probes; and a breaker opens for so many failures in a row of the dependency
//! only: one that counts all it has ever seen cuts off a dependency that is well.
//!
//! After Nygard's circuit breaker (Release It!, 2007). Judged from the calls that were made, not from what the
//! breaker says of itself; a breaker belongs to a process, and forgets with it.

use super::{Evidence, Findings, Invariant, Setup};
use squall_probe::{BreakerState, Name, NodeChange, NodeId, Phase, What};
use std::collections::BTreeMap;

/// What passes between a failure and the breaker's knowing of it, in microseconds: nothing but a step.
const GRAIN: u64 = 6_000;

pub(super) fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    (!setup.dependencies.is_empty()).then(|| {
        Box::new(Breaker {
            setup: setup.clone(),
            seen: BTreeMap::new(),
            findings: Findings::default(),
        }) as Box<dyn Invariant>
    })
}

#[derive(Default)]
struct Seen {
    /// Failures in a row.
    failures: u32,
    last_failure: Option<Evidence>,
    /// Since when it should be open.
    open: Option<Evidence>,
    /// The cooldown is over; so many probes are under way.
    probing: u32,
    /// Calls that were made before it should have been open, and have not ended.
    under_way: u32,
    /// A call failed since the breaker last said that it opened.
    failed_since: bool,
    told: bool,
}

struct Breaker {
    setup: Setup,
    seen: BTreeMap<(NodeId, Name), Seen>,
    findings: Findings,
}

impl Invariant for Breaker {
    fn record(&mut self, evidence: &Evidence) {
        let node = evidence.record.node;
        let at = evidence.record.at;
        let dependency = match evidence.record.what {
            What::Call { dependency, .. } | What::Breaker { dependency, .. } => dependency,
            What::Node { change: NodeChange::Up } => {
                self.seen.retain(|(other, _), _| *other != node);
                return;
            }
            _ => return,
        };
        let Some(index) = self.setup.dependencies.iter().position(|known| *known == dependency)
        else {
            return;
        };
        let policy = self.setup.promises.breakers[index];
        let cooldown = u64::try_from(policy.cooldown.as_micros()).unwrap_or(u64::MAX);
        let seen = self.seen.entry((node, dependency)).or_default();
        let name = policy.dependency;
        match evidence.record.what {
            What::Call { phase: Phase::Invoke, .. } => match seen.open {
                None => seen.under_way += 1,
                Some(open) if at + GRAIN < open.record.at + cooldown => {
                    self.findings.judged(1);
                    seen.under_way += 1;
                    if !std::mem::replace(&mut seen.told, true) {
                        let node = self.setup.node(node);
                        let (failures, after) = (policy.failures, (at - open.record.at) / 1_000);
                        self.findings.add(
                            || {
                                format!(
                                    "{node} called {name} {after}ms after {failures} failures in a row, \
                                     when the breaker should be open"
                                )
                            },
                            || vec![open, *evidence],
                        );
                    }
                }
                Some(open) => {
                    self.findings.judged(1);
                    seen.probing += 1;
                    if seen.probing > policy.probes && !std::mem::replace(&mut seen.told, true) {
                        let node = self.setup.node(node);
                        let (count, most) = (seen.probing, policy.probes);
                        self.findings.add(
                            || {
                                format!(
                                    "{node} made {count} calls at a time to {name} to see whether it is \
                                     back, and may make {most}"
                                )
                            },
                            || vec![open, *evidence],
                        );
                    }
                }
            },
            What::Call { phase: Phase::Ok, .. } => {
                if seen.probing > 0 {
                    seen.open = None;
                    seen.under_way += seen.probing - 1;
                    seen.probing = 0;
                } else {
                    seen.under_way = seen.under_way.saturating_sub(1);
                }
                if seen.open.is_none() {
                    seen.failures = 0;
                }
            }
            What::Call { .. } => {
                seen.last_failure = Some(*evidence);
                seen.failed_since = true;
                if seen.probing > 0 {
                    seen.probing -= 1;
                    seen.open = Some(*evidence);
                } else {
                    seen.under_way = seen.under_way.saturating_sub(1);
                    seen.failures += 1;
                    if seen.open.is_none() && seen.failures >= policy.failures {
                        self.findings.judged(1);
                        seen.open = Some(*evidence);
                    }
                }
            }
            What::Breaker { state: BreakerState::Open, .. } => {
                self.findings.judged(1);
                if !std::mem::take(&mut seen.failed_since) {
                    let node = self.setup.node(node);
                    self.findings.add(
                        || {
                            format!(
                                "the breaker of {node} before {name} opened, and no call had failed"
                            )
                        },
                        || vec![*evidence],
                    );
                } else if seen.open.is_none() {
                    let node = self.setup.node(node);
                    let (failures, needed) = (seen.failures, policy.failures);
                    self.findings.add(
                        || {
                            format!(
                                "the breaker of {node} before {name} opened after {failures} failures in a \
                                 row, and should at {needed}"
                            )
                        },
                        || seen.last_failure.into_iter().chain([*evidence]).collect(),
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

    fn down(h: &mut History) -> &mut History {
        h.call().call_failed().call().call_failed().call().call_failed()
    }

    #[test]
    fn it_should_be_open() {
        let mut h = History::new();
        down(&mut h).after(400_000).call();
        assert_eq!(
            h.violations("breaker"),
            [
                "c called bank 400ms after 3 failures in a row, when the breaker should be open [5, 6]"
            ]
        );
        // A failed probe opens it again.
        let mut h = History::new();
        down(&mut h).after(500_000).call().call_failed().after(400_000).call();
        assert_eq!(h.violations("breaker").len(), 1);
    }

    #[test]
    fn too_many_probes_and_an_opening_without_a_failure() {
        let mut h = History::new();
        down(&mut h).after(500_000).call().call();
        assert_eq!(
            h.violations("breaker"),
            ["c made 2 calls at a time to bank to see whether it is back, and may make 1 [5, 7]"]
        );
        let mut h = History::new();
        h.call().call_ok().breaker_opens();
        assert_eq!(
            h.violations("breaker"),
            ["the breaker of c before bank opened, and no call had failed [2]"]
        );
    }

    #[test]
    fn it_opens_for_failures_that_were_not_in_a_row() {
        let mut h = History::new();
        h.call().call_failed().call().call_failed().call().call_ok().call().call_failed();
        h.breaker_opens();
        assert_eq!(
            h.violations("breaker"),
            [
                "the breaker of c before bank opened after 1 failures in a row, and should at 3 [7, 8]"
            ]
        );
    }

    #[test]
    fn below_the_threshold_and_as_it_should_be() {
        let mut h = History::new();
        h.call().call_failed().call().call_failed().call().call_ok().call().call_failed().call();
        h.call_ok();
        down(&mut h)
            .breaker_opens()
            .after(500_000)
            .call()
            .call_ok()
            .call()
            .call()
            .call_ok()
            .call_ok();
        assert_eq!(h.violations("breaker"), [] as [&str; 0]);
    }

    #[test]
    fn a_new_process_has_a_new_breaker() {
        let mut h = History::new();
        down(&mut h).consumer_up().call();
        assert_eq!(h.violations("breaker"), [] as [&str; 0]);
    }
}
