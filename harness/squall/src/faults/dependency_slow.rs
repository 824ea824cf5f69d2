//! A dependency is slow.
//!
//! At its edges: what is on the wire or waits when it ends comes as late as it would have, and what follows it waits behind.

use super::kind::FaultKind;
use crate::{
    injection::{Carried, Injection, Tampering},
    parameters::{node, time},
};

pub(super) const DEPENDENCY_SLOW: FaultKind = FaultKind {
    key: "dependency_slow",
    does: "Delays all that a node sends `by` a time, in order",
    stands_for: "an overloaded payment provider, a database under a long query",
    felt_when: "an answer came late, whether or not anybody still listened",
    lasts: true,
    params: &[node(), time("by", "500ms", "how late")],
    says: "{node}, by {by}",
    example: "{ at: 500ms, dependency_slow: { node: gateways, by: 100ms }, for: 300ms }",
    injection: |given| Injection::Messages {
        which: Carried::From(given.node(), 1.0),
        tampering: Tampering::Delayed,
        delay: given.delay("by"),
        by_order: false,
    },
};
