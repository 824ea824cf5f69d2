//! The statistics of comparisons, each checked against a published table in its tests.
//!
//! Distributions come from `statrs`. Its tests do not: version 0.19.1's `fishers_exact` searches the
//! far tail by bisection and can miss it (500 of 1,000 against 450 of 1,000: it says p = 0.496, and
//! the sum over all tables is 0.028), and its `mannwhitneyu` has no exact distribution when values
//! are tied. `McNemar`, Wilcoxon's signed ranks, Wilson's interval and Holm's correction it does not
//! have. So they are here, short, and draw nothing at random: the same data give the same answer.
//!
//! Nothing here panics: no data, one value or equal values give a test that can say nothing (p = 1).

mod effect;
mod power;
mod proportion;
mod ranks;

pub(crate) use effect::{difference, order_of_superiority, shift, shift_paired};
pub(crate) use power::{clean_runs, clean_runs_believed, detectable_drop, only_then, shows_by};
pub(crate) use proportion::{Stratum, fisher, mcnemar, pooled, wilson};
pub(crate) use ranks::{Difference, Value, mann_whitney, wilcoxon};

use serde::Serialize;
use statrs::distribution::{ContinuousCDF as _, Normal};

/// How improbable chance must be before one thing alone is called a difference.
pub(crate) const ALPHA: f64 = 0.05;

/// The same of all tests of verdicts together: a half of it, 2 %, is for what is worse.
pub(crate) const VERDICTS: f64 = 0.04;

/// The same of all tests of numbers together: 1 % is for what is worse. The rest of the 5 % in which a
/// comparison of equals may call something worse is left to proofs (`compare/proof.rs`).
pub(crate) const NUMBERS: f64 = 0.02;

/// Of the standard normal distribution: 95 % lie within so many deviations.
pub(crate) const Z: f64 = 1.959_963_984_540_054;

/// Where a number lies, with 95 % confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Interval {
    /// Not below this.
    pub low: f64,
    /// Not above this.
    pub high: f64,
}

/// What a two-sided test says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Test {
    /// How probable data at least as far apart are if there is no difference.
    pub p: f64,
    /// The smallest `p` that the test can give with data of this size, or less.
    pub least: f64,
}

impl Test {
    /// A test of nothing.
    pub(crate) const NONE: Self = Self { p: 1.0, least: 1.0 };

    fn new(p: f64, least: f64) -> Self {
        // Sums of probabilities may miss by an ulp.
        Self { p: p.clamp(0.0, 1.0), least: least.clamp(0.0, 1.0) }
    }
}

/// Both tails of the standard normal distribution beyond `z` deviations.
fn two_tails(z: f64) -> f64 {
    2.0 * Normal::standard().sf(z.abs())
}

/// p-values corrected for being many: the chance that any of them is at most `alpha` by mistake is
/// at most `alpha`. In the order of the tests.
///
/// Holm, "A simple sequentially rejective multiple test procedure" (1979), over the tests that can be
/// significant at all, as Tarone, "A modified Bonferroni method for discrete data" (1990): with what
/// never failed on either side nothing was tried, and it costs the others no power.
pub(crate) fn holm(tests: &[Test], alpha: f64) -> Vec<f64> {
    let family = Family::of(tests, alpha).size;
    let mut order: Vec<usize> = (0..tests.len())
        .filter(|index| tests.get(*index).is_some_and(|test| able(test.least, family, alpha)))
        .collect();
    order.sort_by(|a, b| tests[*a].p.total_cmp(&tests[*b].p));
    let mut corrected = vec![1.0; tests.len()];
    let mut floor = 0.0_f64;
    for (place, index) in order.iter().enumerate() {
        floor = floor.max((tests[*index].p * (order.len() - place) as f64).min(1.0));
        corrected[*index] = floor;
    }
    corrected
}

/// A test can be significant among so many.
fn able(least: f64, many: usize, alpha: f64) -> bool {
    least * many as f64 <= alpha
}

/// How many tests are corrected for.
pub(crate) struct Family {
    /// The smallest p-values that the tests can give, from the smallest.
    least: Vec<f64>,
    size: usize,
    alpha: f64,
}

impl Family {
    pub(crate) fn of(tests: &[Test], alpha: f64) -> Self {
        let mut least: Vec<f64> = tests.iter().map(|test| test.least).collect();
        least.sort_by(f64::total_cmp);
        let able = |many: usize| least.partition_point(|least| able(*least, many, alpha));
        let size = (1..=least.len()).find(|many| able(*many) <= *many).unwrap_or(least.len());
        Self { least, size, alpha }
    }

    /// What p of a test must be at most, whatever the others say, if `more` tests that now cannot be
    /// significant can.
    pub(crate) fn alpha(&self, more: usize) -> f64 {
        let able =
            |many: usize| self.least.partition_point(|least| able(*least, many, self.alpha)) + more;
        let size = (self.size.max(1)..).find(|many| able(*many) <= *many).unwrap_or(1);
        self.alpha / size as f64
    }

    /// Whether a test is one of them.
    pub(crate) fn has(&self, test: &Test) -> bool {
        able(test.least, self.size.max(1), self.alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrected(ps: &[f64]) -> Vec<f64> {
        holm(&ps.iter().map(|p| Test { p: *p, least: 0.0 }).collect::<Vec<_>>(), ALPHA)
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn holm_steps_down() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") is 0.03 0.06 0.06 0.02
        let out = corrected(&[0.01, 0.04, 0.03, 0.005]);
        for (got, expected) in out.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!(near(*got, expected), "{out:?}");
        }
        assert_eq!(corrected(&[]), [0.0; 0]);
        assert_eq!(corrected(&[0.9, 0.8]), [1.0, 1.0]);
    }

    #[test]
    fn tests_that_cannot_be_significant_cost_nothing() {
        let mut tests = vec![Test::NONE; 50];
        tests.push(Test { p: 0.02, least: 0.001 });
        assert!(near(holm(&tests, ALPHA)[50], 0.02));
        // Two that could be at 5 %, of which one could not be at 2.5 %.
        let tests = [Test { p: 0.03, least: 0.03 }, Test { p: 0.04, least: 0.001 }];
        assert_eq!(holm(&tests, ALPHA), [1.0, 0.04]);
    }
}
