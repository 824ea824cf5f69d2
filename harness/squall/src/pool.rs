//! Worker processes side by side. What comes of plans is told in the order of the plans, so that what is made of it does
//! not depend on how many workers there are, nor on which is faster.

use crate::{
    plan::Plan,
    worker::{Reached, Worker, WorkerError},
};
use squall_reports::Run;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Worker processes.
#[derive(Debug)]
pub struct Pool {
    workers: Vec<Worker>,
}

/// A run, and what it reached.
pub type Done = (Run, Reached);

impl Pool {
    /// As many workers, at least one. Their processes start when they are needed.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self { workers: (0..workers.max(1)).map(|_| Worker::default()).collect() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.workers.len()
    }

    /// Executes plans; a plan has no run if it was not begun when `over` first said that it is time to stop.
    ///
    /// # Errors
    /// The harness itself failed.
    pub fn run(
        &mut self,
        plans: &[Plan],
        over: impl Fn() -> bool + Sync,
    ) -> Result<Vec<Option<Done>>, WorkerError> {
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<Option<Done>>> = Mutex::new(vec![None; plans.len()]);
        let failure = Mutex::new(None);
        thread::scope(|scope| {
            for worker in self.workers.iter_mut().take(plans.len()) {
                let (next, done, failure, over) = (&next, &done, &failure, &over);
                scope.spawn(move || {
                    while !over() {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(plan) = plans.get(index) else { return };
                        match one(worker, plan) {
                            Ok(one) => {
                                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                                done[index] = Some(one);
                            }
                            Err(error) => {
                                // The others come to an end by themselves: there are a handful of plans.
                                let mut slot =
                                    failure.lock().unwrap_or_else(PoisonError::into_inner);
                                slot.get_or_insert(error);
                                return;
                            }
                        }
                    }
                });
            }
        });
        match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner)),
            Some(error) => Err(error),
        }
    }
}

fn one(worker: &mut Worker, plan: &Plan) -> Result<Done, WorkerError> {
    let run = worker.run(plan)?;
    // A run that ended its worker has reached nothing that anybody could tell.
    let reached = if run.hash.is_empty() { Reached::default() } else { worker.reached()? };
    Ok((run, reached))
}
