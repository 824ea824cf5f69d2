//! YAML text to a tree whose every key and value knows its place, so that all mistakes of a file can be
//! told at once.

use super::diagnostic::{Diagnostic, Span};
use serde::{Deserialize, Deserializer, de};
use serde_yaml::Spanned;
use std::{fmt, sync::Arc};

/// The most that is read, in bytes: what people write is a page or two.
pub(crate) const MAX_FILE: u64 = 1 << 20;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Any scalar, as text.
    Scalar(String),
    Sequence(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
    Null,
}

/// A key and its place.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) span: Span,
    pub(crate) text: String,
}

impl Node {
    /// What it says, whatever the order of its keys, quotes, anchors and layout: two nodes that say the same are equal.
    pub(crate) fn canonical(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text.trim()).to_string();
        match &self.value {
            Value::Scalar(text) => quoted(text),
            Value::Null => "null".to_owned(),
            Value::Sequence(items) => {
                let items: Vec<String> = items.iter().map(Self::canonical).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Mapping(entries) => {
                let mut entries: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| format!("{}: {}", quoted(&key.text), value.canonical()))
                    .collect();
                entries.sort();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }
}

impl Value {
    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "a value",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
            Self::Null => "nothing",
        }
    }
}

struct Raw(RawValue);

enum RawValue {
    Scalar(String),
    Sequence(Vec<Spanned<Raw>>),
    Mapping(Vec<(Spanned<String>, Spanned<Raw>)>),
    Null,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor).map(Self)
    }
}

struct RawVisitor;

macro_rules! scalars {
    ($($visit:ident: $type:ty),*) => {$(
        fn $visit<E>(self, value: $type) -> Result<RawValue, E> {
            Ok(RawValue::Scalar(value.to_string()))
        }
    )*};
}

impl<'de> de::Visitor<'de> for RawVisitor {
    type Value = RawValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a mapping")
    }

    scalars! {
        visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128,
        visit_f64: f64, visit_str: &str
    }

    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_none<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawValue, D::Error> {
        deserializer.deserialize_any(Self)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<RawValue, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(RawValue::Sequence(all))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<RawValue, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            all.push(entry);
        }
        Ok(RawValue::Mapping(all))
    }
}

/// Reads a file's bytes.
pub(crate) fn parse(path: &str, bytes: &[u8]) -> Result<(Arc<str>, Node), Diagnostic> {
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large(path, bytes.len() as u64));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(bad_utf8(path, bytes, error.valid_up_to())),
    };
    let source: Arc<str> = Arc::from(text);
    let at = |code, span, message: &str, label: &str| {
        Diagnostic::at(path, &source, code, span, message, label)
    };
    if let Some(start) = text.find('\0') {
        let span = Span { start, len: 1 };
        return Err(at("squall::control_character", span, "the file has a NUL byte", "here"));
    }
    if let Some(span) = tab_in_indentation(text) {
        let message = "a tab indents this line, and YAML knows only spaces";
        let mut diagnostic = at("squall::tab", span, message, "a tab");
        diagnostic.help("indent with two spaces");
        return Err(diagnostic);
    }
    let options = serde_yaml::options! { with_snippet: false };
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(text, options) {
        Ok(root) => {
            let root = node(text, root);
            if matches!(root.value, Value::Null) {
                return Err(Diagnostic::of_file(path, "squall::empty", "the file is empty"));
            }
            Ok((source, root))
        }
        Err(error) => {
            let start = error
                .location()
                .map_or(0, |location| offset_of(text, location.line(), location.column()));
            let rest = text.get(start..).unwrap_or_default();
            let word = rest.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(rest.len());
            let span = Span { start, len: word.max(1).min(rest.len()) };
            let message = error.to_string();
            let (code, message) = explain(&message, &rest[..word]);
            Err(Diagnostic::at(path, &source, code, span, message, "here"))
        }
    }
}

/// The parser's words for its caller, in words for the author of the file.
fn explain(message: &str, word: &str) -> (&'static str, String) {
    if message.contains("duplicate mapping key") {
        return ("squall::duplicate_key", format!("`{word}` stands here a second time"));
    }
    if message.contains("multiple YAML documents") {
        let message = "a file holds one document, and here a second begins";
        return ("squall::documents", message.to_owned());
    }
    let message = message.split(" at line ").next().unwrap_or(message);
    ("squall::syntax", message.to_owned())
}

pub(crate) fn too_large(path: &str, length: u64) -> Diagnostic {
    let message = format!("the file has {length} bytes, and at most {MAX_FILE} are read");
    Diagnostic::of_file(path, "squall::too_large", message)
}

fn bad_utf8(path: &str, bytes: &[u8], good: usize) -> Diagnostic {
    let source: Arc<str> = String::from_utf8_lossy(bytes).into();
    // Up to the first bad byte both texts are the same.
    let span = Span { start: good, len: '\u{fffd}'.len_utf8() };
    let message = "the file is not UTF-8";
    Diagnostic::at(path, &source, "squall::utf8", span, message, "the first byte that is not")
}

fn tab_in_indentation(text: &str) -> Option<Span> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if !line.trim().is_empty()
            && let Some(tab) = line[..indent].find('\t')
        {
            return Some(Span { start: start + tab, len: 1 });
        }
        start += line.len();
    }
    None
}

fn offset_of(text: &str, line: u64, column: u64) -> usize {
    let line = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let column = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    start + rest.chars().take(column).take_while(|c| *c != '\n').map(char::len_utf8).sum::<usize>()
}

fn span_of<T>(text: &str, spanned: &Spanned<T>) -> Span {
    let location = spanned.referenced;
    let span = location.span();
    let start = span
        .byte_offset()
        .and_then(|offset| usize::try_from(offset).ok())
        .unwrap_or_else(|| offset_of(text, location.line(), location.column()))
        .min(text.len());
    let len = span.byte_len().and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
    // A block's span reaches to the next token; its first line tells where it is.
    let whole = text.get(start..(start + len).min(text.len())).unwrap_or_default();
    let mut len = whole.lines().next().unwrap_or_default().trim_end().len();
    // Of `{ … }` and `[ … ]` the parser names the first character.
    let line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    if len <= 1 && line.starts_with(['{', '[']) {
        len = closing(line).unwrap_or(len);
    }
    Span { start, len: len.max(1).min(text.len() - start) }
}

/// The length up to the bracket that closes the first one. Brackets in quoted text may mislead it, by no
/// more than the length of an underline.
fn closing(line: &str) -> Option<usize> {
    let mut depth = 0;
    line.char_indices().find_map(|(at, c)| {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at + c.len_utf8())
    })
}

fn node(text: &str, spanned: Spanned<Raw>) -> Node {
    let span = span_of(text, &spanned);
    let value = match spanned.value.0 {
        RawValue::Scalar(scalar) => Value::Scalar(scalar),
        RawValue::Null => Value::Null,
        RawValue::Sequence(items) => {
            Value::Sequence(items.into_iter().map(|item| node(text, item)).collect())
        }
        RawValue::Mapping(entries) => Value::Mapping(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let span = span_of(text, &key);
                    (Key { span, text: key.value }, node(text, value))
                })
                .collect(),
        ),
    };
    Node { span, value }
}
