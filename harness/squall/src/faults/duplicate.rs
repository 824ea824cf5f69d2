//! Messages arrive twice.
//!
//! At its edges: the copy comes also when the fault is over, and the run waits for it. The end of the connection, if it is
//! closed meanwhile, comes behind the copy. With a reset, a crash, or a receiver that has closed, the copy is gone.

use super::kind::FaultKind;
use crate::{
    injection::{Carried, Injection, Tampering},
    parameters::{delay, messages},
};

pub(super) const DUPLICATE: FaultKind = FaultKind {
    key: "duplicate",
    does: "Delivers a share of messages a second time, `by` later, on the same connection, whose end waits for it",
    stands_for: "retries below the application: proxies, queues, failing links",
    felt_when: "a second copy was read",
    lasts: true,
    params: &[messages(), delay("by", "10ms..50ms", "how much later the copy comes")],
    says: "{messages}, by {by}",
    example: "{ at: 500ms, duplicate: { messages: 50%, on: publish } }",
    injection: |given| Injection::Messages {
        which: Carried::Of(given.messages()),
        tampering: Tampering::Duplicated,
        delay: given.delay("by"),
        by_order: false,
    },
};
