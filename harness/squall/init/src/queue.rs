//! The queue itself: which jobs there are, who has which, and the records by which it is judged.
//!
//! Each change is in the journal before it is recorded, and recorded before anybody is told.

use crate::journal::{Change, Journal};
use squall::system::Error;
use squall_probe::{EventId, Name, Requeued, What, mix, name, record, time::Instant};
use std::{collections::BTreeMap, time::Duration};

/// What the queue is called in records.
pub const QUEUE: &str = "jobs";

/// How long a worker has a job before another may have it.
pub const LEASE: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Job {
    /// How often it was handed out.
    count: u32,
    /// Until when somebody has it.
    leased: Option<Instant>,
}

pub struct Queue {
    journal: Journal,
    jobs: BTreeMap<u64, Job>,
    name: Name,
}

impl Queue {
    /// As the journal has it. Leases begin again: nobody knows how long the broker was away.
    pub fn open() -> Result<Self, Error> {
        let (journal, changes) = Journal::open()?;
        let mut jobs = BTreeMap::new();
        for change in changes {
            match change {
                Change::Queued { job } => {
                    jobs.insert(job, Job::default());
                }
                Change::Leased { job, count } => {
                    jobs.insert(job, Job { count, leased: Some(Instant::now() + LEASE) });
                }
                Change::Done { job } => {
                    jobs.remove(&job);
                }
            }
        }
        let queue = Self { journal, jobs, name: name(QUEUE) };
        // It may have died before it could tell of them.
        queue.jobs.keys().for_each(|job| queue.queued(*job));
        Ok(queue)
    }

    /// The answer to a request; an error if the disk fails.
    pub fn answer(&mut self, request: &str) -> Result<String, Error> {
        let words: Vec<&str> = request.split(' ').collect();
        Ok(match words[..] {
            ["publish", job] => self.publish(job.parse()?)?,
            ["receive", worker] => self.lease_next(worker)?,
            ["done", job, count] => self.done(job.parse()?, count.parse()?)?,
            ["describe"] => {
                let digest = self.jobs.keys().fold(0_u64, |sum, job| sum.wrapping_add(mix(*job)));
                format!("holds {} {digest}", self.jobs.len())
            }
            _ => format!("no such request: {request}"),
        })
    }

    fn publish(&mut self, job: u64) -> Result<String, Error> {
        if !self.jobs.contains_key(&job) {
            self.journal.append(Change::Queued { job })?;
            self.jobs.insert(job, Job::default());
            self.queued(job);
        }
        Ok("ok".to_owned())
    }

    /// Records that a job is in the queue.
    fn queued(&self, job: u64) {
        let (queue, event) = (self.name, EventId(job));
        record(What::Enqueue { queue, message: job, event, group: 0, deduplication: None });
    }

    /// Hands out the first job that nobody has.
    fn lease_next(&mut self, worker: &str) -> Result<String, Error> {
        let now = Instant::now();
        let free = |job: &Job| job.leased.is_none_or(|until| until <= now);
        let Some((&number, job)) = self.jobs.iter_mut().find(|(_, job)| free(job)) else {
            return Ok("nothing".to_owned());
        };
        let (queue, message, event) = (self.name, number, EventId(number));
        if job.leased.take().is_some() {
            record(What::Requeue { queue, message, event, why: Requeued::LeaseEnded });
        }
        let count = job.count + 1;
        self.journal.append(Change::Leased { job: number, count })?;
        (job.count, job.leased) = (count, Some(now + LEASE));
        let (consumer, lasts) = (name(worker), LEASE.as_micros() as u64);
        record(What::Lease { queue, message, event, consumer, count, lasts });
        Ok(format!("job {number} {count}"))
    }

    fn done(&mut self, number: u64, count: u32) -> Result<String, Error> {
        let now = Instant::now();
        let has = |job: &Job| job.count == count && job.leased.is_some_and(|until| until > now);
        if !self.jobs.get(&number).is_some_and(has) {
            return Ok("late".to_owned());
        }
        self.journal.append(Change::Done { job: number })?;
        self.jobs.remove(&number);
        Ok("ok".to_owned())
    }
}
