//! A link becomes slow.
//!
//! At its edges: what is on the wire when it begins arrives as it would have, and what is on the wire when it ends still
//! takes its time. On one connection nothing overtakes: what is sent after the end waits behind what is slow. Who connects
//! waits for its first packet and for the answer to that.

use super::kind::FaultKind;
use crate::{
    injection::{Delay, Distribution, Injection, LinkState},
    parameters::{Choice, choice, delay_given, links_or_every, time},
};

const DISTRIBUTIONS: Choice = Choice {
    what: "distribution",
    unknown: "squall::unknown_distribution",
    words: &[
        ("exponential", "exponential"),
        ("uniform", "uniform"),
        ("normal", "normal"),
        ("heavy_tailed", "heavy_tailed"),
    ],
};

pub(super) const LATENCY: FaultKind = FaultKind {
    key: "latency",
    does: "Makes links slow, in both directions: each message takes `delay`, and up to `jitter` more, drawn by `distribution`; what is on the wire already is not slowed",
    stands_for: "a congested or rerouted path",
    felt_when: "something arrived that took longer than the network ever does",
    lasts: true,
    params: &[
        links_or_every(),
        delay_given("delay", "how long a message takes"),
        time("jitter", "0s", "up to this much more"),
        choice("distribution", &DISTRIBUTIONS, "exponential", "how it is drawn in between"),
    ],
    says: "{delay+jitter} {distribution} on {links}",
    example: "{ at: 500ms, latency: { delay: 40ms..60ms }, for: 400ms }",
    injection: |given| {
        let delay = given.delay("delay");
        let max_ms = delay.max_ms.saturating_add(given.delay("jitter").max_ms);
        let distribution = match given.choice("distribution") {
            "uniform" => Distribution::Uniform,
            "normal" => Distribution::Normal,
            "heavy_tailed" => Distribution::HeavyTailed,
            _ => Distribution::Exponential,
        };
        let state = LinkState::Slow(Delay { max_ms, ..delay }, distribution);
        Injection::Links { links: given.links(), state }
    },
};
