//! Old messages come again.
//!
//! At its edges: one of the last sixteen messages of the connection comes behind the one that was drawn, at once.

use super::kind::FaultKind;
use crate::{
    injection::{Carried, Delay, Injection, Tampering},
    parameters::messages,
};

pub(super) const REPLAY: FaultKind = FaultKind {
    key: "replay",
    does: "Sends an old message of the same connection again, behind a share of messages",
    stands_for: "a queue that is rewound, a cache that answers with yesterday's news",
    felt_when: "an old message was read again",
    lasts: true,
    params: &[messages()],
    says: "{messages}",
    example: "{ at: 500ms, replay: { messages: 50%, on: publish } }",
    injection: |given| Injection::Messages {
        which: Carried::Of(given.messages()),
        tampering: Tampering::Replayed,
        delay: Delay::default(),
        by_order: false,
    },
};
