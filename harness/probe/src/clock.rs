//! The wall clock. (For intervals use `tokio::time::Instant`, which the simulation drives.)
//!
//! Faults set it, back and forth, on single nodes: it says what time it is, not how much time has passed.
//!
//! ```
//! let stamp = squall_probe::clock::since_epoch();
//! assert!(stamp.as_secs() > 1_700_000_000);
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time since the Unix epoch, as this node believes it to be.
#[must_use]
pub fn since_epoch() -> Duration {
    #[cfg(feature = "sim")]
    if let Some(simulated) = crate::sim::since_epoch() {
        return simulated;
    }
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
