//! `seq-kv`: a sequentially consistent store. Who reads may see one of the last 32 states, but none older than it has seen;
//! who changes something does so on the newest.

use super::{kv::Store, service::Service};
use crate::{draws::Draws, message::Body};
use std::collections::{BTreeMap, VecDeque};

/// How many states are kept.
const STATES: usize = 32;

/// The service.
#[derive(Debug)]
pub(super) struct Sequential {
    /// The newest is the last.
    states: VecDeque<Store>,
    /// The number of the newest.
    newest: usize,
    /// The number of the state that each client has seen.
    seen: BTreeMap<String, usize>,
}

impl Default for Sequential {
    fn default() -> Self {
        Self { states: [Store::default()].into(), newest: 0, seen: BTreeMap::new() }
    }
}

impl Service for Sequential {
    fn answer(&mut self, client: &str, request: &Body, draws: &mut Draws) -> Body {
        let kept = self.states.len() - 1;
        // Who has seen nothing for long can see the oldest that is kept.
        let seen = self.seen.get(client).copied().unwrap_or(0).max(self.newest - kept);
        let chosen = seen + draws.index(self.newest - seen + 1);
        let mut state = self.states[kept - (self.newest - chosen)].clone();
        let (changed, answer) = state.answer(request);
        if !changed {
            self.seen.insert(client.to_owned(), chosen);
            return answer;
        }
        let mut state = self.states[kept].clone();
        let (_, answer) = state.answer(request);
        self.states.push_back(state);
        self.newest += 1;
        if self.states.len() > STATES {
            self.states.pop_front();
        }
        self.seen.insert(client.to_owned(), self.newest);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::service::testing::Asked;
    use serde_json::json;
    use std::collections::BTreeSet;

    fn write(value: u64) -> serde_json::Value {
        json!({"type": "write", "key": "a", "value": value})
    }

    #[test]
    fn readers_see_the_past_but_never_go_back() {
        let (mut stale, mut values) = (0, BTreeSet::new());
        for seed in 0..50 {
            let mut kv = Asked::<Sequential>::new(seed);
            let mut last = 0;
            for value in 1..=40 {
                kv.ask("n0", write(value));
                // Its own writes, whoever wrote sees.
                assert_eq!(kv.ask("n0", json!({"type": "read", "key": "a"}))["value"], value);
            }
            for _ in 0..5 {
                let read = kv.ask("n1", json!({"type": "read", "key": "a"}));
                let value = read["value"].as_u64().unwrap();
                assert!(value >= last && value >= 40 - 31, "{value} after {last}");
                stale += u32::from(value < 40);
                values.insert(value);
                last = value;
            }
        }
        assert!(stale > 50 && values.len() > 10, "{stale} stale reads of {values:?}");
    }

    #[test]
    fn who_changes_something_sees_the_newest() {
        for seed in 0..50 {
            let mut kv = Asked::<Sequential>::new(seed);
            kv.ask("n0", write(1));
            kv.ask("n0", write(2));
            let cas = kv.ask("n1", json!({"type": "cas", "key": "a", "from": 2, "to": 3}));
            if cas["type"] == "cas_ok" {
                assert_eq!(kv.ask("n1", json!({"type": "read", "key": "a"}))["value"], 3);
            }
        }
    }
}
