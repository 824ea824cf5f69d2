//! `retry_policy`: between the end of an attempt and the next one lies the wait that the policy says, growing
//! by its factor up to its cap, with its jitter; and attempts end when it says.
//!
//! After "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): without growth clients hammer, without
//! jitter they hammer in step. A wait may be longer than it should when a fault of the plan makes timers late.

use super::{Evidence, Findings, Invariant, Setup};
use squall_probe::{Name, NodeChange, NodeId, Phase, What};
use std::collections::BTreeMap;

/// Clocks tick in milliseconds, and a step of the simulation has up to five of them. In microseconds.
const GRAIN: u64 = 6_000;

/// A wait may be later than it should by so much, in microseconds: whoever waits has other things to do.
const LATE: u64 = 100_000;

/// So many waits tell whether there is jitter.
const TELLING: usize = 8;

/// And so many of one length tell whether these have any.
const TELLING_OF_ONE: usize = 6;

pub(super) fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    (!setup.policies.is_empty()).then(|| {
        Box::new(RetryPolicies {
            setup: setup.clone(),
            failed: BTreeMap::new(),
            shares: vec![Vec::new(); setup.policies.len()],
            of_one: vec![BTreeMap::new(); setup.policies.len()],
            findings: Findings::default(),
        }) as Box<dyn Invariant>
    })
}

struct RetryPolicies {
    setup: Setup,
    /// The last failed attempt of each request.
    failed: BTreeMap<(NodeId, Name, u64), (u32, Evidence)>,
    /// What was added to each wait, as a share of it, by policy.
    shares: Vec<Vec<(f64, Evidence)>>,
    /// The same of each length (in microseconds) for itself: a jitter that is lost where the waits are longest is
    /// lost in every long outage.
    of_one: Vec<BTreeMap<u64, Vec<(f64, Evidence)>>>,
    findings: Findings,
}

impl RetryPolicies {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn begins(&mut self, index: usize, before: Evidence, number: u32, evidence: &Evidence) {
        let policy = &self.setup.promises.retries[index];
        let waited = evidence.record.at.saturating_sub(before.record.at);
        let grown = policy.factor.powi(i32::try_from(number.saturating_sub(2)).unwrap_or(i32::MAX));
        let first = policy.first.as_micros() as f64;
        let least = (first * grown).min(policy.cap.as_micros() as f64);
        let most = least * (1.0 + policy.jitter);
        let node = self.setup.node(evidence.record.node);
        if (waited + GRAIN) as f64 <= least {
            self.findings.add(
                || {
                    format!(
                        "{node}: attempt {number} by {} came {}ms after the last had failed, and not {}ms",
                        policy.name,
                        waited / 1_000,
                        (least / 1_000.0) as u64
                    )
                },
                || vec![before, *evidence],
            );
        } else if !self.setup.stalls && waited as f64 > most + (GRAIN + LATE) as f64 {
            self.findings.add(
                || {
                    format!(
                        "{node}: attempt {number} by {} came {}ms after the last had failed, and at most \
                         {}ms are allowed",
                        policy.name,
                        waited / 1_000,
                        (most / 1_000.0) as u64
                    )
                },
                || vec![before, *evidence],
            );
        }
        // Short waits are too coarse to tell.
        if least >= 4.0 * GRAIN as f64 {
            let share = (waited as f64 - least) / least;
            self.shares[index].push((share, *evidence));
            self.of_one[index].entry(least as u64).or_default().push((share, *evidence));
        }
    }
}

impl Invariant for RetryPolicies {
    fn record(&mut self, evidence: &Evidence) {
        let node = evidence.record.node;
        match evidence.record.what {
            What::Attempt { policy, request, number, phase } => {
                let Some(index) = self.setup.policies.iter().position(|known| *known == policy)
                else {
                    return;
                };
                let key = (node, policy, request);
                match phase {
                    Phase::Invoke => {
                        self.findings.judged(u64::from(number > 1));
                        if let Some((_, before)) = self.failed.remove(&key)
                            && number > 1
                        {
                            self.begins(index, before, number, evidence);
                        }
                        let most = self.setup.promises.retries[index].attempts;
                        if let Some(most) = most.filter(|most| number == most.saturating_add(1)) {
                            self.findings.add(
                                || {
                                    let node = self.setup.node(node);
                                    let policy = self.setup.promises.retries[index].name;
                                    format!(
                                        "{node}: attempt {number} by {policy}, of {most} at most"
                                    )
                                },
                                || vec![*evidence],
                            );
                        }
                    }
                    Phase::Fail | Phase::Info => {
                        self.failed.insert(key, (number, *evidence));
                    }
                    Phase::Ok => {
                        self.failed.remove(&key);
                    }
                }
            }
            What::Node { change: NodeChange::Up } => {
                self.failed.retain(|(other, ..), _| *other != node);
            }
            _ => {}
        }
    }

    fn finish(&mut self) -> Findings {
        let mut findings = std::mem::take(&mut self.findings);
        let waits = self.shares.iter().zip(&self.of_one);
        for (policy, (shares, of_one)) in self.setup.promises.retries.iter().zip(waits) {
            let most = shares.iter().map(|(share, _)| *share).fold(0.0, f64::max);
            if policy.jitter > 0.0 && shares.len() >= TELLING && most < policy.jitter * 0.3 {
                findings.add(
                    || {
                        format!(
                            "{} waits by {}, and none had more than {:.0}% added, where up to {:.0}% \
                             should be",
                            shares.len(),
                            policy.name,
                            most * 100.0,
                            policy.jitter * 100.0
                        )
                    },
                    || shares.iter().take(3).map(|(_, evidence)| *evidence).collect(),
                );
                continue;
            }
            // One in twenty of what may be added, six times: chance does that once in sixty million.
            let bare = of_one.iter().find(|(_, shares)| {
                let few = |share: f64| share < policy.jitter * 0.05;
                shares.len() >= TELLING_OF_ONE && shares.iter().all(|(share, _)| few(*share))
            });
            if let (true, Some((least, shares))) = (policy.jitter > 0.0, bare) {
                findings.add(
                    || {
                        format!(
                            "{} waits of {}ms by {}, and none had anything added, where up to {:.0}% should be",
                            shares.len(),
                            least / 1_000,
                            policy.name,
                            policy.jitter * 100.0
                        )
                    },
                    || shares.iter().take(3).map(|(_, evidence)| *evidence).collect(),
                );
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn too_soon_and_too_late_and_too_often() {
        let mut h = History::new();
        h.attempt(1, 1).attempt_failed(1, 1).after(90_000).attempt(1, 2);
        assert_eq!(
            h.violations("retry_policy"),
            ["c: attempt 2 by calls came 90ms after the last had failed, and not 100ms [1, 2]"]
        );
        let mut h = History::new();
        h.attempt(1, 2).attempt_failed(1, 2).after(600_000).attempt(1, 3);
        assert_eq!(
            h.violations("retry_policy"),
            [
                "c: attempt 3 by calls came 600ms after the last had failed, and at most 400ms are allowed [1, 2]"
            ]
        );
        let mut h = History::new();
        h.attempt(1, 5).attempt(1, 6);
        assert_eq!(h.violations("retry_policy"), ["c: attempt 6 by calls, of 5 at most [1]"]);
    }

    #[test]
    fn in_step() {
        let mut h = History::new();
        for request in 0..8 {
            h.attempt(request, 1).attempt_failed(request, 1).after(101_000).attempt(request, 2);
        }
        assert_eq!(
            h.violations("retry_policy"),
            [
                "8 waits by calls, and none had more than 1% added, where up to 100% should be [2, 5, 8]"
            ]
        );
    }

    #[test]
    fn in_step_only_where_the_waits_are_longest() {
        let mut h = History::new();
        for request in 0..6 {
            h.attempt(request, 1).attempt_failed(request, 1).after(110_000 + request * 15_000);
            h.attempt(request, 2).attempt_failed(request, 2).after(201_000).attempt(request, 3);
        }
        let violations = h.violations("retry_policy");
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(
            violations[0].starts_with("6 waits of 200ms by calls, and none had anything added")
        );
    }

    #[test]
    fn as_the_policy_says() {
        let mut h = History::new();
        for request in 0..8 {
            h.attempt(request, 1).attempt_failed(request, 1).after(100_000 + request * 12_000);
            h.attempt(request, 2).attempt_failed(request, 2).after(230_000).attempt(request, 3);
        }
        // Another request may begin at once.
        h.attempt(100, 1);
        assert_eq!(h.violations("retry_policy"), [] as [&str; 0]);
    }
}
