//! A link carries little.
//!
//! At its edges: what is on the wire when it begins arrives as it would have. While it lasts, messages of a direction
//! leave one after the other, each when all its bytes have had their time; connecting and closing take no time. What waits
//! when it ends leaves at once. What waits in a node that crashes is gone, and takes no room any more.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, LinkState},
    parameters::{links_or_every, throughput},
};

pub(super) const BANDWIDTH: FaultKind = FaultKind {
    key: "bandwidth",
    does: "Limits what each direction of a link carries to `limit`, over all of its connections; the rest waits its turn, until the limit ends",
    stands_for: "a saturated uplink, a throttled instance",
    felt_when: "a message had waited its turn",
    lasts: true,
    params: &[links_or_every(), throughput("limit", "20kB/s", "what each direction carries")],
    says: "{limit} on {links}",
    example: "{ at: 500ms, bandwidth: { limit: 400B/s, isolate: broker-1 }, for: 400ms }",
    injection: |given| Injection::Links {
        links: given.links(),
        state: LinkState::Narrow(given.bytes("limit")),
    },
};
