//! What nodes wait for in time.

use std::{collections::BTreeMap, task::Waker};

/// As finely as clocks of nodes and timers tell times from each other, in microseconds.
pub(in crate::sim) const MILLISECOND: u64 = 1_000;

/// When a timer is due, in microseconds of virtual time, and how many were set before.
pub(in crate::sim) type TimerId = (u64, u64);

/// The timers of one node.
#[derive(Debug, Default)]
pub(in crate::sim) struct Timers {
    waiting: BTreeMap<TimerId, Waker>,
    /// Set so far.
    set: u64,
}

impl Timers {
    /// Somebody is to be woken at a time.
    pub(in crate::sim) fn set(&mut self, due: u64, waker: &Waker) -> TimerId {
        self.set += 1;
        let id = (due, self.set);
        self.waiting.insert(id, waker.clone());
        id
    }

    /// Whoever waits for a timer has another waker now.
    pub(in crate::sim) fn wait(&mut self, id: TimerId, waker: &Waker) {
        if let Some(known) = self.waiting.get_mut(&id)
            && !known.will_wake(waker)
        {
            known.clone_from(waker);
        }
    }

    /// Nobody waits for a timer any more.
    pub(in crate::sim) fn clear(&mut self, id: TimerId) {
        self.waiting.remove(&id);
    }

    /// When the next is due.
    pub(in crate::sim) fn next(&self) -> Option<u64> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// Wakes who waits for what is due.
    pub(in crate::sim) fn fire(&mut self, now: u64) {
        while let Some(first) = self.waiting.first_entry() {
            if first.key().0 > now {
                return;
            }
            first.remove().wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::tests::Woken;

    #[test]
    fn who_waits_is_woken_when_it_is_due_and_not_before() {
        let (first, second, gone) = (Woken::default(), Woken::default(), Woken::default());
        let mut timers = Timers::default();
        timers.set(20, &second.waker());
        let cleared = timers.set(5, &gone.waker());
        timers.set(10, &first.waker());
        assert_eq!(timers.next(), Some(5));
        timers.clear(cleared);
        assert_eq!(timers.next(), Some(10));
        timers.fire(9);
        assert_eq!((first.times(), second.times()), (0, 0));
        timers.fire(10);
        assert_eq!((first.times(), second.times()), (1, 0));
        timers.fire(100);
        assert_eq!((first.times(), second.times(), gone.times()), (1, 1, 0));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn the_last_who_asked_is_woken() {
        let (before, now) = (Woken::default(), Woken::default());
        let mut timers = Timers::default();
        let id = timers.set(20, &before.waker());
        timers.wait(id, &now.waker());
        timers.fire(20);
        assert_eq!((before.times(), now.times()), (0, 1));
    }
}
