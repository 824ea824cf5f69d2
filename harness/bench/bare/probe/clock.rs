//! The wall clock: some time in 2026, and what has passed since by tokio's clock.

use std::{cell::OnceCell, time::Duration};
use tokio::time::Instant;

const EPOCH: Duration = Duration::from_secs(1_767_225_600);

thread_local! {
    static START: OnceCell<Instant> = const { OnceCell::new() };
}

#[must_use]
pub fn since_epoch() -> Duration {
    let now = Instant::now();
    let start = START.with(|start| *start.get_or_init(|| now));
    EPOCH + now.saturating_duration_since(start)
}
