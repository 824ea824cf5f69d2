//! What services are made of.

use crate::{draws::Draws, errors, message::Body};
use serde_json::{Value, json};

/// A node that answers requests.
pub(crate) trait Service: Send {
    /// Answers what `client` asks.
    fn answer(&mut self, client: &str, request: &Body, draws: &mut Draws) -> Body;
}

pub(super) fn body(value: Value) -> Body {
    let Value::Object(body) = value else { unreachable!("made of an object by those who call") };
    body
}

pub(super) fn error(code: i64, text: &str) -> Body {
    body(json!({ "type": "error", "code": code, "text": text }))
}

/// A request to a store of keys and values.
pub(super) enum Request<'a> {
    Read { key: &'a Value },
    Write { key: &'a Value, value: &'a Value },
    Cas { key: &'a Value, from: &'a Value, to: &'a Value, create: bool },
}

/// Reads a request, or answers why it is none.
pub(super) fn request(body: &Body) -> Result<Request<'_>, Body> {
    let field = |name: &str| {
        let missing = || error(errors::MALFORMED_REQUEST, &format!("the request has no `{name}`"));
        body.get(name).ok_or_else(missing)
    };
    Ok(match body.get("type").and_then(Value::as_str) {
        Some("read") => Request::Read { key: field("key")? },
        Some("write") => Request::Write { key: field("key")?, value: field("value")? },
        Some("cas") => {
            let create = body.get("create_if_not_exists").and_then(Value::as_bool);
            let create = create.unwrap_or(false);
            // Who creates a key need not say what it should have been.
            let from =
                if create { body.get("from").unwrap_or(&Value::Null) } else { field("from")? };
            Request::Cas { key: field("key")?, from, to: field("to")?, create }
        }
        kind => {
            let kind = kind.unwrap_or("without a type");
            return Err(error(
                errors::NOT_SUPPORTED,
                &format!("read, write and cas are answered here, not {kind}"),
            ));
        }
    })
}

pub(super) fn read_ok(value: Option<&Value>) -> Body {
    match value {
        Some(value) => body(json!({ "type": "read_ok", "value": value })),
        None => missing(),
    }
}

pub(super) fn missing() -> Body {
    error(errors::KEY_DOES_NOT_EXIST, "key does not exist")
}

pub(super) fn done(kind: &str) -> Body {
    body(json!({ "type": kind }))
}

/// What a `cas` of `from` to `to` does to a key whose value is `current`: whether it writes, and the answer.
pub(super) fn cas(current: Option<&Value>, from: &Value, create: bool) -> (bool, Body) {
    match current {
        None if create => (true, done("cas_ok")),
        None => (false, missing()),
        Some(current) if current == from => (true, done("cas_ok")),
        Some(current) => {
            let text = format!("current value {current} is not {from}");
            (false, error(errors::PRECONDITION_FAILED, &text))
        }
    }
}

#[cfg(test)]
pub(super) mod testing;
