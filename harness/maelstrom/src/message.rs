//! A message, as it is on the wire.

use serde_json::{Map, Value};
use std::sync::Arc;

/// What a message says: an object with a `type`, perhaps a `msg_id` and an `in_reply_to`, and what belongs to its type.
pub type Body = Map<String, Value>;

/// A message of one node to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who sent it, as it says itself.
    pub src: String,
    /// Whom it is for.
    pub dest: String,
    /// What it says.
    pub body: Body,
    /// The line as it was written: what is passed on, so that numbers and the order of keys stay as they are.
    line: Arc<str>,
}

impl Message {
    /// A message of our own.
    #[must_use]
    pub fn new(src: &str, dest: &str, body: Body) -> Self {
        let line = serde_json::json!({ "src": src, "dest": dest, "body": body }).to_string();
        Self { src: src.to_owned(), dest: dest.to_owned(), body, line: line.into() }
    }

    /// Reads a line of a node's standard output.
    ///
    /// # Errors
    /// An anomaly's name, and what is wrong with the line.
    pub fn parse(line: &str) -> Result<Self, (&'static str, String)> {
        let value: Value = serde_json::from_str(line)
            .map_err(|error| ("line-not-valid-json", format!("is not JSON: {error}")))?;
        let malformed = |what: &str| Err(("malformed-message", what.to_owned()));
        let Value::Object(mut fields) = value else {
            return malformed("is no object with `src`, `dest` and `body`");
        };
        let Some(Value::String(src)) = fields.remove("src") else {
            return malformed("has no `src` that is a string");
        };
        let Some(Value::String(dest)) = fields.remove("dest") else {
            return malformed("has no `dest` that is a string");
        };
        let Some(Value::Object(body)) = fields.remove("body") else {
            return malformed("has no `body` that is an object");
        };
        Ok(Self { src, dest, body, line: line.trim().into() })
    }

    /// The line that is passed on.
    #[must_use]
    pub fn line(&self) -> Arc<str> {
        Arc::clone(&self.line)
    }

    /// Its type; empty if it has none.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.body.get("type").and_then(Value::as_str).unwrap_or("")
    }

    /// A field of the body, as it can be compared: numbers that neither 64 bits nor a fraction hold exactly are told apart
    /// by how they are written.
    #[must_use]
    pub fn exact(&self, field: &str) -> Option<Value> {
        let value = self.body.get(field)?;
        let in_doubt = has_fraction(value);
        Some(match written(&self.line, &["body", field]) {
            Some(text) if in_doubt => Value::String(format!("number {text}")),
            _ => value.clone(),
        })
    }
}

/// It holds a number that may have been rounded.
fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// How the value at `path` is written in `text`, which is valid JSON. `serde_json` rounds long numbers, and to make it keep
/// them would change how all of the workspace reads JSON.
fn written<'a>(text: &'a str, path: &[&str]) -> Option<&'a str> {
    let Some((first, rest)) = path.split_first() else { return Some(text.trim()) };
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    // The last of several fields with one name counts, as it does for serde_json.
    let found = split(inner, ',').into_iter().rev().find_map(|field| {
        let parts = split(field, ':');
        let name = parts.first()?.trim();
        let name: String = serde_json::from_str(name).ok()?;
        (name == *first).then(|| &field[parts[0].len() + 1..])
    })?;
    written(found, rest)
}

/// The parts of `text` between separators that are in no string, array or object of it.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut from, mut depth, mut quoted, mut escaped) =
        (Vec::new(), 0, 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ if c == separator && depth == 0 => {
                parts.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn error(line: &str) -> (&'static str, String) {
        Message::parse(line).unwrap_err()
    }

    #[test]
    fn what_is_no_message_is_told_apart() {
        assert_eq!(error("hello").0, "line-not-valid-json");
        assert_eq!(error("{\"src\": \"n0\"").0, "line-not-valid-json");
        assert!(error(&"[".repeat(100_000)).1.contains("recursion"), "no overflow of the stack");
        for line in ["[]", "3", r#"{"dest":"n1","body":{}}"#, r#"{"src":"n0","dest":1,"body":{}}"#]
        {
            assert_eq!(error(line).0, "malformed-message", "{line}");
        }
        assert!(error(r#"{"src":"n0","dest":"n1","body":[]}"#).1.contains("`body`"));
    }

    #[test]
    fn what_is_passed_on_is_what_was_written() {
        let line = r#"{"dest":"n1", "src":"n0","body":{"type":"x","z":1,"a":123456789012345678901234567890}}"#;
        assert_eq!(&*Message::parse(line).unwrap().line(), line);
    }

    #[test]
    fn long_numbers_are_told_apart() {
        let id = |id: &str| {
            let line =
                format!(r#"{{"src":"n0","dest":"c1","body":{{"x":"}},{{\"","id": {id} }}}}"#);
            Message::parse(&line).unwrap().exact("id").unwrap()
        };
        assert_ne!(
            id("340282366920938463463374607431768211455"),
            id("340282366920938463463374607431768211454")
        );
        assert_ne!(
            id("[340282366920938463463374607431768211455]"),
            id("[340282366920938463463374607431768211454]")
        );
        assert_eq!(id("7"), json!(7));
        assert_eq!(id(r#""a""#), json!("a"));
    }
}
