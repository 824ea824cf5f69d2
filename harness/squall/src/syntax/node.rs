//! A tree whose every key and value knows its place.

use super::diagnostic::Span;
use std::rc::Rc;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    /// The key whose value it is; empty in a list, and of the document.
    pub(crate) key: Rc<str>,
    pub(crate) value: Value,
    /// What YAML takes it for, if that is a number or a truth value.
    pub(crate) typed: Option<String>,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Any scalar, as it is written.
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
            Value::Scalar(text) => quoted(self.typed.as_ref().unwrap_or(text)),
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

    /// As it could be written in one line.
    pub(crate) fn flow(&self) -> String {
        match &self.value {
            Value::Scalar(text) => {
                let plain = text.trim() == text
                    && !text.is_empty()
                    && !text.contains([',', '[', ']', '{', '}', '#', '"', '\'', '\n', '\\'])
                    && !text.contains(": ");
                if plain {
                    text.clone()
                } else {
                    serde_json::Value::from(text.as_str()).to_string()
                }
            }
            Value::Null => String::new(),
            Value::Sequence(items) => {
                let items: Vec<String> = items.iter().map(Self::flow).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Mapping(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .map(|(key, value)| format!("{}: {}", key.text, value.flow()))
                    .collect();
                format!("{{ {} }}", entries.join(", "))
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

impl Node {
    /// Nothing stands there.
    pub(super) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }
}
