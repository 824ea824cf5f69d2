//! `squall list`: the words that scenarios are made of, from the lists that define them.

use super::shared::terminal::say;
use crate::{
    catalogue::{self, Word},
    exit::PASSED,
    system::System,
};
use clap::{Args, ValueEnum};
use std::fmt::Write as _;

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// What to list
    #[arg(value_enum)]
    what: Listed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Listed {
    /// What can go wrong
    Faults,
    /// What is judged
    Invariants,
    /// What `must_see` can name
    Signals,
    /// The places in the system's code that `reaches` can name
    Points,
    /// The roles of the system's nodes
    Roles,
    /// The kinds of message that `on` can name
    Messages,
    /// What `allow` can name: what gets past the simulation, which is an error otherwise
    Escapes,
    /// The known mistakes that `--defect` can switch on
    Defects,
}

pub(super) fn list(args: &ListArgs, system: &dyn System) -> u8 {
    let words = match args.what {
        Listed::Faults => catalogue::faults(),
        Listed::Invariants => catalogue::invariants(),
        Listed::Signals => catalogue::signals(system),
        Listed::Points => catalogue::points(system),
        Listed::Roles => catalogue::roles(system),
        Listed::Messages => catalogue::messages(system),
        Listed::Escapes => catalogue::escapes(),
        Listed::Defects => catalogue::defects(system),
    };
    say(&columns(&words));
    PASSED
}

/// Two columns within 80 characters; the second wraps.
fn columns(words: &[Word]) -> String {
    let width = words.iter().map(|word| word.name.chars().count()).max().unwrap_or(0) + 2;
    let mut out = String::new();
    for Word { name, about } in words {
        let mut line = format!("{name:<width$}");
        for word in about.replace('\n', " \n ").split([' ']).filter(|word| !word.is_empty()) {
            if word == "\n" {
                let _ = writeln!(out, "{}", line.trim_end());
                line = " ".repeat(width);
                continue;
            }
            if line.chars().count() + word.chars().count() > 79 && line.trim_end().len() > width {
                let _ = writeln!(out, "{}", line.trim_end());
                line = " ".repeat(width);
            }
            let _ = write!(line, "{word} ");
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}
