//! What a workload is made of.

use super::topology::Topology;
use crate::{
    draws::Draws,
    findings::Findings,
    history::{Event, Op},
    message::{Body, Message},
};
use serde_json::Value;
use std::time::Duration;

/// A workload: one constant.
pub struct Workload {
    /// Maelstrom's name for it.
    pub name: &'static str,
    /// What a node must do.
    pub about: &'static str,
    /// Its operations.
    pub functions: &'static [&'static str],
    /// What its checker calls what must not be.
    pub anomalies: &'static [&'static str],
    pub(crate) load: fn(&Options) -> Box<dyn Load>,
    /// Judges a history.
    pub check: fn(&[Op], Circumstances) -> Findings,
}

impl std::fmt::Debug for Workload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What a checker must know of a run beside its history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Something was done to messages or nodes: an operation that is not answered need not be the node's fault.
    pub faults: bool,
}

/// What can be chosen of a workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Who is whose neighbour, where nodes are told.
    pub topology: Topology,
}

/// A workload under way: what its clients share.
pub(crate) trait Load: Send + Sync {
    /// What each node is told when it has started, before it is asked anything.
    fn greeting(&self, _nodes: &[String]) -> Option<Body> {
        None
    }

    /// How long a client waits for an answer.
    fn patience(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// A client that has done nothing yet.
    fn session(&self) -> Box<dyn Session + '_>;
}

/// What a client does, one thing after the other.
pub(crate) trait Session: Send {
    /// What it asks next.
    fn next(&mut self, draws: &mut Draws) -> Ask;

    /// Takes the answer, and gives what of it is kept in the history.
    ///
    /// # Errors
    /// What is wrong with the answer.
    fn read(&mut self, ask: &Ask, answer: Option<&Message>) -> Result<Value, String>;

    /// What it asks once everything is healed and the load is over; none once it knows enough.
    fn last(&mut self, _so_far: &[Event]) -> Option<Ask> {
        None
    }
}

/// An operation to come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    pub(crate) f: &'static str,
    /// What the history has of it.
    pub(crate) value: Value,
    /// What the node is asked; none: the client does it alone.
    pub(crate) request: Option<Body>,
    /// It changes nothing: without an answer it did not happen.
    pub(crate) idempotent: bool,
}

impl Ask {
    /// An operation whose request has `fields` beside its type.
    pub(crate) fn new(f: &'static str, value: Value, fields: &[(&str, &Value)]) -> Self {
        let mut request = Body::new();
        request.insert("type".to_owned(), f.into());
        request.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).clone())));
        Self { f, value, request: Some(request), idempotent: false }
    }

    /// It changes nothing.
    pub(crate) fn idempotent(self) -> Self {
        Self { idempotent: true, ..self }
    }
}

/// A field of an answer.
pub(crate) fn field<'a>(answer: Option<&'a Message>, name: &str) -> Result<&'a Value, String> {
    let found = answer.and_then(|answer| answer.body.get(name));
    found.ok_or_else(|| format!("it has no `{name}`"))
}

/// A field of an answer that is a whole number.
pub(crate) fn whole(answer: Option<&Message>, name: &str) -> Result<i64, String> {
    let found = field(answer, name)?;
    let float = |value: &Value| value.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15);
    // JavaScript and Lua do not tell 3.0 from 3.
    #[allow(clippy::cast_possible_truncation)]
    let number = found.as_i64().or_else(|| float(found).map(|f| f as i64));
    number.ok_or_else(|| format!("its `{name}` is no whole number: {found}"))
}
