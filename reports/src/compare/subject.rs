//! What a rate is of, and what a finding is about.

use crate::{
    compare::{
        model::{Finding, FindingKind, Weight},
        pair::Pair,
    },
    format::{Run, Verdict, Violation},
};

/// What a rate is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// An invariant.
    Invariant(String),
    /// A verdict that is no pass.
    Verdict(Verdict),
}

impl Subject {
    /// What it is called.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Invariant(name) => name.clone(),
            Self::Verdict(verdict) => verdict.to_string(),
        }
    }

    pub(super) fn is_vacuous(&self) -> bool {
        matches!(self, Self::Verdict(Verdict::Vacuous | Verdict::Inconclusive))
    }

    pub(super) fn is_in(&self, run: &Run) -> bool {
        match self {
            Self::Invariant(name) => violations(run, name).next().is_some(),
            Self::Verdict(verdict) => run.verdict == *verdict,
        }
    }

    /// What a run with it is said to do.
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Invariant(_) => "fail",
            Self::Verdict(_) => "end so",
        }
    }
}

/// The violations of an invariant in a run.
pub(super) fn violations<'a>(run: &'a Run, invariant: &str) -> impl Iterator<Item = &'a Violation> {
    run.violations.iter().filter(move |violation| violation.invariant == invariant)
}

/// Their seeds.
pub(super) fn seeds_of(runs: &[&Run]) -> Vec<u64> {
    runs.iter().map(|run| run.seed).collect()
}

/// A finding about nothing yet.
pub(super) fn finding(pair: &Pair<'_>, subject: &str) -> Finding {
    Finding {
        weight: Weight::Info,
        kind: FindingKind::Rare,
        scenario: pair.path.to_owned(),
        name: pair.name.to_owned(),
        subject: subject.to_owned(),
        proof: false,
        text: String::new(),
        base: None,
        head: None,
        p: None,
        corrected: None,
        clean_runs_missing: None,
        base_seeds: Vec::new(),
        head_seeds: Vec::new(),
        signatures: Vec::new(),
        example: None,
        replay: None,
        on_base: None,
    }
}

/// What is said where a scenario tests less than it did.
pub(super) fn less_is_tested(text: &str) -> (Weight, FindingKind, String) {
    let text = format!("{text} Less is tested than before: that is no pass.");
    (Weight::Attention, FindingKind::NotExercised, text)
}
