//! Between whom a fault acts: `{ isolate: leader }`, `{ between: [broker-1, stores] }`, …

use super::Target;
use crate::{
    scenario::Reader,
    syntax::{Node, Value},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A choice of links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Links {
    /// All of them.
    Every,
    /// Between these and the others, both ways.
    Isolate {
        /// Who.
        who: Target,
        /// Only from these.
        from: Option<Target>,
    },
    /// Between the two, both ways.
    Between(Target, Target),
    /// From the one to the other, and not back.
    OneWay {
        /// Who is not heard.
        from: Target,
        /// Who does not hear.
        to: Target,
    },
    /// Between two random halves of these, both ways.
    Halves(Target),
    /// Between a random majority of these and the rest of them, both ways.
    Majority(Target),
    /// Between two random halves of these, both ways; one of them sees both halves (Jepsen's bridge).
    Bridge(Target),
    /// Each of these sees a majority of them, and no two see the same (Jepsen's majorities ring).
    Ring(Target),
}

/// The keys that choose links.
pub(super) const KEYS: &[&str] =
    &["isolate", "from", "to", "between", "halves", "majority", "bridge", "ring"];

impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("every link"),
            Self::Isolate { who, from: None } => write!(f, "isolate {who}"),
            Self::Isolate { who, from: Some(from) } => write!(f, "isolate {who} from {from}"),
            Self::Between(a, b) => write!(f, "between {a} and {b}"),
            Self::OneWay { from, to } => write!(f, "from {from} to {to}"),
            Self::Halves(target) => write!(f, "halves of {target}"),
            Self::Majority(target) => write!(f, "majority of {target} from the rest"),
            Self::Bridge(target) => write!(f, "halves of {target} with a bridge"),
            Self::Ring(target) => write!(f, "majorities ring of {target}"),
        }
    }
}

impl Links {
    /// Reads a mapping that chooses links and says nothing else.
    pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let mut fields = reader.fields(node, "a choice of links", KEYS)?;
        let links = Self::take(reader, &mut fields)?;
        if links.is_none() {
            let label = "such as { isolate: leader }";
            reader.tell("squall::missing", fields.span, "between whom?", label);
        }
        links
    }

    /// Takes the keys that choose links; the inner `None` if there are none of them.
    pub(super) fn take(
        reader: &mut Reader<'_>,
        fields: &mut crate::syntax::Fields<'_>,
    ) -> Option<Option<Self>> {
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
                let who = Target::read(reader, who);
                let from = match from {
                    Some((_, from)) => Some(Target::read(reader, from)?),
                    None => None,
                };
                let who = who?;
                if who == Target::All {
                    let label = "nobody is left";
                    reader.tell("squall::impossible_target", key.span, "isolating all", label);
                    return None;
                }
                Self::Isolate { who, from }
            }
            (None, Some((_, from)), Some((_, to)), ..) => {
                let (from, to) = (Target::read(reader, from), Target::read(reader, to));
                let (from, to) = (from?, to?);
                same(reader, &from, &to, fields)?;
                Self::OneWay { from, to }
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
                let (a, b) = (Target::read(reader, a), Target::read(reader, b));
                let (a, b) = (a?, b?);
                same(reader, &a, &b, fields)?;
                Self::Between(a, b)
            }
            (None, None, None, None, Some((_, target)), _) => Self::Halves(split(reader, target)?),
            (None, None, None, None, None, Some((_, target))) => {
                Self::Majority(split(reader, target)?)
            }
            (None, None, None, None, None, None) => match (bridge, ring) {
                (Some((_, target)), _) => Self::Bridge(split_of(reader, target, 3)?),
                (None, Some((_, target))) => Self::Ring(split_of(reader, target, 3)?),
                (None, None) => return Some(None),
            },
        };
        Some(Some(links))
    }
}

/// From a node to itself there is no link.
fn same(
    reader: &mut Reader<'_>,
    a: &Target,
    b: &Target,
    fields: &crate::syntax::Fields<'_>,
) -> Option<()> {
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
    let target = Target::read(reader, node)?;
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
