//! Shares of runs: the interval of one, and tests of two.

use super::{Interval, Test};
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
    let (a, b) = (a.min(a_of), b.min(b_of));
    let both = a + b;
    let (lowest, highest) = (both.saturating_sub(b_of), both.min(a_of));
    if a_of == 0 || b_of == 0 || lowest == highest {
        return Test::NONE;
    }
    // Each table's probability against the most probable one's: no factorial, no overflow.
    let mode = ((both + 1) as f64 * (a_of + 1) as f64 / (a_of + b_of + 2) as f64) as usize;
    let mode = mode.clamp(lowest, highest);
    let mut weights = vec![0.0_f64; highest - lowest + 1];
    weights[mode - lowest] = 1.0;
    // From a table to the one with one more in its corner.
    let up = |x: usize| {
        (a_of - x) as f64 * (both - x) as f64 / ((x + 1) as f64 * (b_of + x + 1 - both) as f64)
    };
    for x in mode..highest {
        weights[x + 1 - lowest] = weights[x - lowest] * up(x);
    }
    for x in (lowest..mode).rev() {
        weights[x - lowest] = weights[x + 1 - lowest] / up(x);
    }
    let total: f64 = weights.iter().sum();
    let p = |x: usize| {
        let bound = weights[x - lowest] * SAME;
        weights.iter().filter(|weight| **weight <= bound).sum::<f64>() / total
    };
    Test::new(p(a), p(lowest).min(p(highest)))
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
