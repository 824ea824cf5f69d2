//! Proof: a violation of a shape that the base never showed. One run is enough, and no statistics are
//! asked.

use super::{
    judge::{finding, seeds_of, violations},
    known::Known,
    model::{Finding, Kind, Weight},
    pair::{Count, Pair},
};
use crate::{Run, Violation, text::plural};
use std::collections::BTreeSet;

/// A shape of evidence that the base never showed.
pub(super) fn proof(
    pair: &Pair<'_>,
    invariant: &str,
    count: &Count<'_>,
    known: &Known<'_>,
) -> Option<Finding> {
    if count.base.of == 0 {
        return None;
    }
    let fresh = |violation: &&Violation| !known.in_base(violation);
    let runs: Vec<&Run> = count
        .head_runs
        .iter()
        .copied()
        .filter(|run| violations(run, invariant).any(|violation| fresh(&violation)))
        .collect();
    let first = runs.first()?;
    let shapes: BTreeSet<String> = runs
        .iter()
        .flat_map(|run| violations(run, invariant).filter(fresh))
        .map(|violation| known.signature(violation))
        .collect();
    let base = if count.base.count == 0 {
        format!("the base never did in {}", plural(count.base.of, "run"))
    } else {
        "the base fails too, but never so".to_owned()
    };
    Some(Finding {
        weight: Weight::Regression,
        kind: Kind::New,
        proof: true,
        text: format!(
            "Fails in a way that is new: {base}. {} of {} of the head show it.",
            runs.len(),
            plural(count.head.of, "run"),
        ),
        base: Some(count.base),
        head: Some(count.head),
        base_seeds: seeds_of(&count.base_runs),
        head_seeds: seeds_of(&runs),
        signatures: shapes.into_iter().collect(),
        example: violations(first, invariant).find(fresh).map(|found| found.summary.clone()),
        replay: Some(first.replay.clone()),
        ..finding(pair, invariant)
    })
}
