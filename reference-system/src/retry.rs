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
    /// From `first`, doubling up to `cap`; each delay gets a random part of itself added. `purpose` names the stream
    /// of randomness from which that part is drawn.
    #[must_use]
    pub fn new(first: Duration, cap: Duration, purpose: &str) -> Self {
        Self::build(first, cap, purpose, true)
    }

    /// As [`Backoff::new`], and nothing is added.
    #[must_use]
    pub fn without_jitter(first: Duration, cap: Duration, purpose: &str) -> Self {
        Self::build(first, cap, purpose, false)
    }

    fn build(first: Duration, cap: Duration, purpose: &str, jitter: bool) -> Self {
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
        let delay = self.delays.next().expect("it was built without a last delay");
        squall_probe::time::sleep(delay).await;
    }
}
