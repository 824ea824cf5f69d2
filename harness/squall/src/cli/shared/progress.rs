//! How far a batch is, and how many workers make it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::num::NonZeroUsize;

/// A bar on standard error; `what` is counted.
pub(in crate::cli) fn progress_bar(hidden: bool, count: u64, what: &str) -> ProgressBar {
    if hidden {
        return ProgressBar::hidden();
    }
    // indicatif draws nothing where standard error is no terminal.
    let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
    let template = format!("{{bar:30}} {{pos}}/{{len}} {what}  {{elapsed}}, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}

/// Worker processes side by side: as many as there are cores, unless said.
pub(in crate::cli) fn workers(jobs: Option<NonZeroUsize>) -> usize {
    jobs.map_or_else(
        || std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        NonZeroUsize::get,
    )
}
