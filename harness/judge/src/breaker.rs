//! `breaker`: after `failures` failures in a row no call reaches the dependency until the cooldown is over, then
//! no more at a time than there are probes; and a breaker opens for failures in a row of the dependency
//! only: one that counts all it has ever seen cuts off a dependency that is well.
//!
//! After Nygard's circuit breaker (Release It!, 2007). Judged from the calls that were made, not from what the
//! breaker says of itself; a breaker belongs to a process, and forgets with it.
//!
//! A call that began before the breaker opened and ends later is no probe, and closes nothing; after the breaker has
//! closed, it may count or not. Records do not say which call has ended: where several readings are possible, all are
//! followed, and only what none of them allows is wrong.

use super::{
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{BreakerState, Name, NodeChange, NodeId, Phase, What};
use std::collections::BTreeMap;

/// What passes between a failure and the breaker's knowing of it, in microseconds: nothing but a step.
const GRAIN: u64 = 6_000;

pub(super) const ENTRY: Entry = Entry {
    name: "breaker",
    about: "A breaker opens when its dependency is down, and lets through only what it should.",
    safety: true,
    layer: Layer::Means,
    needs: &[&["Call"]],
    promise: Some(promised::BREAKERS),
    limit: None,
    judged: "each time that failures in a row should open it or that it opens, and each call from then on until \
                 it is closed",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    (!setup.dependencies.is_empty()).then(|| {
        Box::new(Breaker {
            setup: setup.clone(),
            seen: BTreeMap::new(),
            findings: Findings::default(),
        }) as Box<dyn Invariant>
    })
}

/// How many readings are followed; of a breaker that has more nothing is said until its process starts anew.
const READINGS: usize = 64;

/// One reading of what has happened.
#[derive(Clone, Copy, Default, PartialEq)]
struct Reading {
    /// Failures in a row.
    failures: u32,
    /// Since when it should be open.
    open: Option<Evidence>,
    /// The cooldown is over; how many probes are under way.
    probing: u32,
    /// Calls that were made since it was closed, and have not ended.
    fresh: u32,
    /// Calls that were made before it should have opened, and have not ended.
    old: u32,
}

impl Reading {
    fn opens(mut self, at: Evidence) -> Self {
        self.open = Some(at);
        self.old += std::mem::take(&mut self.fresh);
        self
    }

    /// What may be after one more failure that counts.
    fn fails(mut self, most: u32, at: Evidence) -> Self {
        self.failures += 1;
        if self.failures >= most { self.opens(at) } else { self }
    }

    /// What may be after a call that succeeded or failed.
    fn ends(self, ok: bool, most: u32, at: Evidence, then: &mut Vec<Self>) {
        if self.fresh > 0 {
            let left = Self { fresh: self.fresh - 1, ..self };
            then.push(if ok { Self { failures: 0, ..left } } else { left.fails(most, at) });
        }
        if self.probing > 0 {
            let left = Self { probing: self.probing - 1, ..self };
            then.push(if ok {
                Self { open: None, failures: 0, fresh: left.probing, probing: 0, ..left }
            } else {
                left.opens(at)
            });
        }
        if self.old > 0 {
            let left = Self { old: self.old - 1, ..self };
            then.push(left);
            // That it succeeded and counts says no more: had it failed, and a later call in its place, it were the same.
            if self.open.is_none() && !ok {
                then.push(left.fails(most, at));
            }
        }
        if (self.fresh, self.probing, self.old) == (0, 0, 0) {
            // It began before anything was told of it.
            then.push(self);
        }
    }
}

struct Seen {
    states: Vec<Reading>,
    last_failure: Option<Evidence>,
    /// A call failed since the breaker last said that it opened.
    failed_since: bool,
    /// There were too many readings.
    lost: bool,
    told: bool,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            states: vec![Reading::default()],
            last_failure: None,
            failed_since: false,
            lost: false,
            told: false,
        }
    }
}

impl Seen {
    /// All readings that something else leads to.
    fn become_all(&mut self, states: Vec<Reading>) {
        self.states.clear();
        for state in states {
            if !self.states.contains(&state) {
                self.states.push(state);
            }
        }
        if self.states.len() > READINGS {
            self.lost = true;
            self.states.truncate(1);
        }
    }
}

struct Breaker {
    setup: Setup,
    seen: BTreeMap<(NodeId, Name), Seen>,
    findings: Findings,
}

impl Breaker {
    fn invoke(&mut self, node: NodeId, dependency: Name, index: usize, evidence: &Evidence) {
        let policy = self.setup.promises.breakers[index];
        let name = policy.dependency;
        let cooldown = u64::try_from(policy.cooldown.as_micros()).unwrap_or(u64::MAX);
        let seen = self.seen.entry((node, dependency)).or_default();
        self.findings.judged(u64::from(seen.states.iter().all(|state| state.open.is_some())));
        let at = evidence.record.at;
        let early =
            |open: &Evidence| at.saturating_add(GRAIN) < open.record.at.saturating_add(cooldown);
        let allowed = |state: &Reading| match &state.open {
            None => true,
            Some(open) => !early(open) && state.probing < policy.probes,
        };
        let wrong = seen.states.iter().find(|state| !allowed(state)).copied();
        let any = seen.states.iter().any(allowed);
        if any {
            seen.states.retain(allowed);
        }
        for state in &mut seen.states {
            match &state.open {
                None => state.fresh += 1,
                Some(open) if early(open) => state.old += 1,
                Some(_) => state.probing += 1,
            }
        }
        let Some(Reading { open: Some(open), probing, .. }) = wrong.filter(|_| !any && !seen.lost)
        else {
            return;
        };
        if std::mem::replace(&mut seen.told, true) {
            return;
        }
        let node = self.setup.node(node);
        let told = || vec![open, *evidence];
        if early(&open) {
            let (failures, after) = (policy.failures, (at.saturating_sub(open.record.at)) / 1_000);
            self.findings.add(
                || {
                    format!(
                        "{node} called {name} {after}ms after {failures} failures in a row, \
                         when the breaker should be open"
                    )
                },
                told,
            );
        } else {
            let (count, most) = (probing + 1, policy.probes);
            self.findings.add(
                || {
                    format!(
                        "{node} made {count} calls at a time to {name} to see whether it is \
                         back, and may make {most}"
                    )
                },
                told,
            );
        }
    }

    fn opened(&mut self, node: NodeId, dependency: Name, index: usize, evidence: &Evidence) {
        let policy = self.setup.promises.breakers[index];
        let name = policy.dependency;
        let seen = self.seen.entry((node, dependency)).or_default();
        self.findings.judged(1);
        let any = seen.states.iter().any(|state| state.open.is_some());
        let failures = seen.states.iter().map(|state| state.failures).max().unwrap_or(0);
        if any {
            seen.states.retain(|state| state.open.is_some());
        }
        let node = self.setup.node(node);
        if !std::mem::take(&mut seen.failed_since) {
            self.findings.add(
                || format!("the breaker of {node} before {name} opened, and no call had failed"),
                || vec![*evidence],
            );
        } else if !any && !seen.lost {
            let needed = policy.failures;
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
}

impl Invariant for Breaker {
    fn hears(&self) -> Variants {
        heard![Breaker, Call, Node]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let node = evidence.record.node;
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
        match evidence.record.what {
            What::Call { phase: Phase::Invoke, .. } => {
                self.invoke(node, dependency, index, evidence);
            }
            What::Call { phase, .. } => {
                let ok = phase == Phase::Ok;
                let most = self.setup.promises.breakers[index].failures;
                let seen = self.seen.entry((node, dependency)).or_default();
                let closed = seen.states.iter().all(|state| state.open.is_none());
                let mut then = Vec::new();
                for state in &seen.states {
                    state.ends(ok, most, *evidence, &mut then);
                }
                seen.become_all(then);
                if !ok {
                    seen.last_failure = Some(*evidence);
                    seen.failed_since = true;
                    let open = seen.states.iter().all(|state| state.open.is_some());
                    self.findings.judged(u64::from(closed && open));
                }
            }
            What::Breaker { state: BreakerState::Open, .. } => {
                self.opened(node, dependency, index, evidence);
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
    use super::*;
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
        assert_eq!(
            h.violations("breaker"),
            [
                "c called bank 400ms after 3 failures in a row, when the breaker should be open [7, 8]"
            ]
        );
        // When it was closed again, so do failures from then on.
        let mut h = History::new();
        down(&mut h).after(500_000).call().call_ok();
        down(&mut h).after(400_000).call();
        assert_eq!(
            h.violations("breaker"),
            [
                "c called bank 400ms after 3 failures in a row, when the breaker should be open [13, 14]"
            ]
        );
    }

    #[test]
    fn the_cooldown_is_over_a_step_before_its_end() {
        let mut h = History::new();
        down(&mut h).after(500_000 - GRAIN).call();
        assert_eq!(h.violations("breaker"), [] as [&str; 0]);
        let mut h = History::new();
        down(&mut h).after(500_000 - GRAIN - 1).call();
        assert_eq!(
            h.violations("breaker"),
            [
                "c called bank 493ms after 3 failures in a row, when the breaker should be open [5, 6]"
            ]
        );
    }

    #[test]
    fn of_several_probes_one_closes_it_and_the_others_count() {
        let two = || {
            let mut h = History::new();
            down(h.probes(2)).after(500_000).call().call();
            h
        };
        assert_eq!(two().violations("breaker"), [] as [&str; 0]);
        assert_eq!(
            two().call().violations("breaker"),
            ["c made 3 calls at a time to bank to see whether it is back, and may make 2 [5, 8]"]
        );
        let mut h = two();
        h.call_ok().call_failed().breaker_opens();
        assert_eq!(
            h.violations("breaker"),
            [
                "the breaker of c before bank opened after 1 failures in a row, and should at 3 [9, 10]"
            ]
        );
        let mut h = two();
        h.call_ok().call_failed().call().call_failed().call().call_failed().call();
        assert_eq!(
            h.violations("breaker"),
            [
                "c called bank 0ms after 3 failures in a row, when the breaker should be open [13, 14]"
            ]
        );
    }

    #[test]
    fn it_opens_after_a_probe_that_succeeded() {
        let mut h = History::new();
        down(&mut h).after(500_000).call().call_ok().breaker_opens();
        assert_eq!(
            h.violations("breaker"),
            [
                "the breaker of c before bank opened after 0 failures in a row, and should at 3 [5, 8]"
            ]
        );
    }

    #[test]
    fn a_call_that_should_not_have_been_made_is_no_probe() {
        let mut h = History::new();
        down(&mut h).after(400_000).call().after(100_000).call().call_ok().call_failed();
        h.breaker_opens();
        assert_eq!(
            h.violations("breaker"),
            [
                "c called bank 400ms after 3 failures in a row, when the breaker should be open [5, 6]"
            ]
        );
    }

    #[test]
    fn too_many_readings_are_given_up() {
        let readings = |count| (0..count).map(|fresh| Reading { fresh, ..Reading::default() });
        let mut seen = Seen::default();
        seen.become_all(readings(64).chain(readings(64)).collect());
        assert_eq!((seen.states.len(), seen.lost), (64, false));
        seen.become_all(readings(65).collect());
        assert_eq!((seen.states.len(), seen.lost), (1, true));
        seen.become_all(readings(1).collect());
        assert!(seen.lost);
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

    /// Four calls are under way, of which three fail: it is open, and one is left.
    fn straggling(h: &mut History) -> &mut History {
        h.call().call().call().call().call_failed().call_failed().call_failed().breaker_opens()
    }

    #[test]
    fn a_straggling_call_is_no_probe_and_closes_nothing() {
        // It succeeds while a probe is under way, and the probe fails.
        let mut h = History::new();
        straggling(&mut h).after(500_000).call().call_ok().call_failed().breaker_opens();
        h.after(500_000).call().call_ok().call().call_ok();
        assert_eq!(h.violations("breaker"), [] as [&str; 0]);
        // It fails while a probe is under way, and the probe succeeds.
        let mut h = History::new();
        straggling(&mut h).after(500_000).call().call_failed().call_ok().call().call_ok();
        assert_eq!(h.violations("breaker"), [] as [&str; 0]);
        // It ends while the breaker is open: it stays open as long as it should, and no longer.
        for ok in [true, false] {
            let mut h = History::new();
            straggling(&mut h).after(400_000);
            if ok {
                h.call_ok()
            } else {
                h.call_failed()
            };
            h.after(100_000).call().call_ok();
            assert_eq!(h.violations("breaker"), [] as [&str; 0], "{ok}");
            let mut h = History::new();
            straggling(&mut h);
            if ok {
                h.call_ok()
            } else {
                h.call_failed()
            };
            h.after(400_000).call();
            let early = "c called bank 400ms after 3 failures in a row, when the breaker should be open [6, 9]";
            assert_eq!(h.violations("breaker"), [early], "{ok}");
        }
        // It fails when the breaker is closed again: it may count or not.
        for more in [2, 3] {
            let mut h = History::new();
            straggling(&mut h).after(500_000).call().call_ok().call_failed();
            for _ in 0..more {
                h.call().call_failed();
            }
            h.breaker_opens();
            assert_eq!(h.violations("breaker"), [] as [&str; 0], "{more}");
        }
        let mut h = History::new();
        straggling(&mut h).after(500_000).call().call_ok().call_failed().call().call_failed();
        h.breaker_opens();
        assert_eq!(
            h.violations("breaker"),
            [
                "the breaker of c before bank opened after 2 failures in a row, and should at 3 [12, 13]"
            ]
        );
        // It may have succeeded, and then it is no failure.
        let mut h = History::new();
        straggling(&mut h).after(500_000).call().call_ok().call().call_ok();
        h.call().call_failed().call_failed().breaker_opens();
        assert_eq!(
            h.violations("breaker"),
            [
                "the breaker of c before bank opened after 2 failures in a row, and should at 3 [14, 15]"
            ]
        );
        // When it has ended, it is in doubt no longer.
        let mut h = History::new();
        straggling(&mut h).after(500_000).call().call_ok().call_failed();
        down(&mut h).after(400_000).call();
        assert_eq!(
            h.violations("breaker"),
            [
                "c called bank 400ms after 3 failures in a row, when the breaker should be open [16, 17]"
            ]
        );
    }

    #[test]
    fn calls_at_a_time_count_one_by_one() {
        let mut h = History::new();
        h.call().call().call().call_failed().call_failed().call_failed().after(400_000).call();
        assert_eq!(
            h.violations("breaker"),
            [
                "c called bank 400ms after 3 failures in a row, when the breaker should be open [5, 6]"
            ]
        );
        let mut h = History::new();
        h.call().call().call().call_failed().call_ok().call_failed().call().call_failed().call();
        assert_eq!(h.violations("breaker"), [] as [&str; 0]);
    }
}
