//! What must have been seen for a run to mean anything.
//!
//! A system elects, rebalances and retries while it starts, too. That is no answer to a fault, so nothing
//! counts before the first fault has begun, in a plan that has any.

use squall_judge::{ByEvent, ByName};
use squall_probe::{
    BreakerState, EventId, Name, NodeChange, NodeId, Phase, Position, Record, Removed, Requeued,
    SagaChange, What,
};
use std::collections::{BTreeMap, BTreeSet};

/// Counts signals.
#[derive(Debug, Default)]
pub struct Signals {
    counts: BTreeMap<&'static str, u64>,
    named: BTreeMap<Name, u64>,
    /// The same, from the start of the run on.
    ever: BTreeMap<&'static str, u64>,
    ever_named: BTreeMap<Name, u64>,
    /// How many nodes had crashed when an event was delivered last in a group.
    delivered: ByName<ByEvent<Option<u64>>>,
    dead: BTreeSet<(Name, EventId)>,
    crashes: u64,
    /// No fault has begun yet, and one will.
    before_faults: bool,
    term: Option<u64>,
    /// Who leads, by its own word, and still runs.
    pub leader: Option<(NodeId, u64)>,
}

impl Signals {
    /// Nothing was seen. `faults` says whether any will come.
    pub fn new(faults: bool) -> Self {
        Self { before_faults: faults, ..Self::default() }
    }

    /// Takes the next record in.
    pub fn record(&mut self, record: &Record) {
        match record.what {
            What::Deliver { group, event, position: Position { .. }, .. }
            | What::Lease { queue: group, event, .. } => {
                let crashes = self.crashes;
                let last = self.delivered.entry(group).entry(event);
                if let Some(before) = last.replace(crashes) {
                    self.count("duplicate_delivered");
                    if before < crashes {
                        self.count("redelivered_after_crash");
                    }
                }
            }
            What::Node { change } => {
                if change == NodeChange::Crashed {
                    self.crashes += 1;
                    // It takes effect, and is told, before the fault that caused it.
                    self.before_faults = false;
                }
                if change != NodeChange::Up
                    && self.leader.is_some_and(|(leader, _)| leader == record.node)
                {
                    self.leader = None;
                }
            }
            What::Lead { term } => {
                if self.term.is_some_and(|before| term > before) {
                    self.count("leader_changed");
                }
                if self.term.is_none_or(|before| term >= before) {
                    self.term = Some(term);
                    self.leader = Some((record.node, term));
                }
            }
            What::StepDown { term } if self.leader == Some((record.node, term)) => {
                self.leader = None;
            }
            What::Publish { phase: Phase::Info, .. } => self.count("publish_indeterminate"),
            What::DeadLetter { group, event, .. } if self.dead.insert((group, event)) => {
                self.count("dead_lettered");
            }
            What::Redrive { group, event, .. } if self.dead.remove(&(group, event)) => {
                self.count("redriven");
            }
            What::Remove { queue, event, why, .. } => match why {
                Removed::DeadLettered | Removed::ExpiredToDeadLetters => {
                    if self.dead.insert((queue, event)) {
                        self.count("dead_lettered");
                    }
                }
                Removed::Expired => self.count("expired"),
                Removed::Refused | Removed::Purged | Removed::Overflowed => {}
            },
            What::Requeue { why: Requeued::LeaseEnded, .. } => self.count("lease_ended"),
            What::Deduplicate { .. } => self.count("deduplicated"),
            What::AcknowledgeMessage { phase: Phase::Info, .. } => {
                self.count("acknowledgement_indeterminate");
            }
            What::Breaker { state: BreakerState::Open, .. } => self.count("breaker_opened"),
            What::Breaker { state: BreakerState::Closed, .. } => self.count("breaker_closed_again"),
            What::Saga { change: SagaChange::Undone, .. } => self.count("compensated"),
            What::FaultBegan { .. } => self.before_faults = false,
            What::Signal { signal } => {
                *self.ever_named.entry(signal).or_default() += 1;
                if !self.before_faults {
                    *self.named.entry(signal).or_default() += 1;
                }
            }
            _ => {}
        }
    }

    fn count(&mut self, signal: &'static str) {
        *self.ever.entry(signal).or_default() += 1;
        if !self.before_faults {
            *self.counts.entry(signal).or_default() += 1;
        }
    }

    /// How often a signal was seen, read off the history or named by the system, if it named it already: since the run
    /// began, or since the first fault has begun.
    pub fn count_of(&self, signal: &str, name: Option<Name>, from_start: bool) -> u64 {
        let (read_off, named) =
            if from_start { (&self.ever, &self.ever_named) } else { (&self.counts, &self.named) };
        let read_off = read_off.get(signal).copied().unwrap_or(0);
        read_off + name.and_then(|name| named.get(&name)).copied().unwrap_or(0)
    }

    /// All that was seen, by name.
    pub fn seen(&self, text: impl Fn(Name) -> String) -> BTreeMap<String, u64> {
        let mut seen: BTreeMap<String, u64> =
            self.counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        for (name, count) in &self.named {
            *seen.entry(text(*name)).or_default() += count;
        }
        seen
    }
}
