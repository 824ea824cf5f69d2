//! A scenario that failed, what happened in its run, and how it is changed.

use crate::{
    injection::Target,
    parameters::Value as Said,
    scenario::{Fault, Scenario, Step, Trigger},
    system::System,
    worker::Began,
};
use std::time::Duration;

/// Simpler scenarios, each with what was done in words.
pub(super) type Pass = fn(&Looked<'_>) -> Vec<(String, Scenario)>;

/// A scenario, and what happened in a run of it.
pub(super) struct Looked<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) began: &'a [Began],
    pub(super) system: &'a dyn System,
}

/// A scenario that differs in one way.
pub(super) fn with(
    scenario: &Scenario,
    what: &str,
    change: impl FnOnce(&mut Scenario),
) -> (String, Scenario) {
    let mut changed = scenario.clone();
    change(&mut changed);
    (what.to_owned(), changed)
}

/// Who was hit when a step began, by name; `None` if it hits no nodes.
pub(super) fn whom_it_hit(began: &Began) -> Option<Target> {
    let nodes: Vec<Target> = began.nodes.iter().cloned().map(Target::Node).collect();
    match nodes.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        _ => Some(Target::Each(nodes)),
    }
}

/// What a step leaves to be drawn is said: the time at which it began, and whom it hit.
pub(super) fn as_it_began(step: &mut Step, began: &Began) {
    if matches!(step.trigger, Trigger::Between(..)) {
        at_once(step, began.at / 1_000);
    }
    let drawn = matches!(
        step.fault.given.values(),
        [
            Said::Target(
                Target::Any(_)
                    | Target::AnyFollower
                    | Target::Some(..)
                    | Target::Majority(_)
                    | Target::Minority(_)
            ),
            ..
        ]
    );
    // One that comes again hits others next time.
    if let Some(whom) = whom_it_hit(began)
        && drawn
        && !matches!(step.trigger, Trigger::Every(_))
    {
        set(&mut step.fault, 0, Said::Target(whom));
    }
}

/// It begins at this time, once.
pub(super) fn at_once(step: &mut Step, ms: u64) {
    if let (Trigger::Every(period), None, true) = (&step.trigger, step.lasts, step.fault.kind.lasts)
    {
        step.lasts = Some((*period / 2).max(Duration::from_millis(1)));
    }
    step.trigger = Trigger::At(Duration::from_millis(ms));
    (step.delay, step.until, step.within) = (None, None, None);
}

pub(super) fn set(fault: &mut Fault, index: usize, said: Said) {
    let mut values = fault.given.values().to_vec();
    values[index] = said;
    if let Some(given) = fault.kind.given(values) {
        fault.given = given;
    }
}
