//! The words of the system that scenarios are drawn for, and how likely each is.

use crate::{
    faults::{CATALOGUE, FaultKind},
    injection::Target,
    parameters::Value as Said,
    scenario::Scenario,
    system::{Role, System},
};
use proptest::{prelude::Just, strategy::Union};
use std::collections::{BTreeMap, BTreeSet};

/// What scenarios can be made of.
#[derive(Clone, Copy)]
pub(in crate::explore) struct Words<'a> {
    pub(in crate::explore) system: &'a dyn System,
    /// The scenario that is drawn from: its topology says who can be hit.
    pub(super) base: &'a Scenario,
    /// How often each fault was felt where it was tried.
    pub(in crate::explore) bias: &'a Bias,
    /// Who is hit more often than not: what one fault leaves behind, another one on the same nodes brings to light.
    pub(super) focus: Option<&'a Target>,
    /// Signals that earlier runs have seen; a trigger that waits for another waits in vain.
    pub(super) signals: &'a BTreeSet<String>,
    /// Fault points that earlier runs have passed, and how often in one run at most.
    pub(super) points: &'a BTreeMap<String, u32>,
}

impl<'a> Words<'a> {
    pub(in crate::explore) fn new(
        system: &'a dyn System,
        base: &'a Scenario,
        bias: &'a Bias,
        (signals, points): (&'a BTreeSet<String>, &'a BTreeMap<String, u32>),
    ) -> Self {
        Self { system, base, bias, focus: None, signals, points }
    }

    /// The same, and more often than not these are hit.
    pub(in crate::explore) fn on(self, focus: Option<&'a Target>) -> Self {
        Self { focus, ..self }
    }

    /// Each role that has nodes here, and how many.
    pub(super) fn roles(&self) -> impl Iterator<Item = (&'a Role, u32)> + use<'a> {
        let counts = self.base.nodes.iter().map(|(_, count)| *count);
        self.system.roles().iter().zip(counts).filter(|(_, count)| *count > 0)
    }

    /// All nodes of the role that a target is of, if it is of one.
    pub(super) fn all_like(&self, target: &Target) -> Target {
        let every = |which: &dyn Fn(&Role) -> bool| {
            let role = self.roles().find(|(role, _)| which(role));
            role.map_or(Target::All, |(role, _)| Target::Role(role.name.to_owned()))
        };
        match target {
            Target::Any(role)
            | Target::Some(_, role)
            | Target::Majority(role)
            | Target::Minority(role) => Target::Role(role.clone()),
            Target::Leader | Target::AnyFollower | Target::Followers => every(&|role| role.replica),
            Target::Node(name) => every(&|role| self.system.node_name(role.name, 1) == *name),
            other => other.clone(),
        }
    }

    /// How many replicas there are.
    pub(super) fn replicas(&self) -> u32 {
        self.roles().filter(|(role, _)| role.replica).map(|(_, count)| count).sum()
    }

    /// How long the workload takes, in milliseconds.
    pub(super) fn length_ms(&self) -> u64 {
        let workload = &self.base.workload;
        (f64::from(workload.events) * 1e3 / workload.rate) as u64
    }
}

/// On whom or what a fault acts, as far as it matters for whether it is felt.
pub(in crate::explore) fn subject(said: &[Said]) -> String {
    match said.first() {
        Some(Said::Target(target)) => target.to_string(),
        Some(Said::Messages(messages)) => messages.on.join(" "),
        Some(Said::Links(links)) => links.to_string(),
        _ => String::new(),
    }
}

/// How often each fault was felt where it was tried: one that this system does not feel is drawn seldom.
#[derive(Clone, Debug, Default)]
pub(in crate::explore) struct Bias {
    tried: BTreeMap<(&'static str, String), (u32, u32)>,
}

impl Bias {
    /// A fault was tried on somebody, and felt or not.
    pub(in crate::explore) fn learn(&mut self, kind: &FaultKind, whom: String, felt: bool) {
        let (tried, hits) = self.tried.entry((kind.key, whom)).or_default();
        *tried += 1;
        *hits += u32::from(felt);
    }

    /// How many kinds of fault were felt.
    pub(in crate::explore) fn felt(&self) -> usize {
        let felt = self.tried.iter().filter(|(_, (_, felt))| *felt > 0);
        felt.map(|((key, _), _)| key).collect::<BTreeSet<_>>().len()
    }

    /// How likely a fault on somebody should be, from 1 to 33.
    pub(super) fn of(&self, kind: &FaultKind, whom: &str) -> u32 {
        let (tried, felt) =
            self.tried.get(&(kind.key, whom.to_owned())).copied().unwrap_or_default();
        weight(tried, felt)
    }

    /// How likely a fault should be, whomever it hits: as likely as it is on those who feel it most, for whom it hits is
    /// drawn by what they feel. A clock that jumps is felt by few, and must not be drawn seldom for that.
    pub(super) fn of_kind(&self, kind: &FaultKind) -> u32 {
        let all = self.tried.iter().filter(|((key, _), _)| *key == kind.key);
        let most = all.map(|(_, (tried, felt))| weight(*tried, *felt)).max();
        most.unwrap_or_else(|| weight(0, 0))
    }
}

/// By Laplace's rule of succession: the full weight for what was felt in one of three tries, and in proportion for what
/// was felt less often. A fault that is felt only at certain moments is worth as many tries as one that always is.
fn weight(tried: u32, felt: u32) -> u32 {
    1 + 32 * (3 * (felt + 1)).min(tried + 2) / (tried + 2)
}

/// Any kind of fault, more likely one that is felt.
pub(in crate::explore) fn kind(bias: &Bias) -> Union<Just<&'static FaultKind>> {
    let weighed = CATALOGUE.iter().map(|kind| (bias.of_kind(kind), Just(*kind)));
    Union::new_weighted(weighed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_felt_is_drawn_seldom() {
        let mut bias = Bias::default();
        let new = bias.of(CATALOGUE[0], "brokers");
        for number in 0..100 {
            bias.learn(CATALOGUE[0], "brokers".to_owned(), false);
            bias.learn(CATALOGUE[0], "leader".to_owned(), true);
            bias.learn(CATALOGUE[0], "consumers".to_owned(), number % 3 == 0);
            bias.learn(CATALOGUE[0], "stores".to_owned(), number % 9 == 0);
        }
        let [brokers, leader, consumers, stores] =
            ["brokers", "leader", "consumers", "stores"].map(|whom| bias.of(CATALOGUE[0], whom));
        assert_eq!((new, brokers, leader, consumers), (33, 1, 33, 33));
        assert!((10..=14).contains(&stores), "{stores}");
        // Who feels it least says nothing of how likely it is elsewhere.
        assert_eq!(bias.of_kind(CATALOGUE[0]), bias.of(CATALOGUE[0], "leader"));
        assert_eq!(bias.of_kind(CATALOGUE[1]), new);
        for _ in 0..100 {
            bias.learn(CATALOGUE[1], "brokers".to_owned(), false);
        }
        assert_eq!(bias.of_kind(CATALOGUE[1]), 1);
    }
}
