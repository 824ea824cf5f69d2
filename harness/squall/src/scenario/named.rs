//! Steps by their names, for who waits for them or speaks of them.

use super::reader::Reader;
use crate::syntax::{Node, Value, Words};
use serde::{Deserialize, Serialize};

/// A step of the scenario, by its name and its index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// What it is called.
    pub name: String,
    /// Which it is, from 0.
    pub step: u16,
}

/// Learns what the steps are called, before any of them is read: a step can wait for a later one.
pub(super) fn name_all(reader: &mut Reader<'_>, items: &[Node]) {
    for (index, item) in (0..).zip(items) {
        let Value::Mapping(entries) = &item.value else { continue };
        let Some((_, node)) = entries.iter().find(|(key, _)| key.text == "name") else { continue };
        let Some(name) = reader.text(node, "the name of a step").map(|name| name.trim().to_owned())
        else {
            continue;
        };
        let long = name.is_empty() || name.chars().count() > 60;
        if long || name.contains(squall_reports::is_harmful) {
            let label = "one line of at most 60 characters";
            reader.tell("squall::bad_value", node.span, "this is no name for a step", label);
        } else if let Some((_, first, _)) = reader.steps.iter().find(|(other, ..)| *other == name) {
            let first = *first;
            reader
                .tell(
                    "squall::twice",
                    node.span,
                    format!("two steps are called \"{name}\""),
                    "again",
                )
                .related(Some(first), "first here");
        } else {
            reader.steps.push((name, node.span, index));
        }
    }
}

/// Steps that wait for each other never begin.
pub(super) fn check_waits(reader: &mut Reader<'_>) {
    let waits = std::mem::take(&mut reader.waits);
    for (step, _, span) in &waits {
        let mut at = *step;
        let circle = (0..=waits.len()).any(|_| {
            let next = waits.iter().find(|(waiting, ..)| *waiting == at);
            at = next.map_or(u16::MAX, |(_, awaited, _)| *awaited);
            at == *step
        });
        if circle {
            let message = "this step waits for itself, by way of others or not, and never begins";
            reader.tell("squall::never", *span, message, "leads back here");
        }
    }
}

/// The step of this name, for which another waits.
pub(super) fn awaited(reader: &mut Reader<'_>, node: &Node, waiting: u16) -> Option<Named> {
    let step = step_named(reader, node)?;
    reader.waits.push((waiting, step.step, node.span));
    Some(step)
}

/// The step of a name.
pub(super) fn step_named(reader: &mut Reader<'_>, node: &Node) -> Option<Named> {
    let name = reader.text(node, "the name of a step")?.trim();
    let found = reader.steps.iter().find(|(known, ..)| known == name).map(|(_, _, step)| *step);
    let Some(step) = found else {
        let names: Vec<String> = reader.steps.iter().map(|(name, ..)| name.clone()).collect();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        if known.is_empty() {
            let message = "no step has a name";
            reader
                .tell("squall::unknown_step", node.span, message, "of which step?")
                .help(format!("give one a name: - {{ name: {name}, at: 1s, … }}"));
        } else {
            let words = Words { all: &known, list: "explain name" };
            reader.known(node.span, name, "step", "squall::unknown_step", words);
        }
        return None;
    };
    Some(Named { name: name.to_owned(), step })
}
