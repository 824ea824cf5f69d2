//! A plan becomes a history: the system in a simulator, and the faults that come over it.
//!
//! A run is built (`build`), driven through its phases (`drive`), as TigerBeetle's simulator is: faults come and go;
//! everything is healed and the system must recover by a deadline; it is watched while it settles; and concluded
//! (`conclude`). What happened is recorded; whether it was right is judged from the records alone.

mod build;
mod clients;
mod conclude;
mod drive;
mod nemesis;
mod observer;
mod simulator;

pub use drive::STEPS;

pub use crate::determinism::IsolationError;
use crate::{determinism, outcome::RunOutcome, plan::Plan, system::System};
use std::sync::Arc;

/// Executes a plan on a thread of its own.
///
/// # Errors
/// The harness itself failed.
pub fn execute(plan: &Plan, system: &Arc<dyn System>) -> Result<RunOutcome, IsolationError> {
    let watched = determinism::isolated(plan.seed, &plan.allow, || run(plan, system))?;
    let determinism::Watched { result, escape, unwatched } = watched;
    Ok(RunOutcome { escape, unwatched, ..result })
}

fn run(plan: &Plan, system: &Arc<dyn System>) -> RunOutcome {
    let mut built = build::build(plan, system);
    let panic = drive::drive(&mut built.nemesis, &built.observation);
    conclude::conclude(plan, built, panic)
}
