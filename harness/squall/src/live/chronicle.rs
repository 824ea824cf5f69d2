//! What happened in a run whose time nobody can stop: records with the time since it began, by the monotonic clock.

use crate::{
    outcome::{Backlog, Recorder, setup},
    plan::{Micros, Plan},
    system::System,
};
use squall_judge::{CATALOGUE, Judge, Limits, Setup};
use squall_probe::{Name, NodeId, Record, What, sim};
use std::time::Instant;

/// A run's records, as they come.
pub(crate) struct Chronicle {
    began: Instant,
    /// Names of groups and of members.
    pub(crate) names: sim::Names,
    /// Who judges them, and knows how far the run is.
    pub(crate) recorder: Recorder,
    /// All of them.
    pub(crate) records: Vec<Record>,
}

impl Chronicle {
    /// Nothing has happened yet; the run begins now.
    pub(crate) fn new(plan: &Plan, system: &dyn System, pace: f64) -> Self {
        let mut names = sim::Names::default();
        let setup = seen_from_outside(plan, setup(plan, system, &mut names), pace);
        Self { began: Instant::now(), names, recorder: recorder(plan, &setup), records: Vec::new() }
    }

    /// Microseconds since the run began.
    pub(crate) fn now(&self) -> Micros {
        u64::try_from(self.began.elapsed().as_micros()).expect("no run takes 500,000 years")
    }

    /// Records what happens at a node, now.
    pub(crate) fn record(&mut self, node: NodeId, what: What) {
        // Nothing happened before what is known to have happened.
        let at = self.now().max(self.records.last().map_or(0, |record| record.at));
        let record = Record { at, node, what };
        self.recorder.record(&record);
        self.records.push(record);
    }

    /// The name of a group, a member, a signal.
    pub(crate) fn name(&mut self, text: &str) -> Name {
        self.names.intern(text)
    }
}

/// A recorder for a run's records.
pub(crate) fn recorder(plan: &Plan, setup: &Setup) -> Recorder {
    Recorder::new(
        Judge::new(setup),
        Backlog::new(setup.groups.clone(), &setup.promises),
        !plan.faults.is_empty(),
    )
}

/// Nobody outside sees what single replicas hold; and what a scenario does not limit has its usual limits in the pace of
/// the system.
pub(crate) fn seen_from_outside(plan: &Plan, setup: Setup, pace: f64) -> Setup {
    let usual = CATALOGUE.iter().filter_map(|entry| {
        let bound = entry.limit?.default()?;
        Some((entry.name, bound.stretched(pace)))
    });
    let said = plan.expect.iter().filter_map(|one| Some((one.name.as_str(), one.limit?)));
    Setup { replicas: Vec::new(), limits: Limits::new(usual.chain(said)), ..setup }
}
