//! What is printed, and for whom.

use crate::shell::quote;
use clap::ValueEnum;
use squall_reports::render::Reader;
use std::io::{IsTerminal as _, Write as _};

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Color {
    /// If standard output is a terminal and NO_COLOR is not set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    /// Whether output to a terminal, or to something else, is.
    pub(in crate::cli) fn wanted(self, terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            // no-color.org: set and not empty.
            Self::Auto => {
                terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

/// Prints. A reader that has gone away (`squall list faults | head -1`) is no reason to panic.
pub(in crate::cli) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// How wide standard output is, in characters: a terminal's width; without end if it is none.
pub(in crate::cli) fn width() -> usize {
    if !std::io::stdout().is_terminal() {
        return usize::MAX;
    }
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let found = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    said.or_else(found).unwrap_or(80)
}

/// Who reads a report on standard output: as wide as the terminal, or 80 columns where it is none.
pub(in crate::cli) fn reader(program: &str, color: bool) -> Reader<'_> {
    let width = match width() {
        usize::MAX => Reader::OF_A_FILE.width,
        width => width.clamp(60, 240),
    };
    Reader { program, color, width }
}

/// What was typed to start this process.
pub(in crate::cli) fn program() -> String {
    let program = std::env::args().next().unwrap_or_else(|| "squall".to_owned());
    // Cargo's own target folder means that cargo started it.
    match program.as_str() {
        "target/release/squall" => "cargo run --release --".to_owned(),
        "target/debug/squall" => "cargo run --".to_owned(),
        other => quote(other),
    }
}
