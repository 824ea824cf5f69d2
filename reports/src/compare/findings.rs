//! Findings of a scenario as a whole: its pass rate and its numbers, and that it came, went or changed.

use crate::{
    compare::{
        metrics::Measure,
        model::{Finding, FindingKind, Metric, Options, ScenarioComparison, Share, Weight},
        pair::{Count, Pair, tally},
        sides::Scenario,
        subject::finding,
    },
    format::Run,
    stats::{NUMBERS, VERDICTS},
    text::{numbers::probability, words::plural},
};
use std::cmp::Reverse;

/// The worst first; then by what was found, and where.
pub(super) fn order(finding: &Finding) -> impl Ord + use<> {
    let Finding { weight, proof, kind, scenario, subject, .. } = finding;
    (*weight, Reverse(*proof), *kind, scenario.clone(), subject.clone())
}

/// That the pass rate changed.
pub(super) fn pass_rate(pair: &Pair<'_>, unpassed: &Count<'_>, corrected: f64) -> Option<Finding> {
    let passed = |failed: &Share| Share::new(failed.of - failed.count, failed.of);
    let (base, head) = (passed(&unpassed.base), passed(&unpassed.head));
    let worse = unpassed.more();
    let test = if pair.pairs().is_some() { "McNemar" } else { "Fisher" };
    let shown = unpassed.head_runs.first().filter(|_| worse);
    let seeds = |runs: &[&Run]| runs.iter().map(|run| run.seed).collect();
    (corrected <= VERDICTS).then(|| Finding {
        weight: if worse { Weight::Regression } else { Weight::Improvement },
        kind: FindingKind::Changed,
        text: format!(
            "Passes {} often: {}, before {}. {test}, {} corrected.",
            if worse { "less" } else { "more" },
            head.words(),
            base.words(),
            probability(corrected),
        ),
        base: Some(base),
        head: Some(head),
        p: Some(unpassed.test.p),
        corrected: Some(corrected),
        base_seeds: seeds(&unpassed.base_runs),
        head_seeds: seeds(&unpassed.head_runs),
        replay: shown.map(|run| run.replay.clone()),
        ..finding(pair, "pass rate")
    })
}

/// That a number changed, by as much as matters. In a scenario that fails more (`failing`), none is
/// better: what never arrives has no latency.
pub(super) fn number(
    pair: &Pair<'_>,
    measure: &Measure,
    metric: &Metric,
    options: &Options,
    failing: bool,
) -> Option<Finding> {
    if metric.corrected > NUMBERS {
        return None;
    }
    let worse = measure.matters(metric, options.minimum_effect)?;
    let (weight, but) = match worse {
        true => (Weight::Regression, ""),
        false if failing => (Weight::Info, " That is of what still works: more fails than before."),
        false => (Weight::Improvement, ""),
    };
    Some(Finding {
        weight,
        kind: FindingKind::Changed,
        text: format!("{}{but}", measure.sentence(metric, worse, pair.pairs().is_some())),
        p: Some(metric.p),
        corrected: Some(metric.corrected),
        ..finding(pair, measure.name)
    })
}

/// Of a scenario that is not compared: why not.
pub(super) fn one_sided(
    path: &str,
    base: Option<&Scenario<'_>>,
    head: Option<&Scenario<'_>>,
) -> Option<Finding> {
    let (weight, kind, text) = match (base, head) {
        (None, None) => return None,
        (Some(base), None) => (
            Weight::Attention,
            FindingKind::Vanished,
            format!(
                "In the base only, with {}: nothing is known of it in the head, and that is no pass \
                 (`--allow-missing` accepts it).",
                words(&base.last_runs())
            ),
        ),
        (None, Some(head)) => {
            let runs = head.last_runs();
            let weight = if passed(&runs) { Weight::Info } else { Weight::Attention };
            let text =
                format!("In the head only, with {}: nothing to compare it with.", words(&runs));
            (weight, FindingKind::Added, text)
        }
        (Some(base), Some(head)) => (
            Weight::Attention,
            FindingKind::Edited,
            format!(
                "Its file differs, so it is not compared: {} now, and {} before. `--changed` compares \
                 all the same.",
                words(&head.last_runs()),
                words(&base.last_runs()),
            ),
        ),
    };
    let name = head.or(base).map_or("", |scenario| scenario.name);
    let nothing = Pair { path, name, base: Vec::new(), head: Vec::new(), same_plan: Vec::new() };
    let shown = head.and_then(|head| {
        head.last_runs().into_iter().find(|run| run.verdict == crate::format::Verdict::Failed)
    });
    Some(Finding {
        weight,
        kind,
        text,
        replay: shown.map(|run| run.replay.clone()),
        ..finding(&nothing, "scenario")
    })
}

/// The row of a scenario that is not compared.
pub(super) fn not_compared(
    path: &str,
    base: Option<&Scenario<'_>>,
    head: Option<&Scenario<'_>>,
) -> Option<ScenarioComparison> {
    let name = head.or(base)?.name;
    let runs = |side: Option<&Scenario<'_>>| side.map(|side| tally(side.last_runs()));
    Some(ScenarioComparison {
        path: path.to_owned(),
        name: name.to_owned(),
        base: runs(base),
        head: runs(head),
        ..ScenarioComparison::default()
    })
}

fn passed(runs: &[&Run]) -> bool {
    runs.iter().all(|run| run.verdict == crate::format::Verdict::Passed)
}

fn words(runs: &[&Run]) -> String {
    let tally = tally(runs.iter().copied());
    let vacuous = match tally.vacuous {
        0 => String::new(),
        vacuous => format!(", {vacuous} vacuous"),
    };
    format!("{}, {} passed{vacuous}", plural(tally.runs, "run"), tally.passed.count)
}
