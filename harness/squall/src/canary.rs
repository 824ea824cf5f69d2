//! The canary: runs with one known defect, to see that the pipeline can go red at all.

use crate::{
    plan::Plan,
    replay,
    scenario::Scenario,
    system::System,
    worker::{Worker, WorkerError},
};
use squall_reports::Canary;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Seeds of each scenario at most.
const ROUNDS: u64 = 2;

/// Switches `defect` on and makes runs, each scenario's first seed and then each second one, until one
/// breaks an invariant that the defect should break.
///
/// # Errors
/// The harness itself failed.
pub fn sing(
    scenarios: &[Scenario],
    defect: &str,
    first_seed: u64,
    system: &Arc<dyn System>,
    stop: &AtomicBool,
) -> Result<Canary, WorkerError> {
    let breaks: Vec<&str> = system
        .defects()
        .iter()
        .filter(|known| known.id == defect)
        .flat_map(|known| known.breaks.iter().copied())
        .collect();
    let defects = [defect.to_owned()];
    let mut canary = Canary { defect: defect.to_owned(), ..Canary::default() };
    let mut worker = Worker::default();
    for round in 0..ROUNDS {
        for scenario in scenarios {
            if stop.load(Ordering::Relaxed) {
                return Ok(canary);
            }
            let seed = first_seed.saturating_add(round);
            let plan = Plan::new(scenario, seed, system.as_ref(), &defects);
            let run = worker.run(&plan)?;
            canary.runs += 1;
            if run.violations.iter().any(|v| breaks.contains(&v.invariant.as_str())) {
                let command = replay::command(scenario, seed, &defects, &run.hash, system.as_ref());
                canary.noticed_by = Some(command);
                return Ok(canary);
            }
        }
    }
    Ok(canary)
}
