//! Load grows.
//!
//! At its edges: times and keys are drawn when it begins, and the healing takes nothing back. Each event goes to the
//! client that has its key, as those of the workload do.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, Load},
    parameters::{number, time},
};

pub(super) const RAMP: FaultKind = FaultKind {
    key: "ramp",
    does: "Lets the rate grow to `factor` times the workload's, `lasting` a time, and then fall back",
    stands_for: "a morning, a queue of others that empties itself",
    felt_when: "an event was published beside the workload",
    lasts: false,
    params: &[
        number("factor", (2, 100), "5", "to how many times the workload's rate"),
        time("lasting", "2s", "how long it grows"),
    ],
    says: "to {factor} times within {lasting}",
    example: "{ at: 300ms, ramp: { factor: 4, lasting: 400ms } }",
    injection: |given| {
        let most = f64::from(given.number("factor") - 1);
        Injection::Load(Load::Rate { first: 0.0, last: most, lasting: given.time("lasting") })
    },
};
