//! What a run violates, causes with what follows from them; and what was judged at all.

use crate::format::{Report, Run, Violation};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// An invariant that a run violates, and the names of those whose violations follow from it.
pub(crate) struct Broken<'a> {
    pub(crate) invariant: &'a str,
    pub(crate) violations: Vec<&'a Violation>,
    pub(crate) follow: Vec<&'a str>,
}

/// What a run violates, in its order. A consequence stands under its cause, unless the report does not tell of
/// that one as a cause.
pub(crate) fn broken(run: &Run) -> Vec<Broken<'_>> {
    let causes: BTreeSet<&str> = run
        .violations
        .iter()
        .filter(|violation| violation.consequence_of.is_none())
        .map(|violation| violation.invariant.as_str())
        .collect();
    let cause_of = |violation: &Violation| {
        let cause = violation.consequence_of.as_deref()?;
        causes.get(cause).filter(|cause| **cause != violation.invariant).copied()
    };
    let mut all: Vec<Broken<'_>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for violation in run.violations.iter().filter(|violation| cause_of(violation).is_none()) {
        let name = violation.invariant.as_str();
        let place = *places.entry(name).or_insert(all.len());
        if place == all.len() {
            all.push(Broken { invariant: name, violations: Vec::new(), follow: Vec::new() });
        }
        all[place].violations.push(violation);
    }
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    for violation in &run.violations {
        let name = violation.invariant.as_str();
        if let Some(cause) = cause_of(violation)
            && let Some(place) = places.get(cause)
            && told.insert((cause, name))
        {
            all[*place].follow.push(name);
        }
    }
    all
}

/// Runs in which the violation of an invariant is a cause, and how many of them show which consequences.
pub(crate) struct Cause<'a> {
    pub(crate) invariant: &'a str,
    pub(crate) runs: Vec<&'a Run>,
    pub(crate) follow: Vec<(&'a str, usize)>,
}

/// Causes of failures, the one that most runs show first, else the one that leads.
pub(crate) fn by_cause<'a>(runs: &[&'a Run]) -> Vec<Cause<'a>> {
    let mut all: Vec<Cause<'a>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for run in runs {
        for one in broken(run) {
            let place = *places.entry(one.invariant).or_insert(all.len());
            if place == all.len() {
                all.push(Cause { invariant: one.invariant, runs: Vec::new(), follow: Vec::new() });
            }
            let cause = &mut all[place];
            cause.runs.push(run);
            for name in one.follow {
                match cause.follow.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, number)) => *number += 1,
                    None => cause.follow.push((name, 1)),
                }
            }
        }
    }
    all.sort_by_key(|cause| Reverse(cause.runs.len()));
    all
}

/// What an invariant had to judge in a report.
pub(crate) struct Judged<'a> {
    pub(crate) invariant: &'a str,
    /// Facts, in all runs.
    pub(crate) facts: u64,
    /// Runs that say how much it judged.
    pub(crate) runs: usize,
    /// Of these, those in which it judged nothing.
    pub(crate) idle: usize,
    /// Runs that violate it.
    pub(crate) violated: usize,
}

/// What each invariant had to judge, by name; nothing if no run says.
pub(crate) fn judged(report: &Report) -> Vec<Judged<'_>> {
    let mut all: BTreeMap<&str, Judged<'_>> = BTreeMap::new();
    for (_, run) in report.runs() {
        let violated: BTreeSet<&str> =
            run.violations.iter().map(|violation| violation.invariant.as_str()).collect();
        for (name, facts) in &run.judged {
            let empty =
                Judged { invariant: name.as_str(), facts: 0, runs: 0, idle: 0, violated: 0 };
            let one = all.entry(name.as_str()).or_insert(empty);
            one.facts = one.facts.saturating_add(*facts);
            one.runs += 1;
            one.idle += usize::from(*facts == 0);
            one.violated += usize::from(violated.contains(name.as_str()));
        }
    }
    all.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(violations: &[(&str, Option<&str>)]) -> Run {
        let violation = |(invariant, cause): &(&str, Option<&str>)| Violation {
            invariant: (*invariant).to_owned(),
            consequence_of: cause.map(str::to_owned),
            ..Violation::default()
        };
        Run { violations: violations.iter().map(violation).collect(), ..Run::default() }
    }

    #[test]
    fn consequences_stand_under_their_cause() {
        let run = run(&[
            ("durability", None),
            ("durability", None),
            ("drains", Some("durability")),
            ("drains", Some("durability")),
            ("order", None),
            ("lost cause", Some("nobody")),
            ("itself", Some("itself")),
        ]);
        let told: Vec<_> = broken(&run)
            .iter()
            .map(|one| (one.invariant, one.violations.len(), one.follow.clone()))
            .collect();
        let expected = [
            ("durability", 2, vec!["drains"]),
            ("order", 1, vec![]),
            ("lost cause", 1, vec![]),
            ("itself", 1, vec![]),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_a_cause_in_most_runs_comes_first() {
        let runs = [
            run(&[("order", None), ("no_loss", None), ("drains", Some("no_loss"))]),
            run(&[("no_loss", None), ("drains", Some("no_loss"))]),
            run(&[("drains", None)]),
        ];
        let runs: Vec<&Run> = runs.iter().collect();
        let told: Vec<_> = by_cause(&runs)
            .into_iter()
            .map(|cause| (cause.invariant, cause.runs.len(), cause.follow))
            .collect();
        let expected =
            [("no_loss", 2, vec![("drains", 2)]), ("order", 1, vec![]), ("drains", 1, vec![])];
        assert_eq!(told, expected);
    }
}
