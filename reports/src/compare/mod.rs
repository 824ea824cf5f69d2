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
mod exercised;
mod findings;
mod html;
mod human;
mod judge;
mod known;
mod markdown;
mod metrics;
mod model;
mod notes;
mod pair;
mod proof;
mod sides;
mod signature;
#[cfg(test)]
mod tests;
mod together;
mod words;

pub(crate) use html::{escape, page};
pub(crate) use human::{underlined, wrapped};
pub use model::{
    COMPARISON_FORMAT, Comparison, FailOn, Finding, Kind, Metric, Note, NoteKind, Options, Runs,
    ScenarioComparison, Share, Side, Weight,
};
pub(crate) use words::percent;

use crate::{Report, stats, stats::Test};
use known::Known;
use pair::{Count, Pair, not_vacuous, same_history, tally};
use std::collections::{BTreeMap, BTreeSet};
use together::Pool;

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
            let judged = |side: &Option<Runs>| side.as_ref().is_some_and(|r| r.passed.of > 0);
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

/// A scenario with all its tests made, before they are corrected for being many.
struct Draft<'a> {
    pair: Pair<'a>,
    /// Runs that did not pass, of those that are not vacuous.
    unpassed: Count<'a>,
    counts: Vec<(judge::Subject, Count<'a>)>,
    metrics: Vec<(&'static metrics::Measure, Metric, Test)>,
}

impl<'a> Draft<'a> {
    fn of(pair: Pair<'a>) -> Self {
        let passed = |run: &crate::Run| run.verdict == crate::Verdict::Passed;
        let unpassed = pair.count(|run| not_vacuous(run) && !passed(run), not_vacuous);
        let counts = judge::counts(&pair);
        let metrics = metrics::MEASURES
            .iter()
            .filter_map(|measure| {
                let (metric, test) = metrics::measure(&pair, measure)?;
                Some((measure, metric, test))
            })
            .collect();
        Self { pair, unpassed, counts, metrics }
    }

    /// Runs do not pass, on one side more or less than on the other.
    fn fails(&self) -> bool {
        !self.unpassed.stratum.says_nothing()
    }

    fn verdict_tests(&self) -> impl Iterator<Item = Test> {
        let others = self.counts.iter().filter(|(_, count)| !self.is_pass_rate(count));
        std::iter::once(self.unpassed.test).chain(others.map(|(_, count)| count.test))
    }

    /// The runs that do not pass are the ones that are counted: it is one test, and counts once.
    fn is_pass_rate(&self, count: &Count<'_>) -> bool {
        let same = |a: &[&crate::Run], b: &[&crate::Run]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.seed == b.seed)
        };
        let Count { base, head, .. } = &self.unpassed;
        (base.of, head.of) == (count.base.of, count.head.of)
            && same(&self.unpassed.base_runs, &count.base_runs)
            && same(&self.unpassed.head_runs, &count.head_runs)
    }

    fn number_tests(&self) -> impl Iterator<Item = Test> {
        self.metrics.iter().map(|(_, _, test)| *test)
    }

    /// The findings, with p-values taken from the families in the order in which they were put there.
    fn finish(
        self,
        verdicts: &mut impl Iterator<Item = f64>,
        numbers: &mut impl Iterator<Item = f64>,
        known: &Known<'_>,
        options: &Options,
        found: &mut Vec<Finding>,
    ) -> ScenarioComparison {
        let pair = &self.pair;
        let redrawn = proof::Redrawn::of(pair, known);
        let corrected = verdicts.next().unwrap_or(1.0);
        found.extend(findings::pass_rate(pair, &self.unpassed, corrected));
        for (subject, count) in &self.counts {
            let corrected =
                if self.is_pass_rate(count) { corrected } else { verdicts.next().unwrap_or(1.0) };
            found.extend(judge::findings(pair, subject, count, corrected, (known, &redrawn)));
        }
        found.extend(exercised::not_exercised(pair));
        let worse = found.iter().any(|f| f.weight == Weight::Regression && f.scenario == pair.path);
        let mut metrics = BTreeMap::new();
        for (measure, mut metric, _) in self.metrics {
            metric.corrected = numbers.next().unwrap_or(1.0);
            found.extend(findings::number(pair, measure, &metric, options, worse));
            metrics.insert(measure.name.to_owned(), metric);
        }
        let (base, head) = (tally(pair.base.iter().copied()), tally(pair.head.iter().copied()));
        let pairs = pair.pairs();
        let same = |(base, head): &&(&crate::Run, &crate::Run)| same_history(base, head);
        ScenarioComparison {
            path: pair.path.to_owned(),
            name: pair.name.to_owned(),
            compared: true,
            pairs: pairs.map(<[_]>::len),
            same_history: pairs.iter().copied().flatten().filter(same).count(),
            p: Some(self.unpassed.test.p),
            corrected: Some(corrected),
            detectable_drop: None,
            shows_by: stats::shows_by(head.passed.of),
            base: Some(base),
            head: Some(head),
            metrics,
        }
    }
}

/// What drops would be found, corrected for all tests as they are.
struct Power {
    family: stats::Family,
    /// There is a test of all pass rates together that may be significant.
    together: bool,
    /// Scenarios in which runs do not pass.
    failing: usize,
    /// Many scenarios ask the same.
    known: BTreeMap<(usize, usize, usize, bool, u64), Option<f64>>,
}

impl Power {
    fn of(tests: &[Test], pools: &[Pool<'_>], drafts: &[Draft<'_>]) -> Self {
        let family = stats::Family::of(tests, stats::VERDICTS);
        let together = pools.iter().any(|pool| pool.subject.is_none() && family.has(&pool.test));
        let failing = drafts.iter().filter(|draft| draft.fails()).count();
        Self { family, together, failing, known: BTreeMap::new() }
    }

    fn drop(&mut self, draft: &Draft<'_>) -> Option<f64> {
        let (base, head) = (draft.unpassed.base, draft.unpassed.head);
        // A drop brings tests into the family: this scenario's, and if others fail, that of all.
        let own = self.family.has(&draft.unpassed.test);
        let others = self.failing > usize::from(draft.fails());
        let more = usize::from(!own) + usize::from(!self.together && others);
        let alpha = self.family.alpha(more);
        let (of, failed, paired) = match draft.pair.pairs() {
            None => (base.of, base.count, false),
            Some(pairs) => {
                let tell =
                    pairs.iter().filter(|(base, head)| not_vacuous(base) && not_vacuous(head));
                let failed = |(base, _): &&(&crate::Run, &crate::Run)| {
                    base.verdict != crate::Verdict::Passed
                };
                (tell.clone().count(), tell.filter(failed).count(), true)
            }
        };
        *self
            .known
            .entry((of, failed, head.of, paired, alpha.to_bits()))
            .or_insert_with(|| stats::detectable_drop((of - failed, of), head.of, paired, alpha))
    }
}
