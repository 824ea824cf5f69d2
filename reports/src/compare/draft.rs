//! A scenario with all its tests made, before they are corrected for being many.

use crate::{
    compare::{
        exercised, findings, judge,
        known::Known,
        metrics,
        model::{Finding, Metric, Options, ScenarioComparison, Weight},
        pair::{Count, Pair, tally},
        proof,
        single::{not_vacuous, same_history},
        subject::Subject,
    },
    stats::{self, Test},
};
use std::collections::BTreeMap;

/// A scenario with all its tests made, before they are corrected for being many.
pub(super) struct Draft<'a> {
    pub(super) pair: Pair<'a>,
    /// Runs that did not pass, of those that are not vacuous.
    pub(super) unpassed: Count<'a>,
    pub(super) counts: Vec<(Subject, Count<'a>)>,
    metrics: Vec<(&'static metrics::Measure, Metric, Test)>,
}

impl<'a> Draft<'a> {
    pub(super) fn of(pair: Pair<'a>) -> Self {
        let passed = |run: &crate::format::Run| run.verdict == crate::format::Verdict::Passed;
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
    pub(super) fn fails(&self) -> bool {
        !self.unpassed.stratum.says_nothing()
    }

    pub(super) fn verdict_tests(&self) -> impl Iterator<Item = Test> {
        let others = self.counts.iter().filter(|(_, count)| !self.is_pass_rate(count));
        std::iter::once(self.unpassed.test).chain(others.map(|(_, count)| count.test))
    }

    /// The runs that do not pass are the ones that are counted: it is one test, and counts once.
    fn is_pass_rate(&self, count: &Count<'_>) -> bool {
        let same = |a: &[&crate::format::Run], b: &[&crate::format::Run]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.seed == b.seed)
        };
        let Count { base, head, .. } = &self.unpassed;
        (base.of, head.of) == (count.base.of, count.head.of)
            && same(&self.unpassed.base_runs, &count.base_runs)
            && same(&self.unpassed.head_runs, &count.head_runs)
    }

    pub(super) fn number_tests(&self) -> impl Iterator<Item = Test> {
        self.metrics.iter().map(|(_, _, test)| *test)
    }

    /// The findings, with p-values taken from the families in the order in which they were put there.
    pub(super) fn finish(
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
        let same =
            |(base, head): &&(&crate::format::Run, &crate::format::Run)| same_history(base, head);
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
