//! When a scenario has failed often enough: more seeds that fail for the same cause teach nothing.

use squall_reports::{Run, Verdict};
use std::collections::BTreeMap;

/// Why a run did not pass: two of one cause are alike.
type Cause = (Verdict, String);

/// Which runs are wanted still. It looks at the seeds of each scenario in their order, so what counts does not depend on
/// which worker is faster: what was made beyond the last seed that counts is left out.
#[derive(Debug)]
pub struct Enough {
    /// How many failures of one cause are enough.
    most: usize,
    scenarios: Vec<Seeds>,
}

/// The seeds of a scenario.
#[derive(Debug, Default)]
struct Seeds {
    /// Those that were not counted yet, in order, with what came of those that were made: none, if it passed.
    ahead: BTreeMap<u64, Option<Option<Cause>>>,
    /// How many of those that were counted did not pass, by cause.
    causes: BTreeMap<Cause, usize>,
    /// The last seed that counts, if there were enough failures.
    last: Option<u64>,
}

impl Enough {
    /// For runs by scenario and seed; `most` failures of one cause are enough.
    #[must_use]
    pub fn new(most: usize, runs: impl Iterator<Item = (usize, u64)>) -> Self {
        let mut scenarios: Vec<Seeds> = Vec::new();
        for (scenario, seed) in runs {
            if scenario >= scenarios.len() {
                scenarios.resize_with(scenario + 1, Seeds::default);
            }
            scenarios[scenario].ahead.insert(seed, None);
        }
        Self { most, scenarios }
    }

    /// A run was made.
    pub fn note(&mut self, scenario: usize, run: &Run) {
        let seeds = &mut self.scenarios[scenario];
        seeds.ahead.insert(run.seed, Some(cause(run)));
        // Where a seed was not made, what comes of it may end the scenario before those behind it.
        while seeds.last.is_none()
            && let Some(next) = seeds.ahead.first_entry()
            && next.get().is_some()
        {
            let (seed, made) = next.remove_entry();
            let Some(cause) = made.flatten() else { continue };
            let count = seeds.causes.entry(cause).or_default();
            *count += 1;
            if *count >= self.most {
                seeds.last = Some(seed);
            }
        }
    }

    /// Whether a run counts, as far as is known.
    #[must_use]
    pub fn wants(&self, scenario: usize, seed: u64) -> bool {
        self.scenarios.get(scenario).is_none_or(|seeds| seeds.last.is_none_or(|last| seed <= last))
    }

    /// How many runs of a scenario do not count.
    #[must_use]
    pub fn left_out(&self, scenario: usize) -> u64 {
        // All that was counted counts.
        let seeds = self.scenarios.get(scenario).filter(|seeds| seeds.last.is_some());
        seeds.map_or(0, |seeds| seeds.ahead.len() as u64)
    }
}

/// Of a failure what was violated first, of others what is said of it.
fn cause(run: &Run) -> Option<Cause> {
    let first = run.violations.first().map(|violation| violation.invariant.clone());
    let said = first.or_else(|| run.reason.clone()).unwrap_or_default();
    (run.verdict != Verdict::Passed).then_some((run.verdict, said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_reports::Violation;

    fn run(seed: u64, invariant: &str) -> Run {
        if invariant.is_empty() {
            return Run { seed, ..Run::default() };
        }
        let violation = Violation { invariant: invariant.to_owned(), ..Violation::default() };
        Run { seed, verdict: Verdict::Failed, violations: vec![violation], ..Run::default() }
    }

    /// The seeds of 1..=6 that count when these runs were made, two failures of one cause being enough.
    fn wanted(made: &[Run]) -> Vec<u64> {
        let mut enough = Enough::new(2, (1..=6).map(|seed| (0, seed)));
        made.iter().for_each(|run| enough.note(0, run));
        let wanted: Vec<u64> = (1..=6).filter(|seed| enough.wants(0, *seed)).collect();
        assert_eq!(enough.left_out(0), 6 - wanted.len() as u64);
        wanted
    }

    #[test]
    fn seeds_after_enough_failures_of_one_cause_do_not_count() {
        assert_eq!(wanted(&[run(1, "order"), run(2, ""), run(3, "order")]), [1, 2, 3]);
        assert_eq!(wanted(&[run(1, "order"), run(2, "no_loss"), run(3, "")]), [1, 2, 3, 4, 5, 6]);
        let vacuous = |seed, why: &str| Run {
            seed,
            verdict: Verdict::Vacuous,
            reason: Some(why.to_owned()),
            ..Run::default()
        };
        assert_eq!(wanted(&[vacuous(1, "a"), vacuous(2, "b"), vacuous(3, "b")]), [1, 2, 3]);
    }

    #[test]
    fn which_worker_is_faster_does_not_matter() {
        // Seeds 1 and 2 are under way still: they may be the ones that count.
        assert_eq!(wanted(&[run(3, "order"), run(4, "order")]), [1, 2, 3, 4, 5, 6]);
        let all = [run(3, "order"), run(4, "order"), run(2, "order"), run(1, "order")];
        assert_eq!(wanted(&all[..3]), [1, 2, 3, 4, 5, 6]);
        assert_eq!(wanted(&all), [1, 2]);
    }

    #[test]
    fn a_scenario_that_nobody_counts_is_wanted() {
        assert!(Enough::new(1, std::iter::empty()).wants(3, 1));
    }
}
