//! What a service's ledger remembers of what was done, so that it is not done twice.

use crate::wire::store::Item;
use std::{collections::BTreeSet, fmt::Debug, time::Duration};

/// An event, and which of its effects: 0 stands for all of them.
pub(crate) type Mark = (u64, u8);

/// With the effect that ends it an event is done, whatever that effect is: what a service decides may depend
/// on the time, and must not be decided twice.
pub(crate) fn mark_of(item: &Item) -> Mark {
    (item.event, if item.done { 0 } else { item.effect.kind() })
}

/// Remembers what was done.
pub(crate) trait Marks: Debug + Send {
    /// These effects were applied, at this time by the store's clock, since the Unix epoch.
    fn add(&mut self, items: &[Item], at: Duration);

    /// These events are done.
    fn add_events(&mut self, events: &[u64]);

    /// Leaves those that are to be applied: each that was not applied yet, once.
    fn retain_new(&mut self, items: &mut Vec<Item>);

    /// Which of these events are done.
    fn seen(&self, events: &[u64]) -> Vec<bool>;
}

/// Marks that are kept for ever, by the events' ids, whatever the clock says: it may jump.
#[derive(Debug, Default)]
pub(crate) struct Kept(BTreeSet<Mark>);

impl Kept {
    /// Forgets a mark. (Only `mistakes/` does.)
    pub(crate) fn remove(&mut self, mark: Mark) {
        self.0.remove(&mark);
    }
}

impl Marks for Kept {
    fn add(&mut self, items: &[Item], _: Duration) {
        self.0.extend(items.iter().map(mark_of));
    }

    fn add_events(&mut self, events: &[u64]) {
        self.0.extend(events.iter().map(|event| (*event, 0)));
    }

    fn retain_new(&mut self, items: &mut Vec<Item>) {
        let mut asked = BTreeSet::new();
        items.retain(|item| {
            let mark = mark_of(item);
            !self.0.contains(&mark) && asked.insert(mark)
        });
    }

    fn seen(&self, events: &[u64]) -> Vec<bool> {
        events.iter().map(|event| self.0.contains(&(*event, 0))).collect()
    }
}
