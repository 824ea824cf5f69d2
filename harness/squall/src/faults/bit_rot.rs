//! What was written is not what is read.
//!
//! At its edges: a file with content on the platter is chosen by its size, so large ones are hit more often; its
//! bits turn over there and in what is read from memory. What is written over them later is whole. A node that has
//! nothing on disk is no target; one that is down is.

use super::kind::FaultKind;
use crate::{
    injection::{Damage, Injection},
    parameters::{node, number},
};

pub(super) const BIT_ROT: FaultKind = FaultKind {
    key: "bit_rot",
    does: "Turns over `bits` of a file of a node, on its disk and in what is read from now on, until they are written over",
    stands_for: "a decaying medium, a faulty controller or memory",
    felt_when: "a damaged byte was read",
    lasts: false,
    params: &[node(), number("bits", (1, 10_000), "1", "how many bits of one file")],
    says: "{node}, {bits} bits",
    example: "{ at: 2s, bit_rot: any broker }",
    injection: |given| Injection::Damage {
        nodes: given.node(),
        damage: Damage::Bits(given.number("bits")),
    },
};
