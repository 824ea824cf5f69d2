//! How a command ends: its exit code, or why it ends early.

use crate::{exit, scenario::Problems};
use std::fmt::Display;

/// Why a command ends early.
pub(in crate::cli) enum Stop {
    /// The user's input; the text is ready to be printed.
    Input(String),
    /// The user's scenarios.
    Mistakes(Problems),
    /// The harness itself.
    Broken(String),
}

impl Stop {
    /// The user's input is at fault.
    pub(in crate::cli) fn input(error: impl Display) -> Self {
        Self::Input(format!("error: {error}"))
    }

    /// The harness itself is at fault.
    pub(in crate::cli) fn broken(error: impl Display) -> Self {
        Self::Broken(error.to_string())
    }

    /// Tells it on standard error, in colour if asked, and gives the exit code.
    pub(in crate::cli) fn tell(&self, color: bool) -> u8 {
        match self {
            Self::Input(text) => {
                eprintln!("{}", text.trim_end());
                exit::BAD_INPUT
            }
            Self::Mistakes(problems) => {
                eprintln!("{}", explain(problems, color));
                exit::BAD_INPUT
            }
            Self::Broken(text) => {
                eprintln!("error: the harness failed: {text}");
                exit::BROKEN
            }
        }
    }
}

fn explain(problems: &Problems, color: bool) -> String {
    let count = problems.diagnostics.len();
    let plural = if count == 1 { "mistake" } else { "mistakes" };
    format!("{}\n{count} {plural}; nothing was run.", problems.render(color).trim_end())
}
