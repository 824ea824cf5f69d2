//! `unique-ids`: a node gives an id that nobody was given before.
//!
//! Proves: no two answers hold the same id. Ids are any JSON; whole numbers of any length are told apart.

use super::workload::{Ask, Circumstances, Load, Session, Workload};
use crate::{
    draws::Draws,
    findings::{Anomaly, Findings},
    history::Op,
    lines::clip,
    message::Message,
};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const UNIQUE_IDS: Workload = Workload {
    name: "unique-ids",
    about: "answers each `generate` with a `generate_ok` whose `id` is unique among all nodes",
    functions: &["generate"],
    anomalies: &["duplicated"],
    load: |_| Box::new(UniqueIds),
    check,
};

struct UniqueIds;

impl Load for UniqueIds {
    fn session(&self) -> Box<dyn Session + '_> {
        Box::new(Self)
    }
}

impl Session for UniqueIds {
    fn next(&mut self, _: &mut Draws) -> Ask {
        Ask::new("generate", Value::Null, &[])
    }

    fn read(&mut self, _: &Ask, answer: Option<&Message>) -> Result<Value, String> {
        answer.and_then(|answer| answer.exact("id")).ok_or_else(|| "it has no `id`".to_owned())
    }
}

fn check(history: &[Op], _: Circumstances) -> Findings {
    let mut findings = Findings::default();
    let mut given: BTreeMap<String, Vec<&Op>> = BTreeMap::new();
    for op in history.iter().filter(|op| op.ok()) {
        given.entry(op.value.to_string()).or_default().push(op);
    }
    findings.fact("attempted-count", history.len());
    findings.fact("acknowledged-count", given.values().map(Vec::len).sum::<usize>());
    for (id, ops) in given.iter().filter(|(_, ops)| ops.len() > 1) {
        let nodes: Vec<&str> = ops.iter().map(|op| op.node.as_str()).collect();
        let about =
            format!("the id {} was given {} times: by {}", clip(id), ops.len(), nodes.join(", "));
        findings.anomalies.push(Anomaly::proven("duplicated", about, ops));
    }
    findings.fact("duplicated-count", findings.anomalies.len());
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Kind, testing::sequential};
    use serde_json::json;

    #[test]
    fn an_id_is_given_once() {
        let history = |ids: &[Value]| {
            let ops = ids.iter().map(|id| (0, Kind::Ok, "generate", json!(null), id.clone()));
            check(&sequential(&ops.collect::<Vec<_>>()), Circumstances::default())
        };
        let near = [json!(1), json!("1"), json!([1]), json!(null), json!(1.5), json!({"a": 1})];
        assert!(history(&near).anomalies.is_empty());
        let found = history(&[json!({"a": 1, "b": 2}), json!(7), json!({"b": 2, "a": 1})]);
        assert_eq!(found.anomalies.len(), 1);
        assert_eq!(found.anomalies[0].events, [0, 1, 4, 5]);
        assert_eq!(found.get("duplicated-count"), Some(&json!(1)));
    }
}
