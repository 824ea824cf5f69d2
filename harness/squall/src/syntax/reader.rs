//! Walking the tree of one file, and gathering mistakes on the way.

use super::{
    diagnostic::{Diagnostic, Span},
    node::{Key, Node, Value},
};
use std::sync::Arc;

/// What to do about a key of which a mapping knows nothing: the mapping, the key, its value, and what the mapping is of.
type Cure = fn(&Node, &Key, &Node, &str) -> Option<String>;

/// One file, and the mistakes that were found in it.
pub(crate) struct Reader<'a> {
    /// The file, for messages.
    path: &'a str,
    source: Arc<str>,
    cure: Cure,
    problems: Vec<Diagnostic>,
    /// What is no mistake, and should be known.
    advice: Vec<Diagnostic>,
}

/// Words that can be said, and the command that lists them.
#[derive(Clone, Copy)]
pub(crate) struct Words<'k> {
    pub(crate) all: &'k [&'k str],
    /// What follows `squall`.
    pub(crate) list: &'static str,
}

/// The entries of a mapping, taken one by one.
pub(crate) struct Fields<'n> {
    /// Of the mapping.
    pub(crate) span: Span,
    /// With the names that were meant.
    entries: Vec<(&'static str, &'n Key, &'n Node)>,
}

impl<'n> Fields<'n> {
    /// No entries, at a place.
    pub(crate) fn none(span: Span) -> Self {
        Self { span, entries: Vec::new() }
    }

    /// The entry of this key, once.
    pub(crate) fn take(&mut self, key: &str) -> Option<(&'n Key, &'n Node)> {
        let at = self.entries.iter().position(|(known, _, _)| *known == key)?;
        let (_, key, node) = self.entries.remove(at);
        Some((key, node))
    }
}

impl<'a> Reader<'a> {
    /// A file in which nothing is wrong yet.
    pub(crate) fn new(path: &'a str, source: Arc<str>, cure: Cure) -> Self {
        Self { path, source, cure, problems: Vec::new(), advice: Vec::new() }
    }

    /// How many mistakes were told.
    pub(crate) fn mistakes(&self) -> usize {
        self.problems.len()
    }

    /// All mistakes that were told, and all advice.
    pub(crate) fn into_told(self) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        (self.problems, self.advice)
    }

    /// Tells what is no mistake, and will hardly be what was meant.
    pub(crate) fn advise(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) {
        let told = Diagnostic::at(self.path, &self.source, code, span, message, label);
        self.advice.push(told.into_advice());
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

    /// The entries of a mapping that may have only these keys. One that is misspelt is told, and taken for what was meant,
    /// so that mistakes in its value are told as well.
    pub(crate) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&'static str],
        list: &'static str,
    ) -> Option<Fields<'n>> {
        let Value::Mapping(entries) = &node.value else {
            let message = format!("{what} is {}, not a mapping", node.value.kind());
            let label = format!("expected some of: {}", some(known, list));
            let single = match &node.value {
                Value::Sequence(items) => match items.as_slice() {
                    [one @ Node { value: Value::Mapping(_), .. }] => Some(one),
                    _ => None,
                },
                _ => None,
            };
            let told = self.tell("squall::wrong_type", node.span, message, label);
            if let (Value::Scalar(_), [first, ..], false) =
                (&node.value, known, node.key.is_empty())
            {
                let key = in_line(&node.key);
                told.help(format!("such as {key}{{ {first}: {} }}", node.flow()));
            }
            let one = single?;
            told.help(format!("without the list: {}{}", in_line(&node.key), one.flow()));
            return self.fields(one, what, known, list);
        };
        let mut meant: Vec<(&'static str, &Key, &Node)> = Vec::new();
        for (key, value) in entries {
            if let Some(name) = known.iter().find(|name| **name == key.text) {
                meant.push((*name, key, value));
                continue;
            }
            let cure = (self.cure)(node, key, value, what);
            let free: Vec<&'static str> = known
                .iter()
                .copied()
                .filter(|name| !entries.iter().any(|(other, _)| other.text == *name))
                .filter(|name| !meant.iter().any(|(other, _, _)| other == name))
                .collect();
            // What has a place elsewhere is not misspelt.
            let near = nearest(&key.text, free).filter(|_| cure.is_none());
            let help = cure.unwrap_or_else(|| choices(&key.text, Words { all: known, list }));
            let message = format!("{what} has no `{}`", key.text);
            self.tell("squall::unknown_key", key.span, message, "no such key").help(help);
            meant.extend(near.map(|name| (name, key, value)));
        }
        Some(Fields { span: node.span, entries: meant })
    }

    /// A scalar's text.
    pub(crate) fn text<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n str> {
        let message = format!("expected {expected}, found {}", node.value.kind());
        let label = format!("expected {expected}");
        match &node.value {
            Value::Scalar(text) => Some(text),
            Value::Sequence(items) => {
                let first = items.first().filter(|item| matches!(item.value, Value::Scalar(_)));
                let told = self.tell("squall::wrong_type", node.span, message, label);
                let first = first?;
                told.help(format!("one, without the list: {}{}", in_line(&node.key), first.flow()));
                match (&first.value, items.len()) {
                    (Value::Scalar(text), 1) => Some(text),
                    _ => None,
                }
            }
            Value::Mapping(_) | Value::Null => {
                self.tell("squall::wrong_type", node.span, message, label);
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
        let text = self.text(node, expected)?.trim();
        match parse(text) {
            Ok(value) => Some(value),
            Err(label) => {
                // `1e3` is a number for YAML.
                if let Some(Ok(value)) = node.typed.as_deref().map(&parse) {
                    return Some(value);
                }
                let message = format!("`{text}` is not {expected}");
                self.tell("squall::bad_value", node.span, message, label);
                None
            }
        }
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

    /// A list. What stands alone is told, and taken for a list of one.
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
                let (key, one) = (in_line(&node.key), node.flow());
                let told = self.tell("squall::wrong_type", node.span, message, "expected a list");
                match other {
                    Value::Mapping(_) => {
                        told.help(format!("a dash begins each entry:\n{}\n  - {one}", key.trim()));
                        Some(std::slice::from_ref(node))
                    }
                    Value::Scalar(_) => {
                        told.help(format!("as a list: {key}[{one}]"));
                        node.typed.is_none().then(|| std::slice::from_ref(node))
                    }
                    Value::Sequence(_) | Value::Null => None,
                }
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
        known: Words<'_>,
    ) -> bool {
        if known.all.contains(&name) {
            return true;
        }
        let message = format!("there is no {what} `{name}`");
        self.tell(code, span, message, format!("no such {what}")).help(choices(name, known));
        false
    }
}

/// `at: `, before a value that is shown as it should be; nothing in a list.
fn in_line(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("{key}: ") }
}

/// So many words are told in full; of more, the nearest five.
const MOST_WORDS: usize = 8;

/// What could have been meant, and what can be said at all.
pub(crate) fn choices(text: &str, known: Words<'_>) -> String {
    let near = nearest(text, known.all.iter().copied())
        .map(|near| format!("did you mean `{near}`? "))
        .unwrap_or_default();
    if known.all.is_empty() {
        return "There is: nothing".to_owned();
    }
    if known.all.len() <= MOST_WORDS {
        return format!("{near}There is: {}", known.all.join(", "));
    }
    let text = text.to_lowercase();
    let mut ranked: Vec<(f64, &str)> =
        known.all.iter().map(|word| (likeness(word, &text), *word)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let five: Vec<&str> = ranked.iter().take(5).map(|(_, word)| *word).collect();
    format!("{near}Nearest: {}; all {}: squall {}", five.join(", "), known.all.len(), known.list)
}

/// Some of these words, if they are many.
fn some(known: &[&str], list: &str) -> String {
    if known.len() <= MOST_WORDS {
        return known.join(", ");
    }
    format!("{}, …: squall {list}", known[..5].join(", "))
}

/// How like each other two words are: 0 not at all, 1 the same. Letters that changed places are one mistake.
fn likeness(word: &str, text: &str) -> f64 {
    let typos = strsim::damerau_levenshtein(word, text);
    let begin = strsim::jaro_winkler(word, text);
    let few = typos <= 1 + text.chars().count() / 5 && text.chars().count() > 2;
    if few { begin.max(1.0 - 0.05 * typos as f64) } else { begin }
}

/// The candidate most like `text`, if one is like it.
pub(crate) fn nearest<'a>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let text = text.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (likeness(candidate, &text), candidate))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
