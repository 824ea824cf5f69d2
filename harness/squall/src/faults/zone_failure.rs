//! A zone fails.
//!
//! At its edges: for each node of the zone as `crash`, all at one moment: frames that one of them had sent to
//! another are lost.

use super::kind::FaultKind;
use crate::{
    injection::{Back, Injection},
    parameters::{node, time},
};

pub(super) const ZONE_FAILURE: FaultKind = FaultKind {
    key: "zone_failure",
    does: "Cuts the power of all nodes of a zone (`zone east`, `any zone`; see the scenario's `zones`), as `crash` does; each comes back at a random time `within`",
    stands_for: "the loss of an availability zone: failures that come together",
    felt_when: "a node went down",
    lasts: false,
    params: &[node(), time("within", "1s", "each comes back at a random time within this")],
    says: "{node}, back within {within}",
    example: "{ at: 500ms, zone_failure: { node: any zone, within: 300ms } }",
    injection: |given| Injection::PowerOff {
        nodes: given.node(),
        back: Back::Within(given.time("within")),
        wiped: false,
    },
};
