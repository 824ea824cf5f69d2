//! Tests by ranks: of pairs, and of two samples.
//!
//! Some values are only known to be larger than something (censored): a run that never recovered took
//! longer than it was watched. Such a value is after every value that is at most that, and what it is to
//! any other is not known and counts for neither side (Gehan, "A generalized Wilcoxon test for comparing
//! arbitrarily singly-censored samples", 1965). Without such values these are the tests of Wilcoxon and
//! of Mann and Whitney.
//!
//! Up to [`EXACT_PAIRS`] pairs and [`EXACT_VALUES`] values the distribution is counted, with ties as
//! they are (of all ways to deal the same scores out); beyond, it is the normal one with a correction
//! for ties and for continuity.

use crate::stats::basics::{Test, two_tails};

/// Pairs that differ.
const EXACT_PAIRS: usize = 25;

/// Values of both samples.
const EXACT_VALUES: usize = 30;

/// A value, or what is known of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Value {
    pub at: f64,
    /// It is `at`; otherwise it is only known to be larger.
    pub known: bool,
}

impl Value {
    pub(crate) const fn known(at: f64) -> Self {
        Self { at, known: true }
    }

    pub(crate) const fn above(at: f64) -> Self {
        Self { at, known: false }
    }
}

/// The difference of a pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The head's is the larger one.
    more: bool,
    /// How far they are apart.
    by: Value,
}

impl Difference {
    /// From base to head; none if it is not known which is larger, or neither is.
    pub(crate) fn of(base: Value, head: Value) -> Option<Self> {
        let (less, more) = (base.is_less(head), head.is_less(base));
        let by = Value { at: (head.at - base.at).abs(), known: base.known && head.known };
        (less || more).then_some(Self { more: less, by })
    }
}

impl Value {
    /// Surely less than another.
    fn is_less(self, other: Self) -> bool {
        self.known && if other.known { self.at < other.at } else { self.at <= other.at }
    }
}

/// Values in order, to count how many are surely less or more than another.
pub(super) struct Sorted {
    known: Vec<f64>,
    above: Vec<f64>,
}

impl Sorted {
    pub(super) fn of(values: &[Value]) -> Self {
        let side = |known: bool| {
            let some = values.iter().filter(|value| value.known == known);
            let mut some: Vec<f64> = some.map(|value| value.at).collect();
            some.sort_by(f64::total_cmp);
            some
        };
        Self { known: side(true), above: side(false) }
    }

    /// How many are surely less than `value`, and how many surely more.
    pub(super) fn around(&self, value: Value) -> (usize, usize) {
        let upto = self.known.partition_point(|known| *known <= value.at);
        if !value.known {
            return (upto, 0);
        }
        let less = self.known.partition_point(|known| *known < value.at);
        let above = self.above.len() - self.above.partition_point(|above| *above < value.at);
        (less, self.known.len() - upto + above)
    }
}

/// Of each value, how many are less, less how many are more, plus what makes these midranks
/// times two where all is known.
fn scores(values: &[Value]) -> Vec<usize> {
    let sorted = Sorted::of(values);
    values
        .iter()
        .map(|value| {
            let (less, more) = sorted.around(*value);
            values.len() + 1 + less - more
        })
        .collect()
}

/// Wilcoxon's signed-rank test of differences of pairs, two-sided ("Individual comparisons by ranking
/// methods", 1945). That a pair's runs change places has the same chance, whatever is known of either.
pub(crate) fn wilcoxon(differences: &[Difference]) -> Test {
    let n = differences.len();
    if n == 0 {
        return Test::NONE;
    }
    let least = 2.0 * 0.5_f64.powf(n as f64);
    let scores = scores(&differences.iter().map(|d| d.by).collect::<Vec<_>>());
    let total: usize = scores.iter().sum();
    let above: usize =
        scores.iter().zip(differences).filter(|(_, d)| d.more).map(|(score, _)| score).sum();
    if n > EXACT_PAIRS {
        let variance = scores.iter().map(|score| (*score as f64).powi(2)).sum::<f64>() / 16.0;
        let off = above.abs_diff(total - above) as f64 / 4.0;
        return Test::new(normal(off, variance), least);
    }
    // How probable each sum of the scores above is, if each difference may as well have the other sign.
    let mut sums = vec![0.0; total + 1];
    sums[0] = 1.0;
    for score in scores {
        for sum in (0..=total).rev() {
            let with = if sum >= score { sums[sum - score] } else { 0.0 };
            sums[sum] = (sums[sum] + with) / 2.0;
        }
    }
    let tail: f64 = sums.iter().take(above.min(total - above) + 1).sum();
    Test::new(2.0 * tail, least)
}

/// The test of Mann and Whitney ("On a test of whether one of two random variables is stochastically
/// larger than the other", 1947), two-sided.
pub(crate) fn mann_whitney(base: &[Value], head: &[Value]) -> Test {
    let (m, n) = (base.len(), head.len());
    if m == 0 || n == 0 {
        return Test::NONE;
    }
    let scores = scores(&[base, head].concat());
    // Of C(m + n, m) ways to deal the scores, the two that are farthest apart.
    let ways = (1..=m).fold(1.0, |ways, i| ways * (n + i) as f64 / i as f64);
    let least = 2.0 / ways;
    let sum: usize = scores.iter().take(m).sum();
    // The sum of the scores has this mean.
    let middle = m + n + 1;
    let mean = m * middle;
    let off = sum.abs_diff(mean);
    if m + n > EXACT_VALUES {
        let (m, n) = (m as f64, n as f64);
        let squares: f64 = scores.iter().map(|score| (score.abs_diff(middle) as f64).powi(2)).sum();
        let variance = m * n / ((m + n) * (m + n - 1.0)) * squares / 4.0;
        return Test::new(normal(off as f64 / 2.0, variance), least);
    }
    let dealt = deal(&scores, m);
    let far: f64 = dealt
        .iter()
        .enumerate()
        .filter(|(sum, _)| sum.abs_diff(mean) >= off)
        .map(|(_, ways)| ways)
        .sum();
    Test::new(far / ways, least)
}

/// In how many ways `m` of the ranks have each sum.
fn deal(ranks: &[usize], m: usize) -> Vec<f64> {
    let total: usize = ranks.iter().sum();
    let mut ways = vec![vec![0.0; total + 1]; m + 1];
    ways[0][0] = 1.0;
    let mut highest = 0;
    for rank in ranks {
        highest += rank;
        for taken in (1..=m).rev() {
            let (fewer, more) = ways.split_at_mut(taken);
            let (Some(from), Some(to)) = (fewer.last(), more.first_mut()) else { continue };
            for (to, from) in to[*rank..=highest].iter_mut().zip(from) {
                *to += from;
            }
        }
    }
    ways.swap_remove(m)
}

/// Both tails beyond a distance from the mean, with half a step for continuity.
fn normal(off: f64, variance: f64) -> f64 {
    if variance > 0.0 { two_tails((off - 0.5).max(0.0) / variance.sqrt()) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, within: f64) {
        assert!((a - b).abs() <= within, "{a} is not {b}");
    }

    fn known(values: &[f64]) -> Vec<Value> {
        values.iter().copied().map(Value::known).collect()
    }

    /// The test of these differences, equal pairs left out.
    fn wilcoxon_of(differences: &[f64]) -> Test {
        let of = |d: &f64| Difference::of(Value::known(0.0), Value::known(*d));
        wilcoxon(&differences.iter().filter_map(of).collect::<Vec<_>>())
    }

    fn mann_whitney_of(base: &[f64], head: &[f64]) -> Test {
        mann_whitney(&known(base), &known(head))
    }

    /// Differences with ranks 1 to `n`, of which the ones named are below zero.
    fn signed(n: i32, below: &[i32]) -> Vec<f64> {
        (1..=n).map(|i| f64::from(if below.contains(&i) { -i } else { i })).collect()
    }

    #[test]
    fn wilcoxon_as_in_the_tables() {
        // Critical values for two-sided 5 % (Wilcoxon and Wilcox 1964; Conover, table A12): n = 6: 0,
        // 7: 2, 8: 3, 10: 8, 15: 25, 20: 52, 25: 89: at the value it is significant, one above it not.
        for (n, critical) in [(6, 0), (7, 2), (8, 3), (10, 8), (15, 25), (20, 52), (25, 89)] {
            for (sum, significant) in [(critical, true), (critical + 1, false)] {
                // The largest ranks that make up the sum.
                let (mut rest, mut below) = (sum, Vec::new());
                for rank in (1..=n).rev().filter(|rank| *rank <= sum) {
                    if rank <= rest {
                        below.push(rank);
                        rest -= rank;
                    }
                }
                assert_eq!(rest, 0);
                let p = wilcoxon_of(&signed(n, &below)).p;
                assert_eq!(p <= 0.05, significant, "n {n}, sum {sum}: p {p}");
            }
        }
        // Darwin's Zea mays, in eighths of an inch (Fisher 1935): W- = 24 of n = 15; exact p 0.0413
        // with its ties.
        let maize = [49., -67., 8., 16., 6., 23., 28., 41., 14., 29., 56., 24., 75., 60., -48.];
        near(wilcoxon_of(&maize).p, 0.0413, 1e-4);
    }

    #[test]
    fn wilcoxon_leaves_equal_pairs_out_and_knows_ties() {
        assert_eq!(wilcoxon_of(&[0.0, -0.0, 0.0]), Test::NONE);
        assert_eq!(wilcoxon_of(&[]), Test::NONE);
        near(wilcoxon_of(&[0.0, 1.0, 1.0, 1.0, 1.0, 1.0]).p, 2.0 / 32.0, 1e-12);
        near(wilcoxon_of(&[f64::INFINITY; 6]).p, 2.0 / 64.0, 1e-12);
        // Beyond what is counted, the normal distribution is near.
        let exact = wilcoxon_of(&signed(25, &[25, 24, 23, 17])).p;
        let with_one_more = wilcoxon_of(&signed(26, &[26, 25, 24, 18])).p;
        near(exact, with_one_more, 0.02);
    }

    #[test]
    fn mann_whitney_as_in_the_tables() {
        // Critical U for two-sided 5 % (Mann and Whitney 1947; Siegel, "Nonparametric statistics", table
        // K): 4,4: 0; 5,5: 2; 8,8: 13; 10,10: 23; 5,10: 8; 15,15: 64.
        for (m, n, critical) in
            [(4, 4, 0), (5, 5, 2), (8, 8, 13), (10, 10, 23), (5, 10, 8), (15, 15, 64_usize)]
        {
            for (u, significant) in [(critical, true), (critical + 1, false)] {
                // Each of the first sample goes before as many of the second as make up U.
                let head: Vec<f64> = (1..=n).map(f64::from).collect();
                let mut rest = u;
                let base: Vec<f64> = (0..m)
                    .map(|i| {
                        let before = rest.min(head.len());
                        rest -= before;
                        before as f64 + 0.5 + f64::from(i) / 1_000.0
                    })
                    .collect();
                assert_eq!(rest, 0);
                let p = mann_whitney_of(&base, &head).p;
                assert_eq!(p <= 0.05, significant, "{m}, {n}, U {u}: p {p}");
            }
        }
    }

    #[test]
    fn mann_whitney_with_ties_counts_the_ways_to_deal_them() {
        // Of the 20 ways to take three of {1, 1, 1, 2, 2, 2}, two are as far apart.
        near(mann_whitney_of(&[1.0; 3], &[2.0; 3]).p, 2.0 / 20.0, 1e-12);
        near(mann_whitney_of(&[1.0, 1.0, 2.0], &[1.0, 2.0, 2.0]).p, 1.0, 1e-12);
        near(mann_whitney_of(&[4.0; 9], &[4.0; 40]).p, 1.0, 1e-12);
        assert_eq!(mann_whitney_of(&[], &[1.0]), Test::NONE);
        near(mann_whitney_of(&[1.0, 2.0, 3.0], &[f64::INFINITY; 3]).p, 2.0 / 20.0, 1e-12);
    }

    #[test]
    fn the_normal_approximation_agrees_with_statrs() {
        use statrs::stats_tests::{
            Alternative,
            mannwhitneyu::{MannWhitneyUMethod, mannwhitneyu},
        };
        let base: Vec<f64> = (0..40).map(|i| f64::from(i * 37 % 23)).collect();
        let head: Vec<f64> = (0..35).map(|i| f64::from(i * 41 % 29)).collect();
        let (_, p) = mannwhitneyu(
            &base,
            &head,
            MannWhitneyUMethod::AsymptoticInclContinuityCorrection,
            Alternative::TwoSided,
        )
        .unwrap();
        near(mann_whitney_of(&base, &head).p, p, 1e-9);
    }

    #[test]
    fn what_is_only_known_to_be_larger_counts_where_it_is_known() {
        // Gehan's own example: weeks in remission with 6-MP (above: still in it) and with a placebo. His
        // statistic is 271, and its deviation 76 (Gehan 1965, 4; z = 3.6, without continuity).
        let mp = [6., 6., 6., 7., 10., 13., 16., 22., 23.].map(Value::known);
        let still = [6., 9., 10., 11., 17., 19., 20., 25., 32., 32., 34., 35.].map(Value::above);
        let drug = [mp.as_slice(), &still].concat();
        let placebo = known(&[
            1., 1., 2., 2., 3., 4., 4., 5., 5., 8., 8., 8., 8., 11., 11., 12., 12., 15., 17., 22.,
            23.,
        ]);
        let together = scores(&[drug.as_slice(), &placebo].concat());
        let off: usize = together.iter().take(drug.len()).sum::<usize>() - 21 * 43;
        assert_eq!(off, 271);
        let squares: f64 = together.iter().map(|s| (*s as f64 - 43.0).powi(2)).sum();
        near((squares * 21.0 * 21.0 / (42.0 * 41.0)).sqrt(), 75.1, 0.05);
        assert!(mann_whitney(&drug, &placebo).p < 0.0004);

        // A pair of which one never came: sure if the other came while it was watched, else not.
        let of = Difference::of;
        let never = Value::above(5.0);
        assert_eq!(of(never, Value::known(6.0)), None);
        assert_eq!(of(never, never), None);
        let before = of(never, Value::known(5.0)).unwrap();
        assert_eq!((before.more, before.by), (false, Value::above(0.0)));
        assert!(of(Value::known(1.0), never).unwrap().more);
        // How far it is off is not known, and it takes no top rank: of 1, 2 and "more than 1.5".
        let by = [Value::known(1.0), Value::known(2.0), Value::above(1.5)];
        assert_eq!(scores(&by), [2, 5, 5]);
    }
}
