//! Where records go: into the hash, the folds, and the invariants, as they come.

use super::{progress::Progress, signals::Signals};
use crate::history::HistoryHash;
use squall_judge::{ByEvent, Judge};
use squall_probe::{EventId, Mark, NodeId, Phase, Record, What};
use squall_reports::{Counters, LatencyRecorder};
use std::collections::{BTreeMap, BTreeSet};

/// Takes a run's records.
pub(super) struct Recorder {
    pub(super) hash: HistoryHash,
    pub(super) judge: Judge,
    pub(super) progress: Progress,
    pub(super) signals: Signals,
    pub(super) counters: Counters,
    pub(super) latency: LatencyRecorder,
    /// When each publish was due.
    due: ByEvent<Option<u64>>,
    /// Publishes that the harness added to see whether publishing works. Totals leave them out.
    probes: BTreeSet<EventId>,
    pub(super) healed: Option<u64>,
    /// How often faults were felt, by the records that say so.
    pub(super) felt: BTreeMap<u16, u64>,
    /// Faults of disks that nodes met.
    pub(super) refused: BTreeSet<(u16, NodeId)>,
}

impl Recorder {
    pub(super) fn new(judge: Judge, progress: Progress, faults: bool) -> Self {
        Self {
            hash: HistoryHash::default(),
            judge,
            progress,
            signals: Signals::new(faults),
            counters: Counters::default(),
            latency: LatencyRecorder::default(),
            due: ByEvent::default(),
            probes: BTreeSet::new(),
            healed: None,
            felt: BTreeMap::new(),
            refused: BTreeSet::new(),
        }
    }

    pub(super) fn record(&mut self, record: &Record) {
        self.hash.record(record);
        self.judge.record(record);
        self.progress.record(record);
        self.signals.record(record);
        self.count(record);
    }

    fn count(&mut self, record: &Record) {
        if let What::DiskRefused { fault } = record.what {
            self.refused.insert((fault, record.node));
        }
        let counters = &mut self.counters;
        match record.what {
            What::Publish { event, .. } | What::Apply { event, .. }
                if self.probes.contains(&event) => {}
            What::Probe { event } => {
                self.probes.insert(event);
            }
            What::Late { event, due } => {
                *self.due.entry(event) = Some(due);
            }
            What::Publish { phase, event, .. } => match phase {
                Phase::Invoke => {
                    counters.events_published += 1;
                    self.due.entry(event).get_or_insert(record.at);
                }
                Phase::Ok => counters.acknowledged += 1,
                Phase::Fail => counters.failed += 1,
                Phase::Info => counters.indeterminate += 1,
            },
            What::Deliver { .. } => counters.delivered += 1,
            What::Apply { event, .. } => {
                counters.applied += 1;
                if let Some(Some(due)) = self.due.get(event) {
                    self.latency.record(record.at.saturating_sub(*due));
                }
            }
            What::DeadLetter { .. } => counters.dead_lettered += 1,
            What::DiskRefused { fault } => {
                *self.felt.entry(fault).or_default() += 1;
            }
            What::Mark(Mark::Healed) => self.healed = Some(record.at),
            _ => {}
        }
    }

    /// A fault was felt.
    pub(super) fn feel(&mut self, fault: u16) {
        *self.felt.entry(fault).or_default() += 1;
    }

    /// Disks went back in time. If the log did with them, what is owed is what was owed then.
    pub(super) fn went_back(&mut self) {
        if let Some((records, forgotten)) = self.judge.put_back() {
            self.progress.start_again(&records, forgotten);
        }
    }

    /// How long after the healing the system had caught up, in microseconds.
    pub(super) fn recovery(&self) -> Option<u64> {
        let healed = self.healed?;
        self.progress.drained().then(|| self.progress.last_owed.saturating_sub(healed))
    }
}
