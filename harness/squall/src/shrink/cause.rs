//! Why a run failed: what it violates that follows from nothing else.

use serde::{Deserialize, Serialize};
use squall_reports::{Run, Verdict};
use std::{collections::BTreeSet, fmt};

/// The invariants that a run breaks and whose violations follow from no other; `errored` if it came to no end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cause {
    /// The first of them, as the run tells them.
    pub first: String,
    /// All of them.
    pub all: BTreeSet<String>,
}

impl Cause {
    /// What is told of a run that ended without a verdict.
    pub(crate) const ERRORED: &str = "errored";

    /// Of a run; `None` if it did not fail.
    #[must_use]
    pub fn of(run: &Run) -> Option<Self> {
        if run.verdict == Verdict::Errored {
            let first = Self::ERRORED.to_owned();
            return Some(Self { all: BTreeSet::from([first.clone()]), first });
        }
        if run.verdict != Verdict::Failed {
            return None;
        }
        let roots = run.violations.iter().filter(|violation| violation.consequence_of.is_none());
        let names: Vec<String> = roots.map(|violation| violation.invariant.clone()).collect();
        // Where all follow from each other, the first is told.
        let first = names.first().or(run.violations.first().map(|v| &v.invariant))?.clone();
        let mut all: BTreeSet<String> = names.into_iter().collect();
        all.insert(first.clone());
        Some(Self { first, all })
    }

    /// Whether a run fails for this cause and for nothing else: what a smaller scenario must keep.
    #[must_use]
    pub fn is_kept_by(&self, run: &Run) -> bool {
        Self::of(run)
            .is_some_and(|other| other.all.contains(&self.first) && other.all.is_subset(&self.all))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first)?;
        self.all
            .iter()
            .filter(|name| **name != self.first)
            .try_for_each(|name| write!(f, ", {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_reports::Violation;

    fn run(violations: &[(&str, Option<&str>)]) -> Run {
        let violation = |(invariant, of): &(&str, Option<&str>)| Violation {
            invariant: (*invariant).to_owned(),
            consequence_of: of.map(str::to_owned),
            ..Violation::default()
        };
        let violations: Vec<_> = violations.iter().map(violation).collect();
        let verdict = if violations.is_empty() { Verdict::Passed } else { Verdict::Failed };
        Run { verdict, violations, ..Run::default() }
    }

    #[test]
    fn a_cause_is_kept_by_a_run_that_breaks_the_first_of_it_and_nothing_new() {
        let cause =
            Cause::of(&run(&[("drains", Some("no_loss")), ("no_loss", None), ("order", None)]));
        let cause = cause.unwrap();
        assert_eq!(cause.to_string(), "no_loss, order");
        assert!(cause.is_kept_by(&run(&[("no_loss", None), ("drains", Some("no_loss"))])));
        assert!(!cause.is_kept_by(&run(&[("order", None)])));
        assert!(!cause.is_kept_by(&run(&[("no_loss", None), ("idempotency", None)])));
        assert!(!cause.is_kept_by(&run(&[])));
        assert_eq!(Cause::of(&run(&[])), None);
    }
}
