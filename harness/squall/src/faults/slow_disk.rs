//! A disk is slow.
//!
//! At its edges: the write or sync is done at once, and then the whole node stands still for as long, as it does in
//! a blocking call; several add up. What it sent before goes on its way. A node that loses power meanwhile has
//! written what it wrote and synced what it synced.

use super::kind::FaultKind;
use crate::{
    injection::{DiskState, Injection},
    parameters::{node, time},
};

pub(super) const SLOW_DISK: FaultKind = FaultKind {
    key: "slow_disk",
    does: "Makes each write and sync of a node's disk take `by`, and its caller, which is the node, wait after it is done",
    stands_for: "a degraded volume, a battery that relearns, a neighbour that fills the queue",
    felt_when: "a write or a sync took long",
    lasts: true,
    params: &[node(), time("by", "20ms", "how long each write and each sync takes")],
    says: "{node}, by {by}",
    example: "{ at: 500ms, slow_disk: { node: broker-1, by: 50ms }, for: 300ms }",
    injection: |given| Injection::Disks {
        nodes: given.node(),
        state: DiskState::Slow(given.time("by")),
    },
};
