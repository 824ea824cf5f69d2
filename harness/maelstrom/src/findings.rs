//! What checkers find, and the verdict that follows.

use crate::history::Op;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Maelstrom's word for it, where it has one.
    pub name: String,
    /// What happened, in words.
    pub about: String,
    /// The events that prove it, by their indices in the history.
    pub events: Vec<u64>,
    /// It is that something has not happened within a time, not that something wrong has: had the machine been slower, or
    /// the time longer, it might not be.
    pub by_time: bool,
}

impl Anomaly {
    /// Of something wrong, proven by these operations.
    pub(crate) fn proven(name: &str, about: String, ops: &[&Op]) -> Self {
        let mut events: Vec<u64> =
            ops.iter().flat_map(|op| [Some(op.began), op.ended]).flatten().collect();
        events.sort_unstable();
        events.dedup();
        Self { name: name.to_owned(), about, events, by_time: false }
    }

    /// Of something that has not happened in time.
    pub(crate) fn late(name: &str, about: String, ops: &[&Op]) -> Self {
        Self { by_time: true, ..Self::proven(name, about, ops) }
    }

    /// Of a node, not of an operation.
    pub(crate) fn of_node(name: &str, about: String) -> Self {
        Self::proven(name, about, &[])
    }
}

/// What a checker found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// What must not be.
    pub anomalies: Vec<Anomaly>,
    /// Why nothing can be said, if nothing can.
    pub unknown: Option<String>,
    /// Counts, by Maelstrom's names where it has them.
    pub facts: Vec<(&'static str, Value)>,
}

impl Findings {
    pub(crate) fn fact(&mut self, name: &'static str, value: impl Into<Value>) {
        self.facts.push((name, value.into()));
    }

    /// How many anomalies of a name there are: of many, only the first are told one by one.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        let told = self.anomalies.iter().filter(|anomaly| anomaly.name == name).count() as u64;
        let counted = self.get(name).or_else(|| self.get(&format!("{name}-count")));
        counted.and_then(Value::as_u64).unwrap_or(0).max(told)
    }

    /// The first count of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.facts.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// What a run comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing was wrong, and that could have been seen.
    Passed,
    /// Something was wrong.
    Failed,
    /// Nothing was wrong, and nothing could have been: no operation succeeded.
    Vacuous,
    /// The run could not be made: nodes were not ready, or did not come back.
    Errored,
    /// It cannot be said: the last reads are not complete, the checker gave up, or the harness itself was held up.
    Inconclusive,
}

impl Verdict {
    /// As reports have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Vacuous => "vacuous",
            Self::Errored => "errored",
            Self::Inconclusive => "inconclusive",
        }
    }
}
