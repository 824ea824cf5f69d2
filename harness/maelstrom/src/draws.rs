//! Streams of draws.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// The draws of one purpose: a stream of its own of the run's seed, so that whoever draws more moves nobody else's.
#[derive(Debug)]
pub struct Draws(ChaCha8Rng);

impl Draws {
    /// Stream `number` of `seed`.
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number);
        Self(rng)
    }

    /// A whole number from `low` to `high`, both included; `low` if the range is empty.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        if low >= high { low } else { self.0.random_range(low..=high) }
    }

    /// An index below `count`, which is at least 1.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        self.0.random_range(0..count.max(1))
    }

    /// Whether something happens whose chance is `share`, 0 to 1.
    pub(crate) fn happens(&mut self, share: f64) -> bool {
        self.0.random::<f64>() < share
    }

    /// A number from 0 up to, not including, 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.0.random()
    }
}

/// Streams by purpose.
pub(crate) mod stream {
    pub(crate) const NETWORK: u64 = 1;
    pub(crate) const SERVICES: u64 = 2;
    pub(crate) const PACE: u64 = 3;
    /// Of the first worker; those that follow have the numbers that follow.
    pub(crate) const WORKERS: u64 = 1000;
}
