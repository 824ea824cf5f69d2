//! The wall clock. (For intervals use `tokio::time::Instant`, which the simulation drives.)

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time since the Unix epoch, as this node believes it to be.
#[must_use]
pub fn since_epoch() -> Duration {
    #[cfg(feature = "sim")]
    if crate::sim::is_active()
        && let Some(simulated) = turmoil::since_epoch()
    {
        let error = crate::sim::with(crate::sim::World::clock_error_here).unwrap_or(0);
        let wrong = Duration::from_micros(error.unsigned_abs());
        return if error < 0 { simulated.saturating_sub(wrong) } else { simulated + wrong };
    }
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
