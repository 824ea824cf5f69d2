//! What happened in a run whose time nobody can stop: records with the time since it began, by the monotonic clock.

use super::beside::Beside;
use crate::{
    outcome::{Recorder, setup},
    plan::{Micros, Plan},
    system::System,
};
use squall_judge::{CATALOGUE, Limits, Setup};
use squall_probe::{
    EventId, Name, NodeId, Record, What,
    live::{self, Measured},
    sim,
};

/// A run's records, as they come.
pub(crate) struct Chronicle {
    /// When the run began, by the machine's monotonic clock, in microseconds.
    pub(crate) began: Micros,
    /// What happened and is not in its order yet.
    pending: Vec<Record>,
    /// Publishes of which nobody will hear any more, since when.
    abandoned: Vec<(Micros, EventId)>,
    /// By when what must have come about.
    pub(crate) limits: Limits,
    /// Names of groups and of members.
    pub(crate) names: sim::Names,
    /// Who judges them, and knows how far the run is.
    pub(crate) recorder: Recorder,
    /// All of them.
    pub(crate) records: Vec<Record>,
    /// What nodes told beside them.
    pub(crate) beside: Beside,
}

impl Chronicle {
    /// Nothing has happened yet; the run begins now.
    ///
    /// Without records of the system's own, all that is known of it is what can be seen from outside.
    pub(crate) fn new(plan: &Plan, system: &dyn System, pace: f64, outside: bool) -> Self {
        let mut names = sim::Names::default();
        let setup = in_a_live_world(plan, setup(plan, system, &mut names), pace, outside);
        Self {
            began: live::now(),
            pending: Vec::new(),
            abandoned: Vec::new(),
            names,
            recorder: Recorder::new(plan, &setup),
            limits: setup.limits.clone(),
            records: Vec::new(),
            beside: Beside::default(),
        }
    }

    /// Microseconds since the run began.
    pub(crate) fn now(&self) -> Micros {
        live::now().saturating_sub(self.began)
    }

    /// Records what happens at a node, now.
    pub(crate) fn record(&mut self, node: NodeId, what: What) {
        let at = self.now();
        self.pending.push(Record { at, node, what });
    }

    /// Records what happened at a node at a time of the machine's monotonic clock.
    pub(crate) fn record_at(&mut self, at: Micros, node: NodeId, what: What) {
        self.add([Record { at, node, what }]);
    }

    /// Nobody will ever say how a publish ended.
    pub(crate) fn abandon(&mut self, event: EventId) {
        let now = self.now();
        self.abandoned.push((now, event));
    }

    /// Adds what processes wrote down, with times of the machine's monotonic clock. What they did before the run began is
    /// its begin.
    pub(crate) fn add(&mut self, records: impl IntoIterator<Item = Record>) {
        let began = self.began;
        let records = records
            .into_iter()
            .map(|record| Record { at: record.at.saturating_sub(began), ..record });
        self.pending.extend(records);
    }

    /// Adds what processes told beside their records, with times of the machine's monotonic clock; words as far as a
    /// simulation keeps them.
    pub(crate) fn tell(&mut self, Beside { said, measured }: Beside) {
        let room = sim::MOST_SAID.saturating_sub(self.beside.said.len());
        let began = self.began;
        self.beside.said.extend(said.into_iter().take(room).map(|(at, node, text)| {
            (at.saturating_sub(began), node, text.chars().take(sim::LONGEST_LINE).collect())
        }));
        let measured =
            measured.into_iter().map(|one| Measured { at: one.at.saturating_sub(began), ..one });
        self.beside.measured.extend(measured);
    }

    /// All that happened until then is known: it gets its order, and those who judge hear of it.
    pub(crate) fn settle(&mut self, until: Micros) {
        self.pending.sort_by_key(|record| record.at);
        let known = self.pending.partition_point(|record| record.at <= until);
        for record in self.pending.drain(..known) {
            // Nothing happened before what is known to have happened.
            let at = record.at.max(self.records.last().map_or(0, |last| last.at));
            let record = Record { at, ..record };
            tell(&mut self.recorder, self.records.last(), &record);
            self.records.push(record);
        }
        // Only now is it known that they were asked for.
        for (_, event) in self.abandoned.extract_if(.., |(at, _)| *at <= until) {
            self.recorder.abandon(event);
        }
    }

    /// The name of a group, a member, a signal.
    pub(crate) fn name(&mut self, text: &str) -> Name {
        self.names.intern(text)
    }
}

/// Tells a recorder the next record of a run, after `last`.
pub(crate) fn tell(recorder: &mut Recorder, last: Option<&Record>, record: &Record) {
    let went_back = |record: &Record| matches!(record.what, What::WentBack { .. });
    // Disks that go back together do so in one moment.
    if last.is_some_and(went_back) && !went_back(record) {
        recorder.went_back();
    }
    recorder.record(record);
}

/// What a scenario does not limit has its usual limits in the pace of the system; and who sees a system from outside sees
/// not what its single replicas hold, and has clients that are not squall's.
pub(crate) fn in_a_live_world(plan: &Plan, setup: Setup, pace: f64, outside: bool) -> Setup {
    let usual = CATALOGUE.iter().filter_map(|entry| {
        let bound = entry.limit?.default()?;
        Some((entry.name, bound.stretched(pace)))
    });
    let said = plan.expect.iter().filter_map(|one| Some((one.name.as_str(), one.limit?)));
    let limits = Limits::new(usual.chain(said));
    let replicas = if outside { Vec::new() } else { setup.replicas.clone() };
    Setup { replicas, limits, gives_up: outside, ..setup }
}
