//! Strategies for what is said of a fault: one for each type of parameter.

use super::words::Words;
use crate::{
    faults::FaultKind,
    injection::{Links, Messages, Target},
    parameters::{Param, ParamKind, Value as Said},
    scenario::default_of_param as default_of,
};
use proptest::{prelude::*, sample::select, strategy::Union};
use std::time::Duration;

/// What can be given to all parameters of a fault.
pub(super) fn given(kind: &'static FaultKind, words: &Words<'_>) -> BoxedStrategy<Vec<Said>> {
    let all: Vec<_> = kind.params.iter().map(|param| value(kind, param, words)).collect();
    all.boxed()
}

fn value(
    kind: &'static FaultKind,
    param: &'static Param,
    words: &Words<'_>,
) -> BoxedStrategy<Said> {
    let default = default_of(param);
    let drawn = match param.kind {
        ParamKind::Target => return target(kind, words).prop_map(Said::Target).boxed(),
        ParamKind::Messages => return messages(kind, words).prop_map(Said::Messages).boxed(),
        ParamKind::Links => {
            let chosen = links(words).prop_map(Said::Links);
            return match default {
                Some(every) => prop_oneof![3 => chosen, 1 => Just(every)].boxed(),
                None => chosen.boxed(),
            };
        }
        ParamKind::Time(span) => {
            let usual = match default {
                Some(Said::Time(time)) => time.as_millis().try_into().unwrap_or(u64::MAX),
                _ => 0,
            };
            let between = |least: u64, most: u64| {
                let (least, most) = (span.least_ms.max(least), span.most_ms.clamp(10, most));
                around(least, most.max(least)).prop_map(|ms| Said::Time(ms_of(ms)))
            };
            // A clock is wrong by seconds and minutes, or by hours and days, whatever the run's length; nothing else can
            // last longer than it.
            if kind.sets_clocks() {
                let little = between(usual / 10, usual.saturating_mul(10));
                let much = between(usual.saturating_mul(120), usual.saturating_mul(5_000));
                return prop_oneof![little, much].boxed();
            }
            between(10, usual.saturating_mul(2).max(3_000)).boxed()
        }
        ParamKind::Delay(span) => {
            let (least, most) = (span.least_ms.max(5), span.most_ms.clamp(5, 3_000));
            let one = around(least, most.max(least));
            one.prop_map(|ms| {
                let ms = u32::try_from(ms).expect("three seconds at most");
                Said::Delay(ms / 2 + 1, ms.max(ms / 2 + 1))
            })
            .boxed()
        }
        ParamKind::Range => (around(10, 500), around(10, 500))
            .prop_map(|(from, more)| Said::Range(ms_of(from), ms_of(from + more)))
            .boxed(),
        ParamKind::Number { low, high } => {
            let usual = match default {
                Some(Said::Number(number)) => number,
                _ => low,
            };
            let most = usual.saturating_mul(4).clamp(low.saturating_add(4).min(high), high);
            (low..=most).prop_map(Said::Number).boxed()
        }
        ParamKind::Share { .. } => share().prop_map(Said::Share).boxed(),
        ParamKind::Size { .. } => size(&default).prop_map(Said::Size).boxed(),
        ParamKind::Throughput => size(&default).prop_map(Said::Throughput).boxed(),
        ParamKind::Rate => (50..1_000_u32).prop_map(|rate| Said::Rate(f64::from(rate))).boxed(),
        ParamKind::Text => Just(Said::Text("x".to_owned())).boxed(),
        ParamKind::Choice(choice) => (0..choice.words.len()).prop_map(Said::Choice).boxed(),
    };
    match default {
        Some(default) => prop_oneof![2 => drawn, 1 => Just(default)].boxed(),
        None => drawn,
    }
}

fn ms_of(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Milliseconds, each order of magnitude as likely as the others, in numbers that people write.
pub(super) fn around(least: u64, most: u64) -> impl Strategy<Value = u64> {
    let octaves = (64 - (most / least.max(1)).leading_zeros()).max(1);
    (0..octaves, 0..100_u64).prop_map(move |(octave, part)| {
        let from = least.saturating_mul(1 << octave).min(most);
        let to = from.saturating_mul(2).min(most);
        let ms = from + (to - from) * part / 100;
        let digits = 10_u64.pow(ms.max(1).ilog10().saturating_sub(1));
        (ms / digits * digits).max(least)
    })
}

/// A share that somebody would write.
pub(super) fn share() -> impl Strategy<Value = f64> {
    select(&[0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0][..])
}

/// Bytes: the usual, and up to eight times more or less.
fn size(usual: &Option<Said>) -> impl Strategy<Value = u32> + use<> {
    let usual = match usual {
        Some(Said::Size(bytes) | Said::Throughput(bytes)) => *bytes,
        _ => 4 << 10,
    };
    (0..7_u32).prop_map(move |power| (usual.saturating_mul(1 << power) >> 3).clamp(1, 4 << 20))
}

/// Whom a fault hits: more likely those that feel it.
pub(super) fn target(kind: &'static FaultKind, words: &Words<'_>) -> BoxedStrategy<Target> {
    let drawn = weighed_targets(words, |target| words.bias.of(kind, &target.to_string()));
    match words.focus {
        Some(focus) => prop_oneof![3 => Just(focus.clone()), 1 => drawn].boxed(),
        None => drawn.boxed(),
    }
}

/// Anybody, every role as likely as every other.
pub(super) fn anybody(words: &Words<'_>) -> impl Strategy<Value = Target> {
    weighed_targets(words, |_| 1)
}

/// A role of many nodes can be named in many ways, and is hit only twice as often for that: half of the time all of them
/// are, which is another failure than that of some.
fn weighed_targets(
    words: &Words<'_>,
    weight: impl Fn(&Target) -> u32,
) -> Union<Union<Just<Target>>> {
    let groups = grouped_targets(words).into_iter().map(|group| {
        let most = group.iter().map(&weight).max().unwrap_or(1);
        let others = group.len() as u32 - 1;
        let weighed = group.into_iter().map(|target| {
            let times = if matches!(target, Target::Role(_)) { others } else { 1 };
            (weight(&target) * times, Just(target))
        });
        let weighed: Vec<_> = weighed.collect();
        (most * others.clamp(1, 2), Union::new_weighted(weighed))
    });
    Union::new_weighted(groups.collect())
}

/// Everybody who can be named in this topology: of the replicas, of each role, and of all.
fn grouped_targets(words: &Words<'_>) -> Vec<Vec<Target>> {
    let mut groups = Vec::new();
    match words.replicas() {
        0 => {}
        1 => groups.push(vec![Target::Leader]),
        _ => groups.push(vec![Target::Leader, Target::AnyFollower, Target::Followers]),
    }
    for (role, count) in words.roles() {
        let name = role.name.to_owned();
        let mut all = vec![Target::Any(name.clone())];
        if count > 1 {
            // One that is the same in every step: which of them it is, makes no difference.
            all.push(Target::Node(words.system.node_name(role.name, 1)));
            all.push(Target::Role(name.clone()));
        }
        if count > 2 {
            all.extend([Target::Minority(name.clone()), Target::Majority(name.clone())]);
            all.push(Target::Some(2, name.clone()));
        }
        groups.push(all);
    }
    let mut all = vec![Target::All];
    if !words.base.zones.is_empty() {
        all.push(Target::AnyZone);
    }
    groups.push(all);
    groups
}

/// Between whom.
pub(super) fn links(words: &Words<'_>) -> BoxedStrategy<Links> {
    let roles: Vec<(String, u32)> =
        words.roles().map(|(role, count)| (role.name.to_owned(), count)).collect();
    let some = grouped_targets(words).concat();
    let some: Vec<Target> = some.into_iter().filter(|target| *target != Target::All).collect();
    let every: Vec<Target> = roles.iter().map(|(role, _)| Target::Role(role.clone())).collect();
    let some = select(some);
    let who = match words.focus {
        Some(focus) if *focus != Target::All => {
            prop_oneof![3 => Just(focus.clone()), 1 => some].boxed()
        }
        _ => some.boxed(),
    };
    let role = select(every);
    let isolated = (who.clone(), proptest::option::weighted(0.4, role.clone()))
        .prop_map(|(who, from)| Links::Isolate { who, from });
    let between = (who.clone(), role.clone()).prop_map(|(a, b)| Links::Between(a, b));
    let one_way = (who, role.clone(), any::<bool>()).prop_map(|(a, b, back)| {
        let (from, to) = if back { (b, a) } else { (a, b) };
        Links::OneWay { from, to }
    });
    let mut all: Vec<(u32, BoxedStrategy<Links>)> =
        vec![(6, isolated.boxed()), (3, between.boxed()), (2, one_way.boxed())];
    let at_least = |least: u32| -> Vec<Target> {
        let many = roles.iter().filter(|(_, count)| *count >= least);
        many.map(|(role, _)| Target::Role(role.clone())).collect()
    };
    let (two, three) = (at_least(2), at_least(3));
    all.push((1, Just(Links::Halves(Target::All)).boxed()));
    if !two.is_empty() {
        all.push((1, select(two.clone()).prop_map(Links::Halves).boxed()));
        all.push((1, select(two).prop_map(Links::Majority).boxed()));
    }
    if !three.is_empty() {
        all.push((1, select(three.clone()).prop_map(Links::Bridge).boxed()));
        all.push((1, select(three).prop_map(Links::Ring).boxed()));
    }
    Union::new_weighted(all).boxed()
}

/// Which messages: more likely those whose loss or delay somebody feels.
fn messages(kind: &'static FaultKind, words: &Words<'_>) -> BoxedStrategy<Messages> {
    let kinds = words.system.messages();
    let all = words.bias.of(kind, "") * (kinds.len().max(2) as u32) / 2;
    let mut on = vec![(all, Just(Vec::new()))];
    for name in kinds {
        on.push((words.bias.of(kind, name), Just(vec![(*name).to_owned()])));
    }
    let links = prop_oneof![4 => Just(Links::Every), 1 => links(words)];
    (share(), Union::new_weighted(on), links)
        .prop_map(|(share, on, links)| Messages { share, on, links })
        .boxed()
}
