//! A machine reboots without warning.
//!
//! At its edges: as `crash`, and its power is back 50 ms later.

use super::kind::FaultKind;
use crate::{
    injection::{Back, Injection},
    parameters::node,
};
use std::time::Duration;

/// How long a reboot takes.
const REBOOT: Duration = Duration::from_millis(50);

pub(super) const RESTART: FaultKind = FaultKind {
    key: "restart",
    does: "Cuts a node's power for 50 ms, as `crash` does: it is back before anyone has missed it, without what it had not synced",
    stands_for: "a reboot, a kernel panic, a rescheduled container",
    felt_when: "a node went down",
    lasts: false,
    params: &[node()],
    says: "{node}",
    example: "{ between: 400ms..800ms, restart: leader }",
    injection: |given| Injection::PowerOff {
        nodes: given.node(),
        back: Back::After(REBOOT),
        wiped: false,
    },
};
