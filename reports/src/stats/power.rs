//! What a comparison can see: before nothing is said to have changed, or a bug to be gone.

use super::{ALPHA, Z, fisher, wilson};
use statrs::distribution::{Binomial, DiscreteCDF as _};

/// A drop is said to be seen when it is found this often.
const POWER: f64 = 0.8;

/// The smallest drop of the pass rate, as a share, that Fisher's test finds in four of five
/// comparisons of `head` runs with a base that passed `passed` of `of`: a drop from the rate of the
/// base. None if there are too few runs to find any.
pub(crate) fn detectable_drop(passed: usize, of: usize, head: usize) -> Option<f64> {
    let rate = passed.min(of) as f64 / of as f64;
    let worse = |failed: usize| {
        let passed_then = head - failed;
        (passed_then as f64) < rate * head as f64
            && fisher(passed, of, passed_then, head).p <= ALPHA
    };
    // p falls as more runs fail: the fewest failures that are significant.
    let (mut few, mut enough) = (0, head);
    if of == 0 || head == 0 || !worse(enough) {
        return None;
    }
    while enough - few > 1 {
        let middle = few + (enough - few) / 2;
        if worse(middle) { enough = middle } else { few = middle }
    }
    // The largest rate at which as many failures are seen often enough.
    let seen = |rate: f64| {
        Binomial::new((1.0 - rate).clamp(0.0, 1.0), head as u64)
            .is_ok_and(|failures| failures.sf(enough as u64 - 1) >= POWER)
    };
    let (mut low, mut high) = (0.0, rate);
    for _ in 0..30 {
        let middle = f64::midpoint(low, high);
        if seen(middle) { low = middle } else { high = middle }
    }
    Some(rate - low)
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

    #[test]
    fn a_drop_is_found_as_often_as_is_said() {
        for (passed, of, head) in [(50, 50, 50), (95, 100, 100), (20, 20, 20), (180, 200, 50)] {
            let drop = detectable_drop(passed, of, head).unwrap();
            let rate = passed as f64 / of as f64;
            let found = |rate: f64| {
                let failures = Binomial::new(1.0 - rate, head as u64).unwrap();
                (0..=head)
                    .filter(|failed| {
                        ((head - failed) as f64) < passed as f64 / of as f64 * head as f64
                            && fisher(passed, of, head - failed, head).p <= ALPHA
                    })
                    .map(|failed| {
                        failures.cdf(failed as u64)
                            - if failed == 0 { 0.0 } else { failures.cdf(failed as u64 - 1) }
                    })
                    .sum::<f64>()
            };
            assert!((found(rate - drop) - POWER).abs() < 1e-6, "{passed} of {of}: {drop}");
        }
        // Six of 50 must fail: 15 % do, in four of five.
        let drop = detectable_drop(50, 50, 50).unwrap();
        assert!((0.14..0.17).contains(&drop), "{drop}");
    }

    #[test]
    fn too_few_runs_find_nothing() {
        for (passed, of, head) in [(0, 0, 0), (3, 3, 3), (0, 50, 50), (5, 5, 0)] {
            assert_eq!(detectable_drop(passed, of, head), None, "{passed} of {of}, {head}");
        }
        assert!(detectable_drop(4, 4, 4).is_some());
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
