//! What an explorer is asked, what it tells while it explores, and what comes of it.

use super::findings::Finding;
use crate::{scenario::Scenario, shrink::Cause, worker::WorkerError};
use squall_reports::Run;
use std::{
    io,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// What to explore, and how.
#[derive(Debug)]
pub struct Questions<'a> {
    /// The scenario that others are made of; `None`: from nothing.
    pub base: Option<&'a Scenario>,
    /// Defects to switch on.
    pub defects: &'a [String],
    /// The seed of what is drawn.
    pub seed: u64,
    /// No scenario is drawn, and none is run, after this.
    pub until: Option<Instant>,
    /// What is being made small then is left as small as it is after this.
    pub latest: Option<Instant>,
    /// At most this many scenarios are run.
    pub runs: u64,
    /// It ends with so many findings.
    pub findings: usize,
    /// Scenarios tried at most to make a finding small.
    pub tries: u32,
    /// Each fault is as likely as each other, and nothing is learnt: what guidance is measured against.
    pub uniform: bool,
    /// Where findings are written.
    pub out: &'a Path,
    /// It ends once this is set.
    pub stop: &'a AtomicBool,
}

impl Questions<'_> {
    /// Whether it is to end: the time is over, or somebody wants it to.
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.until.is_some_and(|until| until <= Instant::now())
    }
}

/// What is told while it explores.
#[derive(Debug)]
pub enum Told<'a> {
    /// A scenario was run: its number, what it was drawn from, and how it ended.
    Ran(u64, &'a str, &'a Run),
    /// How far it is.
    Progress(&'a Explored),
    /// A failing scenario is being made small: its cause, and how many faults and tries it is at.
    Shrinks(&'a Cause, usize, u32),
    /// The time is over, and a finding is being made small until then at the latest.
    Late(&'a Cause, Option<Instant>),
    /// A scenario that was left to be made small, in this file, stays as it is, and why.
    Left(&'a Path, &'a str),
    /// Something was found.
    Found(&'a Finding),
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Scenarios that were run.
    pub runs: u64,
    /// Runs that proved nothing.
    pub vacuous: u64,
    /// Runs in which some faults were felt and others not: those are left out of what is kept.
    pub trimmed: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Features that were reached.
    pub features: usize,
    /// Entries of the corpus.
    pub corpus: usize,
    /// Faults that were felt, of all kinds there are.
    pub felt: usize,
    /// How long it took.
    pub took: Duration,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// Why exploring ended.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// The harness itself failed.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A file cannot be written.
    #[error("{0}")]
    File(#[from] io::Error),
}
