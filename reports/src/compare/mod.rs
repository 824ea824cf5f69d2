//! Two versions compared: what is worse, what is better, and how sure that is.
//!
//! Proof and rate are two things. **Proof**: a violation whose shape (see `signature.rs`) the base
//! never showed is a regression at once, with the command that replays it, whatever the statistics
//! say. **Rate**: everything else, with its uncertainty. A shape that the base shows in another
//! scenario is known, and only its rate counts.
//!
//! Pass rates have Wilson's interval. Runs of one seed and one plan (same file, same version of the
//! tool) are pairs, if they are at least half of either side, and are tested by `McNemar`'s exact test
//! and Wilcoxon's signed ranks; else by Fisher's exact test and Mann-Whitney's. A vacuous run is no
//! evidence for passing and is in no pass rate. A run that never recovered counts as slower than any.
//! A number changed if that is significant and by at least [`Options::minimum_effect`].
//!
//! Two families of tests, verdicts and numbers, are each corrected over all scenarios (Holm, over the
//! tests that can be significant at all): each calls something worse by mistake in at most 2.5 % of
//! comparisons, since of its 5 % the other half is called better.
//!
//! Measured (`reports/tests/calibration.rs`; six scenarios, one of them failing in one run of five,
//! lognormal times): two halves of the seeds of one version, 50 runs a scenario each, report a
//! regression in 3.7 % of 1,000 draws; a scenario whose pass rate a defect halves through a failure
//! that the base knows (by rate alone) is reported in 99.9 % with 30 runs a side if it was clean
//! before, and if it failed in one run of five, in 97.7 % with 50 and in 99.9 % with 80; a recovery that
//! takes 1.8 times as long in 98 % of 100 draws with 50 runs. Halves of 1,657 real runs of 14 scenarios
//! of the reference system: 0.6 % of 1,000 draws.
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
use pair::{Count, Pair, not_vacuous, tally};
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
    let verdicts = stats::holm(&drafts.iter().flat_map(Draft::verdict_tests).collect::<Vec<_>>());
    let numbers = stats::holm(&drafts.iter().flat_map(Draft::number_tests).collect::<Vec<_>>());
    let (mut verdicts, mut numbers) = (verdicts.into_iter(), numbers.into_iter());
    for draft in drafts {
        let scenario = draft.finish(&mut verdicts, &mut numbers, &known, options, &mut found);
        scenarios.push(scenario);
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
        let corrected = verdicts.next().unwrap_or(1.0);
        found.extend(findings::pass_rate(pair, &self.unpassed, corrected));
        for (subject, count) in &self.counts {
            let corrected =
                if self.is_pass_rate(count) { corrected } else { verdicts.next().unwrap_or(1.0) };
            found.extend(judge::findings(pair, subject, count, corrected, known));
        }
        found.extend(exercised::not_exercised(pair));
        let worse = found.iter().any(|f| f.weight == Weight::Regression && f.scenario == pair.path);
        let mut metrics = std::collections::BTreeMap::new();
        for (measure, mut metric, _) in self.metrics {
            metric.corrected = numbers.next().unwrap_or(1.0);
            found.extend(findings::number(pair, measure, &metric, options, worse));
            metrics.insert(measure.name.to_owned(), metric);
        }
        let (base, head) = (tally(pair.base.iter().copied()), tally(pair.head.iter().copied()));
        let same = |(base, head): &&(&crate::Run, &crate::Run)| {
            !base.hash.is_empty() && base.hash == head.hash
        };
        ScenarioComparison {
            path: pair.path.to_owned(),
            name: pair.name.to_owned(),
            compared: true,
            pairs: pair.pairs.as_ref().map(Vec::len),
            same_history: pair.pairs.iter().flatten().filter(same).count(),
            p: Some(self.unpassed.test.p),
            corrected: Some(corrected),
            detectable_drop: stats::detectable_drop(
                base.passed.count,
                base.passed.of,
                head.passed.of,
            ),
            shows_by: stats::shows_by(head.passed.of),
            base: Some(base),
            head: Some(head),
            metrics,
        }
    }
}
