//! Nodes that answer as Maelstrom's own services do.
//!
//! Their semantics are those of its `service.clj` and `doc/services.md`. One thing is added: a request that a service
//! does not know is answered with an error (`not-supported`, or `malformed-request`), where Maelstrom says nothing.

mod kv;
mod lww;
mod sequential;
mod tso;

use crate::{draws::Draws, errors, message::Body};
use serde_json::{Value, json};

/// A node that answers requests.
pub(crate) trait Service: Send {
    /// Answers what `client` asks.
    fn answer(&mut self, client: &str, request: &Body, draws: &mut Draws) -> Body;
}

/// A service, as the protocol names it.
pub(crate) struct Entry {
    /// The name of its node.
    pub(crate) name: &'static str,
    pub(crate) make: fn() -> Box<dyn Service>,
}

/// All of them.
pub(crate) const SERVICES: &[Entry] = &[
    Entry { name: "lin-kv", make: || Box::new(kv::Linearizable::default()) },
    Entry { name: "lin-tso", make: || Box::new(tso::Oracle::default()) },
    Entry { name: "lww-kv", make: || Box::new(lww::LastWriteWins::default()) },
    Entry { name: "seq-kv", make: || Box::new(sequential::Sequential::default()) },
];

fn body(value: Value) -> Body {
    let Value::Object(body) = value else { unreachable!("made of an object by those who call") };
    body
}

fn error(code: i64, text: &str) -> Body {
    body(json!({ "type": "error", "code": code, "text": text }))
}

/// A request to a store of keys and values.
enum Request<'a> {
    Read { key: &'a Value },
    Write { key: &'a Value, value: &'a Value },
    Cas { key: &'a Value, from: &'a Value, to: &'a Value, create: bool },
}

/// Reads a request, or answers why it is none.
fn request(body: &Body) -> Result<Request<'_>, Body> {
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

fn read_ok(value: Option<&Value>) -> Body {
    match value {
        Some(value) => body(json!({ "type": "read_ok", "value": value })),
        None => missing(),
    }
}

fn missing() -> Body {
    error(errors::KEY_DOES_NOT_EXIST, "key does not exist")
}

fn done(kind: &str) -> Body {
    body(json!({ "type": kind }))
}

/// What a `cas` of `from` to `to` does to a key whose value is `current`: whether it writes, and the answer.
fn cas(current: Option<&Value>, from: &Value, create: bool) -> (bool, Body) {
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
mod testing {
    use super::{Service, body};
    use crate::draws::Draws;
    use serde_json::Value;

    /// A service, and whoever asks it.
    pub(super) struct Asked<S> {
        pub(super) service: S,
        pub(super) draws: Draws,
    }

    impl<S: Service + Default> Asked<S> {
        pub(super) fn new(seed: u64) -> Self {
            Self { service: S::default(), draws: Draws::new(seed, 0) }
        }

        pub(super) fn ask(&mut self, client: &str, request: Value) -> Value {
            Value::Object(self.service.answer(client, &body(request), &mut self.draws))
        }
    }
}
