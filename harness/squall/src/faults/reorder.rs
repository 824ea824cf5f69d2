//! Messages overtake each other.
//!
//! At its edges: the message comes also when the fault is over, and the run waits for it. The end of its connection, if it
//! is closed meanwhile, comes behind it; with a reset or a crash it is gone. A message that nothing overtakes, such as the
//! only one of its kind, is just late, and not felt.

use super::kind::FaultKind;
use crate::{
    injection::{Carried, Injection, Tampering},
    parameters::{delay, messages},
};

pub(super) const REORDER: FaultKind = FaultKind {
    key: "reorder",
    does: "Delays a share of messages `by` a time, so that later ones overtake them; the end of their connection waits for them",
    stands_for: "several paths, parallel workers, retried requests",
    felt_when: "a message was read before one that was sent earlier",
    lasts: true,
    params: &[messages(), delay("by", "10ms..50ms", "how late they come")],
    says: "{messages}, by {by}",
    example: "{ at: 500ms, reorder: { messages: 50%, by: 20ms..60ms } }",
    injection: |given| Injection::Messages {
        which: Carried::Of(given.messages()),
        tampering: Tampering::Reordered,
        delay: given.delay("by"),
        by_order: true,
    },
};
