//! Scenarios that are simpler than a scenario, in the order in which they are tried; and how simple one is.

use super::{
    fewer::{few_steps, fewer_steps, fewer_steps_otherwise, in_order},
    looked::{Looked, Pass, at_once, set, whom_it_hit, with},
};
use crate::{
    injection::{Links, Messages, Target},
    parameters::{ParamKind, Value as Said},
    scenario::{Condition, Scenario, Step, Trigger, default_of_param},
    worker::Began,
};
use std::time::Duration;

/// What is tried together, until nothing of it keeps the cause; the most is taken away first.
pub(super) const PASSES: [Pass; 10] = [
    fewer_steps,
    few_steps,
    smaller_workload,
    fewer_nodes,
    pinned,
    rounder,
    plainer_faults,
    plainer_rest,
    in_order,
    fewer_steps_otherwise,
];

/// A scenario one of whose steps differs.
fn with_step(
    scenario: &Scenario,
    index: usize,
    what: &str,
    change: impl FnOnce(&mut Step),
) -> (String, Scenario) {
    let key = scenario.faults[index].fault.kind.key;
    with(scenario, &format!("{key}: {what}"), |changed| change(&mut changed.faults[index]))
}

fn smaller_workload(looked: &Looked<'_>) -> Vec<(String, Scenario)> {
    let scenario = looked.scenario;
    let events = scenario.workload.events;
    let mut all = Vec::new();
    for fewer in [10, 20, 50, 100, 200, events / 2] {
        if fewer < events && fewer > 0 {
            all.push(with(scenario, &format!("{fewer} events"), |s| s.workload.events = fewer));
        }
    }
    let workload = &scenario.workload;
    if workload.poison > 0.0 {
        all.push(with(scenario, "no poison", |s| s.workload.poison = 0.0));
    }
    if workload.size != 100 {
        all.push(with(scenario, "usual size", |s| s.workload.size = 100));
    }
    for keys in [50, 1] {
        if workload.keys != keys {
            all.push(with(scenario, &format!("{keys} keys"), |s| s.workload.keys = keys));
        }
    }
    for rate in [200.0, 100.0] {
        if (workload.rate - rate).abs() > 0.1 {
            all.push(with(scenario, &format!("{rate} a second"), |s| s.workload.rate = rate));
        }
    }
    all
}

fn fewer_nodes(looked: &Looked<'_>) -> Vec<(String, Scenario)> {
    let scenario = looked.scenario;
    let mut all = Vec::new();
    if !scenario.zones.is_empty() {
        all.push(with(scenario, "no zones", |s| {
            s.zones.clear();
            s.network.between_zones = None;
        }));
    }
    for (index, ((_, count), role)) in scenario.nodes.iter().zip(looked.system.roles()).enumerate()
    {
        let mut tried = Vec::new();
        for fewer in [role.default, role.min, count.saturating_sub(1)] {
            if fewer != *count && fewer >= role.min && !tried.contains(&fewer) {
                tried.push(fewer);
                let what = format!("{fewer} {}", role.plural);
                all.push(with(scenario, &what, |s| {
                    s.nodes[index].1 = fewer;
                    // A zone holds no node that is not there.
                    let there = |node: &String| {
                        let number = node.rsplit_once('-').and_then(|(role, number)| {
                            (role == s.nodes[index].0).then(|| number.parse::<u32>().ok())?
                        });
                        number.is_none_or(|number| number <= fewer)
                    };
                    for (_, nodes) in &mut s.zones {
                        nodes.retain(there);
                    }
                }));
            }
        }
    }
    all
}

/// What was drawn is said: when each fault began, and whom it hit.
fn pinned(looked: &Looked<'_>) -> Vec<(String, Scenario)> {
    let scenario = looked.scenario;
    let mut all = Vec::new();
    for (index, step) in scenario.faults.iter().enumerate() {
        let began: Vec<&Began> =
            looked.began.iter().filter(|began| usize::from(began.step) == index).collect();
        if !matches!(step.trigger, Trigger::At(_)) {
            let last = began.len().saturating_sub(1);
            for (nth, began) in began.iter().enumerate().filter(|(nth, _)| *nth < 4 || *nth == last)
            {
                let ms = began.at / 1_000;
                for rounded in [ms / 100 * 100, ms / 10 * 10, ms] {
                    let what = format!("at {rounded}ms, as it began the {}. time", nth + 1);
                    all.push(with_step(scenario, index, &what, |step| at_once(step, rounded)));
                }
            }
        }
        if let Some(whom) = began.first().and_then(|began| whom_it_hit(began))
            && let [Said::Target(target), ..] = step.fault.given.values()
            && !matches!(target, Target::Node(_))
        {
            all.push(with_step(scenario, index, &format!("{whom}, whom it hit"), |step| {
                set(&mut step.fault, 0, Said::Target(whom));
            }));
        }
    }
    all
}

/// Times that somebody would write.
fn round(time: Duration) -> Vec<Duration> {
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut all = Vec::new();
    for unit in [1_000, 500, 100, 50, 10] {
        for near in [(ms + unit / 2) / unit * unit, ms / unit * unit, ms.div_ceil(unit) * unit] {
            let near = Duration::from_millis(near);
            if near != time && !near.is_zero() && !all.contains(&near) {
                all.push(near);
            }
        }
    }
    all
}

fn rounder(looked: &Looked<'_>) -> Vec<(String, Scenario)> {
    let scenario = looked.scenario;
    let mut all = Vec::new();
    for (index, step) in scenario.faults.iter().enumerate() {
        let told = |what: &str, time: &Duration| format!("{what} {time:?}");
        if let Trigger::At(at) = step.trigger {
            for near in round(at) {
                all.push(with_step(scenario, index, &told("at", &near), |s| {
                    s.trigger = Trigger::At(near);
                }));
            }
        }
        match &step.trigger {
            Trigger::Every(period) => {
                for near in round(*period) {
                    all.push(with_step(scenario, index, &told("every", &near), |s| {
                        s.trigger = Trigger::Every(near);
                        s.lasts = s.lasts.map(|lasts| lasts.min(near));
                    }));
                }
            }
            Trigger::When(condition) => {
                for fewer in counts(condition) {
                    all.push(with_step(scenario, index, &format!("{fewer}"), |s| {
                        s.trigger = Trigger::When(fewer);
                    }));
                }
            }
            _ => {}
        }
        if let Some(delay) = step.delay {
            all.push(with_step(scenario, index, "no delay", |s| s.delay = None));
            for near in round(delay) {
                all.push(with_step(scenario, index, &told("delay", &near), |s| {
                    s.delay = Some(near);
                }));
            }
        }
        if step.within.is_some() {
            all.push(with_step(scenario, index, "no within", |s| s.within = None));
        }
        if let Some(lasts) = step.lasts {
            all.push(with_step(scenario, index, "until healed", |s| s.lasts = None));
            for near in round(lasts) {
                all.push(with_step(scenario, index, &told("for", &near), |s| s.lasts = Some(near)));
            }
        }
        if let Some(after) = step.restart_after {
            all.push(with_step(scenario, index, "down until healed", |s| s.restart_after = None));
            for near in round(after) {
                let what = told("restart_after", &near);
                all.push(with_step(scenario, index, &what, |s| s.restart_after = Some(near)));
            }
        }
    }
    all
}

/// The same condition, met earlier.
fn counts(condition: &Condition) -> Vec<Condition> {
    let fewer =
        |count: u32| [1, 2, 5, 10, 50, count / 2].into_iter().filter(move |f| *f < count && *f > 0);
    match condition {
        Condition::Acked(count) => fewer(*count).map(Condition::Acked).collect(),
        Condition::Delivered(count) => fewer(*count).map(Condition::Delivered).collect(),
        Condition::Applied(count) => fewer(*count).map(Condition::Applied).collect(),
        Condition::Reaches { point, hit } => {
            fewer(*hit).map(|hit| Condition::Reaches { point: point.clone(), hit }).collect()
        }
        Condition::Signal { signal, hit } => {
            fewer(*hit).map(|hit| Condition::Signal { signal: signal.clone(), hit }).collect()
        }
        Condition::Began(_) | Condition::Over(_) => Vec::new(),
    }
}

fn plainer_faults(looked: &Looked<'_>) -> Vec<(String, Scenario)> {
    let scenario = looked.scenario;
    let mut all = Vec::new();
    for (index, step) in scenario.faults.iter().enumerate() {
        let params = step.fault.kind.params.iter().zip(step.fault.given.values());
        for (place, (param, said)) in params.enumerate() {
            let mut tried: Vec<Said> = Vec::new();
            tried.extend(default_of_param(param));
            match said {
                Said::Target(target) => {
                    tried.extend(targets(target, looked).into_iter().map(Said::Target));
                }
                Said::Links(links) => {
                    tried.extend(plainer_links(links).into_iter().map(Said::Links));
                }
                Said::Messages(messages) => {
                    let plainer = |change: fn(&mut Messages)| {
                        let mut plainer = messages.clone();
                        change(&mut plainer);
                        Said::Messages(plainer)
                    };
                    tried.push(plainer(|m| {
                        (m.share, m.links) = (1.0, Links::Every);
                        m.on.clear();
                    }));
                    tried.push(plainer(|m| m.links = Links::Every));
                    tried.push(plainer(|m| m.share = 1.0));
                    tried.push(plainer(|m| m.on.clear()));
                }
                Said::Time(time) => tried.extend(round(*time).into_iter().map(Said::Time)),
                Said::Number(number) => {
                    if let ParamKind::Number { low, .. } = param.kind {
                        tried.extend([Said::Number(low), Said::Number(number / 2)]);
                    }
                }
                Said::Share(_) => tried.push(Said::Share(1.0)),
                _ => {}
            }
            for plainer in tried.into_iter().filter(|plainer| plainer != said) {
                all.push(with_step(
                    scenario,
                    index,
                    &format!("{} {plainer}", param.name),
                    |step| {
                        set(&mut step.fault, place, plainer);
                    },
                ));
            }
        }
    }
    all
}

/// Fewer nodes, or the same in fewer words.
fn targets(target: &Target, looked: &Looked<'_>) -> Vec<Target> {
    let roles = looked.system.roles();
    let replica = roles.iter().find(|role| role.replica).map(|role| role.name);
    let mut all = Vec::new();
    let of_role = |role: &str, all: &mut Vec<Target>| {
        if replica == Some(role) {
            all.push(Target::Leader);
        }
        all.push(Target::Node(format!("{role}-1")));
        all.push(Target::Any(role.to_owned()));
    };
    match target {
        Target::Leader => {}
        Target::Node(name) => {
            let role = name.rsplit_once('-').map_or("", |(role, _)| role);
            if replica == Some(role) {
                all.push(Target::Leader);
            }
            if !name.ends_with("-1") {
                all.push(Target::Node(format!("{role}-1")));
            }
        }
        Target::Any(role) => of_role(role, &mut all),
        Target::Role(role)
        | Target::Some(_, role)
        | Target::Majority(role)
        | Target::Minority(role) => {
            of_role(role, &mut all);
            all.push(Target::Role(role.clone()));
        }
        Target::AnyFollower | Target::Followers => {
            all.push(Target::Leader);
            all.push(Target::AnyFollower);
        }
        Target::All | Target::Zone(_) | Target::AnyZone => {
            for (role, (_, count)) in roles.iter().zip(&looked.scenario.nodes) {
                if *count > 0 {
                    all.push(Target::Role(role.name.to_owned()));
                }
            }
        }
        Target::Each(targets) => {
            all.extend(targets.iter().cloned());
            for index in 0..targets.len() {
                let mut fewer = targets.clone();
                fewer.remove(index);
                all.push(Target::Each(fewer));
            }
        }
    }
    all
}

fn plainer_links(links: &Links) -> Vec<Links> {
    let isolate = |who: &Target| Links::Isolate { who: who.clone(), from: None };
    match links {
        Links::Every => Vec::new(),
        Links::Isolate { who, from } => {
            let leader = (*who != Target::Leader).then(|| isolate(&Target::Leader));
            from.iter().map(|_| isolate(who)).chain(leader).collect()
        }
        Links::Between(a, b) | Links::OneWay { from: a, to: b } => {
            vec![isolate(a), isolate(b), Links::Between(a.clone(), b.clone())]
        }
        Links::Halves(who) | Links::Majority(who) | Links::Bridge(who) | Links::Ring(who) => {
            vec![isolate(&Target::Leader), Links::Halves(who.clone()), Links::Majority(who.clone())]
        }
    }
}

fn plainer_rest(looked: &Looked<'_>) -> Vec<(String, Scenario)> {
    let scenario = looked.scenario;
    let mut all = Vec::new();
    let mut add = |what: &str, change: fn(&mut Scenario)| all.push(with(scenario, what, change));
    if !scenario.must_see.is_empty() {
        add("no must_see", |s| s.must_see.clear());
    }
    if !scenario.must_not_see.is_empty() {
        add("no must_not_see", |s| s.must_not_see.clear());
    }
    if !scenario.expect.is_empty() {
        add("no expect", |s| s.expect.clear());
    }
    if scenario.settle.is_some() {
        add("settles as usual", |s| s.settle = None);
    }
    if !scenario.allow.is_empty() {
        add("allows nothing", |s| s.allow.clear());
    }
    for (what, latency) in [("usual latency", (4, 12)), ("latency of 5ms", (5, 5))] {
        if (scenario.network.min_ms, scenario.network.max_ms) != latency {
            all.push(with(scenario, what, |s| {
                (s.network.min_ms, s.network.max_ms) = latency;
            }));
        }
    }
    if scenario.faults.iter().any(|step| step.name.is_some()) {
        all.push(with(scenario, "no names", |s| {
            let waited: Vec<u16> = s
                .faults
                .iter()
                .filter_map(|step| match &step.trigger {
                    Trigger::When(Condition::Began(named) | Condition::Over(named)) => {
                        Some(named.step)
                    }
                    _ => None,
                })
                .collect();
            for (index, step) in (0_u16..).zip(&mut s.faults) {
                if !waited.contains(&index) {
                    step.name = None;
                }
            }
        }));
    }
    all
}
