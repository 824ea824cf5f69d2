//! Named streams of randomness.
//!
//! Every draw comes from a stream of its own, keyed by the run's seed, a purpose and identities (of the fault, of the
//! occurrence; see [`derive`]), so that adding a draw, or a whole fault, moves no draw elsewhere.

use rand::{RngExt as _, SeedableRng as _};
use squall_probe::sim::derive;

/// A stream of draws for one purpose.
#[derive(Debug)]
pub struct Stream(squall_probe::Rng);

impl Stream {
    /// The stream of (`seed`, `purpose`, `identities`).
    #[must_use]
    pub fn new(seed: u64, purpose: &str, identities: &[u64]) -> Self {
        Self(squall_probe::Rng::seed_from_u64(derive(seed, purpose, identities)))
    }

    /// A whole number from `low` to `high`, both included; `low` if the range is empty.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        if low >= high { low } else { self.0.random_range(low..=high) }
    }

    /// A number from 0 up to, not including, 1.
    pub fn share(&mut self) -> f64 {
        self.0.random()
    }

    /// `count` of `items`, in their own order; all of them if there are fewer.
    pub fn choose<T: Copy>(&mut self, count: usize, items: &[T]) -> Vec<T> {
        let mut left = count.min(items.len());
        let mut chosen = Vec::with_capacity(left);
        // Selection sampling (Knuth, TAOCP vol. 2, algorithm S): one draw for each item considered.
        for (index, item) in items.iter().enumerate() {
            if left == 0 {
                break;
            }
            let remaining = (items.len() - index) as u64;
            if self.between(0, remaining - 1) < left as u64 {
                chosen.push(*item);
                left -= 1;
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_do_not_touch_each_other() {
        let draw = |purpose, number| Stream::new(7, purpose, &[number]).between(0, u64::MAX);
        assert_eq!(draw("start", 1), draw("start", 1));
        assert_ne!(draw("start", 1), draw("start", 2));
        assert_ne!(draw("start", 1), draw("target", 1));
    }

    #[test]
    fn choosing_is_fair_and_keeps_order() {
        let items = [0_usize, 1, 2, 3, 4];
        let mut seen = [0_u32; 5];
        for seed in 0..5_000 {
            let chosen = Stream::new(seed, "choose", &[]).choose(2, &items);
            assert_eq!(chosen.len(), 2);
            assert!(chosen[0] < chosen[1]);
            for item in chosen {
                seen[item] += 1;
            }
        }
        // 2,000 expected of each; the binomial's deviation is 35.
        assert!(seen.iter().all(|count| (1_800..2_200).contains(count)), "{seen:?}");
    }
}
