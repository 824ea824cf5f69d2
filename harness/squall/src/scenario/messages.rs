//! Which messages a fault acts on: `{ messages: 20%, on: [publish, deliver], isolate: leader }`.

use super::{links, reader::Reader};
use crate::{
    injection::{Links, Messages},
    syntax::{Fields, Value, Words, value},
};

/// The keys that choose messages, beside those that choose links.
pub(super) const KEYS: &[&str] = &["messages", "on"];

/// Takes the keys that choose messages; the inner `None` if it is not said how many.
pub(super) fn take(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Option<Option<Messages>> {
    let Some((_, node)) = fields.take("messages") else { return Some(None) };
    let share = reader.scalar(node, "a share", value::percent)?;
    if share == 0.0 {
        reader.tell("squall::never", node.span, "no message is hit", "such as 20%");
        return None;
    }
    let mut on = Vec::new();
    if let Some((_, node)) = fields.take("on") {
        let known = Words { all: reader.system.messages(), list: "list messages" };
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
    let links = links::take(reader, fields)?.unwrap_or(Links::Every);
    Some(Some(Messages { share, on, links }))
}
