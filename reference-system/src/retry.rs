//! Waiting before trying again: exponential, capped, with full jitter.

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use rand::RngExt as _;
use std::time::Duration;

/// Delays that grow until told to begin anew.
#[derive(Debug)]
pub struct Backoff {
    builder: ExponentialBuilder,
    delays: ExponentialBackoff,
    rng: squall_probe::Rng,
}

impl Backoff {
    /// From `first`, doubling up to `cap`; each delay gets a random part of itself added.
    #[must_use]
    pub fn new(first: Duration, cap: Duration, purpose: &str) -> Self {
        let mut rng = squall_probe::rng(purpose);
        let builder = ExponentialBuilder::new()
            .with_min_delay(first)
            .with_max_delay(cap)
            .with_factor(2.0)
            .without_max_times();
        let delays = Self::seeded(builder, &mut rng);
        Self { builder, delays, rng }
    }

    fn seeded(builder: ExponentialBuilder, rng: &mut squall_probe::Rng) -> ExponentialBackoff {
        builder.with_jitter().with_jitter_seed(rng.random()).build()
    }

    /// It worked: the next delay is a short one again.
    pub fn reset(&mut self) {
        self.delays = Self::seeded(self.builder, &mut self.rng);
    }

    /// Waits.
    pub async fn wait(&mut self) {
        let delay = self.delays.next().unwrap_or(Duration::from_secs(1));
        tokio::time::sleep(delay).await;
    }
}
