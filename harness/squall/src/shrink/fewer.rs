//! Scenarios with fewer faults.
//!
//! Taking faults away one by one ends where each of those that are left is needed beside all the others, which can be many
//! more than the failure takes: two that undo each other, or one whose messages shift all that comes after it. So a few are
//! tried by themselves, too, and where no fault can be spared as it is, one can be with everything a little earlier or
//! later.

use super::{
    cost::begins,
    looked::{Looked, as_it_began, with},
};
use crate::scenario::{Condition, Scenario, Step, Trigger};
use std::time::Duration;

/// The largest number of faults that are tried by themselves.
const FEW: usize = 3;

/// The largest number of scenarios that [`few_steps`] finds for a number of faults: there are too many of more.
const MOST: usize = 120;

/// What [`fewer_steps_otherwise`] moves all times by, in milliseconds.
const SHIFTS: [u64; 3] = [100, 200, 500];

/// With these steps only, in this order. Who waits for one that is gone begins at once.
fn only(scenario: &Scenario, left: &[usize]) -> Scenario {
    let mut changed = scenario.clone();
    changed.faults = left.iter().map(|index| scenario.faults[*index].clone()).collect();
    for step in &mut changed.faults {
        let Trigger::When(Condition::Began(named) | Condition::Over(named)) = &mut step.trigger
        else {
            continue;
        };
        match left.iter().position(|index| *index == usize::from(named.step)) {
            Some(place) => named.step = u16::try_from(place).expect("fewer than there were"),
            None => {
                step.trigger = Trigger::At(Duration::from_millis(500));
                (step.delay, step.within) = (None, None);
            }
        }
    }
    changed
}

/// The steps in the order in which they begin.
pub(super) fn in_order(looked: &Looked<'_>) -> Vec<(String, Scenario)> {
    let scenario = looked.scenario;
    let mut order: Vec<usize> = (0..scenario.faults.len()).collect();
    order.sort_by_key(|index| begins(&scenario.faults[*index]));
    vec![("in the order of time".to_owned(), only(scenario, &order))]
}

fn keys<'s>(steps: impl Iterator<Item = &'s Step>) -> String {
    steps.map(|step| step.fault.kind.key).collect::<Vec<_>>().join(", ")
}

/// Without all, half of them, a quarter, …, one.
pub(super) fn fewer_steps(looked: &Looked<'_>) -> Vec<(String, Scenario)> {
    let scenario = looked.scenario;
    let count = scenario.faults.len();
    let mut all = Vec::new();
    let mut size = count;
    while size > 0 {
        for from in (0..count).step_by(size) {
            let to = (from + size).min(count);
            let left: Vec<usize> = (0..from).chain(to..count).collect();
            let what = format!("without {}", keys(scenario.faults[from..to].iter()));
            all.push((what, only(scenario, &left)));
        }
        size /= 2;
    }
    all
}

/// A few of the steps, and all but any two: as they are, and when and where they began in the failing run.
pub(super) fn few_steps(looked: &Looked<'_>) -> Vec<(String, Scenario)> {
    let scenario = looked.scenario;
    let count = scenario.faults.len();
    let mut began = scenario.clone();
    for (index, step) in (0_u16..).zip(&mut began.faults) {
        if let Some(first) = looked.began.iter().find(|began| began.step == index) {
            as_it_began(step, first);
            if let Trigger::When(_) = step.trigger {
                step.trigger = Trigger::At(Duration::from_millis(first.at / 1_000));
                (step.delay, step.within) = (None, None);
            }
        }
    }
    let mut all = Vec::new();
    let most = count.checked_sub(2).filter(|most| *most > FEW);
    let sizes = (1..=FEW).filter(|size| size + 2 <= count).chain(most);
    for size in sizes.filter(|size| number_of_subsets(count, *size) <= MOST) {
        for left in subsets(count, size) {
            let what = format!("only {}", keys(left.iter().map(|index| &scenario.faults[*index])));
            all.push((format!("{what}, as they began"), only(&began, &left)));
            all.push((what, only(scenario, &left)));
        }
    }
    all
}

/// How many sets of `size` of the first `count` numbers there are.
fn number_of_subsets(count: usize, size: usize) -> usize {
    let size = size.min(count - size);
    (0..size).fold(1, |sets: usize, taken| sets.saturating_mul(count - taken) / (taken + 1))
}

/// All sets of `size` of the first `count` numbers.
fn subsets(count: usize, size: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..size {
        let longer = |set: &Vec<usize>| {
            let from = set.last().map_or(0, |last| last + 1);
            let set = set.clone();
            (from..count).map(move |next| [&set[..], &[next]].concat())
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// One step less, and something else about the run: what is left over falls on other moments.
pub(super) fn fewer_steps_otherwise(looked: &Looked<'_>) -> Vec<(String, Scenario)> {
    let scenario = looked.scenario;
    let count = scenario.faults.len();
    let mut all = Vec::new();
    for gone in 0..count {
        let left: Vec<usize> = (0..count).filter(|index| *index != gone).collect();
        let fewer = only(scenario, &left);
        let without = format!("without {}", scenario.faults[gone].fault.kind.key);
        for rate in [100.0, 200.0] {
            if (scenario.workload.rate - rate).abs() > 0.1 {
                let what = format!("{without}, {rate} a second");
                all.push(with(&fewer, &what, |s| s.workload.rate = rate));
            }
        }
        for keys in [1, 50] {
            if scenario.workload.keys != keys {
                let what = format!("{without}, {keys} keys");
                all.push(with(&fewer, &what, |s| s.workload.keys = keys));
            }
        }
        for by in SHIFTS {
            let by = Duration::from_millis(by);
            all.push(with(&fewer, &format!("{without}, the others {by:?} later"), |s| {
                shift(s, |at| Some(at + by));
            }));
            all.push(with(&fewer, &format!("{without}, the others {by:?} earlier"), |s| {
                shift(s, |at| at.checked_sub(by).filter(|at| !at.is_zero()));
            }));
        }
    }
    all
}

/// Moves what begins at a time.
fn shift(scenario: &mut Scenario, moved: impl Fn(Duration) -> Option<Duration>) {
    for step in &mut scenario.faults {
        if let Trigger::At(at) = &mut step.trigger {
            *at = moved(*at).unwrap_or(*at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::cost::cost, *};
    use crate::{sample::Sample, scenario::parse, worker::Began};

    fn scenario(faults: &str) -> Scenario {
        let text = format!("name: x\nworkload: {{ rate: 300/s, keys: 50 }}\nfaults:\n{faults}");
        parse("x", text.as_bytes(), &Sample).unwrap()
    }

    const FIVE: &str = "  - { at: 100ms, crash: broker-1 }
  - { at: 200ms, crash: broker-2 }
  - { name: third, at: 300ms, pause: broker-3 }
  - { when: { acked: 7 }, crash: any broker }
  - { when: { began: third }, delay: 20ms, crash: leader }
";

    fn said(scenario: &Scenario) -> String {
        let text = scenario.write(&Sample);
        text.split_once("faults:\n").map_or("", |(_, faults)| faults).trim().to_owned()
    }

    #[test]
    fn every_few_and_all_but_any_two_are_tried_by_themselves() {
        let scenario = scenario(FIVE);
        let hit = |step, at, node: &str| Began { step, at, nodes: vec![node.to_owned()] };
        let began = [hit(3, 712_400, "broker-2")];
        let found = few_steps(&Looked { scenario: &scenario, began: &began, system: &Sample });
        let texts: Vec<String> = found.iter().map(|(_, scenario)| said(scenario)).collect();
        // Five, ten pairs, and ten times three, which is all but two: each as it is and as it began.
        assert_eq!(texts.len(), 2 * (5 + 10 + 10));
        let has = |text: &str| texts.iter().any(|known| known == text);
        assert!(has("- { at: 100ms, crash: broker-1 }\n  - { at: 200ms, crash: broker-2 }"));
        assert!(has("- { when: { acked: 7 }, crash: any broker }"));
        // When and whom it hit in the failing run, whatever the others do.
        assert!(has("- { at: 712ms, crash: broker-2 }"), "{texts:?}");
        // Whoever it waited for is gone.
        assert!(has("- { at: 500ms, crash: leader }"), "{texts:?}");
        let both = "- { name: third, at: 300ms, pause: broker-3 }\n  - { when: { began: third }, delay: 20ms, crash: leader }";
        assert!(has(both), "{texts:?}");
    }

    #[test]
    fn what_begins_first_stands_first_and_who_waits_for_it_still_waits_for_it() {
        let scenario = scenario(
            "  - { when: { acked: 7 }, crash: any broker }
  - { name: second, at: 300ms, pause: broker-3 }
  - { when: { began: second }, delay: 20ms, crash: leader }
  - { at: 100ms, crash: broker-1 }
",
        );
        let looked = Looked { scenario: &scenario, began: &[], system: &Sample };
        let [(_, sorted)] = &in_order(&looked)[..] else { panic!("there is one order of time") };
        let wanted = "- { at: 100ms, crash: broker-1 }
  - { name: second, at: 300ms, pause: broker-3 }
  - { when: { acked: 7 }, crash: any broker }
  - { when: { began: second }, delay: 20ms, crash: leader }";
        assert_eq!(said(sorted), wanted);
        assert!(cost(sorted, &Sample) < cost(&scenario, &Sample));
    }

    #[test]
    fn every_set_is_there_once() {
        for (count, size) in [(5, 1), (5, 2), (6, 4), (8, 6), (3, 3)] {
            let sets = subsets(count, size);
            assert_eq!(sets.len(), number_of_subsets(count, size), "{size} of {count}");
            assert_eq!(sets.iter().collect::<std::collections::BTreeSet<_>>().len(), sets.len());
        }
        assert!(number_of_subsets(400, 200) > MOST);
    }

    #[test]
    fn of_many_faults_only_small_numbers_of_sets_are_tried() {
        let many = scenario(&"  - { at: 100ms, crash: leader }\n".repeat(40));
        let found = few_steps(&Looked { scenario: &many, began: &[], system: &Sample });
        assert_eq!(found.len(), 2 * 40);
    }

    #[test]
    fn where_none_can_be_spared_as_it_is_one_can_be_with_the_others_at_another_time() {
        let two =
            scenario("  - { at: 100ms, crash: broker-1 }\n  - { at: 700ms, crash: leader }\n");
        let found = fewer_steps_otherwise(&Looked { scenario: &two, began: &[], system: &Sample });
        let texts: Vec<String> = found.iter().map(|(_, scenario)| said(scenario)).collect();
        for text in ["- { at: 600ms, crash: leader }", "- { at: 1200ms, crash: leader }"] {
            assert!(texts.iter().any(|known| known == text), "{texts:?}");
        }
        assert!(found.iter().all(|(_, scenario)| scenario.faults.len() == 1));
        assert!(found.iter().any(|(_, scenario)| scenario.workload.rate < 150.0));
    }
}
