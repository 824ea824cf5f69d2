//! Messages come when nobody waits for them any more.
//!
//! At its edges: as with `reorder`. A message whose receiver has closed the connection by then is felt too: that nobody
//! waits any more is what the fault is for.

use super::kind::FaultKind;
use crate::{
    injection::{Carried, Injection, Tampering},
    parameters::{delay, messages},
};

pub(super) const LATE: FaultKind = FaultKind {
    key: "late",
    does: "Delays a share of messages `by` a time beyond any timeout; later ones overtake them",
    stands_for: "a queue that stalls and then delivers, a phone that was offline",
    felt_when: "a message came late, whether or not anybody still listened",
    lasts: true,
    params: &[messages(), delay("by", "2s..4s", "how late they come")],
    says: "{messages}, by {by}",
    example: "{ at: 500ms, late: { messages: 30%, on: publish_ack, by: 400ms..600ms }, for: 500ms }",
    injection: |given| Injection::Messages {
        which: Carried::Of(given.messages()),
        tampering: Tampering::Reordered,
        delay: given.delay("by"),
        by_order: false,
    },
};
