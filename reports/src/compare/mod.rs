//! Two versions compared: what is worse, what is better, and how sure that is.
//!
//! **Proof** (`proof.rs`): the base ran this very plan and seed and passed, the head fails in a way that
//! the base never showed anywhere (see `signature.rs`), and that is not what any innocent change does
//! that draws runs anew. What is new otherwise is something to look at, with the command that makes the
//! run with the base. **Rate**: everything else, with its uncertainty.
//!
//! Pass rates have Wilson's interval. Runs of one seed and one plan (same file, same version of the
//! tool) are pairs, if they are at least half of either side, and are tested by `McNemar`'s exact test
//! and Wilcoxon's signed ranks; else by Fisher's exact test and Mann-Whitney's. What no scenario says
//! alone, all of them may say together (`together.rs`). A vacuous run is no evidence for passing and is
//! in no pass rate. Of a run that never recovered it is known that it took longer than it lasted. A
//! number changed if that is significant and by at least [`Options::minimum_effect`].
//!
//! Two families of tests, verdicts and numbers, are each corrected over all scenarios (Holm, over the
//! tests that can be significant at all): of two versions that are alike, verdicts are called worse in
//! at most 2 % of comparisons and numbers in at most 1 %. How often it really is, with proofs, and what
//! is found, is measured: `reports/CALIBRATION.md`.
//!
//! A bug is resolved when its earlier rate makes the clean runs improbable (see
//! `stats::clean_runs`); that the seeds that failed pass now proves nothing, because they may run into
//! something else.

mod conclusion;
mod draft;
mod exercised;
mod findings;
mod human;
mod judge;
mod known;
mod markdown;
mod metrics;
mod model;
mod notes;
mod page;
mod pair;
mod power;
mod proof;
mod sides;
mod signature;
mod single;
mod subject;
#[cfg(test)]
mod tests;
mod together;

pub use model::{
    COMPARISON_FORMAT, Comparison, FailOn, Finding, FindingKind, Metric, Note, NoteKind, Options,
    ScenarioComparison, Share, Side, VerdictCounts, Weight,
};

use crate::{
    format::Report,
    stats::{self, Test},
};
use draft::Draft;
use known::Known;
use pair::Pair;
use power::Power;
use std::collections::BTreeSet;

/// Compares `head` with `base`. Each side may be several reports: shards, or batches of several days.
#[must_use]
pub fn compare(base: &[Report], head: &[Report], options: &Options) -> Comparison {
    let (before, after) = (sides::gather(base, "base"), sides::gather(head, "head"));
    let known = Known::of(&before, &after);
    let paths: BTreeSet<&str> =
        before.scenarios.keys().chain(after.scenarios.keys()).copied().collect();
    let mut found = Vec::new();
    let mut scenarios = Vec::new();
    let mut drafts = Vec::new();
    for path in paths {
        let (old, new) = (before.scenario(path), after.scenario(path));
        let pair = old.zip(new).and_then(|(old, new)| Pair::of(path, old, new, options.changed));
        match pair {
            Some(pair) => drafts.push(Draft::of(pair)),
            None => {
                found.extend(findings::one_sided(path, old, new));
                scenarios.extend(findings::not_compared(path, old, new));
            }
        }
    }
    let pools = together::pools(&drafts);
    let verdicts: Vec<Test> = drafts
        .iter()
        .flat_map(Draft::verdict_tests)
        .chain(pools.iter().map(|pool| pool.test))
        .collect();
    let mut power = Power::of(&verdicts, &pools, &drafts);
    let verdicts = stats::holm(&verdicts, stats::VERDICTS);
    let numbers: Vec<Test> = drafts.iter().flat_map(Draft::number_tests).collect();
    let numbers = stats::holm(&numbers, stats::NUMBERS);
    let (mut verdicts, mut numbers) = (verdicts.into_iter(), numbers.into_iter());
    for draft in drafts {
        let drop = power.drop(&draft);
        let mut scenario = draft.finish(&mut verdicts, &mut numbers, &known, options, &mut found);
        scenario.detectable_drop = drop;
        scenarios.push(scenario);
    }
    for (pool, corrected) in pools.iter().zip(verdicts) {
        found.extend(pool.finding(corrected, &found));
    }
    found.sort_by_key(findings::order);
    scenarios.sort_by(|a, b| a.path.cmp(&b.path));
    let compared = scenarios
        .iter()
        .filter(|scenario| {
            let judged =
                |side: &Option<VerdictCounts>| side.as_ref().is_some_and(|r| r.passed.of > 0);
            scenario.compared && judged(&scenario.base) && judged(&scenario.head)
        })
        .count();
    let notes = notes::notes((base, &before), (head, &after), &known, &scenarios, compared);
    Comparison {
        format: COMPARISON_FORMAT.to_owned(),
        base: before.side,
        head: after.side,
        options: *options,
        compared,
        notes,
        findings: found,
        scenarios,
    }
}
