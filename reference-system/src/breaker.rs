//! A circuit breaker (Nygard, Release It!, 2007): closed, open, half open.
//!
//! failsafe, recloser and backoff read the wall clock, which a simulation does not drive; this one takes its
//! time from tokio.

use squall_probe::time::Instant;
use squall_probe::{BreakerState, Name, What, record};
use std::time::Duration;

/// The number of failures in a row that opens it.
pub const FAILURES: u32 = 3;

/// The time after which an open breaker is half open, and lets one call at a time through.
pub const COOLDOWN: Duration = Duration::from_millis(1000);

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BreakerPolicy {
    /// Failures in a row.
    pub(crate) failures: u32,
    pub(crate) cooldown: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { failures: FAILURES, cooldown: COOLDOWN }
    }
}

/// A breaker before one dependency.
#[derive(Debug)]
pub(crate) struct Breaker {
    dependency: Name,
    failures: u32,
    /// Open since then.
    opened: Option<Instant>,
    /// A probe is under way.
    probing: bool,
    policy: BreakerPolicy,
}

impl Breaker {
    /// A closed breaker.
    pub(crate) fn new(dependency: &str, policy: BreakerPolicy) -> Self {
        let dependency = squall_probe::name(dependency);
        Self { dependency, failures: 0, opened: None, probing: false, policy }
    }

    fn say(&self, state: BreakerState) {
        record(What::Breaker { dependency: self.dependency, state });
    }

    /// Whether a call may be made now.
    pub(crate) fn admits(&mut self) -> bool {
        let Some(opened) = self.opened else { return true };
        if self.probing || opened.elapsed() < self.policy.cooldown {
            return false;
        }
        self.probing = true;
        self.say(BreakerState::HalfOpen);
        true
    }

    /// Whether there is a point in trying: it is closed, or its cooldown is over.
    pub(crate) fn may_admit(&self) -> bool {
        self.opened.is_none_or(|opened| opened.elapsed() >= self.policy.cooldown)
    }

    /// A call that was admitted succeeded.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
        self.probing = false;
        if self.opened.take().is_some() {
            self.say(BreakerState::Closed);
        }
    }

    /// A call that was admitted failed.
    pub(crate) fn failed(&mut self) {
        self.failures += 1;
        let probed = std::mem::take(&mut self.probing);
        if probed || (self.opened.is_none() && self.failures >= self.policy.failures) {
            self.opened = Some(Instant::now());
            self.say(BreakerState::Open);
        }
    }

    /// What it is now.
    pub(crate) fn state(&self) -> BreakerState {
        match (self.opened, self.probing) {
            (None, _) => BreakerState::Closed,
            (Some(_), true) => BreakerState::HalfOpen,
            (Some(_), false) => BreakerState::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_probes_one_at_a_time() {
        let mut breaker = Breaker::new("bank", BreakerPolicy::default());
        for _ in 0..2 {
            assert!(breaker.admits());
            breaker.failed();
        }
        breaker.succeeded();
        for _ in 0..FAILURES {
            assert!(breaker.admits());
            breaker.failed();
        }
        assert!(!breaker.admits());
        assert_eq!(breaker.state(), BreakerState::Open);
        tokio::time::advance(COOLDOWN).await;
        assert!(breaker.admits());
        assert!(!breaker.admits());
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        breaker.failed();
        assert!(!breaker.admits());
        tokio::time::advance(COOLDOWN).await;
        assert!(breaker.admits());
        breaker.succeeded();
        assert!(breaker.admits() && breaker.admits());
    }
}
