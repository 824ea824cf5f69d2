//! Load multiplies for a while.
//!
//! At its edges: times and keys are drawn when it begins, and the healing takes nothing back. Each event goes to the
//! client that has its key, as those of the workload do.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, Load},
    parameters::{number, time},
};

pub(super) const SPIKE: FaultKind = FaultKind {
    key: "spike",
    does: "Publishes at `factor` times the workload's rate, `lasting` a time, beside the workload's events",
    stands_for: "a campaign, a retry storm, the other site's users",
    felt_when: "an event was published beside the workload",
    lasts: false,
    params: &[
        number("factor", (2, 100), "5", "how many times the workload's rate"),
        time("lasting", "1s", "how long"),
    ],
    says: "{factor} times for {lasting}",
    example: "{ at: 300ms, spike: { factor: 3, lasting: 300ms } }",
    injection: |given| {
        let more = f64::from(given.number("factor") - 1);
        Injection::Load(Load::Rate { first: more, last: more, lasting: given.time("lasting") })
    },
};
