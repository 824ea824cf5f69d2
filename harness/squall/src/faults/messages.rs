//! What the faults that act on single messages have in common.

use super::{Links, links};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm, Tamper},
    syntax::{Fields, Node, Value, value},
};
use serde::{Deserialize, Serialize};
use squall_probe::{NodeId, Tampering};
use std::{collections::BTreeSet, fmt};

/// Which messages, and how many of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Messages {
    /// The share of them, 0 to 1.
    pub share: f64,
    /// Their kinds; all if empty.
    pub on: Vec<String>,
    /// The links they travel.
    pub links: Links,
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = if self.on.is_empty() { "messages".to_owned() } else { self.on.join(", ") };
        write!(f, "{}% of {kinds} on {}", self.share * 100.0, self.links)
    }
}

/// How late a late copy comes, in milliseconds: `by: 10ms..50ms`; `usual` unless said.
pub(super) fn read_delay(
    reader: &mut Reader<'_>,
    fields: &mut Fields<'_>,
    usual: (u32, u32),
) -> Option<(u32, u32)> {
    let Some((_, node)) = fields.take("by") else { return Some(usual) };
    let (min_ms, max_ms) = reader.scalar(node, "a delay", value::range_or_one)?;
    if max_ms == 0 {
        let label = "such as by: 10ms..50ms";
        reader.tell("squall::never", node.span, "a delay of nothing", label);
        return None;
    }
    Some((min_ms.max(1), max_ms))
}

impl Messages {
    /// Reads them, and gives `extra` keys to the caller.
    pub(super) fn read<'n>(
        reader: &mut Reader<'_>,
        node: &'n Node,
        extra: &[&str],
    ) -> Option<(Self, Fields<'n>)> {
        let keys: Vec<&str> = [&["messages", "on"], links::KEYS, extra].concat();
        let mut fields = reader.fields(node, "a message fault", &keys)?;
        let share = match fields.take("messages") {
            Some((_, node)) => {
                let share = reader.scalar(node, "a share", value::percent)?;
                if share == 0.0 {
                    let label = "such as 20%";
                    reader.tell("squall::never", node.span, "no message is hit", label);
                    return None;
                }
                share
            }
            None => {
                let label = "such as messages: 20%";
                reader.tell("squall::missing", fields.span, "how many messages?", label);
                return None;
            }
        };
        let mut on = Vec::new();
        if let Some((_, node)) = fields.take("on") {
            let known = reader.system.messages();
            let one = std::slice::from_ref(node);
            let items = match &node.value {
                Value::Scalar(_) => one,
                _ => reader.list(node, "the list of kinds of message")?,
            };
            for item in items {
                let kind = reader.text(item, "a kind of message")?;
                let what = "kind of message";
                if !reader.known(item.span, kind, what, "squall::unknown_message", known) {
                    return None;
                }
                on.push(kind.to_owned());
            }
        }
        let links = Links::take(reader, &mut fields)?.unwrap_or(Links::Every);
        Some((Self { share, on, links }, fields))
    }

    /// Begins to tamper with them.
    pub(super) fn begin(
        &self,
        tampering: Tampering,
        delay_ms: (u32, u32),
        storm: &mut Storm<'_>,
        act: &mut Act,
    ) -> Began {
        self.begin_to(tamper(tampering, self.share, delay_ms), storm, act)
    }

    /// As that, with all that there is to say.
    pub(super) fn begin_to(&self, how: Tamper, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        let directions = storm.directions(&self.links, act);
        if directions.is_empty() {
            return Began::NoTarget;
        }
        let targets: BTreeSet<NodeId> = directions.iter().map(|(from, _)| *from).collect();
        storm.tamper(act, how, &self.on, directions);
        if self.links == Links::Every {
            return Began::On(vec![NodeId::HARNESS]);
        }
        Began::On(targets.into_iter().collect())
    }
}

/// What is done to a share of frames.
pub(super) fn tamper(tampering: Tampering, share: f64, delay_ms: (u32, u32)) -> Tamper {
    Tamper { tampering, share, delay_ms, by_order: false }
}
