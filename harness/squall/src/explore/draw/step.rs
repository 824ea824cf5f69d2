//! A strategy for one step: a trigger, a fault, and how long.

use super::{
    draws::Draws,
    parameters::{around, given},
    words::Words,
};
use crate::{
    faults::{CATALOGUE, FaultKind},
    scenario::{Condition, Fault, Step, Trigger},
};
use proptest::{prelude::*, sample::select, strategy::Union};
use std::time::Duration;

/// How long what lasts may last, in parts of a hundred of the workload.
pub(in crate::explore) const PACES: [u64; 3] = [10, 30, 60];

/// A step with a fault of this kind; `pace` is how long what lasts may last, in parts of a hundred of the workload.
pub(in crate::explore) fn step(
    kind: &'static FaultKind,
    pace: u64,
    words: &Words<'_>,
) -> BoxedStrategy<Step> {
    let length = words.length_ms().max(40);
    let longest = (length * pace / 100).max(40);
    let lasts = proptest::option::weighted(0.9, (around(20, longest), any::<bool>()));
    let down = proptest::option::weighted(0.85, around(20, longest.max(500)));
    let parts = (given(kind, words), trigger(words, length), lasts, down);
    let delay = proptest::option::weighted(0.25, around(5, 500));
    (parts, delay)
        .prop_map(move |((values, trigger, lasts, down), delay)| {
            let given = kind.given(values).expect("each value was drawn by its parameter's type");
            let fault = Fault { kind, given };
            let restarts = fault.injection().takes_restart_after();
            // Load that adds up without end shows only that everything has a capacity.
            let trigger = match trigger {
                Trigger::Every(period) if fault.injection().adds_load() => Trigger::At(period),
                other => other,
            };
            let time = |ms: Option<u64>| ms.map(Duration::from_millis);
            // What waits for the moment to strike, and strikes once, may wait for good.
            let lasts = lasts.filter(|(_, waits)| !(restarts && *waits)).map(|(ms, _)| ms);
            let every = match trigger {
                Trigger::Every(period) => Some(period),
                _ => None,
            };
            let lasts = time(lasts.filter(|_| kind.lasts));
            Step {
                line: 0,
                text: String::new(),
                name: None,
                delay: time(delay).filter(|_| matches!(trigger, Trigger::When(_))),
                trigger,
                until: None,
                within: None,
                lasts: every.map_or(lasts, |period| lasts.map(|lasts| lasts.min(period))),
                restart_after: time(down.filter(|_| restarts)),
                fault,
            }
        })
        .boxed()
}

/// The power fails where something went wrong before, or anywhere, late in the workload: what was only in memory is gone
/// then, and what was believed of a disk must be there.
pub(in crate::explore) fn power_failure(draws: &mut Draws, words: &Words<'_>) -> Step {
    let crash = CATALOGUE.iter().find(|kind| kind.key == "crash");
    let mut step = draws.draw(&step(crash.expect("the catalogue has it"), PACES[0], words));
    let late = words.length_ms() * (50 + draws.below(50) as u64) / 100;
    step.trigger = Trigger::At(Duration::from_millis(late.max(1) / 10 * 10));
    step.delay = None;
    step
}

/// The step begins where one of the others does, or where that one's fault is over, or little later: what two faults do
/// to each other is seen only if they meet. One that comes again and again meets others as it is, and none that begins at a
/// time begins after the workload, which takes `length` milliseconds.
pub(in crate::explore) fn meet(draws: &mut Draws, length: u64, step: &mut Step, others: &[Step]) {
    let Some(other) = others.get(draws.below(others.len().max(1))) else { return };
    let lasts = other.lasts.or(other.restart_after).unwrap_or_default();
    let begins = if draws.chance(1, 2) { Duration::ZERO } else { lasts };
    let later = begins + Duration::from_millis(draws.draw(&around(5, (length / 8).clamp(10, 500))));
    match (&step.trigger, &other.trigger) {
        (Trigger::Every(_), _) | (_, Trigger::Every(_) | Trigger::Between(..)) => {}
        (_, Trigger::At(at)) => {
            let at = *at + later;
            if at < Duration::from_millis(length * 9 / 10) {
                (step.trigger, step.delay) = (Trigger::At(at), None);
            }
        }
        (_, Trigger::When(condition)) => {
            let delay = other.delay.unwrap_or_default() + later;
            (step.trigger, step.delay) = (Trigger::When(condition.clone()), Some(delay));
        }
    }
}

/// When a fault begins. Code that is passed is the best of moments: that is where state is half made.
fn trigger(words: &Words<'_>, length: u64) -> BoxedStrategy<Trigger> {
    let at = (2..90_u64).prop_map(move |part| {
        let ms = length * part / 100;
        Trigger::At(Duration::from_millis(if ms > 200 { ms / 10 * 10 } else { ms }))
    });
    let every = around((length / 16).max(10), (length / 2).max(20))
        .prop_map(|ms| Trigger::Every(Duration::from_millis(ms)));
    let events = words.base.workload.events;
    // Where much goes wrong not all of them come.
    let count = 1..=(events / 2).max(1);
    let counted = (count, 0..3).prop_map(|(count, what)| {
        Trigger::When(match what {
            0 => Condition::Acked(count),
            1 => Condition::Delivered(count),
            _ => Condition::Applied(count),
        })
    });
    let mut all: Vec<(u32, BoxedStrategy<Trigger>)> =
        vec![(5, at.boxed()), (2, every.boxed()), (1, counted.boxed())];
    if !words.points.is_empty() {
        let points = select(words.points.clone().into_iter().collect::<Vec<_>>());
        let reaches = (points, 0..1_000_u32).prop_map(|((point, most), part)| {
            // Early passes as often as all the later ones.
            let hit = 1 + most.saturating_sub(1).min(part * part % most.max(1));
            Trigger::When(Condition::Reaches { point, hit })
        });
        all.push((3, reaches.boxed()));
    }
    if !words.signals.is_empty() {
        let signal = select(words.signals.iter().cloned().collect::<Vec<_>>())
            .prop_map(|signal| Trigger::When(Condition::Signal { signal, hit: 1 }));
        all.push((1, signal.boxed()));
    }
    Union::new_weighted(all).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario::parse};

    /// The steps of a scenario with these two.
    fn two(other: &str, step: &str) -> Vec<Step> {
        let text = format!("name: x\nfaults:\n  - {{ {other} }}\n  - {{ {step} }}\n");
        parse("x", text.as_bytes(), &Sample).unwrap().faults
    }

    /// How the second of the two begins, drawn 200 times to meet the first.
    fn met(other: &str, step: &str) -> Vec<Step> {
        let steps = two(other, step);
        let meets = |number| {
            let mut step = steps[1].clone();
            meet(&mut Draws::new(1, number), 5_000, &mut step, &steps[..1]);
            step
        };
        (0..200).map(meets).collect()
    }

    #[test]
    fn a_fault_meets_the_beginning_of_another_or_its_end() {
        let met = met("at: 1s, for: 2s, pause: leader", "at: 4.4s, crash: leader");
        let within = |from: u64, step: &Step| match step.trigger {
            Trigger::At(at) => (from..=from + 500).contains(&(at.as_millis() as u64)),
            _ => false,
        };
        let (begin, rest): (Vec<&Step>, Vec<&Step>) = met.iter().partition(|s| within(1_000, s));
        assert!(begin.len() > 50 && rest.len() > 50, "{} and {}", begin.len(), rest.len());
        assert!(rest.iter().all(|step| within(3_000, step)), "{rest:?}");
    }

    #[test]
    fn who_meets_what_waits_for_something_waits_for_the_same_and_a_little_longer() {
        let other = "when: { acked: 10 }, delay: 1s, crash: leader";
        for step in met(other, "at: 4s, crash: leader") {
            assert_eq!(step.trigger, Trigger::When(Condition::Acked(10)));
            assert!(step.delay > Some(Duration::from_secs(1)), "{:?}", step.delay);
        }
    }

    #[test]
    fn none_begins_after_the_workload() {
        let met = met("at: 4s, for: 2s, pause: leader", "at: 2s, crash: leader");
        let begins = met.iter().map(|step| match step.trigger {
            Trigger::At(at) => at,
            _ => unreachable!("both begin at a time"),
        });
        let (late, early): (Vec<Duration>, Vec<Duration>) =
            begins.partition(|at| *at > Duration::from_secs(2));
        assert!(!early.is_empty() && late.len() > 50, "{} of {}", late.len(), met.len());
        assert!(late.iter().all(|at| *at < Duration::from_millis(4_500)), "{late:?}");
    }

    #[test]
    fn what_comes_again_and_again_meets_others_as_it_is() {
        for step in met("at: 1s, crash: leader", "every: 2s, crash: leader") {
            assert_eq!(step.trigger, Trigger::Every(Duration::from_secs(2)));
        }
        let alone = two("at: 1s, crash: leader", "at: 4s, crash: leader");
        let mut step = alone[1].clone();
        meet(&mut Draws::new(1, 1), 5_000, &mut step, &[]);
        assert_eq!(step, alone[1]);
    }
}
