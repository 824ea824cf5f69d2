//! Between whom a fault acts: `{ isolate: leader }`, `{ between: [broker-1, stores] }`, …

use super::{reader::Reader, target};
use crate::{
    injection::{Links, Target},
    syntax::{Fields, Node, Value},
};

/// The keys that choose links.
pub(super) const KEYS: &[&str] =
    &["isolate", "from", "to", "between", "halves", "majority", "bridge", "ring"];

/// Takes the keys that choose links; the inner `None` if there are none of them.
pub(super) fn take(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Option<Option<Links>> {
    let [isolate, from, to, between, halves, majority] =
        ["isolate", "from", "to", "between", "halves", "majority"].map(|key| fields.take(key));
    let [bridge, ring] = ["bridge", "ring"].map(|key| fields.take(key));
    let forms = [&isolate, &to, &between, &halves, &majority, &bridge, &ring];
    let used: Vec<_> = forms.into_iter().flatten().collect();
    if let [first, second, ..] = used.as_slice() {
        let message = "links are chosen in one way, and here in two";
        reader
            .tell("squall::two_of_a_kind", second.0.span, message, "the second")
            .related(Some(first.0.span), "the first");
        return None;
    }
    let links = match (isolate, from, to, between, halves, majority) {
        (Some((key, who)), from, ..) => {
            let who = target::read(reader, who);
            let from = match from {
                Some((_, from)) => Some(target::read(reader, from)?),
                None => None,
            };
            let who = who?;
            if who == Target::All {
                let label = "nobody is left";
                reader.tell("squall::impossible_target", key.span, "isolating all", label);
                return None;
            }
            Links::Isolate { who, from }
        }
        (None, Some((_, from)), Some((_, to)), ..) => {
            let (from, to) = (target::read(reader, from), target::read(reader, to));
            let (from, to) = (from?, to?);
            same(reader, &from, &to, fields)?;
            Links::OneWay { from, to }
        }
        (None, Some((key, _)), None, ..) | (None, None, Some((key, _)), ..) => {
            let message = "one way is from somebody to somebody";
            let label = "write { from: …, to: … }";
            reader.tell("squall::missing", key.span, message, label);
            return None;
        }
        (None, None, None, Some((_, pair)), ..) => {
            let Value::Sequence(items) = &pair.value else {
                let label = "such as [broker-1, stores]";
                reader.tell("squall::wrong_type", pair.span, "between two, as a list", label);
                return None;
            };
            let [a, b] = items.as_slice() else {
                let label = format!("these are {}", items.len());
                reader.tell("squall::bad_value", pair.span, "between two", label);
                return None;
            };
            let (a, b) = (target::read(reader, a), target::read(reader, b));
            let (a, b) = (a?, b?);
            same(reader, &a, &b, fields)?;
            Links::Between(a, b)
        }
        (None, None, None, None, Some((_, target)), _) => Links::Halves(split(reader, target)?),
        (None, None, None, None, None, Some((_, target))) => {
            Links::Majority(split(reader, target)?)
        }
        (None, None, None, None, None, None) => match (bridge, ring) {
            (Some((_, target)), _) => Links::Bridge(split_of(reader, target, 3)?),
            (None, Some((_, target))) => Links::Ring(split_of(reader, target, 3)?),
            (None, None) => return Some(None),
        },
    };
    Some(Some(links))
}

/// From a node to itself there is no link.
fn same(reader: &mut Reader<'_>, a: &Target, b: &Target, fields: &Fields<'_>) -> Option<()> {
    let single = matches!(a, Target::Node(_) | Target::Leader);
    if single && a == b {
        let label = "there is no link to cut";
        let message = format!("from {a} to itself");
        reader.tell("squall::impossible_target", fields.span, message, label);
        return None;
    }
    Some(())
}

/// Those that are split must be two at least.
fn split(reader: &mut Reader<'_>, node: &Node) -> Option<Target> {
    split_of(reader, node, 2)
}

fn split_of(reader: &mut Reader<'_>, node: &Node, least: u32) -> Option<Target> {
    let target = target::read(reader, node)?;
    let count = match &target {
        Target::Role(role) | Target::Majority(role) | Target::Minority(role) => {
            reader.count_of(role).0
        }
        Target::Node(_) | Target::Leader | Target::AnyFollower | Target::Any(_) => 1,
        Target::Some(count, _) => *count,
        // Counted when the time comes.
        Target::Followers | Target::All | Target::Each(_) | Target::Zone(_) | Target::AnyZone => {
            least
        }
    };
    if count < least {
        let message = format!("{target} cannot be split so");
        let label = format!("needs at least {least} nodes");
        reader.tell("squall::impossible_target", node.span, message, label);
        return None;
    }
    Some(target)
}
