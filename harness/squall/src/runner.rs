//! Many runs: scenarios times seeds, over several workers.

use crate::{
    plan::Plan,
    scenario::Scenario,
    system::System,
    worker::{Want, Worker},
};
use squall_reports::{Run, Verdict};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::channel,
    },
    thread,
};

/// How many runs are executed twice, to prove that they are deterministic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// The first of every ten seeds of each scenario.
    Sample,
    /// Every run.
    All,
    /// None.
    None,
}

impl Verify {
    /// Whether the `index`-th run of a scenario is executed twice.
    #[must_use]
    pub fn includes(self, index: u64) -> bool {
        match self {
            Self::Sample => index.is_multiple_of(10),
            Self::All => true,
            Self::None => false,
        }
    }
}

/// One run to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Index of the scenario.
    pub scenario: usize,
    /// The seed.
    pub seed: u64,
    /// Execute it twice.
    pub verify: bool,
}

/// What to run, and how.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The scenarios.
    pub scenarios: &'a [Scenario],
    /// The runs, in order.
    pub jobs: &'a [Job],
    /// Defects to switch on.
    pub defects: &'a [String],
    /// Worker processes side by side.
    pub workers: usize,
    /// Begin no further run once this is set.
    pub stop: &'a AtomicBool,
}

/// Executes a batch. `done` hears of each finished run, in the order in which they finish.
///
/// # Errors
/// The harness itself failed; the runs that were finished have been told to `done`.
pub fn run(
    batch: &Batch<'_>,
    system: &Arc<dyn System>,
    mut done: impl FnMut(Job, Run),
) -> Result<(), String> {
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let (tell, finished) = channel();
    thread::scope(|scope| {
        for _ in 0..batch.workers.clamp(1, batch.jobs.len().max(1)) {
            let tell = tell.clone();
            let (next, failure) = (&next, &failure);
            scope.spawn(move || {
                let mut pair = Pair::default();
                while !batch.stop.load(Ordering::Relaxed) {
                    let Some(job) = batch.jobs.get(next.fetch_add(1, Ordering::Relaxed)) else {
                        return;
                    };
                    let scenario = &batch.scenarios[job.scenario];
                    let plan = Plan::new(scenario, job.seed, system.as_ref(), batch.defects);
                    match pair.run(&plan, job.verify) {
                        Ok(run) => {
                            if tell.send((*job, run)).is_err() {
                                return;
                            }
                        }
                        Err(error) => {
                            batch.stop.store(true, Ordering::Relaxed);
                            let mut slot = failure.lock().unwrap_or_else(PoisonError::into_inner);
                            slot.get_or_insert(error);
                            return;
                        }
                    }
                }
            });
        }
        drop(tell);
        for (job, run) in finished {
            done(job, run);
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

/// A worker, and a second one that repeats what must be proved deterministic: another process, with
/// another past.
#[derive(Debug, Default)]
struct Pair {
    first: Worker,
    second: Worker,
}

impl Pair {
    fn run(&mut self, plan: &Plan, verify: bool) -> Result<Run, String> {
        let mut run = self.first.run(plan, Want { history: verify, trace: true })?;
        if !verify || run.verdict == Verdict::Errored {
            return Ok(run);
        }
        let again = self.second.run(plan, Want { history: true, trace: false })?;
        run.verified = true;
        run.wall_us += again.wall_us;
        if again.hash != run.hash {
            let difference = if again.verdict == Verdict::Errored {
                again.reason.unwrap_or_default()
            } else {
                first_difference(&self.first.lines()?, &self.second.lines()?)
            };
            run.verdict = Verdict::Unstable;
            run.reason = Some(format!("two executions of one plan differ: {difference}"));
        }
        Ok(run)
    }
}

fn first_difference(a: &[String], b: &[String]) -> String {
    let missing = "the end of the history".to_owned();
    for index in 0..a.len().max(b.len()) {
        let (a, b) = (a.get(index).unwrap_or(&missing), b.get(index).unwrap_or(&missing));
        if a != b {
            return format!("record {index} is \"{}\" or \"{}\"", a.trim(), b.trim());
        }
    }
    "the records are equal in words, not in their bytes".to_owned()
}
