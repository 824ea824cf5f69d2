//! Strategies for whole scenarios.

use super::{
    draws::Draws,
    parameters::anybody,
    step::{PACES, meet, power_failure, step},
    words::{Words, kind},
};
use crate::{
    faults::{CATALOGUE, FaultKind},
    injection::Target,
    parameters::Value,
    scenario::{Scenario, Step},
    system::System,
};
use proptest::{prelude::*, sample::select};
use std::fmt;

/// What a scenario is drawn from: a subset of the faults of its own, and a pace of its own.
#[derive(Clone, Debug)]
pub(in crate::explore) struct Swarm {
    /// The faults that it may have.
    pub(in crate::explore) kinds: Vec<&'static FaultKind>,
    /// How many steps it has.
    pub(in crate::explore) steps: usize,
    /// One of [`PACES`].
    pub(in crate::explore) pace: u64,
    /// Whom its faults hit more often than not.
    pub(in crate::explore) focus: Option<Target>,
}

impl fmt::Display for Swarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.key).collect();
        let (steps, pace) = (self.steps, self.pace);
        write!(f, "{steps} of {}; at most {pace} % of the workload each", kinds.join(", "))?;
        self.focus.iter().try_for_each(|focus| write!(f, "; most on {focus}"))
    }
}

/// A swarm, and a scenario that is drawn from it, on the topology of the words' own scenario.
pub(in crate::explore) fn scenario(draws: &mut Draws, words: &Words<'_>) -> (Swarm, Scenario) {
    let kinds = proptest::collection::vec(kind(words.bias), 2..=8);
    let focus = proptest::option::of(anybody(words));
    let parts = (kinds, 3..=8_usize, select(&PACES[..]), focus);
    let (kinds, steps, pace, focus) = draws.draw(&parts);
    let (swarm, mut scenario) = of_swarm(draws, words, Swarm { kinds, steps, pace, focus });
    for index in 1..scenario.faults.len() {
        let (others, rest) = scenario.faults.split_at_mut(index);
        if draws.chance(1, 3) {
            meet(draws, words.length_ms(), &mut rest[0], others);
        }
    }
    and_then_the_power_fails(draws, words, &mut scenario);
    (swarm, scenario)
}

/// As [`scenario`], with every fault as likely as every other, at any time: what guidance is measured against.
pub(in crate::explore) fn uniform(draws: &mut Draws, words: &Words<'_>) -> (Swarm, Scenario) {
    let steps = draws.draw(&(1..=4_usize));
    of_swarm(draws, words, Swarm { kinds: CATALOGUE.to_vec(), steps, pace: 60, focus: None })
}

fn of_swarm(draws: &mut Draws, words: &Words<'_>, swarm: Swarm) -> (Swarm, Scenario) {
    let mut scenario = words.base.clone();
    let words = &words.on(swarm.focus.as_ref());
    for _ in 0..swarm.steps {
        let kind = swarm.kinds[draws.below(swarm.kinds.len())];
        scenario.faults.push(draws.draw(&step(kind, swarm.pace, words)));
    }
    (swarm, scenario)
}

/// The power fails in the end where another fault was before, or at all nodes of that role: more likely if a disk is not
/// what it should be, which shows only when it is read again.
fn and_then_the_power_fails(draws: &mut Draws, words: &Words<'_>, scenario: &mut Scenario) {
    let harmed = |step: &&Step| step.fault.injection().harms_disks();
    let (mut victims, mut in_four) = (targets_of(scenario.faults.iter().filter(harmed)), 2);
    if victims.is_empty() {
        (victims, in_four) = (targets_of(&scenario.faults), 1);
    }
    if victims.is_empty() || !draws.chance(in_four, 4) {
        return;
    }
    let victim = victims[draws.below(victims.len())].clone();
    let victim = if draws.chance(1, 2) { words.all_like(&victim) } else { victim };
    scenario.faults.push(power_failure(draws, &words.on(Some(&victim))));
}

/// Whom steps hit.
pub(in crate::explore) fn targets_of<'a>(
    steps: impl IntoIterator<Item = &'a Step>,
) -> Vec<&'a Target> {
    let targets = steps.into_iter().filter_map(|step| match step.fault.given.values() {
        [Value::Target(target), ..] => Some(target),
        _ => None,
    });
    targets.collect()
}

/// A topology and a workload, without faults.
pub(in crate::explore) fn topology(
    system: &dyn System,
    empty: &Scenario,
) -> BoxedStrategy<Scenario> {
    let counts: Vec<BoxedStrategy<u32>> = system
        .roles()
        .iter()
        .map(|role| {
            let most = role.max.min(role.default + 2).max(role.min);
            prop_oneof![4 => Just(role.default), 1 => role.min..=most].boxed()
        })
        .collect();
    // Some mistakes show only when there is enough of everything: after the second snapshot, or while much is caught up.
    let few = (select(&[60_u32, 150, 300, 500][..]), select(&[100_u32, 200, 300][..]));
    let many = (select(&[800_u32, 1_500][..]), select(&[300_u32, 600][..]));
    let workload = (prop_oneof![3 => few, 1 => many], 0..4_u32);
    let poison = select(&[0.0, 0.0, 0.0, 0.0, 0.02, 0.1][..]);
    let size = select(&[100_u32, 100, 100, 1_024, 4_096][..]);
    let zones = 0..6_u32;
    let empty = empty.clone();
    (counts, workload, poison, size, zones)
        .prop_map(move |(counts, ((events, rate), keys), poison, size, zones)| {
            let mut scenario = empty.clone();
            for ((_, count), drawn) in scenario.nodes.iter_mut().zip(counts) {
                *count = drawn;
            }
            let workload = &mut scenario.workload;
            (workload.events, workload.rate) = (events, f64::from(rate));
            workload.keys = [1, 5, 20, 50][keys as usize];
            (workload.poison, workload.size) = (poison, size);
            scenario.zones = if zones == 0 { split(&scenario) } else { Vec::new() };
            scenario
        })
        .boxed()
}

/// The nodes of each role dealt out to two zones.
fn split(scenario: &Scenario) -> Vec<(String, Vec<String>)> {
    let mut zones = vec![("east".to_owned(), Vec::new()), ("west".to_owned(), Vec::new())];
    for (role, count) in &scenario.nodes {
        for index in 1..=*count {
            zones[(index % 2) as usize].1.push(format!("{role}-{index}"));
        }
    }
    zones.retain(|(_, nodes)| !nodes.is_empty());
    zones
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{explore::draw::Bias, sample::Sample, scenario::parse};
    use std::{
        collections::{BTreeMap, BTreeSet},
        time::Duration,
    };

    /// What 1,000 scenarios have, drawn from nothing.
    fn steps() -> Vec<Step> {
        let empty = parse("empty", b"name: empty\n", &Sample).unwrap();
        let (bias, signals, points) = (Bias::default(), BTreeSet::new(), BTreeMap::new());
        let drawn = (0..1_000).flat_map(|number| {
            let mut draws = Draws::new(1, number);
            let on = draws.draw(&topology(&Sample, &empty));
            let words = Words::new(&Sample, &on, &bias, (&signals, &points));
            scenario(&mut draws, &words).1.faults
        });
        drawn.collect()
    }

    #[test]
    fn clocks_are_wrong_by_minutes_or_by_days_and_nothing_else_is_longer_than_a_run() {
        let (mut little, mut much) = (0, 0);
        for step in steps() {
            for value in step.fault.given.values() {
                match value {
                    Value::Time(time) if step.fault.kind.sets_clocks() => {
                        little += u32::from(*time <= Duration::from_secs(300));
                        much += u32::from(*time >= Duration::from_secs(3_600));
                        assert!(*time <= Duration::from_secs(150_000), "{time:?}");
                    }
                    Value::Time(time) => assert!(*time <= Duration::from_secs(60), "{time:?}"),
                    _ => {}
                }
            }
        }
        assert!(little > 50 && much > 50, "{little} of minutes, {much} of hours");
    }

    #[test]
    fn what_strikes_once_may_wait_for_good() {
        let steps = steps();
        let once = steps.iter().filter(|step| step.fault.kind.key == "lose_unsynced");
        let (waits, ends): (Vec<_>, Vec<_>) = once.partition(|step| step.lasts.is_none());
        assert!(waits.len() > ends.len() && ends.len() > 25, "{}, {}", waits.len(), ends.len());
        let cut = steps.iter().filter(|step| step.fault.kind.key == "partition");
        let (waits, ends): (Vec<_>, Vec<_>) = cut.partition(|step| step.lasts.is_none());
        assert!(waits.len() * 4 < ends.len(), "{}, {}", waits.len(), ends.len());
    }

    #[test]
    fn a_role_that_can_be_named_in_more_ways_is_hit_twice_as_often_and_all_of_it_half_of_the_time()
    {
        let steps = steps();
        // Crashes are drawn otherwise, too: as the power failure at the end.
        let drawn = targets_of(steps.iter().filter(|step| step.fault.kind.key != "crash"));
        let hits = |word: &str| {
            let named = |target: &&&Target| target.to_string().contains(word);
            drawn.iter().filter(named).count()
        };
        let (brokers, stores) = (hits("broker"), hits("store"));
        let few = 3 * stores / 2..3 * stores;
        assert!(stores > 10 && few.contains(&brokers), "{brokers} brokers, {stores} stores");
        let of_all = hits("every broker") - hits("of every broker");
        let half = brokers * 2 / 5..brokers * 3 / 5;
        assert!(half.contains(&of_all), "{of_all} of {brokers}");
    }
}
