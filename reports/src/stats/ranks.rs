//! Tests by ranks: of pairs, and of two samples.
//!
//! Up to [`EXACT_PAIRS`] pairs and [`EXACT_VALUES`] values the distribution is counted, with ties as
//! they are (of all ways to deal the same midranks out); beyond, it is the normal one with a correction
//! for ties and for continuity. Infinity is a value like others, larger than any.

use super::{Test, two_tails};

/// Pairs that differ.
const EXACT_PAIRS: usize = 25;

/// Values of both samples.
const EXACT_VALUES: usize = 30;

/// Ranks times two, so that midranks are whole, in the order of the values; and the sum of
/// t³ - t over ties of t values.
fn ranks(values: &[f64]) -> (Vec<usize>, f64) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0; values.len()];
    let mut ties = 0.0;
    let mut from = 0;
    for tied in order.chunk_by(|a, b| values[*a].total_cmp(&values[*b]).is_eq()) {
        for index in tied {
            ranks[*index] = 2 * from + tied.len() + 1;
        }
        from += tied.len();
        let t = tied.len() as f64;
        ties += t * t * t - t;
    }
    (ranks, ties)
}

/// Wilcoxon's signed-rank test of differences of pairs, two-sided; equal pairs are left out, as he did
/// ("Individual comparisons by ranking methods", 1945).
pub(crate) fn wilcoxon(differences: &[f64]) -> Test {
    let differences: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let n = differences.len();
    if n == 0 {
        return Test::NONE;
    }
    let least = 2.0 * 0.5_f64.powf(n as f64);
    let (ranks, ties) = ranks(&differences.iter().map(|d| d.abs()).collect::<Vec<_>>());
    let total: usize = ranks.iter().sum();
    let above: usize =
        ranks.iter().zip(&differences).filter(|(_, d)| **d > 0.0).map(|(rank, _)| rank).sum();
    if n > EXACT_PAIRS {
        let n = n as f64;
        let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0;
        let off = above.abs_diff(total - above) as f64 / 4.0;
        return Test::new(normal(off, variance), least);
    }
    // How probable each sum of the ranks above is, if each difference may as well have the other sign.
    let mut sums = vec![0.0; total + 1];
    sums[0] = 1.0;
    for rank in ranks {
        for sum in (0..=total).rev() {
            let with = if sum >= rank { sums[sum - rank] } else { 0.0 };
            sums[sum] = (sums[sum] + with) / 2.0;
        }
    }
    let tail: f64 = sums.iter().take(above.min(total - above) + 1).sum();
    Test::new(2.0 * tail, least)
}

/// The test of Mann and Whitney ("On a test of whether one of two random variables is stochastically
/// larger than the other", 1947), two-sided.
pub(crate) fn mann_whitney(base: &[f64], head: &[f64]) -> Test {
    let (m, n) = (base.len(), head.len());
    if m == 0 || n == 0 {
        return Test::NONE;
    }
    let (ranks, ties) = ranks(&[base, head].concat());
    // Of C(m + n, m) ways to deal the ranks, the two that are farthest apart.
    let ways = (1..=m).fold(1.0, |ways, i| ways * (n + i) as f64 / i as f64);
    let least = 2.0 / ways;
    let sum: usize = ranks.iter().take(m).sum();
    // Twice the rank sum has this mean.
    let mean = m * (m + n + 1);
    let off = sum.abs_diff(mean);
    if m + n > EXACT_VALUES {
        let (m, n) = (m as f64, n as f64);
        let all = m + n;
        let variance = m * n / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
        return Test::new(normal(off as f64 / 2.0, variance), least);
    }
    let dealt = deal(&ranks, m);
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
                let p = wilcoxon(&signed(n, &below)).p;
                assert_eq!(p <= 0.05, significant, "n {n}, sum {sum}: p {p}");
            }
        }
        // Darwin's Zea mays, in eighths of an inch (Fisher 1935): W- = 24 of n = 15; exact p 0.0413
        // with its ties.
        let maize = [49., -67., 8., 16., 6., 23., 28., 41., 14., 29., 56., 24., 75., 60., -48.];
        near(wilcoxon(&maize).p, 0.0413, 1e-4);
    }

    #[test]
    fn wilcoxon_leaves_equal_pairs_out_and_knows_ties() {
        assert_eq!(wilcoxon(&[0.0, -0.0, 0.0]), Test::NONE);
        assert_eq!(wilcoxon(&[]), Test::NONE);
        near(wilcoxon(&[0.0, 1.0, 1.0, 1.0, 1.0, 1.0]).p, 2.0 / 32.0, 1e-12);
        near(wilcoxon(&[f64::INFINITY; 6]).p, 2.0 / 64.0, 1e-12);
        near(wilcoxon(&[f64::INFINITY, f64::NEG_INFINITY]).p, 1.0, 1e-12);
        // Beyond what is counted, the normal distribution is near.
        let exact = wilcoxon(&signed(25, &[25, 24, 23, 17])).p;
        let with_one_more = wilcoxon(&signed(26, &[26, 25, 24, 18])).p;
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
                let p = mann_whitney(&base, &head).p;
                assert_eq!(p <= 0.05, significant, "{m}, {n}, U {u}: p {p}");
            }
        }
    }

    #[test]
    fn mann_whitney_with_ties_counts_the_ways_to_deal_them() {
        // Of the 20 ways to take three of {1, 1, 1, 2, 2, 2}, two are as far apart.
        near(mann_whitney(&[1.0; 3], &[2.0; 3]).p, 2.0 / 20.0, 1e-12);
        near(mann_whitney(&[1.0, 1.0, 2.0], &[1.0, 2.0, 2.0]).p, 1.0, 1e-12);
        near(mann_whitney(&[4.0; 9], &[4.0; 40]).p, 1.0, 1e-12);
        assert_eq!(mann_whitney(&[], &[1.0]), Test::NONE);
        near(mann_whitney(&[1.0, 2.0, 3.0], &[f64::INFINITY; 3]).p, 2.0 / 20.0, 1e-12);
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
        near(mann_whitney(&base, &head).p, p, 1e-9);
    }
}
