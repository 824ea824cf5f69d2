//! The words that scenarios are made of, from the lists that define them: what `squall list` prints.

use crate::{
    faults::{self, FaultKind},
    scenario::Allow,
    signals,
    system::{Defect, Role, System},
};
use std::fmt::Write as _;

/// A word and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As scenarios write it.
    pub name: String,
    /// What it means, in lines; empty if the system does not say.
    pub about: String,
}

impl Word {
    fn new(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self { name: name.into(), about: about.into() }
    }
}

/// What can go wrong.
#[must_use]
pub fn faults() -> Vec<Word> {
    faults::CATALOGUE.iter().map(|kind| Word::new(kind.key, fault(kind))).collect()
}

/// What is judged.
#[must_use]
pub fn invariants() -> Vec<Word> {
    squall_judge::CATALOGUE.iter().map(|entry| Word::new(entry.name, about(entry))).collect()
}

/// What `must_see` can name: read off any system's history, the system's own, its fault points, and that a fault was
/// felt.
#[must_use]
pub fn signals(system: &dyn System) -> Vec<Word> {
    let felt = |kind: &&FaultKind| format!("{} was felt: {}", kind.key, kind.felt_when);
    let built_in = signals::BUILT_IN.iter().map(|(name, about)| Word::new(*name, *about));
    let points = system.points().iter().map(|name| Word::new(*name, "a fault point"));
    built_in
        .chain(named(system.signals()))
        .chain(points)
        .chain(faults::CATALOGUE.iter().map(|kind| Word::new(kind.signal(), felt(kind))))
        .collect()
}

/// The places in the system's code that `reaches` can name.
#[must_use]
pub fn points(system: &dyn System) -> Vec<Word> {
    named(system.points())
}

/// The roles of the system's nodes.
#[must_use]
pub fn roles(system: &dyn System) -> Vec<Word> {
    let about = |role: &Role| format!("{} ({} unless said otherwise)", role.about, role.default);
    system.roles().iter().map(|role| Word::new(role.plural, about(role))).collect()
}

/// The kinds of message that `on` can name.
#[must_use]
pub fn messages(system: &dyn System) -> Vec<Word> {
    named(system.messages())
}

/// What `allow` can name: what gets past the simulation, which is an error otherwise.
#[must_use]
pub fn escapes() -> Vec<Word> {
    Allow::KINDS.iter().map(|(kind, about)| Word::new(*kind, *about)).collect()
}

/// The known mistakes that `--defect` can switch on.
#[must_use]
pub fn defects(system: &dyn System) -> Vec<Word> {
    let about =
        |defect: &Defect| format!("{} (breaks {})", defect.about, defect.breaks.join(" or "));
    system.defects().iter().map(|defect| Word::new(defect.id, about(defect))).collect()
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
    let promise = entry.promise.map_or("nothing: it is judged of everybody", |p| p.words);
    let sets: Vec<String> = entry.needs.iter().map(|set| set.join(" and ")).collect();
    let mut text = format!(
        "{}\nRecords: {}; without them it is not applicable.\nPromise: {promise}.\nJudged: {}.",
        entry.about,
        sets.join(", or "),
        entry.judged
    );
    if let Some(limit) = entry.limit {
        let _ = write!(text, "\nLimit: {limit}.\n- {}: {{ {} }}", entry.name, limit.example());
    }
    text
}

fn named(names: &[&str]) -> Vec<Word> {
    names.iter().map(|name| Word::new(*name, "")).collect()
}
