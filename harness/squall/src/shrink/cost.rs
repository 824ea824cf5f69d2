//! How simple a scenario is.

use crate::{
    injection::{Links, Target},
    parameters::Value as Said,
    scenario::{Condition, Scenario, Step, Trigger, default_of_param},
    system::System,
};
use std::time::Duration;

/// How much there is to understand in a scenario: what is tried must have less of it. The numbers say what a reader
/// would rather have: a fault less before anything else, then round times and plain targets.
pub(super) fn cost(scenario: &Scenario, system: &dyn System) -> u64 {
    let nodes: u64 = scenario
        .nodes
        .iter()
        .zip(system.roles())
        .map(|((_, count), role)| {
            40 * u64::from(*count) + if *count == role.default { 0 } else { 15 }
        })
        .sum();
    let workload = &scenario.workload;
    let events = u64::from(workload.events);
    let odd = [
        (workload.poison > 0.0, 60),
        (workload.size != 100, 15),
        (workload.keys != 50, if workload.keys == 1 { 5 } else { 10 }),
        ((workload.rate - 200.0).abs() > 0.1, if workload.rate < 150.0 { 3 } else { 6 }),
        (scenario.settle.is_some(), 15),
        (!scenario.must_see.is_empty(), 15),
        (!scenario.must_not_see.is_empty(), 15),
        (!scenario.expect.is_empty(), 5),
        (!scenario.allow.is_empty(), 30),
        (!scenario.zones.is_empty(), 120),
        (scenario.network.between_zones.is_some(), 30),
    ];
    let latency = match (scenario.network.min_ms, scenario.network.max_ms) {
        (4, 12) => 0,
        (5, 5) => 10,
        _ => 20,
    };
    let odd: u64 = odd.iter().filter(|(is, _)| *is).map(|(_, cost)| cost).sum();
    let steps: u64 = scenario.faults.iter().map(step_cost).sum();
    // Who reads from top to bottom has to look back.
    let backwards = scenario.faults.windows(2).filter(|two| begins(&two[1]) < begins(&two[0]));
    let backwards = backwards.count() as u64;
    nodes + (events + 10).ilog2() as u64 * 20 + events / 20 + odd + latency + steps + backwards
}

/// When a step begins first; what waits for something stands behind what does not.
pub(super) fn begins(step: &Step) -> Duration {
    match &step.trigger {
        Trigger::At(at) | Trigger::Between(at, _) | Trigger::Every(at) => *at,
        Trigger::When(_) => Duration::MAX,
    }
}

fn step_cost(step: &Step) -> u64 {
    let time = |time: &Option<Duration>| time.as_ref().map_or(0, |time| 8 + digits(*time));
    let trigger = match &step.trigger {
        Trigger::At(at) => digits(*at),
        Trigger::Between(..) => 40,
        Trigger::Every(period) => 60 + digits(*period),
        Trigger::When(condition) => {
            20 + match condition {
                Condition::Acked(count)
                | Condition::Delivered(count)
                | Condition::Applied(count) => u64::from(count.ilog2()),
                Condition::Reaches { hit, .. } | Condition::Signal { hit, .. } => {
                    u64::from(hit.ilog2()) * 3
                }
                Condition::Began(_) | Condition::Over(_) => 5,
            }
        }
    };
    let params = step.fault.kind.params.iter().zip(step.fault.given.values());
    let said: u64 = params
        .map(
            |(param, said)| {
                if default_of_param(param).as_ref() == Some(said) { 0 } else { said_cost(said) }
            },
        )
        .sum();
    let times = [&step.delay, &step.until, &step.within, &step.lasts, &step.restart_after];
    1_000
        + trigger
        + said
        + times.into_iter().map(time).sum::<u64>()
        + if step.name.is_some() { 5 } else { 0 }
}

fn said_cost(said: &Said) -> u64 {
    match said {
        Said::Target(target) => target_cost(target),
        Said::Links(links) => links_cost(links),
        Said::Messages(messages) => {
            let share = if messages.share < 1.0 { 8 } else { 0 };
            share + 4 * messages.on.len() as u64 + links_cost(&messages.links)
        }
        Said::Time(time) => 15 + digits(*time),
        Said::Number(number) => 15 + u64::from((number + 1).ilog2()),
        Said::Share(share) => {
            if *share < 1.0 {
                18
            } else {
                15
            }
        }
        _ => 20,
    }
}

fn target_cost(target: &Target) -> u64 {
    match target {
        Target::Leader => 1,
        Target::Node(name) => {
            if name.ends_with("-1") {
                2
            } else {
                3
            }
        }
        Target::Any(_) | Target::AnyFollower => 6,
        Target::Role(_) => 8,
        Target::Followers => 9,
        Target::Some(..) | Target::Majority(_) | Target::Minority(_) => 12,
        Target::All => 14,
        Target::Zone(_) | Target::AnyZone => 16,
        Target::Each(all) => 10 + all.iter().map(target_cost).sum::<u64>(),
    }
}

fn links_cost(links: &Links) -> u64 {
    match links {
        Links::Every => 0,
        Links::Isolate { who, from } => {
            4 + target_cost(who) + from.as_ref().map_or(0, |from| 6 + target_cost(from))
        }
        Links::Between(a, b) => 10 + target_cost(a) + target_cost(b),
        Links::OneWay { from, to } => 14 + target_cost(from) + target_cost(to),
        Links::Halves(who) | Links::Majority(who) => 20 + target_cost(who),
        Links::Bridge(who) | Links::Ring(who) => 24 + target_cost(who),
    }
}

/// How many digits a reader has to look at, and how exact a time is: one that must be met to the millisecond fits no
/// other version of the code.
fn digits(time: Duration) -> u64 {
    match u64::try_from(time.as_millis()).unwrap_or(u64::MAX) {
        ms if ms.is_multiple_of(500) => 2,
        ms if ms.is_multiple_of(100) => 4,
        ms if ms.is_multiple_of(50) => 7,
        ms if ms.is_multiple_of(10) => 12,
        _ => 40,
    }
}
