//! Somebody publishes what nobody can read.

use super::{Inject, Kind, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::{Node, Value},
    system,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A share of the publishes is poison while it lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Poison {
    /// The share of publishes, 0 to 1.
    pub share: f64,
    /// What is wrong with them; each kind by turns if `None`.
    pub kind: Option<system::Poison>,
}

impl Kind for Poison {
    const KEY: &'static str = "poison";
    const ABOUT: &'static str = "Makes a `share` (10%) of the publishes poison; `kind` is undecodable, rejected (it can be \
         read and must be refused) or oversized, and any of them unless said";
    const EXAMPLE: &'static str =
        "{ at: 500ms, poison: { share: 30%, kind: rejected }, for: 500ms }";
    const OUTAGE: &'static str = "Stands for a producer of another version, a broken serializer";
    const FELT: &'static str = "a poisoned event was answered, stored or delivered";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        if let Value::Scalar(_) = node.value {
            let share = reader.scalar(node, "a share", crate::syntax::value::percent)?;
            return Some(Self { share, kind: None });
        }
        let mut fields = reader.fields(node, "poison", &["share", "kind"])?;
        let share = parts::share(reader, &mut fields, "share", 0.1);
        let kind = match fields.take("kind") {
            Some((_, node)) => {
                let known: Vec<_> = system::Poison::ALL.iter().map(|kind| kind.name()).collect();
                let text = reader.text(node, "a kind of poison")?;
                let what = "kind of poison";
                if !reader.known(node.span, text, what, "squall::unknown_poison", &known) {
                    return None;
                }
                system::Poison::ALL.iter().find(|kind| kind.name() == text).copied()
            }
            None => None,
        };
        Some(Self { share: share?, kind })
    }
}

impl Inject for Poison {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.poison_publishes(self.share, self.kind, act);
        Began::On(vec![squall_probe::NodeId::HARNESS])
    }
}

impl fmt::Display for Poison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.map_or("any kind", system::Poison::name);
        write!(f, "{}% of publishes, {kind}", self.share * 100.0)
    }
}
