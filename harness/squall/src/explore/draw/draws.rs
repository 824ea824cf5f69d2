//! Where draws come from.

use proptest::{
    strategy::{Strategy, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use squall_probe::sim::derive;

/// Where the draws of one scenario come from: the same for the same seed and number, whatever was drawn before.
pub(in crate::explore) struct Draws(TestRunner);

impl Draws {
    /// Of the scenario with this number.
    pub(in crate::explore) fn new(seed: u64, number: u64) -> Self {
        let mut bytes = [0; 32];
        for (part, chunk) in (0_u64..).zip(bytes.chunks_mut(8)) {
            chunk.copy_from_slice(&derive(seed, "explore", &[number, part]).to_le_bytes());
        }
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Self(TestRunner::new_with_rng(Config::default(), rng))
    }

    /// A value of a strategy.
    pub(in crate::explore) fn draw<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        // Our strategies reject nothing: drawing from them cannot fail.
        strategy.new_tree(&mut self.0).expect("no strategy here rejects what it drew").current()
    }

    /// A whole number below `end`; 0 if that is 0.
    pub(in crate::explore) fn below(&mut self, end: usize) -> usize {
        self.draw(&(0..end.max(1)))
    }

    /// Whether something happens that happens `times` in `of`.
    pub(in crate::explore) fn chance(&mut self, times: usize, of: usize) -> bool {
        self.below(of) < times
    }
}
