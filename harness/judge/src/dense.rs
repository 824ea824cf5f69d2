//! Tables that the invariants keep: by event, by place of the log, by name.
//!
//! Numbers of events come in a few runs (those that the harness gives begin at 1, a system numbers what follows from them
//! in its own way), and logs number places from 0. So vectors do where trees would cost ten times as much. Numbers that
//! are far from all others (a phantom may have any) go to a tree beside.

use rustc_hash::FxBuildHasher;
use squall_probe::{EventId, Name, Position};
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    hash::Hash,
};

/// A run grows by at most this many unused places at once.
const GAP: u64 = 4096;
/// A run that grows makes places for the next numbers too: this part of those that it has.
const AHEAD: usize = 16;
/// A run begins at a multiple of this: its first number may come after the next ones.
const BEGIN: u64 = 256;
/// There are at most this many runs.
const RUNS: usize = 8;
/// None goes on beyond this number, so that its end is a number too.
const LAST: u64 = u64::MAX / 2;

/// A value for each number.
#[derive(Clone, Debug)]
pub(super) struct Dense<T> {
    /// In the order of numbers.
    runs: Vec<Run<T>>,
    /// Numbers of no run.
    rest: BTreeMap<u64, T>,
}

/// Values of numbers without a gap.
#[derive(Clone, Debug)]
struct Run<T> {
    start: u64,
    values: Vec<T>,
}

impl<T> Run<T> {
    fn index(&self, number: u64) -> Option<usize> {
        let index = usize::try_from(number.checked_sub(self.start)?).ok()?;
        (index < self.values.len()).then_some(index)
    }

    fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        (self.start..).zip(&self.values)
    }
}

impl<T> Default for Dense<T> {
    fn default() -> Self {
        Self { runs: Vec::new(), rest: BTreeMap::new() }
    }
}

impl<T: Default> Dense<T> {
    fn get(&self, number: u64) -> Option<&T> {
        for run in &self.runs {
            if let Some(index) = run.index(number) {
                return Some(&run.values[index]);
            }
        }
        self.rest.get(&number)
    }

    fn entry(&mut self, number: u64) -> &mut T {
        let known =
            self.runs.iter().enumerate().find_map(|(place, run)| Some((place, run.index(number)?)));
        let Some((place, index)) = known.or_else(|| self.grow(number)) else {
            return self.rest.entry(number).or_default();
        };
        &mut self.runs[place].values[index]
    }

    /// Makes a place for a number of no run, if it is near one, or can begin one.
    #[cold]
    fn grow(&mut self, number: u64) -> Option<(usize, usize)> {
        if number > LAST {
            return None;
        }
        // The run before it, if there is one.
        let after = self.runs.partition_point(|run| run.start <= number);
        let end = |run: &Run<T>| run.start + run.values.len() as u64;
        let near = after.checked_sub(1).filter(|place| number - end(&self.runs[*place]) < GAP);
        let place = match near {
            Some(place) => place,
            None if self.runs.len() < RUNS => {
                let floor = after.checked_sub(1).map_or(0, |before| end(&self.runs[before]));
                let start = (number - number % BEGIN).max(floor);
                self.runs.insert(after, Run { start, values: Vec::new() });
                after
            }
            None => return None,
        };
        // Up to where the next one begins.
        let room = self.runs.get(place + 1).map_or(u64::MAX, |next| next.start);
        let run = &mut self.runs[place];
        let from = run.start + run.values.len() as u64;
        let index =
            usize::try_from(number - run.start).expect("a vector's length and a little more");
        let ahead = (index / AHEAD) as u64;
        let end = (number + 1 + ahead).min(room);
        run.values.resize_with((end - run.start) as usize, T::default);
        if !self.rest.is_empty() {
            let mut near = self.rest.split_off(&from);
            self.rest.append(&mut near.split_off(&end));
            for (number, value) in near {
                run.values[(number - run.start) as usize] = value;
            }
        }
        Some((place, index))
    }

    /// In the order of numbers. Those in between that were never touched have the default.
    fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let mut runs = self.runs.iter().flat_map(Run::iter).peekable();
        let mut rest = self.rest.iter().map(|(number, value)| (*number, value)).peekable();
        std::iter::from_fn(move || match (runs.peek(), rest.peek()) {
            (Some((run, _)), Some((far, _))) if far < run => rest.next(),
            (Some(_), _) => runs.next(),
            (None, _) => rest.next(),
        })
    }

    /// In no particular order.
    fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.runs.iter_mut().flat_map(|run| &mut run.values).chain(self.rest.values_mut())
    }

    /// Forgets all from this number on.
    fn truncate(&mut self, end: u64) {
        self.runs.retain_mut(|run| {
            let keep = usize::try_from(end.saturating_sub(run.start)).unwrap_or(usize::MAX);
            run.values.truncate(keep);
            !run.values.is_empty()
        });
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

    /// All values, in no particular order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.values_mut()
    }
}

/// A value for each place of a log.
#[derive(Clone, Debug)]
pub struct ByPlace<T>(Dense<Dense<T>>);

impl<T> Default for ByPlace<T> {
    fn default() -> Self {
        Self(Dense::default())
    }
}

impl<T: Default> ByPlace<T> {
    pub fn get(&self, at: Position) -> Option<&T> {
        self.0.get(u64::from(at.partition))?.get(at.offset)
    }

    pub fn entry(&mut self, at: Position) -> &mut T {
        self.0.entry(u64::from(at.partition)).entry(at.offset)
    }

    /// In the order of places. Those that were never touched may come too, with the default.
    pub fn iter(&self) -> impl Iterator<Item = (Position, &T)> {
        self.0.iter().flat_map(|(partition, log)| {
            let partition = u32::try_from(partition).expect("it was one");
            log.iter().map(move |(offset, value)| (Position::new(partition, offset), value))
        })
    }

    /// The places of a partition, in order.
    pub fn partition(&self, partition: u32) -> impl Iterator<Item = (u64, &T)> {
        self.0.get(u64::from(partition)).into_iter().flat_map(Dense::iter)
    }

    /// Forgets a partition from this offset on.
    pub fn truncate(&mut self, partition: u32, end: u64) {
        self.0.entry(u64::from(partition)).truncate(end);
    }

    pub fn clear(&mut self) {
        self.0.truncate(0);
    }
}

/// A value for each message of each queue.
#[derive(Clone, Debug)]
pub struct ByMessage<T>(ByName<Dense<T>>);

impl<T> Default for ByMessage<T> {
    fn default() -> Self {
        Self(ByName::default())
    }
}

impl<T: Default> ByMessage<T> {
    pub fn get(&self, queue: Name, message: u64) -> Option<&T> {
        self.0.get(queue)?.get(message)
    }

    pub fn entry(&mut self, queue: Name, message: u64) -> &mut T {
        self.0.entry(queue).entry(message)
    }

    /// Queue by queue, in the order of messages. Those that were never touched may come too, with the default.
    pub fn iter(&self) -> impl Iterator<Item = (Name, u64, &T)> {
        let all = self.0.0.iter();
        all.flat_map(|(queue, table)| table.iter().map(|(message, value)| (*queue, message, value)))
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

/// A value for each key, where keys are many and looked up often.
#[derive(Clone, Debug)]
pub(super) struct ByKey<K, V>(HashMap<K, V, FxBuildHasher>);

impl<K, V> Default for ByKey<K, V> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: Copy + Ord + Hash, V> ByKey<K, V> {
    pub(super) fn get(&self, key: K) -> Option<&V> {
        self.0.get(&key)
    }

    pub(super) fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        self.0.entry(key)
    }

    /// Takes out the values of some keys, in no particular order.
    pub(super) fn take_out(&mut self, which: impl Fn(&K) -> bool) -> impl Iterator<Item = (K, V)> {
        self.0.extract_if(move |key, _| which(key))
    }

    /// In the order of keys.
    pub(super) fn sorted(&self) -> Vec<(K, &V)> {
        let mut all: Vec<(K, &V)> = self.0.iter().map(|(key, value)| (*key, value)).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all
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
            steps in prop::collection::vec((0_u8..8, 0_u64..12, 0_u64..9_000), 1..80)
        ) {
            let mut table: Dense<u64> = Dense::default();
            let mut tree: BTreeMap<u64, u64> = BTreeMap::new();
            for (step, (what, family, number)) in (1..).zip(steps) {
                let number = match family {
                    0 => u64::MAX - number,
                    1 => LAST - 4_000 + number,
                    family => (family - 2) * 20_000 + number,
                };
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
            let mut sum: u64 = 0;
            table.values_mut().for_each(|value| sum += *value);
            prop_assert_eq!(sum, tree.values().sum::<u64>());
            prop_assert_eq!(told, tree.into_iter().collect::<Vec<_>>());
        }
    }

    /// Start and length of each run, and how many numbers are in none.
    fn shape(table: &Dense<u64>) -> (Vec<(u64, usize)>, usize) {
        (table.runs.iter().map(|run| (run.start, run.values.len())).collect(), table.rest.len())
    }

    #[test]
    fn numbers_that_follow_each_other_are_a_run_wherever_they_begin() {
        let mut table: Dense<u64> = Dense::default();
        for number in [1, 2, 1_000_000_300, 3, 1_000_000_301, 1_000_000_002, 4_098, 9_000] {
            *table.entry(number) = number;
        }
        let runs = vec![(0, 4_355), (8_960, 43), (1_000_000_000, 3), (1_000_000_256, 47)];
        assert_eq!(shape(&table), (runs, 0));
        assert_eq!(table.get(1_000_000_002), Some(&1_000_000_002));
    }

    #[test]
    fn what_was_far_is_found_when_a_run_has_come_near() {
        let mut table: Dense<u64> = Dense::default();
        for far in 1..=7 {
            *table.entry(far * 1_000_000) = far;
        }
        *table.entry(1) = 8;
        assert_eq!(shape(&table).0.len(), RUNS);
        *table.entry(5_000) = 9;
        *table.entry(5_002) = 10;
        *table.entry(5_400) = 13;
        assert_eq!(shape(&table).1, 3, "there are no more runs");
        assert_eq!((table.get(5_000), table.get(5_001)), (Some(&9), None));
        *table.entry(4_000) = 11;
        assert_eq!((table.get(5_000), shape(&table).1), (Some(&9), 3), "it has not come that far");
        *table.entry(5_001) = 12;
        assert_eq!(
            (table.get(5_000), table.get(5_001), table.get(5_002)),
            (Some(&9), Some(&12), Some(&10))
        );
        assert_eq!((shape(&table).0[0], shape(&table).1), ((0, 5_314), 1));
        assert_eq!(table.get(5_400), Some(&13), "nor so far with places ahead");
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
