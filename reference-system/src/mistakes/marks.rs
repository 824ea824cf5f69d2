//! Ways for the store to remember what was done that forget some of it, or know more than was done.

use crate::{
    store::marks::{Kept, Mark, Marks, mark_of},
    wire::store::Item,
};
use squall_probe::clock;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// Marks kept by [`Forgetful::by_number`].
const KEPT: usize = 48;

/// How long marks are kept by [`Forgetful::by_age`], by the wall clock.
const KEPT_FOR: Duration = Duration::from_secs(3600);

/// Marks of which the oldest are forgotten, although their events can still come again.
#[derive(Debug)]
pub(super) struct Forgetful {
    kept: Kept,
    /// In the order in which they came, with the time.
    recent: VecDeque<(Duration, Mark)>,
    /// Whether the oldest of this number of marks, of this age, is forgotten.
    forgets: fn(usize, Duration) -> bool,
}

impl Forgetful {
    /// A bounded number of marks is kept.
    pub(super) fn by_number() -> Box<dyn Marks> {
        Box::new(Self::new(|number, _| number > KEPT))
    }

    /// Marks expire by the wall clock, which may jump.
    pub(super) fn by_age() -> Box<dyn Marks> {
        Box::new(Self::new(|_, age| age > KEPT_FOR))
    }

    fn new(forgets: fn(usize, Duration) -> bool) -> Self {
        Self { kept: Kept::default(), recent: VecDeque::new(), forgets }
    }

    fn forget(&mut self) {
        let now = clock::since_epoch();
        while let Some((when, mark)) = self.recent.front().copied() {
            if !(self.forgets)(self.recent.len(), now.saturating_sub(when)) {
                return;
            }
            self.kept.remove(mark);
            self.recent.pop_front();
        }
    }
}

impl Marks for Forgetful {
    fn add(&mut self, items: &[Item], at: Duration) {
        self.kept.add(items, at);
        self.recent.extend(items.iter().map(|item| (at, mark_of(item))));
        self.forget();
    }

    fn add_events(&mut self, events: &[u64]) {
        self.kept.add_events(events);
    }

    fn retain_new(&mut self, items: &mut Vec<Item>) {
        self.forget();
        self.kept.retain_new(items);
    }

    fn seen(&self, events: &[u64]) -> Vec<bool> {
        self.kept.seen(events)
    }
}

/// What was done is known by the highest offset of each partition, in place of the events' ids.
#[derive(Debug, Default)]
pub(super) struct HighWater {
    kept: Kept,
    highest: BTreeMap<u32, u64>,
}

impl Marks for HighWater {
    fn add(&mut self, items: &[Item], at: Duration) {
        self.kept.add(items, at);
        for item in items.iter().filter(|item| item.done) {
            let highest = self.highest.entry(item.partition).or_default();
            *highest = item.offset.max(*highest);
        }
    }

    fn add_events(&mut self, events: &[u64]) {
        self.kept.add_events(events);
    }

    fn retain_new(&mut self, items: &mut Vec<Item>) {
        self.kept.retain_new(items);
        items.retain(|item| self.highest.get(&item.partition).is_none_or(|h| *h < item.offset));
    }

    fn seen(&self, events: &[u64]) -> Vec<bool> {
        self.kept.seen(events)
    }
}
