//! Tests that are made together, and their correction for being many.

use crate::stats::basics::Test;

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

/// A test can be significant among `many`.
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
    use crate::stats::basics::ALPHA;

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
