//! Ctrl-C and SIGTERM.

use crate::exit;
use std::{
    process,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// Ctrl-C and SIGTERM end the batch, not the report: what is finished is kept.
pub(in crate::cli) fn watch_interrupts() -> Option<&'static AtomicBool> {
    static INTERRUPTED: AtomicBool = AtomicBool::new(false);
    let mut first: Option<Instant> = None;
    ctrlc::set_handler(move || {
        INTERRUPTED.store(true, Ordering::Relaxed);
        // One interrupt may arrive twice, for the process and for its group.
        let since = first.get_or_insert_with(Instant::now).elapsed();
        if since > Duration::from_millis(300) {
            process::exit(exit::INTERRUPTED.into());
        }
        eprintln!("\ninterrupted: finishing what has begun (again to stop at once)");
    })
    .ok()
    .map(|()| &INTERRUPTED)
}
