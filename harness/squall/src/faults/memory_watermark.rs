//! Memory is nearly short, and publishers are held back.
//!
//! At its edges: who holds too much for a moment holds clients back until it looks again, 100 ms later. What they send waits
//! before the node, and then with whoever sent it; connections stay open, and replicas and consumers are heard as ever. It
//! is the machine's: a process that is started again has it.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, NodeState},
    parameters::{node, size},
};

pub(super) const MEMORY_WATERMARK: FaultKind = FaultKind {
    key: "memory_watermark",
    does: "Keeps a node from reading what clients send from when its queued frames and reservations exceed `bytes` until they do no more",
    stands_for: "RabbitMQ's memory alarm, which blocks connections that publish; a receive window that closes",
    felt_when: "something that a client had sent had to wait (counted once)",
    lasts: true,
    params: &[
        node(),
        size("bytes", "64KiB", "in frames that wait to be sent, and what the system reserves"),
    ],
    says: "{node}, {bytes}",
    example: "{ at: 500ms, memory_watermark: { node: brokers, bytes: 4B }, for: 1s }",
    injection: |given| Injection::Nodes {
        nodes: given.node(),
        state: NodeState::Watermark(given.bytes("bytes")),
    },
};
