//! `lin-kv`: a linearizable store of keys and values. Requests are answered one after the other, as they arrive.

use super::service::{Request, Service, cas, done, read_ok, request};
use crate::{draws::Draws, message::Body};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// Keys, by how they are written as JSON, and their values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Store(BTreeMap<String, Arc<Value>>);

impl Store {
    /// Answers a request, and tells whether the store is another one now.
    pub(super) fn answer(&mut self, body: &Body) -> (bool, Body) {
        let asked = match request(body) {
            Ok(asked) => asked,
            Err(answer) => return (false, answer),
        };
        match asked {
            Request::Read { key } => (false, read_ok(self.0.get(&key.to_string()).map(|v| &**v))),
            Request::Write { key, value } => (self.put(key, value), done("write_ok")),
            Request::Cas { key, from, to, create } => {
                let current = self.0.get(&key.to_string()).map(|v| &**v);
                let (writes, answer) = cas(current, from, create);
                (writes && self.put(key, to), answer)
            }
        }
    }

    /// Writes, and tells whether it was another value.
    fn put(&mut self, key: &Value, value: &Value) -> bool {
        let old = self.0.insert(key.to_string(), Arc::new(value.clone()));
        old.is_none_or(|old| *old != *value)
    }
}

/// The service.
#[derive(Debug, Default)]
pub(super) struct Linearizable(Store);

impl Service for Linearizable {
    fn answer(&mut self, _: &str, request: &Body, _: &mut Draws) -> Body {
        self.0.answer(request).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::service::testing::Asked;
    use serde_json::json;

    #[test]
    fn it_reads_writes_and_compares() {
        let mut kv = Asked::<Linearizable>::new(1);
        assert_eq!(kv.ask("n0", json!({"type": "read", "key": "a"}))["code"], 20);
        let cas = |from: i64, to: i64| json!({"type": "cas", "key": "a", "from": from, "to": to});
        assert_eq!(kv.ask("n0", cas(0, 1))["code"], 20);
        assert_eq!(
            kv.ask("n0", json!({"type": "write", "key": "a", "value": 1}))["type"],
            "write_ok"
        );
        assert_eq!(kv.ask("n1", cas(0, 2))["code"], 22);
        assert_eq!(kv.ask("n1", cas(1, 2)), json!({"type": "cas_ok"}));
        assert_eq!(
            kv.ask("n0", json!({"type": "read", "key": "a"})),
            json!({"type": "read_ok", "value": 2})
        );
        // A key is any value; the number and the string are two.
        assert_eq!(
            kv.ask("n0", json!({"type": "write", "key": 1, "value": 1}))["type"],
            "write_ok"
        );
        assert_eq!(kv.ask("n0", json!({"type": "read", "key": "1"}))["code"], 20);
    }

    #[test]
    fn a_cas_can_create() {
        let mut kv = Asked::<Linearizable>::new(1);
        let create =
            json!({"type": "cas", "key": "a", "from": 5, "to": 1, "create_if_not_exists": true});
        assert_eq!(kv.ask("n0", create.clone())["type"], "cas_ok");
        assert_eq!(kv.ask("n0", create)["code"], 22);
    }

    #[test]
    fn what_it_does_not_know_is_an_error() {
        let mut kv = Asked::<Linearizable>::new(1);
        assert_eq!(kv.ask("n0", json!({"type": "delete", "key": "a"}))["code"], 10);
        assert_eq!(kv.ask("n0", json!({"key": "a"}))["code"], 10);
        assert_eq!(kv.ask("n0", json!({"type": "write", "key": "a"}))["code"], 12);
    }
}
