//! Where records go: into the hash, the folds, and the invariants, as they come.

use super::{backlog::Backlog, signals::Signals};
use crate::{history::HistoryHash, plan::Plan};
use squall_judge::{ByEvent, Judge, Setup};
use squall_probe::{EventId, Mark, NodeId, Phase, Record, Removed, What};
use squall_reports::{Counters, LatencyRecorder};
use std::collections::BTreeSet;

/// Takes a run's records.
pub(crate) struct Recorder {
    pub(crate) hash: HistoryHash,
    pub(crate) judge: Judge,
    backlog: Backlog,
    pub(crate) signals: Signals,
    pub(crate) counters: Counters,
    pub(crate) latency: LatencyRecorder,
    /// When each publish was due.
    due: ByEvent<Option<u64>>,
    /// Publishes that the harness added to see whether publishing works. Totals leave them out.
    probes: BTreeSet<EventId>,
    healed: Option<u64>,
    /// Faults of disks, by their steps, that nodes met.
    refused: BTreeSet<(u16, NodeId)>,
}

impl Recorder {
    /// For a run of a plan, of which the judge knows this beforehand.
    pub(crate) fn new(plan: &Plan, setup: &Setup) -> Self {
        Self {
            hash: HistoryHash::default(),
            judge: Judge::new(setup),
            backlog: Backlog::new(setup.groups.clone(), &setup.promises),
            signals: Signals::new(!plan.faults.is_empty()),
            counters: Counters::default(),
            latency: LatencyRecorder::default(),
            due: ByEvent::default(),
            probes: BTreeSet::new(),
            healed: None,
            refused: BTreeSet::new(),
        }
    }

    pub(crate) fn record(&mut self, record: &Record) {
        self.hash.record(record);
        self.judge.record(record);
        self.backlog.record(record);
        self.signals.record(record);
        self.count(record);
    }

    fn count(&mut self, record: &Record) {
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
            What::Deliver { .. } | What::Lease { .. } => counters.delivered += 1,
            What::Apply { event, .. } => {
                counters.applied += 1;
                if let Some(Some(due)) = self.due.get(event) {
                    self.latency.record(record.at.saturating_sub(*due));
                }
            }
            What::DeadLetter { .. }
            | What::Remove { why: Removed::DeadLettered | Removed::ExpiredToDeadLetters, .. } => {
                counters.dead_lettered += 1;
            }
            What::DiskRefused { fault } => {
                self.refused.insert((fault, record.node));
            }
            What::Mark(Mark::Healed) => self.healed = Some(record.at),
            _ => {}
        }
    }

    /// A publish whose client died: nobody will ever say how it ended.
    pub(crate) fn abandon(&mut self, event: EventId) {
        self.backlog.abandon(event);
    }

    /// How many publishes were acknowledged, events were delivered, and effects have landed.
    pub(crate) fn reached(&self) -> (u32, u32, u32) {
        (self.backlog.acked, self.backlog.delivered, self.backlog.applied)
    }

    /// Nothing is owed to anybody.
    pub(crate) fn drained(&self) -> bool {
        self.backlog.drained()
    }

    /// Who leads, by its own word, and still runs.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.signals.leader.map(|(leader, _)| leader)
    }

    /// Whether a node has met a fault of its disk, named by its step.
    pub(crate) fn has_met(&self, fault: u16, node: NodeId) -> bool {
        self.refused.contains(&(fault, node))
    }

    /// Disks went back in time. If the log did with them, what is owed is what was owed then.
    pub(crate) fn went_back(&mut self) {
        if let Some((records, forgotten)) = self.judge.put_back() {
            self.backlog.start_again(&records, forgotten);
        }
    }

    /// How long after the healing the system had caught up, in microseconds.
    pub(crate) fn recovery(&self) -> Option<u64> {
        let healed = self.healed?;
        self.backlog.drained().then(|| self.backlog.last_owed.saturating_sub(healed))
    }
}
