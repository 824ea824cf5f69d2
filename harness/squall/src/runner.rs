//! Many runs: scenarios times seeds, over several workers.

use crate::{
    alerts::{self, Monitor},
    enough::Enough,
    live::Launch,
    plan::Plan,
    scenario::Scenario,
    system::System,
    worker::{Worker, WorkerError, suspects},
};
use squall_reports::{Run, Verdict};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::channel,
    },
    thread,
    time::Instant,
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
    /// Execute it again, in a process with another past.
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
    /// Spend the time until then where it teaches most, and begin no run after it.
    pub budget: Option<Budget<'a>>,
    /// Judges the alerts that scenarios ask for.
    pub monitor: Option<&'a Monitor>,
    /// With real processes, by these programs.
    pub(crate) launch: Option<&'a Launch>,
    /// Begin no run of a scenario that has failed often enough.
    pub enough: Option<&'a Mutex<Enough>>,
}

/// Limited time.
#[derive(Debug)]
pub struct Budget<'a> {
    /// No run begins after this.
    pub until: Instant,
    /// Scenarios that did not pass earlier, by index.
    pub failed_earlier: &'a [usize],
}

/// Seeds of a scenario that did not pass which come before the breadth of all others.
const URGENT: usize = 20;

/// What is to be run, in which order.
///
/// With a budget: each scenario once, then those that did not pass (in an earlier report, or just now),
/// then all, seed by seed.
#[derive(Debug)]
struct Queue {
    /// Runs of the first round that are left.
    first_round: usize,
    waiting: VecDeque<Job>,
    urgent: VecDeque<Job>,
    moved: BTreeSet<usize>,
    until: Option<Instant>,
}

impl Queue {
    fn new(jobs: &[Job], budget: Option<&Budget<'_>>) -> Self {
        let mut waiting: Vec<Job> = jobs.to_vec();
        let mut first_round = 0;
        if budget.is_some() {
            let mut seen: BTreeMap<usize, u64> = BTreeMap::new();
            let mut rounds: Vec<(u64, Job)> = Vec::with_capacity(jobs.len());
            for job in jobs {
                let round = seen.entry(job.scenario).or_default();
                rounds.push((*round, *job));
                *round += 1;
            }
            rounds.sort_by_key(|(round, _)| *round);
            first_round = rounds.iter().filter(|(round, _)| *round == 0).count();
            waiting = rounds.into_iter().map(|(_, job)| job).collect();
        }
        let mut queue = Self {
            first_round,
            waiting: waiting.into(),
            urgent: VecDeque::new(),
            moved: BTreeSet::new(),
            until: budget.map(|budget| budget.until),
        };
        for scenario in budget.iter().flat_map(|budget| budget.failed_earlier) {
            queue.failed(*scenario);
        }
        queue
    }

    fn next(&mut self) -> Option<Job> {
        if self.until.is_some_and(|until| Instant::now() >= until) {
            return None;
        }
        if self.first_round > 0 {
            self.first_round -= 1;
            return self.waiting.pop_front();
        }
        self.urgent.pop_front().or_else(|| self.waiting.pop_front())
    }

    /// A scenario did not pass: with a budget, more of its seeds come soon.
    fn failed(&mut self, scenario: usize) {
        if self.until.is_none() || !self.moved.insert(scenario) {
            return;
        }
        let rest = self.waiting.split_off(self.first_round);
        for job in rest {
            let ahead = self.urgent.iter().filter(|job| job.scenario == scenario).count();
            if job.scenario == scenario && ahead < URGENT {
                self.urgent.push_back(job);
            } else {
                self.waiting.push_back(job);
            }
        }
    }
}

/// Why a batch ends early.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// A worker cannot be used.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// Alerts cannot be judged.
    #[error(transparent)]
    Alerts(#[from] alerts::Error),
}

/// Executes a batch. `done` hears of each finished run, in the order in which they finish.
///
/// # Errors
/// The harness itself failed; the runs that were finished have been told to `done`.
pub fn run(
    batch: &Batch<'_>,
    system: &Arc<dyn System>,
    mut done: impl FnMut(Job, Run),
) -> Result<(), BatchError> {
    let queue = Mutex::new(Queue::new(batch.jobs, batch.budget.as_ref()));
    let failure = Mutex::new(None);
    let (tell, finished) = channel();
    thread::scope(|scope| {
        for _ in 0..batch.workers.clamp(1, batch.jobs.len().max(1)) {
            let tell = tell.clone();
            let (queue, failure) = (&queue, &failure);
            scope.spawn(move || {
                let mut pair = Pair::default();
                while !batch.stop.load(Ordering::Relaxed) {
                    let Some(job) = locked(queue).next() else { return };
                    let wants =
                        |enough: &Mutex<Enough>| locked(enough).wants(job.scenario, job.seed);
                    if !batch.enough.is_none_or(wants) {
                        continue;
                    }
                    let scenario = &batch.scenarios[job.scenario];
                    let plan = Plan::new(scenario, job.seed, system.as_ref(), batch.defects);
                    let made = match batch.launch {
                        Some(launch) => pair.worker.live(&plan, launch),
                        None => pair.run(&plan, job.verify),
                    };
                    let mut made = made.map_err(BatchError::from);
                    if let (Ok(run), Some(monitor)) = (&mut made, batch.monitor)
                        && let Err(error) = monitor.judge(scenario, run, &mut pair.worker)
                    {
                        made = Err(error.into());
                    }
                    match made {
                        Ok(run) => {
                            if run.verdict != Verdict::Passed {
                                locked(queue).failed(job.scenario);
                            }
                            if let Some(enough) = batch.enough {
                                locked(enough).note(job.scenario, &run);
                            }
                            if tell.send((job, run)).is_err() {
                                return;
                            }
                        }
                        Err(error) => {
                            batch.stop.store(true, Ordering::Relaxed);
                            let mut slot = locked(failure);
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

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A worker, and what proves that its runs are functions of their plans: each that is verified is made
/// again by a process with another past.
#[derive(Debug, Default)]
struct Pair {
    worker: Worker,
}

impl Pair {
    fn run(&mut self, plan: &Plan, verify: bool) -> Result<Run, WorkerError> {
        let fresh = self.worker.is_fresh();
        let mut run = self.worker.run(plan)?;
        if !verify || run.verdict == Verdict::Errored {
            return Ok(run);
        }
        run.verified = true;
        // Another past than that of the worker's process: none, if it has made runs before. If it has not, two
        // more executions in another process are one without a past and one with.
        let mut other = Worker::default();
        for _ in 0..if fresh { 2 } else { 1 } {
            let again = other.run(plan)?;
            run.wall_us += again.wall_us;
            if again.hash != run.hash {
                let difference = if again.verdict == Verdict::Errored {
                    again.reason.unwrap_or_default()
                } else {
                    first_difference(&self.worker.lines()?, &other.lines()?)
                };
                run.verdict = Verdict::Unstable;
                run.reason = Some(format!(
                    "two executions of one plan differ: {difference}; {}",
                    suspects(between_fresh_processes(plan)?)
                ));
                break;
            }
        }
        Ok(run)
    }
}

/// Makes a run with new processes, and again with others: `unstable` if they differ.
///
/// # Errors
/// The harness itself failed.
pub fn verified(plan: &Plan) -> Result<Run, WorkerError> {
    Pair::default().run(plan, true)
}

/// Whether processes that have made no run before differ too, in one of three.
fn between_fresh_processes(plan: &Plan) -> Result<bool, WorkerError> {
    let mut hashes = BTreeSet::new();
    for _ in 0..3 {
        hashes.insert(Worker::default().run(plan)?.hash);
    }
    Ok(hashes.len() > 1)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn jobs() -> Vec<Job> {
        (0..3)
            .flat_map(|scenario| (1..=4).map(move |seed| Job { scenario, seed, verify: false }))
            .collect()
    }

    fn order(mut queue: Queue, fails: impl Fn(Job) -> bool) -> Vec<(usize, u64)> {
        let mut order = Vec::new();
        while let Some(job) = queue.next() {
            order.push((job.scenario, job.seed));
            if fails(job) {
                queue.failed(job.scenario);
            }
        }
        order
    }

    #[test]
    fn without_a_budget_the_order_is_that_of_the_jobs() {
        let expected: Vec<_> = jobs().iter().map(|job| (job.scenario, job.seed)).collect();
        assert_eq!(order(Queue::new(&jobs(), None), |_| true), expected);
    }

    #[test]
    fn a_budget_is_spent_on_each_once_then_on_failures_then_on_breadth() {
        let until = Instant::now() + Duration::from_secs(3_600);
        let budget = Budget { until, failed_earlier: &[2] };
        let order = order(Queue::new(&jobs(), Some(&budget)), |job| job.scenario == 0);
        let expected = [
            [(0, 1), (1, 1), (2, 1)].as_slice(),
            &[(2, 2), (2, 3), (2, 4), (0, 2), (0, 3), (0, 4)],
            &[(1, 2), (1, 3), (1, 4)],
        ];
        assert_eq!(order, expected.concat());
        let spent = Budget { until: Instant::now(), failed_earlier: &[] };
        assert!(Queue::new(&jobs(), Some(&spent)).next().is_none());
    }
}
