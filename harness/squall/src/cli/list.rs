//! `squall list`: the words that scenarios are made of, from the lists that define them.

use super::shared::terminal::say;
use crate::{
    exit::PASSED,
    faults::{self, FaultKind},
    scenario::Allow,
    signals,
    system::System,
};
use clap::{Args, ValueEnum};
use std::fmt::Write as _;

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// What to list
    #[arg(value_enum)]
    what: What,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
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
    let rows: Vec<(String, String)> = match args.what {
        What::Faults => {
            faults::CATALOGUE.iter().map(|kind| (kind.key.to_owned(), fault(kind))).collect()
        }
        What::Invariants => squall_judge::CATALOGUE
            .iter()
            .map(|entry| (entry.name.to_owned(), about(entry)))
            .collect(),
        What::Signals => signals::BUILT_IN
            .iter()
            .map(|(name, about)| ((*name).to_owned(), (*about).to_owned()))
            .chain(system.signals().iter().map(|name| ((*name).to_owned(), String::new())))
            .chain(system.points().iter().map(|name| ((*name).to_owned(), "a fault point".into())))
            .chain(
                faults::CATALOGUE.iter().map(|kind| {
                    (kind.signal(), format!("{} was felt: {}", kind.key, kind.felt_when))
                }),
            )
            .collect(),
        What::Points => named(system.points()),
        What::Roles => system
            .roles()
            .iter()
            .map(|role| {
                let about = format!("{} ({} unless said otherwise)", role.about, role.default);
                (role.plural.to_owned(), about)
            })
            .collect(),
        What::Escapes => Allow::KINDS
            .iter()
            .map(|(kind, about)| ((*kind).to_owned(), (*about).to_owned()))
            .collect(),
        What::Messages => named(system.messages()),
        What::Defects => system
            .defects()
            .iter()
            .map(|defect| {
                (
                    defect.id.to_owned(),
                    format!("{} (breaks {})", defect.about, defect.breaks.join(" or ")),
                )
            })
            .collect(),
    };
    say(&columns(&rows));
    PASSED
}

/// What a fault does and stands for, when it is felt, what can be said of it, and a step with it.
fn fault(kind: &FaultKind) -> String {
    let FaultKind { does, stands_for, felt_when, params, example, .. } = kind;
    let ends = if kind.lasts { "Lasts `for:` a time, or until all is healed. " } else { "" };
    let mut text = format!(
        "{does}. Stands for {stands_for}. {ends}Felt ({}) when {felt_when}.",
        kind.signal()
    );
    for param in *params {
        let _ = write!(text, "\n{}: {}", param.written(), param.about);
        let _ = match param.default {
            Some(default) => write!(text, " ({}; {default} unless said)", param.kind),
            None => write!(text, " ({})", param.kind),
        };
    }
    let _ = write!(text, "\n- {example}");
    text
}

/// What an invariant says, and when it has something to say.
fn about(entry: &squall_judge::Entry) -> String {
    let promise = entry.promise.map_or(String::new(), |promise| format!("; and {promise}"));
    let mut text = format!(
        "{}\nNeeds: {}{promise}.\nJudged: {}.",
        entry.about,
        entry.needs.join(", "),
        entry.judged
    );
    if let Some(limit) = entry.limit {
        let _ = write!(text, "\nLimit: {limit}.\n- {}: {{ {} }}", entry.name, limit.example());
    }
    text
}

fn named(names: &[&str]) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), String::new())).collect()
}

/// Two columns within 80 characters; the second wraps.
fn columns(rows: &[(String, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 2;
    let mut out = String::new();
    for (name, about) in rows {
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
