//! What `--set` puts into a scenario: `brokers=5`, `workload.rate=400/s`, `the cut.for=2s`.

use super::keys::{NETWORK, SCENARIO, Takes, WORKLOAD};
use crate::{
    syntax::{Diagnostic, Key, Node, Span, Value, Words, choices},
    system::System,
};
use std::{fmt, rc::Rc, str::FromStr};

/// A key, and what is said for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    key: String,
    value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
                Ok(Self { key: key.trim().to_owned(), value: value.trim().to_owned() })
            }
            _ => Err("expected KEY=VALUE, such as brokers=5".to_owned()),
        }
    }
}

impl Setting {
    /// Whether a mistake at the place that was set is of what was set there.
    pub(super) fn is_meant_by(&self, mistake: &Diagnostic, place: Span) -> bool {
        mistake.span() == Some(place) && mistake.message.contains(&format!("`{}`", self.value))
    }

    /// What is set.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// Puts a setting into a document, in place of what stands there; where that is.
pub(super) fn put(
    root: &mut Node,
    setting: &Setting,
    path: &str,
    system: &dyn System,
) -> Result<Span, Diagnostic> {
    let unknown = |known: &[&str]| {
        let message = format!("--set {setting}: nothing is called `{}`", setting.key);
        let mut told = Diagnostic::of_file(path, "squall::unknown_setting", message);
        told.help(choices(&setting.key, Words { all: known, list: "list keys" }));
        told
    };
    let names: Vec<(String, Vec<&str>)> = simple(system);
    let known: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
    let place = if let Some((step, key)) = of_step(root, &setting.key) {
        return put_into(step, &[key.as_str()], &setting.value).ok_or_else(|| unknown(&known));
    } else if setting.key.contains('.') {
        setting.key.split('.').collect()
    } else {
        let named = names.iter().find(|(name, _)| *name == setting.key);
        named.map(|(_, place)| place.clone()).ok_or_else(|| unknown(&known))?
    };
    put_into(root, &place, &setting.value).ok_or_else(|| unknown(&known))
}

/// Keys that can be named without where they stand, and where that is.
fn simple(system: &dyn System) -> Vec<(String, Vec<&'static str>)> {
    let top = SCENARIO.keys.iter().filter(|key| matches!(key.takes, Takes::One(_)));
    let top = top.map(|key| (key.name.to_owned(), vec![key.name]));
    let inner = [("workload", &WORKLOAD), ("network", &NETWORK)];
    let inner = inner.into_iter().flat_map(|(outer, table)| {
        table.keys.iter().map(move |key| (key.name.to_owned(), vec![outer, key.name]))
    });
    let roles =
        system.roles().iter().map(|role| (role.plural.to_owned(), vec!["nodes", role.plural]));
    top.chain(inner).chain(roles).collect()
}

/// The step whose name a key begins with, and the rest of the key.
fn of_step<'n>(root: &'n mut Node, key: &str) -> Option<(&'n mut Node, String)> {
    let (name, rest) = key.rsplit_once('.')?;
    let Value::Mapping(entries) = &mut root.value else { return None };
    let (_, faults) = entries.iter_mut().find(|(key, _)| key.text == "faults")?;
    let Value::Sequence(steps) = &mut faults.value else { return None };
    let is_it = |step: &&mut Node| match &step.value {
        Value::Mapping(entries) => entries.iter().any(|(key, value)| {
            key.text == "name" && matches!(&value.value, Value::Scalar(text) if text.trim() == name)
        }),
        _ => false,
    };
    steps.iter_mut().find(is_it).map(|step| (step, rest.to_owned()))
}

fn put_into(node: &mut Node, place: &[&str], value: &str) -> Option<Span> {
    let span = node.span;
    let [first, rest @ ..] = place else {
        (node.value, node.typed) = (Value::Scalar(value.to_owned()), None);
        return Some(span);
    };
    let Value::Mapping(entries) = &mut node.value else { return None };
    if !entries.iter().any(|(key, _)| key.text == *first) {
        let inner = if rest.is_empty() { Value::Null } else { Value::Mapping(Vec::new()) };
        let inner = Node { span, key: Rc::from(*first), value: inner, typed: None };
        entries.push((Key { span, text: (*first).to_owned() }, inner));
    }
    let (_, inner) = entries.iter_mut().find(|(key, _)| key.text == *first)?;
    put_into(inner, rest, value)
}
