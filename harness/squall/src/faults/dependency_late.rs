//! A dependency does what it was asked, and its answer comes too late.
//!
//! At its edges: whether an answer is late is drawn when it is sent: what is on the wire when it begins comes in
//! time, and what was delayed comes late also after the end.

use super::kind::FaultKind;
use crate::{
    injection::{Carried, Injection, Tampering},
    parameters::{node, share, time},
};

pub(super) const DEPENDENCY_LATE: FaultKind = FaultKind {
    key: "dependency_late",
    does: "Delays a `share` of what a node sends `by` a time beyond its callers' patience: it was done, and they do not know",
    stands_for: "a charge that went through although its request timed out",
    felt_when: "an answer came late, whether or not anybody still listened",
    lasts: true,
    params: &[node(), share("share", "50%", "of the answers"), time("by", "5s", "how late")],
    says: "{node}, {share} by {by}",
    example: "{ at: 500ms, dependency_late: { node: gateways, by: 600ms }, for: 300ms }",
    injection: |given| Injection::Messages {
        which: Carried::From(given.node(), given.share("share")),
        tampering: Tampering::Reordered,
        delay: given.delay("by"),
        by_order: false,
    },
};
