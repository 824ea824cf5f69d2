//! Stages of a run one by one, for this repository's own tests and benchmarks: no part of what squall promises.

pub use crate::{
    faults::CATALOGUE as FAULTS,
    history::HistoryHash,
    outcome::{RunOutcome, setup},
    plan::{Plan, PlannedPublish},
    scenario::{load, parse},
    sim::execute,
    syntax::Diagnostic,
};
