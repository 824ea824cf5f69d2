//! What a run violates, causes with what follows from them; what broke across scenarios; and what was judged at all.

use crate::{
    digest::ORDER,
    format::{Report, Run, ScenarioReport, Verdict, Violation},
};
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

/// A run with its scenario.
pub(crate) type Of<'a> = (&'a ScenarioReport, &'a Run);

/// Runs of any scenarios that did not pass for one cause.
pub(crate) struct Group<'a> {
    pub(crate) verdict: Verdict,
    /// Of failed runs the invariant, of others the reason as the first run tells it; empty if nothing is told.
    pub(crate) cause: &'a str,
    /// By scenario, then by seed.
    pub(crate) runs: Vec<Of<'a>>,
    /// How many of them show which consequences.
    pub(crate) follow: Vec<(&'a str, usize)>,
}

impl<'a> Group<'a> {
    /// Its scenarios, each with its runs.
    pub(crate) fn scenarios(&self) -> Vec<(&'a ScenarioReport, Vec<&'a Run>)> {
        let mut all: Vec<(&ScenarioReport, Vec<&Run>)> = Vec::new();
        for (scenario, run) in &self.runs {
            match all.last_mut() {
                Some((last, runs)) if std::ptr::eq(*last, *scenario) => runs.push(run),
                _ => all.push((scenario, vec![run])),
            }
        }
        all
    }
}

/// What broke, whatever the scenario: the worst verdict first, then what most runs show. A failed run is in the groups of
/// all its causes; one of another verdict in that of its reason, in which numbers do not count (they are lines and times).
pub(crate) fn across(report: &Report) -> Vec<Group<'_>> {
    let mut all: Vec<Group<'_>> = Vec::new();
    let mut places: BTreeMap<(Verdict, String), usize> = BTreeMap::new();
    for (scenario, run) in report.runs().filter(|(_, run)| run.verdict != Verdict::Passed) {
        let mut causes = broken(run);
        if run.verdict != Verdict::Failed || causes.is_empty() {
            let reason = run.reason.as_deref().unwrap_or_default();
            causes = vec![Broken { invariant: reason, violations: Vec::new(), follow: Vec::new() }];
        }
        for cause in causes {
            let key = match run.verdict {
                Verdict::Failed => cause.invariant.to_owned(),
                _ => cause.invariant.replace(|c: char| c.is_ascii_digit(), ""),
            };
            let place = *places.entry((run.verdict, key)).or_insert(all.len());
            if place == all.len() {
                let cause = cause.invariant;
                all.push(Group { verdict: run.verdict, cause, runs: vec![], follow: vec![] });
            }
            let group = &mut all[place];
            group.runs.push((scenario, run));
            for name in cause.follow {
                match group.follow.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, number)) => *number += 1,
                    None => group.follow.push((name, 1)),
                }
            }
        }
    }
    let rank = |verdict| ORDER.iter().position(|other| *other == verdict);
    all.sort_by_key(|group| (rank(group.verdict), Reverse(group.runs.len())));
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
    fn what_broke_is_told_across_scenarios() {
        let of =
            |verdict, reason: &str| Run { verdict, reason: Some(reason.into()), ..Run::default() };
        let failed = |violations: &[(&str, Option<&str>)]| Run {
            verdict: Verdict::Failed,
            ..run(violations)
        };
        let scenario = |name: &str, runs| ScenarioReport {
            name: name.into(),
            runs,
            ..ScenarioReport::default()
        };
        let report = Report {
            scenarios: vec![
                scenario(
                    "a",
                    vec![
                        failed(&[("order", None)]),
                        failed(&[("no_loss", None), ("drains", Some("no_loss"))]),
                        of(Verdict::Vacuous, "line 8: never fired"),
                        of(Verdict::Failed, "nothing more"),
                    ],
                ),
                scenario("b", vec![failed(&[("no_loss", None)]), Run::default()]),
                scenario("c", vec![of(Verdict::Vacuous, "line 12: never fired")]),
                scenario("d", vec![of(Verdict::Errored, "stuck")]),
            ],
            ..Report::default()
        };
        let told: Vec<_> = across(&report)
            .into_iter()
            .map(|group| {
                let names: String = group.scenarios().iter().map(|(s, _)| &*s.name).collect();
                (group.verdict, group.cause, group.runs.len(), names, group.follow)
            })
            .collect();
        let expected = [
            (Verdict::Failed, "no_loss", 2, "ab".to_owned(), vec![("drains", 1)]),
            (Verdict::Failed, "order", 1, "a".to_owned(), vec![]),
            (Verdict::Failed, "nothing more", 1, "a".to_owned(), vec![]),
            (Verdict::Errored, "stuck", 1, "d".to_owned(), vec![]),
            (Verdict::Vacuous, "line 8: never fired", 2, "ac".to_owned(), vec![]),
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
