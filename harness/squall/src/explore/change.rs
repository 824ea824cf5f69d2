//! Scenarios made of scenarios that reached something: a fault more or less, another time, another's faults; or the
//! beginning kept up to a rare state and what follows drawn anew.

use super::{
    corpus::Entry,
    draw::{Draws, PACES, Words, kind, power_failure, step, targets_of, topology},
};
use crate::scenario::{Condition, Scenario, Step, Trigger};
use std::time::Duration;

/// The most steps that a scenario grows to.
const MOST: usize = 8;

/// Changes an entry of the corpus. `other` is another entry, for its faults; `fixed` leaves topology and workload alone.
pub(super) fn change(
    draws: &mut Draws,
    words: &Words<'_>,
    entry: &Entry,
    other: &Scenario,
    fixed: bool,
) -> Scenario {
    let mut scenario = entry.scenario.clone();
    match draws.below(10) {
        0..=2 => branch(draws, words, entry, &mut scenario),
        3 | 4 => add(draws, words, &mut scenario),
        5 => {
            if scenario.faults.len() > 1 {
                scenario.faults.remove(draws.below(scenario.faults.len()));
            } else {
                add(draws, words, &mut scenario);
            }
        }
        6 => shift(draws, &mut scenario),
        7 => again(draws, words, &mut scenario),
        8 => scenario.faults.extend(other.faults.iter().cloned()),
        _ if fixed => again(draws, words, &mut scenario),
        _ => {
            let drawn = draws.draw(&topology(words.system, &scenario));
            scenario.nodes = drawn.nodes;
            scenario.zones = drawn.zones;
            scenario.workload = drawn.workload;
        }
    }
    while scenario.faults.len() > MOST {
        scenario.faults.remove(draws.below(scenario.faults.len()));
    }
    scenario
}

/// A step of any kind, more likely one that is felt, and as often as not on those whom another step hits.
fn any_step(draws: &mut Draws, words: &Words<'_>, others: &[Step]) -> Step {
    let targets = targets_of(others);
    let focus = targets.get(draws.below(2 * targets.len().max(1))).copied();
    let words = &words.on(focus);
    let kind = draws.draw(&kind(words.bias));
    let pace = PACES[draws.below(PACES.len())];
    draws.draw(&step(kind, pace, words))
}

fn add(draws: &mut Draws, words: &Words<'_>, scenario: &mut Scenario) {
    let targets = targets_of(&scenario.faults);
    let focus = (!targets.is_empty()).then(|| targets[draws.below(targets.len())].clone());
    let step = if draws.chance(1, 4) {
        power_failure(draws, &words.on(focus.as_ref()))
    } else {
        any_step(draws, words, &scenario.faults)
    };
    scenario.faults.push(step);
}

/// The prefix of a run up to a rare state is kept, draws and all; what follows is drawn anew.
fn branch(draws: &mut Draws, words: &Words<'_>, entry: &Entry, scenario: &mut Scenario) {
    let Some(&at) = entry.moments.get(draws.below(entry.moments.len())) else {
        return add(draws, words, scenario);
    };
    let began = |index: usize| {
        let first = entry.began.iter().find(|began| usize::from(began.0) == index);
        first.is_some_and(|(_, time)| *time <= at)
    };
    let mut index = 0;
    scenario.faults.retain(|_| {
        index += 1;
        began(index - 1)
    });
    for _ in 0..1 + draws.below(2) {
        let mut step = any_step(draws, words, &scenario.faults);
        let later = draws.below(300) as u64;
        step.trigger = Trigger::At(Duration::from_millis(at / 1_000 + later));
        step.delay = None;
        scenario.faults.push(step);
    }
}

/// Another time for one of the faults: near the one that it had.
fn shift(draws: &mut Draws, scenario: &mut Scenario) {
    let count = scenario.faults.len();
    let Some(step) = scenario.faults.get_mut(draws.below(count)) else { return };
    let mut near = |time: Duration| {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis((ms * (50 + draws.below(101) as u64) / 100).max(1))
    };
    match &mut step.trigger {
        Trigger::At(at) => *at = near(*at),
        Trigger::Every(period) => *period = near(*period).max(Duration::from_millis(10)),
        Trigger::When(
            Condition::Acked(count)
            | Condition::Delivered(count)
            | Condition::Applied(count)
            | Condition::Reaches { hit: count, .. },
        ) => {
            let moved = near(Duration::from_millis(u64::from(*count))).as_millis();
            *count = u32::try_from(moved).unwrap_or(1).max(1);
        }
        Trigger::When(_) | Trigger::Between(..) => {
            step.delay = Some(near(Duration::from_millis(100)));
        }
    }
    if let Some(lasts) = &mut step.lasts {
        *lasts = near(*lasts);
        if let Trigger::Every(period) = step.trigger {
            *lasts = (*lasts).min(period);
        }
    }
}

/// One of the faults is drawn anew: another target, other parameters, another trigger.
fn again(draws: &mut Draws, words: &Words<'_>, scenario: &mut Scenario) {
    let count = scenario.faults.len();
    let Some(old) = scenario.faults.get_mut(draws.below(count)) else { return };
    let new = draws.draw(&step(old.fault.kind, 30, words));
    let name = old.name.take();
    match draws.below(2) {
        0 => old.fault = new.fault,
        _ => *old = new,
    }
    old.name = name;
}
