//! What a comparison can see: before nothing is said to have changed, or a bug to be gone.

use super::{
    basics::{ALPHA, Z},
    proportion::{fisher, mcnemar, wilson},
};
use statrs::distribution::{Binomial, Discrete as _, DiscreteCDF as _};

/// A drop is said to be seen when it is found this often.
const POWER: f64 = 0.8;

/// The smallest drop of the pass rate, as a share, that is found in four of five comparisons with a base
/// that passed `passed` of `of`, if p must be at most `alpha`: in `head` other runs by Fisher's test, or
/// if `paired`, in the same ones by `McNemar`'s. Whether a run passes in the head has nothing to do with
/// whether its pair did: where it has, more is found. None if there are too few runs to find any.
pub(crate) fn detectable_drop(
    (passed, of): (usize, usize),
    head: usize,
    paired: bool,
    alpha: f64,
) -> Option<f64> {
    if of == 0 || head == 0 || passed == 0 {
        return None;
    }
    let passed = passed.min(of);
    let rate = passed as f64 / of as f64;
    let found = if paired {
        Found::in_pairs(passed, of, alpha)
    } else {
        Found::in_runs(passed, of, head, alpha)
    };
    let (mut low, mut high) = (0.0, rate);
    if found.chance(0.0) < POWER {
        return None;
    }
    for _ in 0..20 {
        let middle = f64::midpoint(low, high);
        if found.chance(middle) >= POWER { low = middle } else { high = middle }
    }
    Some(rate - low)
}

/// When a drop is found: how many runs that pass in the base must fail at least, by the number of runs that
/// fail in the base and pass in the head.
struct Found {
    /// Runs that passed in the base and are run again; or all runs of the head.
    may_fail: usize,
    /// Runs that failed in the base and are run again.
    may_pass: usize,
    /// By the number of the latter that pass, the fewest that must fail. None are enough beyond its end.
    enough: Vec<usize>,
}

impl Found {
    fn in_runs(passed: usize, of: usize, head: usize, alpha: f64) -> Self {
        let found = |failed: usize| {
            (head - failed) * of < passed * head
                && fisher(passed, of, head - failed, head).p <= alpha
        };
        let enough = fewest(head, found).into_iter().collect();
        Self { may_fail: head, may_pass: 0, enough }
    }

    fn in_pairs(passed: usize, of: usize, alpha: f64) -> Self {
        let enough = (0..=of - passed)
            .map_while(|better| {
                fewest(passed, |worse| worse > better && mcnemar(worse, better).p <= alpha)
            })
            .collect();
        Self { may_fail: passed, may_pass: of - passed, enough }
    }

    /// How probable that is if the head passes at this rate.
    fn chance(&self, rate: f64) -> f64 {
        let (Ok(fail), Ok(pass)) = (
            Binomial::new((1.0 - rate).clamp(0.0, 1.0), self.may_fail as u64),
            Binomial::new(rate.clamp(0.0, 1.0), self.may_pass as u64),
        ) else {
            return 0.0;
        };
        self.enough
            .iter()
            .zip(0..)
            .map(|(worse, better)| {
                let passing = pass.pmf(better);
                if passing < 1e-9 {
                    0.0
                } else {
                    passing * fail.sf((*worse as u64).saturating_sub(1))
                }
            })
            .sum()
    }
}

/// The fewest of `most` that are enough, where more than enough is enough.
fn fewest(most: usize, enough: impl Fn(usize) -> bool) -> Option<usize> {
    if !enough(most) {
        return None;
    }
    let (mut few, mut many) = (0, most);
    while many - few > 1 {
        let middle = few + (many - few) / 2;
        if enough(middle) { many = middle } else { few = middle }
    }
    Some(many)
}

/// How probable it is at most that none of `base` runs fails in some way, and then at least `failed` of
/// `drawn` further ones do, if all of them fail so at one rate, whatever it is: the largest value over
/// all rates (as in Barnard's test: "Significance tests for 2 x 2 tables", 1947).
pub(crate) fn only_then(base: usize, drawn: usize, failed: usize) -> f64 {
    if failed == 0 || drawn < failed {
        return 1.0;
    }
    let at = |rate: f64| {
        let chance = Binomial::new(rate.clamp(0.0, 1.0), drawn as u64);
        let shown = chance.map_or(1.0, |further| further.sf(failed as u64 - 1));
        (1.0 - rate).powf(base as f64) * shown
    };
    // It rises to one maximum and falls: golden sections are not needed for so smooth a hill.
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..60 {
        let third = (high - low) / 3.0;
        if at(low + third) < at(high - third) { low += third } else { high -= third }
    }
    at(f64::midpoint(low, high))
}

/// A failure that hits this share of runs, or more, shows among `runs` runs with a probability of
/// 95 %. The rule of three, exactly.
pub(crate) fn shows_by(runs: usize) -> Option<f64> {
    (runs > 0).then(|| 1.0 - ALPHA.powf(1.0 / runs as f64))
}

/// How many runs without a failure make it improbable (less than 5 %) that nothing changed, if `seen`
/// of `of` earlier runs failed. Its rate is taken as the lower end of Wilson's interval: a bug is not
/// called resolved because it was overrated. None if it was never seen.
pub(crate) fn clean_runs(seen: usize, of: usize) -> Option<u64> {
    let rate = wilson(seen, of, Z).low;
    if rate <= 0.0 {
        return None;
    }
    if rate >= 1.0 {
        return Some(1);
    }
    // (1 - rate)^n < ALPHA; the cast saturates.
    Some((ALPHA.ln() / (-rate).ln_1p()).floor() as u64 + 1)
}

/// Whether `clean` runs suffice; see [`clean_runs`].
pub(crate) fn clean_runs_believed(seen: usize, of: usize, clean: usize) -> bool {
    clean_runs(seen, of).is_some_and(|needed| clean as u64 >= needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How probable each number of them is.
    fn chances(rate: f64, of: usize) -> Vec<f64> {
        let chance = Binomial::new(rate, of as u64).unwrap();
        (0..=of as u64).map(|count| chance.pmf(count)).collect()
    }

    #[test]
    fn a_drop_is_found_as_often_as_is_said() {
        for (passed, of, head) in [(50, 50, 50), (95, 100, 100), (20, 20, 20), (180, 200, 50)] {
            for alpha in [ALPHA, ALPHA / 30.0] {
                let rate = passed as f64 / of as f64;
                let drop = detectable_drop((passed, of), head, false, alpha).unwrap();
                let found = |failed: usize| {
                    (head - failed) * of < passed * head
                        && fisher(passed, of, head - failed, head).p <= alpha
                };
                let chances = chances(1.0 - rate + drop, head).into_iter().enumerate();
                let power: f64 = chances.filter(|(failed, _)| found(*failed)).map(|(_, p)| p).sum();
                assert!((power - POWER).abs() < 1e-4, "{passed} of {of}: {drop}, {power}");

                let drop = detectable_drop((passed, of), of, true, alpha).unwrap();
                let failing = chances_of_pairs(passed, of, rate - drop);
                let power: f64 = failing
                    .iter()
                    .filter(|(worse, better, _)| {
                        worse > better && mcnemar(*worse, *better).p <= alpha
                    })
                    .map(|(_, _, p)| p)
                    .sum();
                assert!((power - POWER).abs() < 1e-4, "pairs, {passed} of {of}: {drop}, {power}");
            }
        }
        // Six of 50 must fail: 15 % do, in four of five.
        let drop = detectable_drop((50, 50), 50, false, ALPHA).unwrap();
        assert!((0.14..0.17).contains(&drop), "{drop}");
        assert!(detectable_drop((50, 50), 50, false, ALPHA / 30.0).unwrap() > drop + 0.05);
    }

    /// All numbers of pairs that change either way, with how probable they are.
    fn chances_of_pairs(passed: usize, of: usize, rate: f64) -> Vec<(usize, usize, f64)> {
        let (fail, pass) = (chances(1.0 - rate, passed), chances(rate, of - passed));
        let pass = pass.iter().enumerate();
        let both = fail.iter().enumerate();
        both.flat_map(|(worse, p)| pass.clone().map(move |(better, q)| (worse, better, p * q)))
            .collect()
    }

    #[test]
    fn too_few_runs_find_nothing() {
        for (passed, of, head) in [(0, 0, 0), (3, 3, 3), (0, 50, 50), (5, 5, 0)] {
            let drop = detectable_drop((passed, of), head, false, ALPHA);
            assert_eq!(drop, None, "{passed} of {of}, {head}");
        }
        assert!(detectable_drop((4, 4), 4, false, ALPHA).is_some());
        assert_eq!(detectable_drop((5, 5), 5, true, ALPHA), None, "2 / 2^5 is more than 5 %");
        assert!(detectable_drop((6, 6), 6, true, ALPHA).is_some());
    }

    #[test]
    fn what_only_the_later_runs_show() {
        // One of as many: a rate of r gives (1 - r)^n (1 - (1 - r)^n), at most a quarter.
        assert!((only_then(50, 50, 1) - 0.25).abs() < 1e-9);
        // Of n and one more: (n / (n + 1))^n / (n + 1).
        for n in [1_u8, 10, 14, 50] {
            let f = f64::from(n);
            let expected = (f / (f + 1.0)).powf(f) / (f + 1.0);
            assert!((only_then(n.into(), 1, 1) - expected).abs() < 1e-9, "{n}");
        }
        assert!(only_then(100, 3, 3) < 1e-4 && only_then(100, 3, 2) < 1e-3);
        assert_eq!((only_then(5, 0, 0), only_then(5, 0, 1), only_then(0, 4, 1)), (1.0, 1.0, 1.0));
    }

    #[test]
    fn a_bug_is_gone_when_its_rate_makes_the_clean_runs_improbable() {
        // 10 of 50: 11.2 % at least (Wilson), and 0.888^25 = 0.051, 0.888^26 = 0.046.
        assert_eq!(clean_runs(10, 50), Some(26));
        assert!(!clean_runs_believed(10, 50, 25) && clean_runs_believed(10, 50, 26));
        // Once in 50: 0.35 %.
        assert_eq!(clean_runs(1, 50), Some(845));
        assert_eq!(clean_runs(0, 50), None);
        assert_eq!(clean_runs(0, 0), None);
        assert_eq!(clean_runs(1_000_000, 1_000_000), Some(1));
        assert!((shows_by(59).unwrap() - 0.05).abs() < 1e-3, "59 runs show 1 in 20");
    }
}
