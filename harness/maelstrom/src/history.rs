//! What clients asked and what they were answered: the only thing that checkers see.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that a client did or met, in Jepsen's form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the history, from 0.
    pub index: u64,
    /// When, in microseconds since the nodes were ready.
    pub time: u64,
    /// Who: one that asks one thing after the other. Who does not know what became of its operation is followed by
    /// another.
    pub process: u64,
    /// The node that it asks.
    pub node: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The operation.
    pub f: String,
    /// What it asks for, or what it was answered.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
    /// Why it was refused, or is not known to have happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// It belongs to the last reads, after everything was healed.
    #[serde(default, rename = "final", skip_serializing_if = "std::ops::Not::not")]
    pub last: bool,
}

/// What happened to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A client asks for it.
    Invoke,
    /// It happened.
    Ok,
    /// It did not happen, and never will.
    Fail,
    /// It may have happened, or may happen later.
    Info,
}

impl Kind {
    /// As histories have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }
}

/// An operation: what was asked, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// The index of the event with which it began.
    pub began: u64,
    /// When, in microseconds.
    pub began_us: u64,
    /// The index of the event with which it ended; none if it never did.
    pub ended: Option<u64>,
    /// When, in microseconds.
    pub ended_us: Option<u64>,
    /// Who asked.
    pub process: u64,
    /// Whom.
    pub node: String,
    /// What for.
    pub f: String,
    /// What was asked.
    pub asked: Value,
    /// What came of it: never `Invoke`.
    pub outcome: Kind,
    /// What was answered; null if nothing was.
    pub value: Value,
    /// Why it did not happen, or is not known to have.
    pub error: Option<String>,
    /// It belongs to the last reads.
    pub last: bool,
}

impl Op {
    /// It happened.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.outcome == Kind::Ok
    }

    /// It may have happened.
    #[must_use]
    pub fn info(&self) -> bool {
        self.outcome == Kind::Info
    }
}

/// The operations of a history, in the order in which they began. One that has no end is `Info`.
#[must_use]
pub fn pair(events: &[Event]) -> Vec<Op> {
    let mut open = std::collections::BTreeMap::new();
    let mut ops: Vec<Op> = Vec::new();
    for event in events {
        if event.kind == Kind::Invoke {
            open.insert(event.process, ops.len());
            ops.push(Op {
                began: event.index,
                began_us: event.time,
                ended: None,
                ended_us: None,
                process: event.process,
                node: event.node.clone(),
                f: event.f.clone(),
                asked: event.value.clone(),
                outcome: Kind::Info,
                value: Value::Null,
                error: None,
                last: event.last,
            });
        } else if let Some(op) = open.remove(&event.process).and_then(|at| ops.get_mut(at)) {
            op.ended = Some(event.index);
            op.ended_us = Some(event.time);
            op.outcome = event.kind;
            op.value = event.value.clone();
            op.error.clone_from(&event.error);
        }
    }
    ops
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::{testing::ops, *};
    use serde_json::json;

    #[test]
    fn what_has_no_end_may_have_happened() {
        let history = ops(&[
            (0, Kind::Invoke, "add", json!(1)),
            (1, Kind::Invoke, "read", json!(null)),
            (1, Kind::Ok, "read", json!(1)),
        ]);
        assert!(history[0].info() && history[0].ended.is_none());
        assert!(history[1].ok() && history[1].value == 1);
    }
}
