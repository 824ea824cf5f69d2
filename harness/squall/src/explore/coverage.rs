//! What all runs have reached, and how rare each of it is.

use crate::worker::Reached;
use std::collections::BTreeMap;

/// Features, and how many runs reached each.
#[derive(Clone, Debug, Default)]
pub(super) struct Coverage {
    runs: BTreeMap<u64, u32>,
}

impl Coverage {
    /// Takes a run in, and says which of its features no run before had.
    pub(super) fn add(&mut self, reached: &Reached) -> Vec<u64> {
        let mut new = Vec::new();
        for feature in reached.features.keys() {
            let runs = self.runs.entry(*feature).or_default();
            if *runs == 0 {
                new.push(*feature);
            }
            *runs = runs.saturating_add(1);
        }
        new
    }

    /// Features that are known from elsewhere.
    pub(super) fn know(&mut self, features: &[u64]) {
        for feature in features {
            *self.runs.entry(*feature).or_default() += 1;
        }
    }

    /// How many features there are.
    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }

    /// How many runs have reached the rarest of these; 0 for none of them.
    pub(super) fn rarest(&self, features: &[u64]) -> u32 {
        let runs = features.iter().map(|feature| self.runs.get(feature).copied().unwrap_or(0));
        runs.min().unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(features: &[u64]) -> Reached {
        Reached { features: features.iter().map(|f| (*f, None)).collect(), ..Reached::default() }
    }

    #[test]
    fn what_a_run_reached_first_is_new_once() {
        let mut coverage = Coverage::default();
        assert_eq!(coverage.add(&reached(&[1, 2])), [1, 2]);
        assert_eq!(coverage.add(&reached(&[2, 3])), [3]);
        coverage.know(&[4]);
        assert_eq!(coverage.add(&reached(&[3, 4])), [] as [u64; 0]);
        assert_eq!((coverage.len(), coverage.rarest(&[2, 1])), (4, 1));
    }
}
