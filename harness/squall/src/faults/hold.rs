//! A link stalls, and then delivers everything.
//!
//! At its edges: what is on the wire when it begins waits, as does all that is sent while it lasts, the first packet of a
//! new connection and the end of an old one included. When the link is released, all of it arrives at once, in order on
//! each connection, and nothing sooner than without the hold. A link is held in both directions. If one of them is cut
//! meanwhile, what is held in that one is lost.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, LinkState},
    parameters::links,
};

pub(super) const HOLD: FaultKind = FaultKind {
    key: "hold",
    does: "Stalls links, in both directions: what is on the wire or sent, connecting included, waits and arrives in order when they are released; nothing is lost or reset",
    stands_for: "a congested link, a virtual machine's network paused during migration",
    felt_when: "something that was held was released",
    lasts: true,
    params: &[links()],
    says: "{links}",
    example: "{ at: 500ms, hold: { isolate: brokers }, for: 400ms }",
    injection: |given| Injection::Links { links: given.links(), state: LinkState::Held },
};
