//! All scenarios together: a change that shows a little in many of them, and in none beyond chance.

use crate::{
    compare::{
        draft::Draft,
        model::{Finding, FindingKind, Share, Weight},
        pair::{Count, Pair},
        subject::{Subject, finding, less_is_tested},
    },
    format::Run,
    stats::{Stratum, Test, VERDICTS, pooled},
    text::{numbers::probability, words::plural},
};
use std::collections::BTreeSet;

/// One subject in all scenarios.
pub(super) struct Pool<'a> {
    /// None: that a run does not pass.
    pub subject: Option<Subject>,
    pub test: Test,
    base: Share,
    head: Share,
    scenarios: usize,
    shown: Option<&'a Run>,
}

/// What can be tested: the pass rate, and everything that runs failed at, if it comes up in more than one
/// scenario (else it is that scenario's test) and not in all runs that do not pass (else it is the pass
/// rate's).
pub(super) fn pools<'a>(drafts: &[Draft<'a>]) -> Vec<Pool<'a>> {
    let subjects: BTreeSet<&Subject> =
        drafts.iter().flat_map(|draft| &draft.counts).map(|(subject, _)| subject).collect();
    let all: Vec<&Count<'a>> = drafts.iter().map(|draft| &draft.unpassed).collect();
    let failures = strata(&all);
    let pass_rate = pool(None, &all);
    let others = subjects.into_iter().filter_map(|subject| {
        let counts: Vec<&Count<'a>> = drafts
            .iter()
            .flat_map(|draft| &draft.counts)
            .filter_map(|(of, count)| (of == subject).then_some(count))
            .collect();
        (strata(&counts) != failures).then(|| pool(Some(subject.clone()), &counts)).flatten()
    });
    pass_rate.into_iter().chain(others).collect()
}

fn strata(counts: &[&Count<'_>]) -> Vec<Stratum> {
    counts.iter().map(|count| count.stratum).filter(|stratum| !stratum.says_nothing()).collect()
}

fn pool<'a>(subject: Option<Subject>, counts: &[&Count<'a>]) -> Option<Pool<'a>> {
    let strata = strata(counts);
    let sum = |of: &dyn Fn(&Count<'_>) -> Share| {
        let shares = || counts.iter().map(|count| of(count));
        Share::new(shares().map(|s| s.count).sum(), shares().map(|s| s.of).sum())
    };
    (strata.len() > 1).then(|| Pool {
        subject,
        test: pooled(&strata),
        base: sum(&|count| count.base),
        head: sum(&|count| count.head),
        scenarios: strata.len(),
        shown: counts.iter().find_map(|count| count.head_runs.first().copied()),
    })
}

impl Pool<'_> {
    /// What it says, unless a scenario says it of the same subject already.
    pub(super) fn finding(&self, corrected: f64, found: &[Finding]) -> Option<Finding> {
        let subject = self.subject.as_ref().map_or_else(|| "pass rate".to_owned(), Subject::name);
        let worse = self.head.rate() > self.base.rate();
        let text = format!(
            "{} often in {} together, none of which says so alone: {} of {} {}, before {} of {}. Exact \
             test of all scenarios, {} corrected.",
            if worse { "More" } else { "Less" },
            plural(self.scenarios, "scenario"),
            self.head.count,
            plural(self.head.of, "run"),
            if self.subject.is_none() { "do not pass" } else { "have it" },
            self.base.count,
            self.base.of,
            probability(corrected),
        );
        let (weight, kind, text) =
            match (worse, self.subject.as_ref().is_some_and(Subject::is_vacuous)) {
                (true, true) => less_is_tested(&text),
                (true, false) => (Weight::Regression, FindingKind::Changed, text),
                (false, _) => (Weight::Improvement, FindingKind::Changed, text),
            };
        let told = found.iter().any(|other| other.weight == weight && other.subject == subject);
        let all =
            Pair { path: "", name: "all scenarios", base: vec![], head: vec![], same_plan: vec![] };
        (corrected <= VERDICTS && !told).then(|| Finding {
            weight,
            kind,
            text,
            base: Some(self.base),
            head: Some(self.head),
            p: Some(self.test.p),
            corrected: Some(corrected),
            replay: self.shown.filter(|_| worse).map(|run| run.replay.clone()),
            ..finding(&all, &subject)
        })
    }
}
