//! Ctrl-C and SIGTERM.

use crate::exit;
use std::{
    process,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// Is set by Ctrl-C and SIGTERM, which end the batch, not the report: what is finished is kept.
pub(in crate::cli) fn watch_interrupts() -> &'static AtomicBool {
    static INTERRUPTED: AtomicBool = AtomicBool::new(false);
    let mut first: Option<Instant> = None;
    let handler = ctrlc::set_handler(move || {
        INTERRUPTED.store(true, Ordering::Relaxed);
        // One interrupt may arrive twice, for the process and for its group.
        let since = first.get_or_insert_with(Instant::now).elapsed();
        if since > Duration::from_millis(300) {
            process::exit(exit::INTERRUPTED.into());
        }
        eprintln!("\ninterrupted: finishing what has begun (again to stop at once)");
    });
    // Without a handler an interrupt ends the process at once, as it does by default.
    let _ = handler;
    &INTERRUPTED
}
