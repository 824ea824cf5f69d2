//! The search for a simpler scenario.

use super::{
    cause::Cause,
    cost::cost,
    looked::{Looked, Pass, as_it_began},
    simpler::PASSES,
};
use crate::{
    plan::Plan,
    pool::{Done, Pool},
    scenario::{Scenario, parse},
    system::System,
    worker::{Reached, WorkerError},
};
use squall_reports::Run;
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};
use xxhash_rust::xxh3::xxh3_64;

/// The seed of a scenario's first run.
pub(crate) const FIRST_SEED: u64 = 1;

/// How far the search goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// At most this many scenarios are tried.
    pub tries: u32,
    /// It ends early, with what it has, once this is set.
    pub stop: &'a AtomicBool,
    /// And after this.
    pub until: Option<Instant>,
}

impl Limits<'_> {
    /// Whether it is to end, however many were tried.
    fn are_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.until.is_some_and(|until| until <= Instant::now())
    }
}

/// A simpler scenario that fails for the same cause.
#[derive(Debug)]
pub struct Progress<'a> {
    /// What was done, in words.
    pub what: &'a str,
    /// Scenarios that were tried so far.
    pub tried: u32,
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Its text.
    pub text: &'a str,
    /// Its run.
    pub run: &'a Run,
}

/// What was left over.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The scenario.
    pub scenario: Scenario,
    /// Its text: without comments, unless nothing simpler fails.
    pub text: String,
    /// The seed with which it fails: the first one, if any simpler scenario fails with that.
    pub seed: u64,
    /// Its run.
    pub run: Run,
    /// Why it fails.
    pub cause: Cause,
    /// Scenarios that were tried.
    pub tried: u32,
    /// Whether nothing simpler is left to be tried.
    pub complete: bool,
}

/// Why nothing was shrunk.
#[derive(Debug, thiserror::Error)]
pub enum ShrinkError {
    /// The run does not fail.
    #[error("this run does not fail ({0}): there is nothing to shrink")]
    Passes(String),
    /// It was stopped before the first run.
    #[error("interrupted before the first run was made")]
    Stopped,
    /// The harness itself failed.
    #[error(transparent)]
    Worker(#[from] WorkerError),
}

/// A scenario that fails, and what its run told.
struct Best {
    scenario: Scenario,
    text: String,
    seed: u64,
    run: Run,
    reached: Reached,
}

struct Search<'a> {
    system: &'a dyn System,
    defects: &'a [String],
    path: &'a str,
    pool: &'a mut Pool,
    limits: Limits<'a>,
    cause: Cause,
    best: Best,
    /// Texts and seeds that were tried, by hash.
    known: BTreeSet<u64>,
    tried: u32,
}

/// Makes the scenario of a failing run smaller; `text` is what it was read from. `progress` hears of each that is simpler
/// and keeps the cause.
///
/// # Errors
/// The run does not fail, or the harness itself did.
pub fn shrink(
    scenario: &Scenario,
    text: &str,
    (seed, defects): (u64, &[String]),
    system: &dyn System,
    pool: &mut Pool,
    limits: Limits<'_>,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Shrunk, ShrinkError> {
    let plan = Plan::new(scenario, seed, system, defects);
    let stopped = || limits.stop.load(Ordering::Relaxed);
    let done = pool.run(&[plan], stopped)?.pop().flatten();
    let (run, reached) = done.ok_or(ShrinkError::Stopped)?;
    let Some(cause) = Cause::of(&run) else {
        return Err(ShrinkError::Passes(run.verdict.to_string()));
    };
    let best = Best { scenario: scenario.clone(), text: text.to_owned(), seed, run, reached };
    let mut search = Search {
        system,
        defects,
        path: &scenario.path,
        pool,
        limits,
        cause,
        best,
        known: BTreeSet::new(),
        tried: 0,
    };
    search.begin(&mut progress)?;
    let mut round = true;
    let mut complete = false;
    while round && !complete {
        round = false;
        for pass in PASSES {
            while let Some(better) = search.pass(pass)? {
                round = true;
                progress(search.progress(&better));
            }
        }
        complete = !round && search.may_go_on();
    }
    let Search { best, cause, tried, .. } = search;
    let Best { scenario, text, seed, run, .. } = best;
    let cause = Cause::of(&run).unwrap_or(cause);
    Ok(Shrunk { scenario, text, seed, run, cause, tried, complete })
}

impl Search<'_> {
    fn may_go_on(&self) -> bool {
        self.tried < self.limits.tries && !self.limits.are_over()
    }

    /// The best so far, which came of this.
    fn progress<'p>(&'p self, what: &'p str) -> Progress<'p> {
        let Best { scenario, text, run, .. } = &self.best;
        Progress { what, tried: self.tried, scenario, text, run }
    }

    /// The first seed in place of another, and what was drawn said in words: a scenario that fails by itself.
    fn begin(&mut self, progress: &mut impl FnMut(Progress<'_>)) -> Result<(), ShrinkError> {
        let plain = self.best.scenario.clone();
        let mut said = plain.clone();
        for (index, step) in (0_u16..).zip(&mut said.faults) {
            if let Some(began) = self.best.reached.began.iter().find(|began| began.step == index) {
                as_it_began(step, began);
            }
        }
        let mut candidates = Vec::new();
        for seed in BTreeSet::from([FIRST_SEED, self.best.seed]) {
            if seed == self.best.seed && plain.write(self.system) == self.best.text {
                break;
            }
            for (what, scenario) in [("as it is", &plain), ("with what was drawn said", &said)] {
                candidates.push((format!("{what}, with seed {seed}"), scenario.clone(), seed));
            }
        }
        if let Some(what) = self.first_that_keeps(candidates)? {
            progress(self.progress(&what));
        }
        Ok(())
    }

    /// Tries what a pass finds simpler; tells what was done if something kept the cause.
    fn pass(&mut self, pass: Pass) -> Result<Option<String>, ShrinkError> {
        let looked = Looked {
            scenario: &self.best.scenario,
            began: &self.best.reached.began,
            system: self.system,
        };
        let least = cost(&self.best.scenario, self.system);
        let mut candidates: Vec<(u64, String, Scenario)> = pass(&looked)
            .into_iter()
            .map(|(what, scenario)| (cost(&scenario, self.system), what, scenario))
            .filter(|(cost, ..)| *cost < least)
            .collect();
        // The simplest first; of equals the first.
        candidates.sort_by_key(|(cost, ..)| *cost);
        let seed = self.best.seed;
        let mut all = Vec::new();
        for (_, what, scenario) in candidates {
            // Another seed than the first is given up as soon as that is possible.
            if seed != FIRST_SEED {
                all.push((format!("{what}, with the first seed"), scenario.clone(), FIRST_SEED));
            }
            all.push((what, scenario, seed));
        }
        self.first_that_keeps(all)
    }

    /// The first of these that is a scenario and fails for the same cause becomes the best.
    fn first_that_keeps(
        &mut self,
        candidates: Vec<(String, Scenario, u64)>,
    ) -> Result<Option<String>, ShrinkError> {
        let mut waiting = Vec::new();
        for (what, scenario, seed) in candidates {
            let text = scenario.write(self.system);
            let known = xxh3_64(format!("{seed}\n{text}").as_bytes());
            // What the checks of scenarios refuse is no candidate.
            let Ok(read) = parse(self.path, text.as_bytes(), self.system) else { continue };
            if self.known.insert(known) {
                waiting.push((what, read, text, seed));
            }
        }
        let mut waiting = waiting.into_iter().peekable();
        while waiting.peek().is_some() && self.may_go_on() {
            let side_by_side: Vec<_> = waiting.by_ref().take(self.pool.len()).collect();
            let plans: Vec<Plan> = side_by_side
                .iter()
                .map(|(_, scenario, _, seed)| Plan::new(scenario, *seed, self.system, self.defects))
                .collect();
            let limits = self.limits;
            let done = self.pool.run(&plans, || limits.are_over())?;
            for ((what, scenario, text, seed), done) in side_by_side.into_iter().zip(done) {
                let Some((run, reached)): Option<Done> = done else { return Ok(None) };
                self.tried += 1;
                if self.cause.is_kept_by(&run) {
                    self.best = Best { scenario, text, seed, run, reached };
                    return Ok(Some(what));
                }
            }
        }
        Ok(None)
    }
}
