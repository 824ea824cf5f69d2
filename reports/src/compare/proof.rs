//! Failures of a kind (an invariant, and the shape of its evidence) that the base never showed.
//!
//! **Proof** is that the base ran this very plan and seed and passed, and the head fails. But a change
//! that moves a history draws the run anew: under a system that fails one run of fifty, some seeds that
//! passed fail and others that failed pass, in every innocent change. So what is asked is how probable
//! it is that only the new draws show the failure, if it was there all along, whatever its rate
//! ([`only_then`]): it depends on how many runs of the base are clean and how many histories changed.
//! Of a change that moved one history of fifty, and this one fails, that is 0.7 %: proof. Of one that
//! moved all fifty, and one fails, it is 25 %: something to look at. The more kinds of failure the base
//! shows, the likelier is one that it happened not to show yet, so the chance is taken as many times.

use crate::{
    compare::{
        known::Known,
        model::{Finding, FindingKind, Weight},
        pair::{Count, Pair},
        single::{judged, judged_otherwise, same_history},
        subject::{finding, seeds_of, violations},
    },
    format::{Run, Verdict, Violation},
    stats::only_then,
    text::{
        numbers::percent,
        words::{plural, seeds},
    },
};
use std::collections::BTreeSet;

/// The chance must be at most this. One run that fails is proof if the version changed no more than one
/// history of ten (3.5 %), and four are if it changed all (2 %), where three would be 3.6 to 4.4 %.
const PROOF: f64 = 0.036;

/// What a scenario's runs of the same plans say about failures that the base never showed.
pub(super) struct Redrawn {
    /// Runs of the base that judge.
    base: usize,
    /// Pairs of the same plan that both judge.
    pairs: usize,
    /// Of these, those whose histories differ.
    drawn: usize,
    /// Of these, the seeds that passed in the base and fail in a new way in the head.
    flipped: BTreeSet<u64>,
    /// How probable at most that is by chance.
    chance: f64,
}

impl Redrawn {
    pub(super) fn of(pair: &Pair<'_>, known: &Known<'_>) -> Self {
        let base = pair.base.iter().filter(|run| judged(run)).count();
        let both = |(base, head): &&(&Run, &Run)| judged(base) && judged(head);
        let pairs: Vec<&(&Run, &Run)> = pair.same_plan.iter().filter(both).collect();
        let drawn = || pairs.iter().filter(|(base, head)| !same_history(base, head));
        let flipped: BTreeSet<u64> = drawn()
            .filter(|(base, _)| base.verdict == Verdict::Passed)
            .filter(|(_, head)| head.violations.iter().any(|violation| !known.in_base(violation)))
            .map(|(_, head)| head.seed)
            .collect();
        let kinds = 1.0 + known.shapes() as f64;
        let chance = (only_then(base, drawn().count(), flipped.len()) * kinds).min(1.0);
        Self { base, pairs: pairs.len(), drawn: drawn().count(), flipped, chance }
    }

    fn proves(&self, runs: &[&Run]) -> bool {
        self.chance <= PROOF && runs.iter().any(|run| self.flipped.contains(&run.seed))
    }

    /// Why it is proof, or is none.
    fn why(&self, pair: &Pair<'_>, runs: &[&Run]) -> String {
        let flipped: Vec<u64> =
            seeds_of(runs).into_iter().filter(|seed| self.flipped.contains(seed)).collect();
        if !flipped.is_empty() {
            let moved = format!(
                "The base ran the same plan and passed ({}). The version changed {} of {}",
                seeds(&flipped),
                self.drawn,
                if self.pairs == 1 {
                    "1 history".to_owned()
                } else {
                    format!("{} histories", self.pairs)
                },
            );
            let chance = percent(self.chance);
            let clean = plural(self.base, "run");
            return if self.chance <= PROOF {
                format!(
                    "{moved}: that the failure was there before, and by chance in none of {clean}, is \
                     at most {chance} % probable."
                )
            } else {
                format!(
                    "{moved}, and what changed is a new draw: the failure may have been there before, \
                     and by chance in none of {clean} (up to {chance} % probable). No proof."
                )
            };
        }
        let otherwise = |run: &&Run| {
            let mut pairs = pair.same_plan.iter().filter(|(_, head)| head.seed == run.seed);
            pairs.any(|(base, head)| judged_otherwise(base, head))
        };
        if runs.iter().any(otherwise) {
            return "The history is the base's own, which was judged otherwise: the system did the \
                    same. No proof."
                .to_owned();
        }
        let ran = |run: &&Run| pair.base.iter().any(|base| base.seed == run.seed);
        if runs.iter().any(ran) {
            "In the base these seeds did not pass, or were other plans. No proof.".to_owned()
        } else {
            "The base did not run these seeds: there, the command below tells whether it is new. No \
             proof."
                .to_owned()
        }
    }
}

/// Runs of the head that break an invariant in a way that the base never showed.
pub(super) fn fresh(
    pair: &Pair<'_>,
    invariant: &str,
    count: &Count<'_>,
    known: &Known<'_>,
    redrawn: &Redrawn,
) -> Option<Finding> {
    if count.base.of == 0 {
        return None;
    }
    let fresh = |violation: &&Violation| !known.in_base(violation);
    let mut runs: Vec<&Run> = count
        .head_runs
        .iter()
        .copied()
        .filter(|run| violations(run, invariant).any(|violation| fresh(&violation)))
        .collect();
    // What the base ran as well says most.
    runs.sort_by_key(|run| (!redrawn.flipped.contains(&run.seed), run.seed));
    let first = *runs.first()?;
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
    let proof = redrawn.proves(&runs);
    let mut head_seeds = seeds_of(&runs);
    head_seeds.sort_unstable();
    Some(Finding {
        weight: if proof { Weight::Regression } else { Weight::Attention },
        kind: FindingKind::New,
        proof,
        text: format!(
            "Fails in a way that is new: {base}. {} of {} of the head {} it. {}",
            runs.len(),
            plural(count.head.of, "run"),
            if runs.len() == 1 { "shows" } else { "show" },
            redrawn.why(pair, &runs),
        ),
        base: Some(count.base),
        head: Some(count.head),
        base_seeds: seeds_of(&count.base_runs),
        head_seeds,
        signatures: shapes.into_iter().collect(),
        example: violations(first, invariant).find(fresh).map(|found| found.summary.clone()),
        replay: Some(first.replay.clone()),
        on_base: on_base(pair, first.seed),
        ..finding(pair, invariant)
    })
}

/// The command that makes the run of a seed with the base: the one that the base's report has for it, or
/// for another seed.
pub(super) fn on_base(pair: &Pair<'_>, seed: u64) -> Option<String> {
    let ran = pair.base.iter().find(|run| run.seed == seed);
    if let Some(run) = ran.filter(|run| !run.replay.is_empty()) {
        return Some(run.replay.clone());
    }
    let other = pair.base.iter().find(|run| run.replay.contains(" --seed "))?;
    with_seed(other, seed)
}

/// A run's command for another seed, without what is true of its own history only.
fn with_seed(run: &Run, seed: u64) -> Option<String> {
    let (before, after) = run.replay.split_once(" --seed ")?;
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    let mut words: Vec<&str> = rest.split(' ').collect();
    let of_history = |word: &&str| !run.hash.is_empty() && word.contains(run.hash.as_str());
    if let Some(place) = words.iter().position(of_history) {
        let flag = place.checked_sub(1).filter(|_| !words[place].starts_with("--"));
        words.drain(flag.unwrap_or(place)..=place);
    }
    Some(format!("{before} --seed {seed}{}", words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_for_another_seed() {
        let of = |replay: &str| {
            let run = Run { replay: replay.into(), hash: "ab12".into(), ..Run::default() };
            with_seed(&run, 7).unwrap()
        };
        assert_eq!(of("squall replay s.yaml --seed 31"), "squall replay s.yaml --seed 7");
        assert_eq!(
            of("squall replay 'a b.yaml' --seed 31 --defect x"),
            "squall replay 'a b.yaml' --seed 7 --defect x"
        );
        assert_eq!(
            of("squall replay s.yaml --seed 3 --history ab12 --defect x"),
            "squall replay s.yaml --seed 7 --defect x"
        );
        assert_eq!(
            of("squall replay s.yaml --seed 3 --history=ab12"),
            "squall replay s.yaml --seed 7"
        );
    }
}
