//! YAML text to a tree whose every key and value knows its place, so that all mistakes of a file can be
//! told at once.
//!
//! A key that stands in a mapping twice is told, and hides neither of its values: the tree comes once for each choice
//! among them. What the parser cannot read is told and left out, and the rest is read.

use super::{
    diagnostic::{Diagnostic, Span},
    grammar::{self, Broken},
    node::{Key, Node, Value},
    twins,
};
use serde::{Deserialize, Deserializer, de};
use serde_yaml::Spanned;
use std::{fmt, rc::Rc, sync::Arc};

/// The most that is read, in bytes: what people write is a page or two.
pub(crate) const MAX_FILE: u64 = 1 << 20;

/// What was read of a file.
pub(crate) struct Tree {
    pub(crate) source: Arc<str>,
    /// The root of the document; if keys stand in it twice, once for each choice among their values.
    pub(crate) roots: Vec<Node>,
    /// What the parser did not understand, and keys that stand in a mapping twice.
    pub(crate) mistakes: Vec<Diagnostic>,
    /// Keys of the document of which something could not be read.
    pub(crate) unread: Vec<String>,
}

struct Raw(RawValue);

enum RawValue {
    Scalar(String),
    /// A number or a truth value, as YAML understands it.
    Typed(String),
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
            Ok(RawValue::Typed(value.to_string()))
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
        visit_f64: f64
    }

    fn visit_str<E>(self, value: &str) -> Result<RawValue, E> {
        Ok(RawValue::Scalar(value.to_owned()))
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

/// Reads a file's bytes. Of what cannot be read, the value of one of `others_need` takes the rest with it: what stands
/// elsewhere makes no sense without it.
pub(crate) fn parse(path: &str, bytes: &[u8], others_need: &[&str]) -> Result<Tree, Diagnostic> {
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large(path, bytes.len() as u64));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(bad_utf8(path, bytes, error.valid_up_to())),
    };
    let source: Arc<str> = Arc::from(text);
    if let Some(start) = text.find('\0') {
        let (span, code) = (Span { start, len: 1 }, "squall::control_character");
        return Err(Diagnostic::at(path, &source, code, span, "the file has a NUL byte", "here"));
    }
    let (mut mistakes, mut unread) = (Vec::new(), Vec::new());
    let mut rest = text.to_owned();
    let root = loop {
        match grammar::odd(&rest).map_or_else(|| read(&rest), Err) {
            Ok(root) => break Some(node(&rest, root, &Rc::from(""))),
            Err(Broken { code, span, message, label, help, from }) => {
                let mut told = Diagnostic::at(path, &source, code, span, message, label);
                help.map(|help| told.help(help).clone());
                mistakes.push(told);
                let left = from.and_then(|from| grammar::without(&rest, from));
                let Some((key, left)) = left else {
                    break None;
                };
                let needed = others_need.contains(&key.as_str());
                unread.push(key);
                if needed || mistakes.len() >= MOST_BROKEN {
                    break None;
                }
                rest = left;
            }
        }
    };
    let mut roots = Vec::new();
    match root {
        Some(Node { value: Value::Null, .. }) if mistakes.is_empty() => {
            return Err(Diagnostic::of_file(path, "squall::empty", "the file is empty"));
        }
        None | Some(Node { value: Value::Null, .. }) => {}
        Some(mut root) => {
            if let Value::Mapping(entries) = &mut root.value {
                let left_out =
                    |key: &Key, value: &Node| unread.contains(&key.text) && value.is_null();
                entries.retain(|(key, value)| !left_out(key, value));
            }
            let mut most = 1;
            twins::twice(&root, &mut |key, first, count| {
                most = most.max(count);
                let message = format!("`{}` stands here a second time", key.text);
                let code = "squall::duplicate_key";
                let mut told = Diagnostic::at(path, &source, code, key.span, message, "again");
                told.related(Some(first), "the first").help("keep one of them");
                mistakes.push(told);
            });
            roots.extend(twins::choices(&root, most));
        }
    }
    Ok(Tree { source, roots, mistakes, unread })
}

/// So many places that the parser does not understand are told.
const MOST_BROKEN: usize = 20;

/// A text that holds one document, as the parser reads it.
fn read(text: &str) -> Result<Spanned<Raw>, Broken> {
    let strict = serde_yaml::options! { with_snippet: false };
    let first = serde_yaml::from_str_with_options::<Spanned<Raw>>(text, strict);
    let error = match first {
        Err(error) if error.to_string().contains("duplicate mapping key") => {
            let options = serde_yaml::options! {
                with_snippet: false,
                duplicate_keys: serde_yaml::options::DuplicateKeyPolicy::LastWins,
            };
            match serde_yaml::from_str_with_options::<Spanned<Raw>>(text, options) {
                Ok(root) if has_twins(&root.value) => return Ok(root),
                // Keys that are numbers: there the parser chooses by itself.
                Ok(_) => error,
                Err(error) => error,
            }
        }
        Ok(root) => return Ok(root),
        Err(error) => error,
    };
    let at = error.location().map(|place| offset_of(text, place.line(), place.column()));
    Err(grammar::explain(text, at.unwrap_or(0), &error.to_string()))
}

fn has_twins(raw: &Raw) -> bool {
    match &raw.0 {
        RawValue::Mapping(entries) => {
            let twin =
                |at: usize| entries[..at].iter().any(|(key, _)| key.value == entries[at].0.value);
            (0..entries.len()).any(twin) || entries.iter().any(|(_, value)| has_twins(&value.value))
        }
        RawValue::Sequence(items) => items.iter().any(|item| has_twins(&item.value)),
        RawValue::Scalar(_) | RawValue::Typed(_) | RawValue::Null => false,
    }
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

fn node(text: &str, spanned: Spanned<Raw>, key: &Rc<str>) -> Node {
    let span = span_of(text, &spanned);
    let nameless = Rc::from("");
    let mut typed = None;
    let value = match spanned.value.0 {
        RawValue::Scalar(scalar) => Value::Scalar(scalar),
        RawValue::Typed(scalar) => {
            let written = text.get(span.start..span.start + span.len).unwrap_or_default();
            // Through an anchor, its name stands here.
            let plain = !written.is_empty() && !written.starts_with(['*', '&', '!']);
            let written = if plain { written.to_owned() } else { scalar.clone() };
            typed = Some(scalar);
            Value::Scalar(written)
        }
        RawValue::Null => Value::Null,
        RawValue::Sequence(items) => {
            Value::Sequence(items.into_iter().map(|item| node(text, item, &nameless)).collect())
        }
        RawValue::Mapping(entries) => Value::Mapping(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let span = span_of(text, &key);
                    let name = Rc::from(key.value.as_str());
                    (Key { span, text: key.value }, node(text, value, &name))
                })
                .collect(),
        ),
    };
    Node { span, key: key.clone(), value, typed }
}
