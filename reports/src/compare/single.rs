//! What a single run says, and two of them of one seed.

use crate::format::{Run, Verdict};
use std::collections::BTreeSet;

/// Whether a run can say that an invariant held.
pub(super) fn judged(run: &Run) -> bool {
    matches!(run.verdict, Verdict::Passed | Verdict::Failed)
}

/// Whether a run says anything: a vacuous or inconclusive one is no evidence, for passing as for failing.
pub(super) fn not_vacuous(run: &Run) -> bool {
    !matches!(run.verdict, Verdict::Vacuous | Verdict::Inconclusive)
}

/// Two runs did exactly the same.
pub(super) fn same_history(one: &Run, other: &Run) -> bool {
    !one.hash.is_empty() && one.hash == other.hash
}

/// The verdict is on the history: another one on the same history is from another judge.
pub(super) fn judged_otherwise(one: &Run, other: &Run) -> bool {
    // What is not deterministic, or ended its worker, is no verdict on a history.
    let on_history = |run: &Run| judged(run) || run.verdict == Verdict::Vacuous;
    same_history(one, other)
        && on_history(one)
        && on_history(other)
        && (one.verdict != other.verdict || broken(one) != broken(other))
}

/// The invariants that a run broke.
pub(super) fn broken(run: &Run) -> BTreeSet<&str> {
    run.violations.iter().map(|violation| violation.invariant.as_str()).collect()
}
