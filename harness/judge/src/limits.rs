//! Limits that a scenario can set on an invariant. Each is declared once, in the invariant's entry of the catalogue:
//! reading, lists and what counts where a scenario says nothing follow from there.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// How long the system may take to recover where a scenario does not say, in microseconds.
pub const DEFAULT_WITHIN: u64 = 30_000_000;

/// What can be limited of an invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// It must have come about this long after the healing: `{ within: 10s }`, or just `10s`.
    Within {
        /// What counts where a scenario does not say, in microseconds; `None`: it is not judged then.
        default: Option<u64>,
    },
    /// At least this share: `{ at_least: 90% }`, also of a window: `{ at_least: 90%, during: "the cut" }`. Without it the
    /// invariant is not judged.
    AtLeast,
    /// One of the [`QUANTILES`] is at most this long: `{ p99: 2s }`. Without it the invariant is not judged.
    Quantile,
}

/// The quantiles that can be limited, 0 to 1.
pub const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)];

/// A limit that is set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Bound {
    /// This long after the healing, in microseconds.
    Within(u64),
    /// A share, 0 to 1.
    AtLeast(f64),
    /// As that, of what began in a window.
    AtLeastIn(f64, Window),
    /// A quantile, 0 to 1, and the most that it may be, in microseconds.
    Quantile(f64, u64),
}

/// A part of a run, by a fault of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Window {
    /// While the fault of this step acts.
    During(u16),
    /// Since the fault of this step began for the first time.
    Since(u16),
    /// Since the fault of this step was over for the first time.
    After(u16),
}

impl Bound {
    /// The same, where everything takes `times` as long. Shares stay.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    pub fn stretched(self, times: f64) -> Self {
        let stretched = |us: u64| (us as f64 * times) as u64;
        match self {
            Self::Within(us) => Self::Within(stretched(us)),
            Self::Quantile(quantile, us) => Self::Quantile(quantile, stretched(us)),
            Self::AtLeast(_) | Self::AtLeastIn(..) => self,
        }
    }
}

impl Limit {
    /// What counts where a scenario does not say.
    #[must_use]
    pub fn default(self) -> Option<Bound> {
        match self {
            Self::Within { default } => default.map(Bound::Within),
            Self::AtLeast | Self::Quantile => None,
        }
    }

    /// How scenarios write it, with an example.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::Within { .. } => "within: 10s",
            Self::AtLeast => "at_least: 90%",
            Self::Quantile => "p99: 2s",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within { .. } => f.write_str("a time after the healing")?,
            Self::AtLeast => f.write_str("a share")?,
            Self::Quantile => {
                let names = QUANTILES.map(|(name, _)| name);
                write!(f, "a time for one of {}", names.join(", "))?;
            }
        }
        match self.default() {
            Some(Bound::Within(us)) => write!(f, "; {}s unless said", us / 1_000_000),
            Some(_) => Ok(()),
            None => f.write_str("; not judged without it"),
        }
    }
}

/// The limits of a run: those that were set, and for the others what their invariants declare.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits(BTreeMap<String, Bound>);

impl Limits {
    /// With these set, by the names of invariants.
    pub fn new<'a>(set: impl IntoIterator<Item = (&'a str, Bound)>) -> Self {
        Self(set.into_iter().map(|(name, bound)| (name.to_owned(), bound)).collect())
    }

    /// What a scenario says of an invariant.
    pub(crate) fn given(&self, invariant: &str) -> Option<Bound> {
        self.0.get(invariant).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_limits_are_written_and_told() {
        for (limit, example, told) in [
            (
                Limit::Within { default: Some(12_000_000) },
                "within: 10s",
                "a time after the healing; 12s unless said",
            ),
            (
                Limit::Within { default: None },
                "within: 10s",
                "a time after the healing; not judged without it",
            ),
            (Limit::AtLeast, "at_least: 90%", "a share; not judged without it"),
            (
                Limit::Quantile,
                "p99: 2s",
                "a time for one of p50, p90, p95, p99, max; not judged without it",
            ),
        ] {
            assert_eq!((limit.example(), limit.to_string()), (example, told.to_owned()));
        }
    }

    #[test]
    fn what_is_set_counts_and_otherwise_what_is_declared() {
        let limits =
            Limits::new([("drains", Bound::Within(5)), ("available", Bound::AtLeast(0.5))]);
        let of = ["drains", "available", "progress", "recovers_within", "no_loss", "nothing"];
        assert_eq!(
            of.map(|invariant| limits.of(invariant)),
            [
                Some(Bound::Within(5)),
                Some(Bound::AtLeast(0.5)),
                Some(Bound::Within(DEFAULT_WITHIN)),
                None,
                None,
                None,
            ]
        );
        assert_eq!((limits.within("drains"), limits.within("recovers_within")), (Some(5), None));
        assert_eq!((limits.always_within("drains"), limits.last()), (5, DEFAULT_WITHIN));
        let late = DEFAULT_WITHIN + 7;
        let later = Bound::Quantile(0.5, late + 1);
        let limits = Limits::new([("recovers_within", Bound::Within(late)), ("latency", later)]);
        assert_eq!(limits.last(), late);
    }
}
