//! A cable is cut, a firewall rule goes wrong.
//!
//! At its edges: what is on the wire in a cut direction when the cut begins is lost; what has arrived is read. While it
//! lasts, what is sent in a cut direction is lost, and nobody is told; the other direction of a one-way cut carries on.
//! Who connects, or has its first packet on the wire when the cut begins, hears nothing and is connected after the
//! healing, as TCP repeats that packet; give it a timeout. When a link is whole again, every connection that the cut
//! touched is reset at both ends, after what had arrived has been read: TCP would have repeated what was lost, and the
//! simulator does not. (That a connection outlives a cut and delivers all of it late is `hold`.)

use super::kind::FaultKind;
use crate::{
    injection::{Injection, LinkState},
    parameters::links,
};

pub(super) const PARTITION: FaultKind = FaultKind {
    key: "partition",
    does: "Cuts links, both ways or one: what is on the wire or sent is lost, who connects hears nothing, and connections that were cut are reset when the links are healed",
    stands_for: "a failed switch, a cut cable, a wrong firewall rule",
    felt_when: "something on the wire or sent was lost, or somebody tried to connect",
    lasts: true,
    params: &[links()],
    says: "{links}",
    example: "{ at: 500ms, partition: { isolate: broker-1 }, for: 400ms }",
    injection: |given| Injection::Links { links: given.links(), state: LinkState::Cut },
};
