//! What fails, and how often: findings for each invariant of a scenario, and for runs that end as
//! errored, unstable or vacuous.

use crate::{
    compare::{
        exercised::fallen_away,
        known::Known,
        model::{Finding, FindingKind, Weight},
        pair::{Count, Pair},
        proof::{Redrawn, fresh, on_base},
        single::judged,
        subject::{Subject, finding, less_is_tested, seeds_of, violations},
    },
    format::Verdict,
    stats::{VERDICTS, clean_runs, clean_runs_believed},
    text::{
        numbers::probability,
        words::{list, plural, seeds},
    },
};
use std::collections::BTreeSet;

/// Everything that any run of a scenario failed at, with how often.
pub(super) fn counts<'a>(pair: &Pair<'a>) -> Vec<(Subject, Count<'a>)> {
    let runs = || pair.base.iter().chain(&pair.head);
    let invariants: BTreeSet<&str> = runs()
        .flat_map(|run| run.violations.iter().map(|violation| violation.invariant.as_str()))
        .collect();
    let verdicts = [Verdict::Errored, Verdict::Unstable, Verdict::Inconclusive, Verdict::Vacuous]
        .into_iter()
        .filter(|verdict| runs().any(|run| run.verdict == *verdict))
        .map(Subject::Verdict);
    invariants
        .into_iter()
        .map(|name| Subject::Invariant(name.to_owned()))
        .chain(verdicts)
        .map(|subject| {
            let count = match &subject {
                Subject::Invariant(_) => pair.count(|run| subject.is_in(run), judged),
                Subject::Verdict(_) => pair.count(|run| subject.is_in(run), |_| true),
            };
            (subject, count)
        })
        .collect()
}

/// What a rate says, and what its evidence proves.
pub(super) fn findings(
    pair: &Pair<'_>,
    subject: &Subject,
    count: &Count<'_>,
    corrected: f64,
    (known, redrawn): (&Known<'_>, &Redrawn),
) -> Vec<Finding> {
    let mut rated = Rated { pair, subject, count, corrected }.finding();
    let fresh = match subject {
        Subject::Invariant(invariant) => fresh(pair, invariant, count, known, redrawn),
        Subject::Verdict(_) => None,
    };
    match fresh {
        None => vec![rated],
        Some(fresh) if count.base.count > 0 => vec![rated, fresh],
        // One finding says all; by its rate if that says more than the single run.
        Some(fresh) if rated.weight == Weight::Regression && !fresh.proof => {
            rated.signatures = fresh.signatures;
            vec![rated]
        }
        Some(fresh) => vec![fresh],
    }
}

/// How often something is so, and how sure it is that this changed.
struct Rated<'a, 'r> {
    pair: &'a Pair<'r>,
    subject: &'a Subject,
    count: &'a Count<'r>,
    corrected: f64,
}

impl Rated<'_, '_> {
    fn finding(&self) -> Finding {
        let (base, head) = (self.count.base, self.count.head);
        let (weight, kind, text) = match (base.count, head.count) {
            (0, _) => self.appeared(),
            (_, 0) => self.disappeared(),
            _ => self.persists(),
        };
        let shown = self.count.head_runs.first().or(self.count.base_runs.first());
        let missing = (kind == FindingKind::Rare && head.count == 0)
            .then(|| clean_runs(base.count, base.of))
            .flatten()
            .map(|needed| needed.saturating_sub(head.of as u64));
        Finding {
            weight,
            kind,
            text,
            base: Some(base),
            head: Some(head),
            p: Some(self.count.test.p),
            corrected: Some(self.corrected),
            clean_runs_missing: missing,
            base_seeds: seeds_of(&self.count.base_runs),
            head_seeds: seeds_of(&self.count.head_runs),
            example: shown.and_then(|run| match self.subject {
                Subject::Invariant(name) => violations(run, name).next().map(|v| v.summary.clone()),
                Subject::Verdict(_) => run.reason.clone(),
            }),
            replay: shown.map(|run| run.replay.clone()),
            on_base: shown.filter(|_| base.count == 0).and_then(|run| on_base(self.pair, run.seed)),
            ..finding(self.pair, &self.subject.name())
        }
    }

    fn significant(&self) -> bool {
        self.corrected <= VERDICTS
    }

    fn vacuous(&self) -> bool {
        self.subject.is_vacuous()
    }

    fn sure(&self) -> String {
        let test = if self.pair.pairs().is_some() { "McNemar" } else { "Fisher" };
        format!("{test}, {} corrected", probability(self.corrected))
    }

    /// The head has it, the base does not.
    fn appeared(&self) -> (Weight, FindingKind, String) {
        let Count { base, head, .. } = self.count;
        let verb = self.subject.verb();
        if base.of == 0 {
            let text = format!(
                "{} {verb}; no run of the base can tell whether that is new.",
                head.words()
            );
            return (Weight::Attention, FindingKind::New, text);
        }
        let elsewhere = match self.subject {
            Subject::Invariant(_) => " The base shows the same in other scenarios.",
            Subject::Verdict(_) => "",
        };
        let text = format!("{} {verb}, none of {} of the base.", head.words(), base.of);
        if !self.significant() {
            let text = format!("{text}{elsewhere} Too seldom to say ({}).", self.sure());
            return (Weight::Attention, FindingKind::Rare, text);
        }
        let text = format!("{text}{elsewhere} {}.", self.sure());
        if self.vacuous() {
            less_is_tested(&text)
        } else {
            (Weight::Regression, FindingKind::New, text)
        }
    }

    /// Both have it.
    fn persists(&self) -> (Weight, FindingKind, String) {
        let Count { base, head, .. } = self.count;
        let more = self.count.more();
        let text = format!("{} {}, before {}.", head.words(), self.subject.verb(), base.words());
        if !self.significant() {
            let text = format!("{text} No sign that it changed ({}).", self.sure());
            return (Weight::Attention, FindingKind::Ongoing, text);
        }
        let often = if more { "More often than before" } else { "Less often than before" };
        let text = format!("{often}: {text} {}.", self.sure());
        match more {
            true if self.vacuous() => less_is_tested(&text),
            true => (Weight::Regression, FindingKind::Ongoing, text),
            false => (Weight::Improvement, FindingKind::Ongoing, text),
        }
    }

    /// The base has it, the head does not.
    fn disappeared(&self) -> (Weight, FindingKind, String) {
        let Count { base, head, .. } = self.count;
        let verb = self.subject.verb();
        let was = format!("{} of the base {verb} ({})", base.words(), seeds(&self.base_seeds()));
        if head.of == 0 {
            let text = format!("{was}; no run of the head can tell whether that is over.");
            return (Weight::Attention, FindingKind::NotExercised, text);
        }
        let gone = match self.subject {
            Subject::Invariant(_) => fallen_away(self.pair, Some(&self.count.base_runs)),
            Subject::Verdict(_) => Vec::new(),
        };
        if !gone.is_empty() {
            let text = format!(
                "{was}, none of {} of the head: but {} came with it, and never happens in the head. \
                 That is no pass.",
                head.of,
                list(&gone, 3),
            );
            return (Weight::Attention, FindingKind::NotExercised, text);
        }
        if clean_runs_believed(base.count, base.of, head.of) {
            let text = format!(
                "{was}, none of {} of the head: by chance alone in fewer than 1 of 20 comparisons.",
                head.of
            );
            return (Weight::Improvement, FindingKind::Resolved, text);
        }
        let missing = clean_runs(base.count, base.of)
            .map_or(0, |needed| needed.saturating_sub(head.of as u64));
        let same = if self.reran() { " That the same seeds pass proves little." } else { "" };
        let text = format!(
            "{was}, none of {} of the head. {missing} more clean {} until it is believed to be \
             resolved.{same}",
            plural(head.of, "run"),
            if missing == 1 { "run is needed" } else { "runs are needed" },
        );
        (Weight::Attention, FindingKind::Rare, text)
    }

    fn base_seeds(&self) -> Vec<u64> {
        seeds_of(&self.count.base_runs)
    }

    /// The head ran a seed that failed in the base.
    fn reran(&self) -> bool {
        let seeds: BTreeSet<u64> = self.base_seeds().into_iter().collect();
        self.pair.head.iter().any(|run| seeds.contains(&run.seed))
    }
}
