//! Stages of a run one by one, for this repository's own tests and benchmarks: no part of what squall promises.

pub use crate::{
    faults::CATALOGUE as FAULTS,
    history::HistoryHash,
    plan::{Plan, PlannedPublish},
    scenario::{load, parse},
    sim::{RunOutcome, execute, setup},
    syntax::Diagnostic,
};
