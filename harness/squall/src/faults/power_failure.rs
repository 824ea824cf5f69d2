//! The power fails for many machines at once.
//!
//! At its edges: for each node as `crash`, all at one moment: frames that one of them had sent to another are lost.
//! A node that comes back earlier than others finds them silent.

use super::kind::FaultKind;
use crate::{
    injection::{Back, Injection},
    parameters::{node, time},
};

pub(super) const POWER_FAILURE: FaultKind = FaultKind {
    key: "power_failure",
    does: "Cuts the power of many nodes in one moment (`all`, `brokers`), as `crash` does; each comes back at a random time `within`",
    stands_for: "a power failure of a rack or a site",
    felt_when: "a node went down",
    lasts: false,
    params: &[node(), time("within", "1s", "each comes back at a random time within this")],
    says: "{node}, back within {within}",
    example: "{ at: 500ms, power_failure: { node: all, within: 300ms } }",
    injection: |given| Injection::PowerOff {
        nodes: given.node(),
        back: Back::Within(given.time("within")),
        wiped: false,
    },
};
