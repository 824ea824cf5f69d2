//! `retry_policy`: between the end of an attempt and the next one lies the wait that the policy says, growing
//! by its factor up to its cap, with its jitter; and attempts end when it says.
//!
//! Where requests name the events that they are made for, a new request for an event goes on where the one before it
//! left off, unless that ended well or had its attempts spent: who asks anew has not waited.
//!
//! After "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): without growth clients hammer, without
//! jitter they hammer in step. A wait may be longer than it should when a fault of the plan makes timers late.

use super::{
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{EventId, Name, NodeChange, NodeId, Phase, What};
use std::collections::BTreeMap;

/// Clocks tick in milliseconds, and a step of the simulation has up to five of them. In microseconds.
const GRAIN: u64 = 6_000;

/// How much later than it should a wait may be, in microseconds: whoever waits has other things to do.
const LATE: u64 = 100_000;

/// How many waits tell whether there is jitter.
const TELLING: usize = 8;

/// And how many of one length tell whether these have any.
const TELLING_OF_ONE: usize = 6;

pub(super) const ENTRY: Entry = Entry {
    name: "retry_policy",
    about: "Attempts wait as long as their policy says, with jitter, and end when it says.",
    safety: true,
    layer: Layer::Means,
    needs: &[&["Attempt"]],
    promise: Some(promised::RETRIES),
    limit: None,
    judged: "each attempt that follows another of the same request",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    (!setup.policies.is_empty()).then(|| {
        Box::new(RetryPolicies {
            setup: setup.clone(),
            requests: BTreeMap::new(),
            unfinished: BTreeMap::new(),
            shares: vec![Vec::new(); setup.policies.len()],
            of_one: vec![BTreeMap::new(); setup.policies.len()],
            findings: Findings::default(),
        }) as Box<dyn Invariant>
    })
}

#[derive(Default)]
struct Retried {
    /// What it is made for, if that was told.
    events: Vec<EventId>,
    /// Attempts that others made for them before.
    before: u32,
    /// Its own attempts that began.
    begun: u32,
    /// Its last attempt has failed.
    failed: Option<Evidence>,
}

struct RetryPolicies {
    setup: Setup,
    requests: BTreeMap<(NodeId, Name, u64), Retried>,
    /// The last attempt for an event that failed, and may be followed by others: request and number.
    unfinished: BTreeMap<(NodeId, Name, EventId), (u64, u32, Evidence)>,
    /// What was added to each wait, as a share of it, by policy.
    shares: Vec<Vec<(f64, Evidence)>>,
    /// The same of each length (in microseconds) for itself: a jitter that is lost where the waits are longest is
    /// lost in every long outage.
    of_one: Vec<BTreeMap<u64, Vec<(f64, Evidence)>>>,
    findings: Findings,
}

impl RetryPolicies {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn begins(
        &mut self,
        index: usize,
        before: Evidence,
        number: u32,
        same: bool,
        evidence: &Evidence,
    ) {
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
        } else if same && !self.setup.stalls && waited as f64 > most + (GRAIN + LATE) as f64 {
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
        if same && least >= 4.0 * GRAIN as f64 {
            let share = (waited as f64 - least) / least;
            self.shares[index].push((share, *evidence));
            self.of_one[index].entry(least as u64).or_default().push((share, *evidence));
        }
    }

    fn invoke(&mut self, index: usize, key: (NodeId, Name, u64), number: u32, evidence: &Evidence) {
        let (node, policy, own) = key;
        let request = self.requests.entry(key).or_default();
        let (first, failed) = (request.begun == 0, request.failed.take());
        if first {
            let others = request.events.iter().filter_map(|event| {
                self.unfinished.get(&(node, policy, *event)).filter(|(other, ..)| *other != own)
            });
            if let Some((_, made, last)) = others.max_by_key(|(_, made, _)| *made).copied() {
                request.before = made;
                let number = made.saturating_add(1);
                self.findings.judged(1);
                self.begins(index, last, number, false, evidence);
            }
        }
        let Some(request) = self.requests.get_mut(&key) else { return };
        // Whatever it says: this is one more.
        request.begun = number.max(request.begun.saturating_add(u32::from(failed.is_some())));
        let number = request.before.saturating_add(request.begun);
        self.findings.judged(u64::from(!first));
        if let Some(before) = failed {
            self.begins(index, before, number, true, evidence);
        }
        let most = self.setup.promises.retries[index].attempts;
        if let Some(most) = most.filter(|most| number == most.saturating_add(1)) {
            self.findings.add(
                || {
                    let node = self.setup.node(node);
                    let policy = self.setup.promises.retries[index].name;
                    format!("{node}: attempt {number} by {policy}, of {most} at most")
                },
                || vec![*evidence],
            );
        }
    }

    fn fail(&mut self, index: usize, key: (NodeId, Name, u64), number: u32, evidence: &Evidence) {
        let (node, policy, own) = key;
        let request = self.requests.entry(key).or_default();
        request.begun = request.begun.max(number);
        request.failed = Some(*evidence);
        let made = request.before.saturating_add(request.begun);
        let spent = self.setup.promises.retries[index].attempts.is_some_and(|most| made >= most);
        for event in &request.events {
            let event = (node, policy, *event);
            if spent {
                self.unfinished.remove(&event);
            } else {
                self.unfinished.insert(event, (own, made, *evidence));
            }
        }
    }
}

impl Invariant for RetryPolicies {
    fn hears(&self) -> Variants {
        heard![Attempt, Node, Request]
    }

    #[inline(always)]
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
                    Phase::Invoke => self.invoke(index, key, number, evidence),
                    Phase::Fail | Phase::Info => self.fail(index, key, number, evidence),
                    Phase::Ok => {
                        for event in self.requests.remove(&key).unwrap_or_default().events {
                            self.unfinished.remove(&(node, policy, event));
                        }
                    }
                }
            }
            What::Request { policy, request, event } => {
                self.requests.entry((node, policy, request)).or_default().events.push(event);
            }
            What::Node { change: NodeChange::Up } => {
                self.requests.retain(|(other, ..), _| *other != node);
                self.unfinished.retain(|(other, ..), _| *other != node);
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        let mut findings = std::mem::take(&mut self.findings);
        let waits = self.shares.iter().zip(&self.of_one);
        for (policy, (shares, of_one)) in self.setup.promises.retries.iter().zip(waits) {
            let most = shares.iter().map(|(share, _)| *share).fold(0.0, f64::max);
            if shares.len() >= TELLING && most < policy.jitter * 0.3 {
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

    /// What is said of one wait before the second attempt, which should be 100ms to 200ms, in microseconds.
    fn of_one(waited: u64, stalls: bool) -> Vec<String> {
        let mut h = History::new();
        h.attempt(1, 1).attempt_failed(1, 1).after(waited).attempt(1, 2);
        if stalls {
            h.stalls();
        }
        h.violations("retry_policy")
    }

    #[test]
    fn a_wait_may_be_a_step_too_short_and_a_tenth_of_a_second_too_long() {
        let early =
            "c: attempt 2 by calls came 94ms after the last had failed, and not 100ms [1, 2]";
        assert_eq!(of_one(94_000, false), [early]);
        assert_eq!(of_one(94_000, true), [early]);
        assert_eq!(of_one(94_001, false), [] as [&str; 0]);
        assert_eq!(of_one(306_000, false), [] as [&str; 0]);
        let late = "c: attempt 2 by calls came 306ms after the last had failed, and at most 200ms are allowed [1, 2]";
        assert_eq!(of_one(306_001, false), [late]);
        // Unless timers are late.
        assert_eq!(of_one(306_001, true), [] as [&str; 0]);
    }

    /// What is said of so many waits of this length, both in microseconds, after which others wait long enough.
    fn of_many(count: u64, first: u64, waited: u64, jitter: f64) -> Vec<String> {
        let mut h = History::new();
        h.wait(first, jitter);
        for request in 0..count {
            h.attempt(request, 1).attempt_failed(request, 1).after(waited).attempt(request, 2);
        }
        h.violations("retry_policy")
    }

    #[test]
    fn how_many_waits_of_which_length_tell_of_jitter() {
        let none = [] as [&str; 0];
        let eight = "8 waits by calls, and none had more than 0% added, where up to 100% should be [2, 5, 8]";
        let six = "6 waits of 24ms by calls, and none had anything added, where up to 100% should be [2, 5, 8]";
        assert_eq!(of_many(8, 24_000, 24_000, 1.0), [eight]);
        assert_eq!(of_many(6, 24_000, 24_000, 1.0), [six]);
        assert_eq!(of_many(5, 24_000, 24_000, 1.0), none);
        // They are too coarse to tell.
        assert_eq!(of_many(8, 23_999, 23_999, 1.0), none);
        // Three tenths of what may be added are enough for all, a twentieth for those of one length.
        assert_eq!(of_many(8, 100_000, 130_000, 1.0), none);
        assert_eq!(of_many(6, 100_000, 105_000, 1.0), none);
        assert_eq!(
            of_many(8, 100_000, 129_999, 1.0),
            [
                "8 waits by calls, and none had more than 30% added, where up to 100% should be [2, 5, 8]"
            ]
        );
        assert_eq!(
            of_many(6, 100_000, 104_999, 1.0),
            [
                "6 waits of 100ms by calls, and none had anything added, where up to 100% should be [2, 5, 8]"
            ]
        );
        // Nothing was promised.
        assert_eq!(of_many(8, 100_000, 99_000, 0.0), none);
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
        assert_eq!(
            h.violations("retry_policy"),
            [
                "6 waits of 200ms by calls, and none had anything added, where up to 100% should be [4, 9, 14]"
            ]
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

    #[test]
    fn attempts_that_count_as_new_requests() {
        let mut h = History::new();
        h.request(1, 7).attempt(1, 1).attempt_failed(1, 1).request(2, 7).attempt(2, 1);
        assert_eq!(
            h.violations("retry_policy"),
            ["c: attempt 2 by calls came 0ms after the last had failed, and not 100ms [2, 4]"]
        );
        // So when another process starts.
        let mut h = History::new();
        h.request(1, 7).attempt(1, 1).attempt_failed(1, 1).up(0).request(2, 7).attempt(2, 1);
        assert_eq!(
            h.violations("retry_policy"),
            ["c: attempt 2 by calls came 0ms after the last had failed, and not 100ms [2, 5]"]
        );
        // They go on growing, and come to an end.
        let mut h = History::new();
        for request in 1..=6 {
            h.request(request, 7).attempt(request, 1).attempt_failed(request, 1).after(300_000);
        }
        assert_eq!(
            h.violations("retry_policy"),
            [
                "c: attempt 4 by calls came 300ms after the last had failed, and not 400ms [8, 10]",
                "c: attempt 5 by calls came 300ms after the last had failed, and not 400ms [11, 13]",
            ]
        );
        // The same request, and always its first attempt.
        let mut h = History::new();
        h.attempt(1, 1).attempt_failed(1, 1).attempt(1, 1);
        assert_eq!(
            h.violations("retry_policy"),
            ["c: attempt 2 by calls came 0ms after the last had failed, and not 100ms [1, 2]"]
        );
    }

    #[test]
    fn a_new_request_for_another_event_or_after_the_end_of_one() {
        let mut h = History::new();
        h.request(1, 7).attempt(1, 1).attempt_failed(1, 1).request(2, 8).attempt(2, 1);
        h.attempt_ok(2, 1).request(3, 8).attempt(3, 1);
        assert_eq!(h.violations("retry_policy"), [] as [&str; 0]);
        // Its attempts are spent, it succeeded, it waited, or it is another process.
        let mut h = History::new();
        h.request(1, 7).attempt(1, 5).attempt_failed(1, 5).request(2, 7).attempt(2, 1);
        assert_eq!(h.violations("retry_policy"), [] as [&str; 0]);
        let mut h = History::new();
        h.request(1, 7).attempt(1, 1).attempt_failed(1, 1).after(120_000).attempt(1, 2);
        h.attempt_ok(1, 2).request(2, 7).attempt(2, 1);
        assert_eq!(h.violations("retry_policy"), [] as [&str; 0]);
        let mut h = History::new();
        h.request(1, 7).attempt(1, 1).attempt_failed(1, 1).after(2_000_000).request(2, 7);
        h.attempt(2, 1);
        assert_eq!(h.violations("retry_policy"), [] as [&str; 0]);
        let mut h = History::new();
        h.request(1, 7).attempt(1, 1).attempt_failed(1, 1).consumer_up().request(1, 7);
        h.attempt(1, 1);
        assert_eq!(h.violations("retry_policy"), [] as [&str; 0]);
        let mut h = History::new();
        h.request(1, 7).attempt(1, 1).attempt_failed(1, 1).consumer_up().request(2, 7);
        h.attempt(2, 1);
        assert_eq!(h.violations("retry_policy"), [] as [&str; 0]);
    }
}
