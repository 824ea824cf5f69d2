//! A machine loses power.
//!
//! At its edges: its disk dies first, then its code: from that moment on nothing that its code still does,
//! destructors included, reaches its disk, the network, the history or a fault point. Frames that it had sent, or
//! given to the network, arrive with their latency, and then its peers hear nothing, neither an end nor a reset,
//! until it is back and answers what it does not know with a reset; what was on its way to it is lost. Of what each
//! file had unsynced, half of the time nothing is left; else all of it, or what came first, or any of its pages and
//! writes, one of them torn, also under the file's old length. Files made, renamed or removed since their directory
//! was synced are so or not, each as often as not; what is kept of a rename can be an empty file. If its process
//! was down already, its machine loses power all the same.

use super::kind::FaultKind;
use crate::{
    injection::{Back, Injection},
    parameters::node,
};

pub(super) const CRASH: FaultKind = FaultKind {
    key: "crash",
    does: "Cuts a node's power, first its disk's: unsynced data is lost, in whole or in any part, frames on the wire arrive, and peers then hear nothing; it comes back after `restart_after`, or when everything is healed",
    stands_for: "a machine that dies",
    felt_when: "a node went down",
    lasts: false,
    params: &[node()],
    says: "{node}",
    example: "{ at: 500ms, crash: broker-1, restart_after: 200ms }",
    injection: |given| Injection::PowerOff {
        nodes: given.node(),
        back: Back::RestartAfter,
        wiped: false,
    },
};
