//! Links stall, each for a time of its own.
//!
//! At its edges: each link is as with `hold`, until its own release.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, LinkState},
    parameters::{links_or_every, time},
};

pub(super) const CLOG: FaultKind = FaultKind {
    key: "clog",
    does: "Stalls links and releases them one by one in random order `within` a time; what waits arrives then, as with hold",
    stands_for: "congestion that dissolves; FoundationDB's simulator clogs so",
    felt_when: "something that was held was released",
    lasts: true,
    params: &[
        links_or_every(),
        time("within", "1s", "each link is released at a random time within this"),
    ],
    says: "{links}, released within {within}",
    example: "{ at: 500ms, clog: { within: 1500ms }, for: 2s }",
    injection: |given| Injection::Links {
        links: given.links(),
        state: LinkState::Clogged(given.time("within")),
    },
};
