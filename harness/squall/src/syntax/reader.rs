//! Walking the tree of one file, and gathering mistakes on the way.

use super::{
    diagnostic::{Diagnostic, Problems, Span},
    tree::{Key, Node, Value},
};
use std::{sync::Arc, time::Duration};

/// One file, and the mistakes that were found in it.
pub(crate) struct Reader<'a> {
    /// The file, for messages.
    path: &'a str,
    source: Arc<str>,
    problems: Vec<Diagnostic>,
}

/// The entries of a mapping, taken one by one.
pub(crate) struct Fields<'n> {
    /// Of the mapping.
    pub(crate) span: Span,
    entries: Vec<&'n (Key, Node)>,
}

impl<'n> Fields<'n> {
    /// No entries, at a place.
    pub(crate) fn none(span: Span) -> Self {
        Self { span, entries: Vec::new() }
    }

    /// The entry of this key, once.
    pub(crate) fn take(&mut self, key: &str) -> Option<(&'n Key, &'n Node)> {
        let at = self.entries.iter().position(|(known, _)| known.text == key)?;
        let (key, node) = self.entries.remove(at);
        Some((key, node))
    }
}

impl<'a> Reader<'a> {
    /// A file in which nothing is wrong yet.
    pub(crate) fn new(path: &'a str, source: Arc<str>) -> Self {
        Self { path, source, problems: Vec::new() }
    }

    /// How many mistakes were told.
    pub(crate) fn mistakes(&self) -> usize {
        self.problems.len()
    }

    /// All mistakes that were told, in the order of their places.
    pub(crate) fn into_problems(mut self) -> Problems {
        self.problems.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        Problems { diagnostics: self.problems }
    }

    /// Tells a mistake.
    pub(crate) fn tell(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> &mut Diagnostic {
        let diagnostic = Diagnostic::at(self.path, &self.source, code, span, message, label);
        self.problems.push(diagnostic);
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    /// The line of a place, counted from 1.
    pub(crate) fn line(&self, span: Span) -> u32 {
        let before = self.source.get(..span.start).unwrap_or_default();
        u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
    }

    /// The entries of a mapping that may have only these keys.
    pub(crate) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&str],
    ) -> Option<Fields<'n>> {
        let Value::Mapping(entries) = &node.value else {
            let message = format!("{what} is {}, not a mapping", node.value.kind());
            let label = format!("expected some of: {}", known.join(", "));
            self.tell("squall::wrong_type", node.span, message, label);
            return None;
        };
        for (key, _) in entries {
            if !known.contains(&key.text.as_str()) {
                let message = format!("{what} has no `{}`", key.text);
                self.tell("squall::unknown_key", key.span, message, "no such key")
                    .help(choices(&key.text, known));
            }
        }
        let entries =
            entries.iter().filter(|(key, _)| known.contains(&key.text.as_str())).collect();
        Some(Fields { span: node.span, entries })
    }

    /// A scalar's text.
    pub(crate) fn text<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n str> {
        match &node.value {
            Value::Scalar(text) => Some(text),
            other => {
                let message = format!("expected {expected}, found {}", other.kind());
                self.tell("squall::wrong_type", node.span, message, format!("expected {expected}"));
                None
            }
        }
    }

    /// A scalar that `parse` understands.
    pub(crate) fn scalar<T>(
        &mut self,
        node: &Node,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(node, expected)?;
        match parse(text.trim()) {
            Ok(value) => Some(value),
            Err(label) => {
                let message = format!("`{text}` is not {expected}");
                self.tell("squall::bad_value", node.span, message, label);
                None
            }
        }
    }

    /// A time above zero.
    pub(crate) fn positive(&mut self, node: &Node, expected: &str) -> Option<Duration> {
        let duration = self.scalar(node, expected, super::value::duration)?;
        if duration.is_zero() {
            let message = format!("{expected} of zero");
            self.tell("squall::bad_value", node.span, message, "must be longer than 0s");
            return None;
        }
        Some(duration)
    }

    /// A whole number within bounds.
    pub(crate) fn number(
        &mut self,
        node: &Node,
        expected: &str,
        low: u32,
        high: u32,
    ) -> Option<u32> {
        self.scalar(node, expected, |text| match text.parse::<u32>() {
            Ok(number) if (low..=high).contains(&number) => Ok(number),
            _ => Err(format!("expected a whole number from {low} to {high}")),
        })
    }

    /// A list.
    pub(crate) fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match &node.value {
            Value::Sequence(items) if items.is_empty() => {
                let message = format!("{what} is empty");
                self.tell("squall::empty_list", node.span, message, "leave it out, or fill it");
                None
            }
            Value::Sequence(items) => Some(items),
            other => {
                let message = format!("{what} is {}, not a list", other.kind());
                self.tell("squall::wrong_type", node.span, message, "expected a list");
                None
            }
        }
    }

    /// A name that must be one of these.
    pub(crate) fn known(
        &mut self,
        span: Span,
        name: &str,
        what: &str,
        code: &'static str,
        known: &[&str],
    ) -> bool {
        if known.contains(&name) {
            return true;
        }
        let message = format!("there is no {what} `{name}`");
        self.tell(code, span, message, format!("no such {what}")).help(choices(name, known));
        false
    }
}

/// What could have been meant, and what can be said at all.
fn choices(text: &str, known: &[&str]) -> String {
    let near = nearest(text, known.iter().copied())
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    let all = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
    format!("{near}There is: {all}")
}

/// The candidate most like `text`, if one is like it.
pub(crate) fn nearest<'a>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let text = text.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(candidate, &text), candidate))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
