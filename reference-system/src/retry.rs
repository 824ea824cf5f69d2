//! Waiting before trying again: exponential, capped, with jitter.
//!
//! Weighed: backon (kept, waits by whatever sleeps, its jitter can be seeded), backoff (unmaintained, reads the
//! wall clock), tokio-retry (no cap on the sum, its jitter takes the operating system's randomness).

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use rand::RngExt as _;
use std::time::Duration;

/// Delays that grow until told to begin anew.
#[derive(Debug)]
pub struct Backoff {
    builder: ExponentialBuilder,
    delays: ExponentialBackoff,
    rng: squall_probe::Rng,
    jitter: bool,
}

impl Backoff {
    /// From `first`, doubling up to `cap`; each delay gets a random part of itself added.
    #[must_use]
    pub fn new(first: Duration, cap: Duration, purpose: &str) -> Self {
        Self::with_jitter(first, cap, purpose, true)
    }

    /// As [`Backoff::new`]; without jitter that is a known mistake.
    #[must_use]
    pub fn with_jitter(first: Duration, cap: Duration, purpose: &str, jitter: bool) -> Self {
        let mut rng = squall_probe::rng(purpose);
        let builder = ExponentialBuilder::new()
            .with_min_delay(first)
            .with_max_delay(cap)
            .with_factor(2.0)
            .without_max_times();
        let delays = Self::seeded(builder, &mut rng, jitter);
        Self { builder, delays, rng, jitter }
    }

    fn seeded(
        builder: ExponentialBuilder,
        rng: &mut squall_probe::Rng,
        jitter: bool,
    ) -> ExponentialBackoff {
        // Without a seed it would take one from the clock, jitter or not.
        let builder = builder.with_jitter_seed(rng.random());
        if jitter { builder.with_jitter().build() } else { builder.build() }
    }

    /// It worked: the next delay is a short one again.
    pub fn reset(&mut self) {
        self.delays = Self::seeded(self.builder, &mut self.rng, self.jitter);
    }

    /// Waits.
    pub async fn wait(&mut self) {
        let delay = self.delays.next().unwrap_or(Duration::from_secs(1));
        tokio::time::sleep(delay).await;
    }
}
