//! Verdicts on a page: a sign, a word, and the class that gives them a colour.

use crate::{
    digest::tally,
    format::{Run, Verdict},
    text::numbers::grouped,
};

/// Runs of a verdict.
pub(crate) struct VerdictCount {
    pub(crate) verdict: &'static str,
    pub(crate) glyph: &'static str,
    pub(crate) number: String,
}

/// A verdict in the classes of a page.
pub(crate) fn word(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Passed) => "passed",
        Some(Verdict::Failed) => "failed",
        Some(Verdict::Vacuous) => "vacuous",
        Some(Verdict::Unstable) => "unstable",
        Some(Verdict::Errored) => "errored",
        Some(Verdict::Inconclusive) => "inconclusive",
        None => "none",
    }
}

/// Colours alone tell nothing to some.
pub(crate) fn glyph(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Passed) => "✓",
        Some(Verdict::Failed) => "✗",
        Some(Verdict::Vacuous) => "∅",
        Some(Verdict::Unstable) => "≠",
        Some(Verdict::Errored) => "!",
        Some(Verdict::Inconclusive) => "?",
        None => "–",
    }
}

/// How many of the runs have which verdict.
pub(crate) fn counts<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<VerdictCount> {
    tally(runs)
        .into_iter()
        .map(|(verdict, number)| VerdictCount {
            verdict: word(Some(verdict)),
            glyph: glyph(Some(verdict)),
            number: grouped(number as u64),
        })
        .collect()
}
