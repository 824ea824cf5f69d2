//! `lww-kv`: a store of two replicas that each answer by themselves and now and then tell each other; the last write wins,
//! by a Lamport clock, so that writes are lost.

use super::service::{Request, Service, cas, done, read_ok, request};
use crate::{draws::Draws, message::Body};
use serde_json::Value;
use std::collections::BTreeMap;

/// How many replicas there are: as its code has it (its page says five).
const REPLICAS: usize = 2;

#[derive(Clone, Debug, Default)]
struct Replica {
    clock: u64,
    /// Keys, by how they are written as JSON; values, and when they were written.
    values: BTreeMap<String, (u64, Value)>,
}

impl Replica {
    fn answer(&mut self, body: &Body) -> Body {
        let asked = match request(body) {
            Ok(asked) => asked,
            Err(answer) => return answer,
        };
        match asked {
            Request::Read { key } => read_ok(self.values.get(&key.to_string()).map(|(_, v)| v)),
            Request::Write { key, value } => {
                self.put(key, value);
                done("write_ok")
            }
            Request::Cas { key, from, to, create } => {
                let current = self.values.get(&key.to_string()).map(|(_, value)| value);
                let (writes, answer) = cas(current, from, create);
                if writes {
                    self.put(key, to);
                }
                answer
            }
        }
    }

    fn put(&mut self, key: &Value, value: &Value) {
        self.values.insert(key.to_string(), (self.clock, value.clone()));
        self.clock += 1;
    }

    /// Takes over what the other has that is newer.
    fn merge(&mut self, other: &Self) {
        self.clock = self.clock.max(other.clock);
        for (key, (written, value)) in &other.values {
            if self.values.get(key).is_none_or(|(own, _)| own < written) {
                self.values.insert(key.clone(), (*written, value.clone()));
            }
        }
    }
}

/// The service.
#[derive(Debug)]
pub(super) struct LastWriteWins(Vec<Replica>);

impl Default for LastWriteWins {
    fn default() -> Self {
        Self(vec![Replica::default(); REPLICAS])
    }
}

impl Service for LastWriteWins {
    fn answer(&mut self, _: &str, request: &Body, draws: &mut Draws) -> Body {
        let from = self.0[draws.index(REPLICAS)].clone();
        self.0[draws.index(REPLICAS)].merge(&from);
        self.0[draws.index(REPLICAS)].answer(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::service::testing::Asked;
    use serde_json::json;

    #[test]
    fn reads_are_stale_at_times_and_replicas_agree_in_the_end() {
        let mut stale = 0;
        for seed in 0..50 {
            let mut kv = Asked::<LastWriteWins>::new(seed);
            kv.ask("n0", json!({"type": "write", "key": "a", "value": 1}));
            stale += u32::from(kv.ask("n0", json!({"type": "read", "key": "a"}))["code"] == 20);
            for _ in 0..40 {
                kv.ask("n0", json!({"type": "read", "key": "b"}));
            }
            assert_eq!(
                kv.ask("n0", json!({"type": "read", "key": "a"}))["value"],
                1,
                "seed {seed}"
            );
        }
        assert!((5..45).contains(&stale), "{stale} of 50 reads were stale");
    }
}
