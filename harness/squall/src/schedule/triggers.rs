//! Faults that wait: for a condition, or for somebody whom they can hit. Each has a limit; what has not begun by then
//! never begins, and the run proves nothing of it.

use crate::{
    plan::{Micros, Plan, Start},
    scenario::Condition,
};
use std::collections::{BTreeMap, BTreeSet};

/// A fault whose target does not exist when its time has come (no leader is elected) waits for it this long, in
/// microseconds.
const TARGET_PATIENCE: Micros = 10_000_000;

/// What conditions are about, as far as the run has come.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    pub(crate) acked: u32,
    pub(crate) delivered: u32,
    pub(crate) applied: u32,
    /// Indices of the faults whose fault point was passed.
    pub(crate) passed: Vec<usize>,
    /// How often signals were seen that something waits for.
    pub(crate) seen: BTreeMap<String, u64>,
    /// Steps of which an occurrence has begun.
    pub(crate) begun: BTreeSet<u16>,
    /// Steps of which an occurrence is over.
    pub(crate) over: BTreeSet<u16>,
}

impl Reached {
    fn meets(&self, index: usize, condition: &Condition) -> bool {
        match condition {
            Condition::Acked(count) => self.acked >= *count,
            Condition::Delivered(count) => self.delivered >= *count,
            Condition::Applied(count) => self.applied >= *count,
            Condition::Reaches { .. } => self.passed.contains(&index),
            Condition::Signal { signal, hit } => {
                self.seen.get(signal).is_some_and(|seen| *seen >= u64::from(*hit))
            }
            Condition::Began(step) => self.begun.contains(&step.step),
            Condition::Over(step) => self.over.contains(&step.step),
        }
    }
}

impl Reached {
    /// How near a condition came that was not met. How often a point was passed its caller knows.
    pub(crate) fn nearest(&self, condition: &Condition, passages: impl Fn(&str) -> u32) -> String {
        match condition {
            Condition::Acked(_) => format!("{} were", self.acked),
            Condition::Delivered(_) => format!("{} were", self.delivered),
            Condition::Applied(_) => format!("{} were", self.applied),
            Condition::Reaches { point, .. } => match passages(point) {
                0 => "it was never passed".to_owned(),
                times => format!("it was passed {times} times"),
            },
            Condition::Signal { signal, .. } => match self.seen.get(signal).copied().unwrap_or(0) {
                0 => "it was never seen".to_owned(),
                times => format!("it was seen {times} times"),
            },
            Condition::Began(_) => "it never began".to_owned(),
            Condition::Over(step) if self.begun.contains(&step.step) => "it went on".to_owned(),
            Condition::Over(_) => "it never began".to_owned(),
        }
    }
}

/// What became of the faults that waited for a condition, by their index in the plan.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Pulled {
    /// They begin now.
    pub(crate) met: Vec<usize>,
    /// Their limit has passed.
    pub(crate) missed: Vec<(usize, Condition)>,
}

/// Faults that wait, by their index in the plan.
#[derive(Debug, Default)]
pub(crate) struct Triggers {
    /// For a condition, until a limit.
    waiting: Vec<(usize, Condition, Micros)>,
    /// Their time has come, but whom they should hit does not exist; until a limit.
    deferred: Vec<(usize, Micros)>,
}

impl Triggers {
    pub(crate) fn wait(&mut self, index: usize, condition: Condition, limit: Micros) {
        self.waiting.push((index, condition, limit));
    }

    /// The fault looks for its target again at the next step, unless `limit` (by default, [`TARGET_PATIENCE`] from
    /// now) has passed. Whether it will.
    pub(crate) fn defer(&mut self, index: usize, limit: Option<Micros>, now: Micros) -> bool {
        let limit = limit.unwrap_or(now + TARGET_PATIENCE);
        if now < limit {
            self.deferred.push((index, limit));
        }
        now < limit
    }

    /// When the first limit passes; at once, if a fault looks for its target in each step.
    pub(crate) fn next(&self) -> Option<Micros> {
        if !self.deferred.is_empty() {
            return Some(0);
        }
        self.waiting.iter().map(|(_, _, limit)| *limit).min()
    }

    /// The faults that look for their targets again, with their limits.
    pub(crate) fn take_deferred(&mut self) -> Vec<(usize, Micros)> {
        std::mem::take(&mut self.deferred)
    }

    /// Something waits for a condition.
    pub(crate) fn wait_for_conditions(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Something waits for another step.
    pub(crate) fn wait_for_steps(&self) -> bool {
        let of_steps =
            |condition: &Condition| matches!(condition, Condition::Began(_) | Condition::Over(_));
        self.waiting.iter().any(|(_, condition, _)| of_steps(condition))
    }

    /// How often each signal was seen that something waits for. `felt` knows of a step how often its fault was felt;
    /// `count` knows of any other signal how often it was seen, from the start of the run if it is told so, else from the
    /// first fault on.
    pub(crate) fn seen(
        &self,
        plan: &Plan,
        felt: impl Fn(u16) -> u64,
        count: impl Fn(&str, bool) -> u64,
    ) -> BTreeMap<String, u64> {
        let from_start = none_begins_by_itself(plan);
        let seen = |signal: &str| match signal.strip_suffix("_felt") {
            Some(kind) => steps_of(plan, kind).into_iter().map(&felt).sum(),
            None => count(signal, from_start),
        };
        let signals: BTreeSet<&String> = self
            .waiting
            .iter()
            .filter_map(|(_, condition, _)| match condition {
                Condition::Signal { signal, .. } => Some(signal),
                _ => None,
            })
            .collect();
        signals.into_iter().map(|signal| (signal.clone(), seen(signal))).collect()
    }

    /// Nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.deferred.is_empty()
    }

    pub(crate) fn pull(&mut self, now: Micros, reached: &Reached) -> Pulled {
        let mut pulled = Pulled::default();
        for (index, condition, limit) in std::mem::take(&mut self.waiting) {
            if reached.meets(index, &condition) {
                pulled.met.push(index);
            } else if now >= limit {
                pulled.missed.push((index, condition));
            } else {
                self.waiting.push((index, condition, limit));
            }
        }
        pulled
    }
}

/// No fault of a plan would begin before a signal was seen: what a fault must have begun for would never be seen.
fn none_begins_by_itself(plan: &Plan) -> bool {
    plan.faults.iter().all(|planned| match &planned.start {
        Start::At(_) => false,
        Start::When { condition, .. } => {
            matches!(condition, Condition::Signal { .. } | Condition::Began(_) | Condition::Over(_))
        }
    })
}

/// The steps whose fault is of a kind.
fn steps_of(plan: &Plan, kind: &str) -> BTreeSet<u16> {
    let of_kind = plan.faults.iter().filter(|planned| planned.fault.kind.key == kind);
    of_kind.map(|planned| planned.step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario};

    /// How often `leader_changed` and `crash_felt` count as seen for the faults of a plan, which all wait.
    fn seen(faults: &str) -> BTreeMap<String, u64> {
        let text = format!("name: x\nfaults:\n{faults}");
        let scenario = scenario::parse("x", text.as_bytes(), &Sample).map_err(|p| p.render(false));
        let plan = Plan::new(&scenario.expect("it is right"), 1, &Sample, &[]);
        let mut triggers = Triggers::default();
        for (index, planned) in plan.faults.iter().enumerate() {
            if let Start::When { condition, limit, .. } = &planned.start {
                triggers.wait(index, condition.clone(), *limit);
            }
        }
        // Before the first fault twice, and then never.
        let count = |_: &str, from_start| if from_start { 2 } else { 0 };
        triggers.seen(&plan, |step| 10_u64.pow(step.into()), count)
    }

    #[test]
    fn signals_count_from_the_start_where_no_fault_begins_before_one_is_seen() {
        let waits = "  - { name: a, when: { signal: leader_changed }, crash: any broker }\n";
        let (other, by_count, by_time) = (
            "  - { after: a, crash: any broker }\n",
            "  - { when: { acked: 9 }, crash: any broker }\n",
            "  - { at: 1s, crash: any broker }\n",
        );
        for (faults, count) in [
            (waits.to_owned(), 2),
            (format!("{waits}{other}"), 2),
            (format!("{waits}{by_count}"), 0),
            (format!("{waits}{by_time}"), 0),
        ] {
            assert_eq!(seen(&faults), BTreeMap::from([("leader_changed".to_owned(), count)]));
        }
    }

    #[test]
    fn a_fault_counts_as_felt_as_often_as_all_steps_of_its_kind_were() {
        let crash = "  - { at: 1s, crash: any broker }\n";
        let pause = "  - { at: 1s, for: 1s, pause: any broker }\n";
        let waits = "  - { when: { signal: crash_felt }, restart: any broker }\n";
        let seen = seen(&format!("{crash}{pause}{crash}{waits}"));
        assert_eq!(seen, BTreeMap::from([("crash_felt".to_owned(), 101)]));
    }

    #[test]
    fn a_condition_that_is_met_at_its_limit_is_met() {
        let mut triggers = Triggers::default();
        triggers.wait(0, Condition::Acked(3), 100);
        triggers.wait(1, Condition::Applied(1), 100);
        triggers.wait(2, Condition::Delivered(9), 200);
        let acked = |acked| Reached { acked, ..Reached::default() };
        assert_eq!(triggers.pull(50, &acked(2)), Pulled::default());
        let pulled = triggers.pull(100, &acked(3));
        assert_eq!(pulled.met, [0]);
        assert_eq!(pulled.missed, [(1, Condition::Applied(1))]);
        assert!(!triggers.is_empty(), "the third still waits");
        // What has begun does not begin again.
        assert_eq!(triggers.pull(150, &acked(5)), Pulled::default());
        assert_eq!(triggers.pull(200, &acked(5)).missed, [(2, Condition::Delivered(9))]);
        assert!(triggers.is_empty());
    }

    #[test]
    fn a_fault_point_fires_the_trigger_that_waits_for_it_and_no_other() {
        let mut triggers = Triggers::default();
        let condition = || Condition::Reaches { point: "broker.appended".to_owned(), hit: 1 };
        triggers.wait(0, condition(), 100);
        triggers.wait(1, condition(), 100);
        let reached = Reached { passed: vec![1], ..Reached::default() };
        assert_eq!(triggers.pull(10, &reached).met, [1]);
        assert!(!triggers.is_empty());
    }

    #[test]
    fn whom_a_fault_should_hit_is_looked_for_until_the_first_limit() {
        let mut triggers = Triggers::default();
        assert!(triggers.defer(7, None, 1_000));
        let deferred = triggers.take_deferred();
        assert_eq!(deferred, [(7, 1_000 + TARGET_PATIENCE)]);
        let limit = deferred[0].1;
        assert!(triggers.defer(7, Some(limit), limit - 1));
        triggers.take_deferred();
        assert!(!triggers.defer(7, Some(limit), limit));
        assert!(triggers.is_empty());
    }
}
