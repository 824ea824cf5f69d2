//! Tables that the invariants keep: by event, by place of the log, by name.
//!
//! The harness numbers events from 1 and logs number places from 0, so vectors do where trees would cost ten times as
//! much. Numbers that are far from all others (a phantom may have any) go to a tree beside.

use squall_probe::{EventId, Name, Position};
use std::collections::BTreeMap;

/// A vector grows by at most this many unused places at once.
const GAP: u64 = 4096;

/// A value for each number.
#[derive(Clone, Debug)]
pub(super) struct Dense<T> {
    dense: Vec<T>,
    /// Numbers from the vector's end on.
    rest: BTreeMap<u64, T>,
}

impl<T> Default for Dense<T> {
    fn default() -> Self {
        Self { dense: Vec::new(), rest: BTreeMap::new() }
    }
}

impl<T: Default> Dense<T> {
    fn get(&self, number: u64) -> Option<&T> {
        match usize::try_from(number) {
            Ok(index) if index < self.dense.len() => Some(&self.dense[index]),
            _ => self.rest.get(&number),
        }
    }

    fn entry(&mut self, number: u64) -> &mut T {
        let known = self.dense.len() as u64;
        if number >= known.saturating_add(GAP) {
            return self.rest.entry(number).or_default();
        }
        // Below the length of a vector and a little more: it fits.
        let index = number as usize;
        if number >= known {
            self.dense.resize_with(index + 1, T::default);
            if !self.rest.is_empty() {
                let far = self.rest.split_off(&(number + 1));
                for (number, value) in std::mem::replace(&mut self.rest, far) {
                    self.dense[number as usize] = value;
                }
            }
        }
        &mut self.dense[index]
    }

    /// In the order of numbers. Those in between that were never touched have the default.
    fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let dense = (0..).zip(&self.dense);
        dense.chain(self.rest.iter().map(|(number, value)| (*number, value)))
    }

    fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.dense.iter_mut().chain(self.rest.values_mut())
    }

    /// Forgets all from this number on.
    fn truncate(&mut self, end: u64) {
        if let Ok(end) = usize::try_from(end) {
            self.dense.truncate(end);
        }
        if !self.rest.is_empty() {
            self.rest.split_off(&end);
        }
    }
}

/// A value for each event.
#[derive(Clone, Debug)]
pub struct ByEvent<T>(Dense<T>);

impl<T> Default for ByEvent<T> {
    fn default() -> Self {
        Self(Dense::default())
    }
}

impl<T: Default> ByEvent<T> {
    /// The value of an event, if it or one near it was touched.
    pub fn get(&self, event: EventId) -> Option<&T> {
        self.0.get(event.0)
    }

    /// The value of an event, to be changed.
    pub fn entry(&mut self, event: EventId) -> &mut T {
        self.0.entry(event.0)
    }

    /// In the order of ids. Ids that were never touched may come too, with the default.
    pub fn iter(&self) -> impl Iterator<Item = (EventId, &T)> {
        self.0.iter().map(|(id, value)| (EventId(id), value))
    }

    /// All values, in the order of events.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.values_mut()
    }
}

/// A value for each place of a log.
#[derive(Clone, Debug)]
pub struct ByPlace<T>(BTreeMap<u32, Dense<T>>);

impl<T> Default for ByPlace<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Default> ByPlace<T> {
    pub fn get(&self, at: Position) -> Option<&T> {
        self.0.get(&at.partition)?.get(at.offset)
    }

    pub fn entry(&mut self, at: Position) -> &mut T {
        self.0.entry(at.partition).or_default().entry(at.offset)
    }

    /// In the order of places. Those that were never touched may come too, with the default.
    pub fn iter(&self) -> impl Iterator<Item = (Position, &T)> {
        self.0.iter().flat_map(|(partition, log)| {
            log.iter().map(|(offset, value)| (Position::new(*partition, offset), value))
        })
    }

    /// The places of a partition, in order.
    pub fn partition(&self, partition: u32) -> impl Iterator<Item = (u64, &T)> {
        self.0.get(&partition).into_iter().flat_map(Dense::iter)
    }

    /// Forgets a partition from this offset on.
    pub fn truncate(&mut self, partition: u32, end: u64) {
        if let Some(log) = self.0.get_mut(&partition) {
            log.truncate(end);
        }
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// A value for each name: of a few, and most often the same again.
#[derive(Clone, Debug)]
pub struct ByName<T>(Vec<(Name, T)>);

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Default> ByName<T> {
    /// The value of a name that was touched.
    pub fn get(&self, name: Name) -> Option<&T> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The value of a name, to be changed.
    pub fn entry(&mut self, name: Name) -> &mut T {
        let index = self.0.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.0.push((name, T::default()));
            self.0.len() - 1
        });
        &mut self.0[index].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is put in, near or far, in any order, and cut off: a tree would say the same.
        #[test]
        fn it_is_what_a_tree_would_be(
            steps in prop::collection::vec((0_u8..8, 0_u64..40_000), 1..60)
        ) {
            let mut table: Dense<u64> = Dense::default();
            let mut tree: BTreeMap<u64, u64> = BTreeMap::new();
            for (step, (what, number)) in (1..).zip(steps) {
                let number = if what == 1 { u64::MAX - number } else { number };
                if what == 0 {
                    table.truncate(number);
                    tree.split_off(&number);
                } else {
                    *table.entry(number) = step;
                    tree.insert(number, step);
                }
                prop_assert_eq!(table.get(number).copied().unwrap_or(0), tree.get(&number).copied().unwrap_or(0));
            }
            let told: Vec<(u64, u64)> =
                table.iter().filter(|(_, value)| **value != 0).map(|(n, v)| (n, *v)).collect();
            prop_assert_eq!(told, tree.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_was_far_is_found_when_the_others_have_come_near() {
        let far_then_near = || {
            let mut table: Dense<u64> = Dense::default();
            *table.entry(5_000) = 1;
            *table.entry(4_000) = 2;
            assert_eq!((table.dense.len(), table.rest.len()), (4_001, 1));
            table
        };
        let mut table = far_then_near();
        assert_eq!(*table.entry(5_000), 1, "it is itself the next");
        let mut table = far_then_near();
        *table.entry(5_001) = 3;
        assert_eq!((table.get(5_000), table.get(5_001), table.rest.len()), (Some(&1), Some(&3), 0));
        let mut table = far_then_near();
        *table.entry(9_000) = 4;
        *table.entry(5_001) = 3;
        assert_eq!((table.get(9_000), table.rest.len()), (Some(&4), 1), "that one is far still");
    }

    #[test]
    fn names_keep_their_values() {
        let mut table: ByName<u32> = ByName::default();
        *table.entry(Name(3)) += 1;
        *table.entry(Name(1)) += 5;
        *table.entry(Name(3)) += 1;
        assert_eq!(
            (table.get(Name(3)), table.get(Name(1)), table.get(Name(2))),
            (Some(&2), Some(&5), None)
        );
    }
}
