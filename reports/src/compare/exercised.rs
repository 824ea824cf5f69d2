//! What the base saw happen and the head does not: a test that passes because less happens in it.

use crate::{
    compare::{
        model::{Finding, FindingKind, Weight},
        pair::Pair,
        subject::finding,
    },
    format::{Run, Verdict},
    stats::clean_runs_believed,
    text::words::{list, plural},
};
use std::collections::BTreeSet;

/// Signals that are named.
const NAMED: usize = 4;

/// Signals that the base saw and no run of the head, which has enough runs that chance explains this
/// in fewer than one of twenty comparisons. With `runs`, only those that each of these runs saw.
pub(super) fn fallen_away(pair: &Pair<'_>, runs: Option<&[&Run]>) -> Vec<String> {
    let base = whole(&pair.base);
    let head = whole(&pair.head);
    let mut names: BTreeSet<&str> =
        base.iter().flat_map(|run| run.signals.keys().map(String::as_str)).collect();
    for run in runs.unwrap_or_default() {
        names.retain(|name| saw(run, name));
    }
    names
        .into_iter()
        .filter(|name| !head.iter().any(|run| saw(run, name)))
        .filter(|name| {
            let seen = base.iter().filter(|run| saw(run, name)).count();
            clean_runs_believed(seen, base.len(), head.len())
        })
        .map(str::to_owned)
        .collect()
}

/// Runs that came to their end: others cannot tell what did not happen.
fn whole<'a>(runs: &[&'a Run]) -> Vec<&'a Run> {
    runs.iter().copied().filter(|run| run.verdict != Verdict::Errored).collect()
}

fn saw(run: &Run, signal: &str) -> bool {
    run.signals.get(signal).is_some_and(|times| *times > 0)
}

/// A finding if signals fell away in a scenario.
pub(super) fn not_exercised(pair: &Pair<'_>) -> Option<Finding> {
    let gone = fallen_away(pair, None);
    let what = list(&gone, NAMED);
    (!gone.is_empty()).then(|| Finding {
        weight: Weight::Attention,
        kind: FindingKind::NotExercised,
        text: format!(
            "Not seen any more in {}, and seen in the base: {what}. The scenario tests less than it \
             did; that it passes is weaker evidence.",
            plural(whole(&pair.head).len(), "run"),
        ),
        ..finding(pair, "signals")
    })
}
