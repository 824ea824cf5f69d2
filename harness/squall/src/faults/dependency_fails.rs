//! A dependency fails now and then.
//!
//! At its edges: the message is never sent, and its connection is reset as by `reset`, at both ends.

use super::kind::FaultKind;
use crate::{
    injection::{Carried, Delay, Injection, Tampering},
    parameters::{node, share},
};

pub(super) const DEPENDENCY_FAILS: FaultKind = FaultKind {
    key: "dependency_fails",
    does: "Lets a `share` of the calls to a node fail: the connection is reset before the call is heard",
    stands_for: "a provider that sheds load, a deployment that drops connections",
    felt_when: "the caller or the node met the reset",
    lasts: true,
    params: &[node(), share("share", "30%", "of the calls")],
    says: "{node}, {share} of calls",
    example: "{ at: 500ms, dependency_fails: { node: gateways, share: 50% }, for: 400ms }",
    injection: |given| Injection::Messages {
        which: Carried::To(given.node(), given.share("share")),
        tampering: Tampering::Reset,
        delay: Delay::default(),
        by_order: false,
    },
};
