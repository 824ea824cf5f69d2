//! A circuit breaker (Nygard, Release It!, 2007): closed, open, half open.
//!
//! failsafe, recloser and backoff read the wall clock, which a simulation does not drive; this one takes its
//! time from tokio.

use squall_probe::{BreakerState, Name, What, record};
use std::time::Duration;
use tokio::time::Instant;

/// So many failures in a row open it.
pub const FAILURES: u32 = 3;

/// It is half open after so long, and lets one call at a time through.
pub const COOLDOWN: Duration = Duration::from_millis(1000);

/// A breaker before one dependency.
#[derive(Debug)]
pub struct Breaker {
    dependency: Name,
    failures: u32,
    /// Open since then.
    opened: Option<Instant>,
    /// A probe is under way.
    probing: bool,
    /// A known mistake: it never lets a probe through.
    stuck: bool,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new(dependency: &str, stuck: bool) -> Self {
        let dependency = squall_probe::name(dependency);
        Self { dependency, failures: 0, opened: None, probing: false, stuck }
    }

    fn say(&self, state: BreakerState) {
        record(What::Breaker { dependency: self.dependency, state });
    }

    /// Whether a call may be made now.
    pub fn admits(&mut self) -> bool {
        let Some(opened) = self.opened else { return true };
        if self.stuck || self.probing || opened.elapsed() < COOLDOWN {
            return false;
        }
        self.probing = true;
        self.say(BreakerState::HalfOpen);
        true
    }

    /// Whether there is a point in trying: it is closed, or its cooldown is over.
    #[must_use]
    pub fn may_admit(&self) -> bool {
        self.opened.is_none_or(|opened| !self.stuck && opened.elapsed() >= COOLDOWN)
    }

    /// A call that was admitted succeeded.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.probing = false;
        if self.opened.take().is_some() {
            self.say(BreakerState::Closed);
        }
    }

    /// A call that was admitted failed.
    pub fn failed(&mut self) {
        self.failures += 1;
        let probed = std::mem::take(&mut self.probing);
        if probed || (self.opened.is_none() && self.failures >= FAILURES) {
            self.opened = Some(Instant::now());
            self.say(BreakerState::Open);
        }
    }

    /// What it is now.
    #[must_use]
    pub fn state(&self) -> BreakerState {
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
        let mut breaker = Breaker::new("bank", false);
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
