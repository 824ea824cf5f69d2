//! Messages get lost.
//!
//! At its edges: a message whose connection is broken or cut, or whose receiver has closed it, would not have arrived:
//! that it was drawn is not felt.

use super::kind::FaultKind;
use crate::{
    injection::{Carried, Delay, Injection, Tampering},
    parameters::messages,
};

pub(super) const LOSE: FaultKind = FaultKind {
    key: "lose",
    does: "Drops a share of messages; the connections live on",
    stands_for: "overloaded proxies and queues that shed",
    felt_when: "a message was dropped that would have arrived",
    lasts: true,
    params: &[messages()],
    says: "{messages}",
    example: "{ at: 500ms, lose: { messages: 30%, on: publish_ack }, for: 600ms }",
    injection: |given| Injection::Messages {
        which: Carried::Of(given.messages()),
        tampering: Tampering::Lost,
        delay: Delay::default(),
        by_order: false,
    },
};
