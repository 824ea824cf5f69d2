//! How far the system is: what is still owed to which group. Decides when a run may end, never
//! whether it passed.

use squall_judge::{ByEvent, Delivery, Outstanding, Promises, Redriven};
use squall_probe::{EventId, Name, Phase, Record, What};
use std::collections::BTreeSet;

/// A fold over the records of a run.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    /// The groups to which events of a log are owed.
    groups: Vec<Name>,
    /// Messages of queues, where these are kept until somebody is done with them.
    messages: Option<Outstanding>,
    events: ByEvent<Tracked>,
    redriven: Redriven,
    /// Events that the log has lost by going back in time, until somebody tells of them again.
    forgotten: BTreeSet<EventId>,
    /// (event, group) pairs that are owed and not done.
    owed: usize,
    open: usize,
    /// Publishes that were acknowledged.
    pub(crate) acked: u32,
    /// Deliveries to consumers, redeliveries included.
    pub(crate) delivered: u32,
    /// Effects that landed.
    pub(crate) applied: u32,
    /// When something was last owed, in microseconds.
    pub(crate) last_owed: u64,
}

#[derive(Debug, Default)]
struct Tracked {
    open: bool,
    owed: bool,
    /// One bit a group.
    done: u64,
}

impl Backlog {
    /// Nothing is owed yet.
    #[must_use]
    pub(crate) fn new(groups: Vec<Name>, promises: &Promises) -> Self {
        // A queue owes messages; what may be lost on its way is owed to nobody.
        let owes = promises.queue().is_none() && promises.delivery != Delivery::AtMostOnce;
        Self {
            groups: if owes { groups } else { Vec::new() },
            messages: Outstanding::of(promises),
            ..Self::default()
        }
    }

    /// Everything that is known to exist is done, and every publish has been answered for good.
    #[must_use]
    pub(crate) fn drained(&self) -> bool {
        let messages = self.messages.as_ref().is_none_or(Outstanding::is_empty);
        self.owed == 0 && self.open == 0 && messages
    }

    /// Takes the next record in.
    pub(crate) fn record(&mut self, record: &Record) {
        if let Some(messages) = &mut self.messages
            && messages.record(record).is_some()
        {
            self.last_owed = record.at;
        }
        match record.what {
            What::Publish { phase, event, .. } => {
                let entry = self.events.entry(event);
                let was_open = entry.open;
                match phase {
                    Phase::Invoke => entry.open = true,
                    Phase::Ok => {
                        entry.open = false;
                        self.acked += 1;
                    }
                    Phase::Fail => entry.open = false,
                    Phase::Info => {}
                }
                match (was_open, entry.open) {
                    (false, true) => self.open += 1,
                    (true, false) => self.open -= 1,
                    _ => {}
                }
                // What was promised before it was lost may be heard of after that.
                if phase == Phase::Ok && !self.forgotten.contains(&event) {
                    self.owe(event);
                }
                self.last_owed = record.at;
            }
            What::Append { event, .. } => {
                self.forgotten.remove(&event);
                self.owe(event);
            }
            What::Deliver { .. } | What::Lease { .. } => self.delivered += 1,
            What::Apply { event, group, .. } => {
                self.applied += 1;
                self.done(event, group, record.at);
            }
            What::DeadLetter { event, group, .. } => {
                if !self.redriven.is_old(&record.what) {
                    self.done(event, group, record.at);
                }
            }
            What::Redrive { event, group, times, .. } => {
                if self.redriven.take(group, event, times) {
                    self.undone(event, group);
                }
            }
            _ => {}
        }
    }

    /// Time has gone back for the log: all that is known of events is what these records say, and `forgotten` are those
    /// that were in the log meanwhile. Nobody waits any more for what nobody waited for. The counters go on, as triggers
    /// and the run's phases do.
    pub(crate) fn start_again(&mut self, records: &[Record], forgotten: BTreeSet<EventId>) {
        let mut again = Self { groups: self.groups.clone(), ..Self::default() };
        records.iter().for_each(|record| again.record(record));
        let ended: Vec<EventId> =
            self.events.iter().filter(|(_, known)| !known.open).map(|(event, _)| event).collect();
        ended.into_iter().for_each(|event| again.abandon(event));
        self.events = again.events;
        self.redriven = again.redriven;
        (self.owed, self.open) = (again.owed, again.open);
        self.forgotten = forgotten;
    }

    /// A publish whose client died: nobody will ever say how it ended.
    pub(crate) fn abandon(&mut self, event: EventId) {
        let entry = self.events.entry(event);
        if std::mem::take(&mut entry.open) {
            self.open -= 1;
        }
    }

    fn owe(&mut self, event: EventId) {
        let entry = self.events.entry(event);
        if !entry.owed {
            entry.owed = true;
            self.owed += self.groups.len() - entry.done.count_ones() as usize;
        }
    }

    /// It is taken out of the dead-letter queue and must be handled again.
    fn undone(&mut self, event: EventId, group: Name) {
        let Some(bit) = self.groups.iter().position(|known| *known == group) else { return };
        let entry = self.events.entry(event);
        let mask = 1 << (bit % 64);
        if entry.done & mask != 0 {
            entry.done &= !mask;
            self.owed += usize::from(entry.owed);
        }
    }

    fn done(&mut self, event: EventId, group: Name, at: u64) {
        let Some(bit) = self.groups.iter().position(|known| *known == group) else { return };
        let entry = self.events.entry(event);
        let mask = 1 << (bit % 64);
        if entry.done & mask == 0 {
            entry.done |= mask;
            if entry.owed {
                self.owed -= 1;
                self.last_owed = at;
            }
        }
    }
}
