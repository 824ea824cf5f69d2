//! What several invariants keep: values by event, and which events are in the log and owed to whom.

use super::Setup;
use squall_probe::{EventId, Name, Phase, Record, What};
use std::collections::BTreeMap;

/// Events below this id are kept in a vector.
const DENSE: u64 = 1 << 21;

/// A value for each event. The harness numbers events from 1, so a vector does; whatever else turns up
/// (a phantom may have any id) goes to a map.
#[derive(Debug, Default)]
pub(super) struct ByEvent<T> {
    dense: Vec<T>,
    rest: BTreeMap<EventId, T>,
}

impl<T: Default> ByEvent<T> {
    pub(super) fn get(&self, event: EventId) -> Option<&T> {
        match usize::try_from(event.0) {
            Ok(index) if event.0 < DENSE => self.dense.get(index),
            _ => self.rest.get(&event),
        }
    }

    pub(super) fn entry(&mut self, event: EventId) -> &mut T {
        match usize::try_from(event.0) {
            Ok(index) if event.0 < DENSE => {
                if self.dense.len() <= index {
                    self.dense.resize_with(index + 1, T::default);
                }
                &mut self.dense[index]
            }
            _ => self.rest.entry(event).or_default(),
        }
    }

    /// In the order of ids. Ids that were never touched have the default.
    pub(super) fn iter(&self) -> impl Iterator<Item = (EventId, &T)> {
        let dense = self.dense.iter().zip(0..).map(|(value, id)| (EventId(id), value));
        dense.chain(self.rest.iter().map(|(event, value)| (*event, value)))
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.dense.iter_mut().chain(self.rest.values_mut())
    }
}

/// How often each dead letter was redriven. Replicas tell old news when they rebuild their copies: a dead letter
/// counts only if it was not redriven since.
#[derive(Debug, Default)]
pub struct Redriven(BTreeMap<(Name, EventId), u32>);

impl Redriven {
    /// It was redriven for the so-manieth time. Whether that is news.
    pub fn take(&mut self, group: Name, event: EventId, times: u32) -> bool {
        let known = self.0.entry((group, event)).or_default();
        let news = times > *known;
        *known = times.max(*known);
        news
    }

    /// This is a dead letter of which it is known that it was redriven.
    pub fn is_old(&self, what: &What) -> bool {
        let What::DeadLetter { group, event, times, .. } = what else { return false };
        self.0.get(&(*group, *event)).is_some_and(|known| times <= known)
    }
}

/// Which events the log holds, and which groups are done with them.
#[derive(Debug)]
pub(super) struct Lag {
    setup: Setup,
    events: ByEvent<Owed>,
    redriven: Redriven,
    owed: usize,
    open: usize,
    /// When nothing was owed and no publish open for the last time it became so, in microseconds.
    pub(super) caught_up: u64,
}

#[derive(Debug, Default)]
pub(super) struct Owed {
    /// Replicas that hold it, a bit each.
    pub(super) held: u64,
    /// It was seen in a replica's log at some time.
    pub(super) committed: bool,
    /// Groups that are done with it, a bit each.
    pub(super) done: u64,
    /// Groups in whose dead-letter queue it is, a bit each.
    pub(super) dead: u64,
    open: bool,
}

impl Lag {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            setup: setup.clone(),
            events: ByEvent::default(),
            redriven: Redriven::default(),
            owed: 0,
            open: 0,
            caught_up: 0,
        }
    }

    pub(super) fn events(&self) -> impl Iterator<Item = (EventId, &Owed)> {
        self.events.iter()
    }

    pub(super) fn is_caught_up(&self) -> bool {
        self.owed == 0 && self.open == 0
    }

    /// Effects that groups owe: each event counts for each group.
    pub(super) fn owed(&self) -> u64 {
        self.owed as u64
    }

    /// No group owes anything.
    pub(super) fn is_drained(&self) -> bool {
        self.owed == 0
    }

    pub(super) fn record(&mut self, record: &Record) {
        let before = self.is_caught_up();
        match record.what {
            What::Publish { phase, event, .. } => {
                let entry = self.events.entry(event);
                let open = match phase {
                    Phase::Invoke => true,
                    // Nobody waits for it any more; if it is in the log, that will count.
                    Phase::Ok | Phase::Fail | Phase::Info => false,
                };
                if open != entry.open {
                    entry.open = open;
                    if open { self.open += 1 } else { self.open -= 1 }
                }
            }
            What::Append { event, .. } => {
                let bit =
                    self.setup.replica_index(record.node).map_or(0, |index| 1 << (index % 64));
                let entry = self.events.entry(event);
                entry.held |= bit;
                if !entry.committed {
                    entry.committed = true;
                    self.owed += self.setup.groups.len() - entry.done.count_ones() as usize;
                }
            }
            What::Rebuild => {
                if let Some(index) = self.setup.replica_index(record.node) {
                    for entry in self.events.values_mut() {
                        entry.held &= !(1 << (index % 64));
                    }
                }
            }
            What::Redrive { event, group, times, .. } => {
                if !self.redriven.take(group, event, times) {
                    return;
                }
                let Some(group) = self.setup.group_index(group) else { return };
                let bit = 1 << (group % 64);
                let entry = self.events.entry(event);
                if entry.dead & bit != 0 {
                    entry.dead &= !bit;
                    entry.done &= !bit;
                    self.owed += usize::from(entry.committed);
                }
            }
            What::Apply { event, group, .. } | What::DeadLetter { event, group, .. } => {
                if self.redriven.is_old(&record.what) {
                    return;
                }
                let Some(group) = self.setup.group_index(group) else { return };
                let bit = 1 << (group % 64);
                let entry = self.events.entry(event);
                if matches!(record.what, What::DeadLetter { .. }) {
                    entry.dead |= bit;
                }
                if entry.done & bit == 0 {
                    entry.done |= bit;
                    if entry.committed {
                        self.owed -= 1;
                    }
                }
            }
            _ => {}
        }
        if !before && self.is_caught_up() {
            self.caught_up = record.at;
        }
    }
}
