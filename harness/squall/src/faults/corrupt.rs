//! Messages arrive damaged.
//!
//! At its edges: whether a message is damaged is drawn when it is sent: what is on the wire when it begins arrives as
//! it was, and what was damaged arrives damaged also after the end.

use super::kind::FaultKind;
use crate::{
    injection::{Carried, Delay, Injection, Tampering},
    parameters::messages,
};

pub(super) const CORRUPT: FaultKind = FaultKind {
    key: "corrupt",
    does: "Turns over a bit in a share of messages",
    stands_for: "a faulty network card or switch whose damage checksums do not see",
    felt_when: "a damaged message was read",
    lasts: true,
    params: &[messages()],
    says: "{messages}",
    example: "{ at: 500ms, corrupt: { messages: 30% }, for: 500ms }",
    injection: |given| Injection::Messages {
        which: Carried::Of(given.messages()),
        tampering: Tampering::Corrupted,
        delay: Delay::default(),
        by_order: false,
    },
};
