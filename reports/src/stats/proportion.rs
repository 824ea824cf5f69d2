//! Shares of runs: the interval of one, and tests of two.

use crate::stats::basics::{Interval, Test};
use statrs::distribution::{Binomial, DiscreteCDF as _};

/// Tables whose probabilities differ by less than this share are equally probable (as in R).
const SAME: f64 = 1.0 + 1e-7;

/// The score interval of `count` of `of`, for `z` deviations: Wilson, "Probable inference, the law of
/// succession, and statistical inference" (1927). Of nothing, anything is possible.
pub(crate) fn wilson(count: usize, of: usize, z: f64) -> Interval {
    if of == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let n = of as f64;
    let share = count.min(of) as f64 / n;
    let scale = 1.0 + z * z / n;
    let middle = (share + z * z / (2.0 * n)) / scale;
    let half = z / scale * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    Interval {
        low: if count == 0 { 0.0 } else { (middle - half).max(0.0) },
        high: if count >= of { 1.0 } else { (middle + half).min(1.0) },
    }
}

/// Fisher's exact test of `a` of `a_of` against `b` of `b_of`, two-sided: the sum over all tables
/// with these margins that are at most as probable as this one (Fisher, "The design of experiments",
/// 1935).
pub(crate) fn fisher(a: usize, a_of: usize, b: usize, b_of: usize) -> Test {
    pooled(&[Stratum::Samples { base: (a, a_of), head: (b, b_of) }])
}

/// How often something is so in one scenario, on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stratum {
    /// `base.0` of `base.1` against `head.0` of `head.1`, of runs that have nothing to do with each other.
    Samples { base: (usize, usize), head: (usize, usize) },
    /// Pairs of which only the head's run has it, and of which only the base's has.
    Pairs { worse: usize, better: usize },
}

impl Stratum {
    /// What the head's number may be if there is no difference, with how probable it is, from the
    /// smallest; and how far above the smallest it is.
    fn chances(self) -> (Vec<f64>, usize) {
        match self {
            Self::Samples { base: (a, a_of), head: (b, b_of) } => {
                let (a, b) = (a.min(a_of), b.min(b_of));
                let both = a + b;
                let lowest = both.saturating_sub(a_of);
                (hypergeometric(both, a_of, b_of), b - lowest)
            }
            Self::Pairs { worse, better } => {
                let pairs = worse.saturating_add(better);
                let up = |x: usize| (pairs - x) as f64 / (x + 1) as f64;
                (from_the_mode(pairs + 1, pairs / 2, up), worse)
            }
        }
    }

    /// There is only one number that it may be.
    pub(crate) fn says_nothing(self) -> bool {
        match self {
            Self::Samples { base: (a, a_of), head: (b, b_of) } => {
                let both = a + b;
                both == 0 || a_of == 0 || b_of == 0 || both == a_of + b_of
            }
            Self::Pairs { worse, better } => worse + better == 0,
        }
    }
}

/// How probable each number of the `both` is among `b_of`, the others being among `a_of`.
fn hypergeometric(both: usize, a_of: usize, b_of: usize) -> Vec<f64> {
    let (lowest, highest) = (both.saturating_sub(a_of), both.min(b_of));
    let mode = ((both + 1) as f64 * (b_of + 1) as f64 / (a_of + b_of + 2) as f64) as usize;
    let mode = mode.clamp(lowest, highest);
    let up = |place: usize| {
        let x = lowest + place;
        (b_of - x) as f64 * (both - x) as f64 / ((x + 1) as f64 * (a_of + x + 1 - both) as f64)
    };
    from_the_mode(highest - lowest + 1, mode - lowest, up)
}

/// A distribution over `len` places, from how many times as probable each place's next one is. Each
/// probability is taken against the most probable one's: no factorial, no overflow.
fn from_the_mode(len: usize, mode: usize, up: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut weights = vec![0.0_f64; len];
    weights[mode] = 1.0;
    for place in mode..len - 1 {
        weights[place + 1] = weights[place] * up(place);
    }
    for place in (0..mode).rev() {
        weights[place] = weights[place + 1] / up(place);
    }
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= total);
    weights
}

/// Many scenarios as one, each keeping to its own: the exact test of the sum of the head's numbers,
/// given what each scenario has on both sides together (for tables, the exact form of the test of
/// Mantel and Haenszel: Agresti, "Categorical data analysis", 2nd ed., 6.3.5). Two-sided: the sum over
/// all numbers that are at most as probable as this one. Of one scenario it is Fisher's test, or
/// `McNemar`'s.
pub(crate) fn pooled(strata: &[Stratum]) -> Test {
    let mut chances = vec![1.0];
    let mut at = 0;
    for stratum in strata.iter().filter(|stratum| !stratum.says_nothing()) {
        let (one, place) = stratum.chances();
        at += place;
        let mut sum = vec![0.0; chances.len() + one.len() - 1];
        for (place, chance) in chances.iter().enumerate() {
            for (sum, one) in sum[place..].iter_mut().zip(&one) {
                *sum += chance * one;
            }
        }
        chances = sum;
    }
    if chances.len() == 1 {
        return Test::NONE;
    }
    let p = |place: usize| {
        let bound = chances[place] * SAME;
        chances.iter().filter(|chance| **chance <= bound).sum::<f64>()
    };
    Test::new(p(at), p(0).min(p(chances.len() - 1)))
}

/// `McNemar`'s exact test of pairs: `worse` changed one way, `better` the other; pairs that did not
/// change say nothing. Two-sided (the sign test of the discordant pairs: Agresti, "Categorical data
/// analysis", 2nd ed., 10.1.4).
pub(crate) fn mcnemar(worse: usize, better: usize) -> Test {
    let pairs = worse.saturating_add(better) as u64;
    let Ok(coin) = Binomial::new(0.5, pairs) else { return Test::NONE };
    if pairs == 0 {
        return Test::NONE;
    }
    Test::new(2.0 * coin.cdf(worse.min(better) as u64), 2.0 * 0.5_f64.powf(pairs as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Z;

    fn near(a: f64, b: f64, within: f64) {
        assert!((a - b).abs() <= within, "{a} is not {b}");
    }

    #[test]
    fn wilson_as_published() {
        // Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I,
        // method 3: 81/263, 15/148, 0/20, 1/29.
        for (count, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let interval = wilson(count, of, Z);
            near(interval.low, low, 5e-5);
            near(interval.high, high, 5e-5);
        }
        assert_eq!(wilson(0, 0, Z), Interval { low: 0.0, high: 1.0 });
        assert_eq!(wilson(7, 7, Z).high, 1.0);
        assert_eq!(wilson(9, 7, Z), wilson(7, 7, Z));
    }

    #[test]
    fn fisher_as_published() {
        // The lady tasting tea, in Agresti, 2nd ed., table 3.8: 3 of 4 against 1 of 4.
        near(fisher(3, 4, 1, 4).p, 0.4857, 5e-5);
        // All right: 2 of the 70 tables.
        near(fisher(4, 4, 0, 4).p, 2.0 / 70.0, 1e-12);
        near(fisher(3, 4, 1, 4).least, 2.0 / 70.0, 1e-12);
        // R's Job and Convictions examples (fisher.test, after Fisher 1962: twins, 2/17 against 10/13
        // alike): two-sided 0.0005367.
        near(fisher(2, 17, 10, 13).p, 0.000_536_7, 5e-8);
        // The one that statrs 0.19.1 misses; the normal approximation with Yates' correction: 0.0284.
        near(fisher(500, 1000, 450, 1000).p, 0.0282, 5e-5);
    }

    #[test]
    fn fisher_says_nothing_of_nothing() {
        for (a, a_of, b, b_of) in [(0, 0, 0, 0), (0, 9, 0, 9), (9, 9, 4, 4), (0, 0, 3, 5)] {
            assert_eq!(fisher(a, a_of, b, b_of), Test::NONE);
        }
        near(fisher(5, 10, 5, 10).p, 1.0, 1e-12);
        assert!(fisher(0, 100_000, 100_000, 100_000).p < 1e-300);
    }

    #[test]
    fn fisher_is_the_sum_over_the_tables() {
        let choose = |n: usize, k: usize| {
            (0..k).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64)
        };
        for (a_of, b_of) in [(7, 9), (12, 5), (1, 14)] {
            for a in 0..=a_of {
                for b in 0..=b_of {
                    let of = |x: usize| choose(a_of, x) * choose(b_of, a + b - x);
                    let tables = (a + b).saturating_sub(b_of)..=(a + b).min(a_of);
                    let total: f64 = tables.clone().map(of).sum();
                    let far: f64 = tables.map(of).filter(|p| *p <= of(a) * SAME).sum();
                    near(fisher(a, a_of, b, b_of).p, far / total, 1e-12);
                }
            }
        }
    }

    #[test]
    fn mcnemar_as_published() {
        // Agresti, 2nd ed., 10.1.4: the approval ratings 86 and 150; so far apart that p is near 0.
        assert!(mcnemar(150, 86).p < 1e-4);
        // The sign test's table (Conover, "Practical nonparametric statistics", table A3): of 10, two
        // or fewer one way: 2 * 0.0547; of 8, none: 2 * 0.0039; of 5, none: 2 * 0.0312.
        near(mcnemar(2, 8).p, 0.1094, 5e-5);
        near(mcnemar(8, 0).p, 0.0078, 5e-5);
        near(mcnemar(0, 5).p, 0.0625, 1e-12);
        near(mcnemar(0, 5).least, 0.0625, 1e-12);
        near(mcnemar(4, 4).p, 1.0, 1e-12);
        assert_eq!(mcnemar(0, 0), Test::NONE);
        assert!(mcnemar(100_000, 0).p < 1e-300);
    }
}
