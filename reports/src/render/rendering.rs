//! What a rendering is: an entry of the table in [`super`].

use crate::{format::Report, text::table::WIDTH};

/// A form in which a report is told.
#[derive(Clone, Copy, Debug)]
pub struct Rendering {
    /// As in `report --as NAME`, and if it has an option, `run --NAME FILE`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub help: &'static str,
    /// What the option of `run` and `merge` does that writes it to a file; none if there is no such option.
    pub option: Option<&'static str>,
    /// Makes it.
    pub(super) render: fn(&Report, Reader<'_>) -> String,
}

/// Who reads a rendering. Only what a terminal shows depends on it: files are read elsewhere, and how the process
/// that writes them was started is nothing to their readers.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// How squall is called, in the commands that make runs again.
    pub program: &'a str,
    /// Whether colours are seen.
    pub color: bool,
    /// How many columns the reader has.
    pub width: usize,
}

impl Reader<'static> {
    /// Whoever opens a file.
    pub const OF_A_FILE: Self = Self { program: "squall", color: false, width: WIDTH };
}

impl Rendering {
    /// The report in this form: the same for the same report, harmless whatever stands in it.
    #[must_use]
    pub fn render(&self, report: &Report, reader: Reader<'_>) -> String {
        (self.render)(report, reader)
    }
}
