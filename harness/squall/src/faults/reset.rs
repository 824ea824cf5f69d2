//! Connections break.
//!
//! At its edges: both ends can send nothing more from the moment of it. What had arrived is read first, as on Linux,
//! and then the reset is met; what was sent behind it is lost, and nobody is told how far the other had read.
//! Connections that are being made are not touched.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, LinkState},
    parameters::links,
};

pub(super) const RESET: FaultKind = FaultKind {
    key: "reset",
    does: "Resets the open connections over links, at both ends; what had arrived can still be read, and new ones can be made at once",
    stands_for: "a firewall that forgets, a load balancer that restarts",
    felt_when: "an end of a connection met the reset",
    lasts: false,
    params: &[links()],
    says: "{links}",
    example: "{ every: 300ms, reset: { isolate: broker-1 } }",
    injection: |given| Injection::Links { links: given.links(), state: LinkState::Reset },
};
