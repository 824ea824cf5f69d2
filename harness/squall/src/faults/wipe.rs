//! A machine is replaced, and comes with an empty disk.
//!
//! At its edges: as `crash`, and what is left on the disk is gone too, names included. What else is wrong with the
//! disk goes on: a new disk in a slow place is slow.

use super::kind::FaultKind;
use crate::{
    injection::{Back, Injection},
    parameters::node,
};

pub(super) const WIPE: FaultKind = FaultKind {
    key: "wipe",
    does: "Cuts a node's power, as `crash` does, and empties its disk: it comes back with nothing",
    stands_for: "a replaced machine, an ephemeral volume, a wrong delete",
    felt_when: "a node went down",
    lasts: false,
    params: &[node()],
    says: "{node}",
    example: "{ at: 2s, wipe: any broker, restart_after: 200ms }",
    injection: |given| Injection::PowerOff {
        nodes: given.node(),
        back: Back::RestartAfter,
        wiped: true,
    },
};
