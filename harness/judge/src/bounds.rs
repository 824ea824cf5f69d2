//! The limits that count: those of a scenario, and where it says nothing those of the catalogue.

use crate::{
    CATALOGUE,
    limits::{Bound, DEFAULT_WITHIN, Limits},
};

impl Limits {
    /// The limit on an invariant; `None` if it is not to be judged.
    #[must_use]
    pub fn of(&self, invariant: &str) -> Option<Bound> {
        self.given(invariant).or_else(|| {
            let entry = CATALOGUE.iter().find(|entry| entry.name == invariant)?;
            entry.limit?.default()
        })
    }

    /// How long after the healing an invariant must have come about, in microseconds; `None` if it is not to be judged.
    pub(crate) fn within(&self, invariant: &str) -> Option<u64> {
        match self.of(invariant)? {
            Bound::Within(us) => Some(us),
            other => unreachable!("{invariant} declares a time after the healing, not {other:?}"),
        }
    }

    /// As that, for an invariant that declares a default.
    pub(crate) fn always_within(&self, invariant: &str) -> u64 {
        self.within(invariant).expect("the catalogue declares a default")
    }

    /// The last of the limits on what must have come about after the healing, in microseconds.
    #[must_use]
    pub fn last(&self) -> u64 {
        CATALOGUE
            .iter()
            .filter_map(|entry| match self.of(entry.name)? {
                Bound::Within(us) => Some(us),
                Bound::AtLeast(_) | Bound::AtLeastIn(..) | Bound::Quantile(..) => None,
            })
            .max()
            .unwrap_or(DEFAULT_WITHIN)
    }
}
