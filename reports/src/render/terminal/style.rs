//! The colour of a verdict.

use crate::format::Verdict;
use owo_colors::Style;

/// Plain unless colours are wanted.
pub(super) fn style(verdict: Verdict, color: bool) -> Style {
    match verdict {
        _ if !color => Style::new(),
        Verdict::Passed => Style::new().green(),
        Verdict::Vacuous | Verdict::Inconclusive => Style::new().yellow().bold(),
        Verdict::Failed | Verdict::Unstable | Verdict::Errored => Style::new().red().bold(),
    }
}
