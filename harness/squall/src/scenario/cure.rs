//! What to do about keys that stand where they cannot: most have a place elsewhere.

use super::keys::{self, Takes};
use crate::{
    faults, signals,
    syntax::{Key, Node, Value},
};

/// What other tools call the keys of a step.
const MEANT: &[(&str, &str)] = &[
    ("duration", "for"),
    ("lasts", "for"),
    ("start", "at"),
    ("time", "at"),
    ("period", "every"),
    ("interval", "every"),
    ("condition", "when"),
    ("timeout", "within"),
    ("down", "restart_after"),
];

/// Where a key belongs of which this mapping knows nothing, with the lines as they should read.
pub(super) fn cure(mapping: &Node, key: &Key, value: &Node, what: &str) -> Option<String> {
    let name = key.text.as_str();
    let is_fault = faults::CATALOGUE.iter().any(|kind| kind.key == name);
    if faults::CATALOGUE.iter().any(|kind| kind.key == what) && keys::STEP.find(name).is_some() {
        return Some(beside(mapping, name, value, what));
    }
    if what == keys::STEP.what
        && let Some(help) = parameter(mapping, name, value)
    {
        return Some(help);
    }
    if what == keys::SCENARIO.what && is_fault {
        let step = format!("  - at: 1s\n    {name}: {}", value.flow());
        return Some(format!("`{name}` is a fault: it stands in a step:\nfaults:\n{step}"));
    }
    if what == keys::SCENARIO.what && squall_judge::CATALOGUE.iter().any(|e| e.name == name) {
        let limit = value.flow();
        let said = if limit.is_empty() { name.to_owned() } else { format!("{name}: {limit}") };
        return Some(format!(
            "`{name}` is an invariant: it stands under `expect`:\nexpect: [{said}]"
        ));
    }
    if what == keys::SCENARIO.what && signals::BUILT_IN.iter().any(|(signal, _)| *signal == name) {
        return Some(format!("`{name}` is a signal:\nmust_see: [{name}]"));
    }
    if what == keys::STEP.what
        && let Some((_, meant)) = MEANT.iter().find(|(said, _)| *said == name)
    {
        return Some(format!("that is called `{meant}`:\n{meant}: {}", value.flow()));
    }
    let table = keys::TABLES.iter().find(|table| table.find(name).is_some())?;
    let shown = value.flow();
    let line = match keys::SCENARIO.keys.iter().find(|key| leads_to(&key.takes, table)) {
        Some(outer) => format!("{}: {{ {name}: {shown} }}", outer.name),
        None => format!("{name}: {shown}"),
    };
    Some(format!("`{name}` stands {}:\n{line}", table.place))
}

fn leads_to(takes: &Takes, table: &keys::Table) -> bool {
    matches!(takes, Takes::Keys(inner) if inner.what == table.what)
}

/// A key of the step stands in the fault.
fn beside(mapping: &Node, name: &str, value: &Node, fault: &str) -> String {
    let Value::Mapping(entries) = &mapping.value else { unreachable!("it has keys") };
    let of_step = |(key, _): &&(Key, Node)| keys::STEP.find(&key.text).is_some();
    let rest: Vec<_> = entries.iter().filter(|entry| !of_step(entry)).cloned().collect();
    let rest = Node { value: Value::Mapping(rest), ..mapping.clone() };
    let rest = match &rest.value {
        // `crash: { node: leader, at: 1s }`
        Value::Mapping(entries) => match entries.as_slice() {
            [(key, only)] if key.text == "node" => only.flow(),
            _ => rest.flow(),
        },
        _ => rest.flow(),
    };
    format!(
        "`{name}` stands beside the fault, not in it:\n{fault}: {rest}\n{name}: {}",
        value.flow()
    )
}

/// A parameter of the fault stands beside it.
fn parameter(mapping: &Node, name: &str, value: &Node) -> Option<String> {
    let Value::Mapping(entries) = &mapping.value else { return None };
    let (kind, said) = entries.iter().find_map(|(key, said)| {
        let kind = faults::CATALOGUE.iter().find(|kind| kind.key == key.text)?;
        let has = super::fault::keys_of(kind).contains(&name);
        has.then_some((kind, said))
    })?;
    let inner = match &said.value {
        Value::Mapping(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}, ", key.text, value.flow()))
                .collect();
            entries.concat()
        }
        Value::Null => String::new(),
        _ => {
            let first = super::fault::keys_of(kind).first().copied()?;
            format!("{first}: {}, ", said.flow())
        }
    };
    let key = kind.key;
    let shown = value.flow();
    Some(format!("`{name}` is said of the fault, in it:\n{key}: {{ {inner}{name}: {shown} }}"))
}
