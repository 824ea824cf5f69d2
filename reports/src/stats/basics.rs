//! What all tests share: their answer, the levels at which they are believed, and intervals.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF as _, Normal};

/// How improbable chance must be before one thing alone is called a difference.
pub(crate) const ALPHA: f64 = 0.05;

/// The same of all tests of verdicts together: a half of it, 2 %, is for what is worse.
pub(crate) const VERDICTS: f64 = 0.04;

/// The same of all tests of numbers together: 1 % is for what is worse. The rest of the 5 % in which a
/// comparison of equals may call something worse is left to proofs (`compare/proof.rs`).
pub(crate) const NUMBERS: f64 = 0.02;

/// Of the standard normal distribution: 95 % lie within this number of deviations.
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

    pub(super) fn new(p: f64, least: f64) -> Self {
        // Sums of probabilities may miss by an ulp.
        Self { p: p.clamp(0.0, 1.0), least: least.clamp(0.0, 1.0) }
    }
}

/// Both tails of the standard normal distribution beyond `z` deviations.
pub(super) fn two_tails(z: f64) -> f64 {
    2.0 * Normal::standard().sf(z.abs())
}

/// The value in the middle of sorted ones, the upper of two; none of nothing.
pub(crate) fn upper_median<T>(sorted: &[T]) -> Option<&T> {
    sorted.get(sorted.len() / 2)
}
