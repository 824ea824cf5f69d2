//! A link goes up and down.
//!
//! At its edges: every cut and every healing is as those of `partition`.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, LinkState},
    parameters::{links, time},
};

pub(super) const FLAP: FaultKind = FaultKind {
    key: "flap",
    does: "Cuts links for `down`, heals them for `up`, and so on until it is over; each cut is as that of partition, and each healing resets",
    stands_for: "a flapping switch port, a route that comes and goes",
    felt_when: "something on the wire or sent was lost, or somebody tried to connect",
    lasts: true,
    params: &[
        links(),
        time("up", "300ms", "how long they are up"),
        time("down", "200ms", "how long they are down, which comes first"),
    ],
    says: "{links}, up {up}, down {down}",
    example: "{ at: 500ms, flap: { isolate: broker-1, up: 100ms, down: 100ms }, for: 600ms }",
    injection: |given| Injection::Links {
        links: given.links(),
        state: LinkState::Flapping { up: given.time("up"), down: given.time("down") },
    },
};
