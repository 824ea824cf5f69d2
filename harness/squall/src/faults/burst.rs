//! Many events at once.
//!
//! At its edges: times and keys are drawn when it begins, and the healing takes nothing back. Each event goes to the
//! client that has its key, as those of the workload do.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, Load},
    parameters::{number, time},
};

pub(super) const BURST: FaultKind = FaultKind {
    key: "burst",
    does: "Publishes `events` events `within` a time, beside the workload's",
    stands_for: "a batch job, a backlog that is flushed, a cron minute",
    felt_when: "an event was published beside the workload",
    lasts: false,
    params: &[
        number("events", (1, 100_000), "200", "how many"),
        time("within", "10ms", "in how long"),
    ],
    says: "{events} events within {within}",
    example: "{ at: 300ms, burst: { events: 30 } }",
    injection: |given| {
        Injection::Load(Load::Events {
            count: given.number("events"),
            within: given.time("within"),
        })
    },
};
