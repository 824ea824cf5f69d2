//! A consumer group: its members, what it has committed, and its dead-letter queue.

use crate::wire::{
    events::{PARTITIONS, Place},
    groups::{Buried, Claim, Letter, Reason},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What becomes of an offset that a member commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commit {
    /// It becomes the group's.
    Moves,
    /// The group keeps the offset that it has.
    Stays,
    /// The member does not own the partition in this generation.
    Fenced,
}

/// What a group decides. By default it decides well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupPolicy {
    /// What becomes of an offset of a partition that now ends at `end`.
    pub(crate) commit: fn(&Group, &Claim, Place, end: u64) -> Commit,
    /// Takes an event out of the dead-letter queue to have it handled again. Whether it was taken out just now.
    pub(crate) take_out: fn(&mut Group, Place) -> bool,
}

impl Default for GroupPolicy {
    fn default() -> Self {
        Self { commit: Group::commit_forwards, take_out: Group::take_out }
    }
}

/// A consumer group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Counts how often the partitions were dealt anew.
    pub(crate) generation: u64,
    pub(crate) members: BTreeSet<Arc<str>>,
    /// The next offset of each partition.
    pub(crate) committed: BTreeMap<u32, u64>,
    /// The dead-letter queue: where its events stand in the topic, and why they are in it.
    pub(crate) dead: BTreeMap<Place, Reason>,
    /// Taken out of it, and not handled yet.
    redriving: BTreeSet<Place>,
    /// How often each was dead-lettered.
    times: BTreeMap<Place, u32>,
}

impl Group {
    /// A new group that begins with these offsets.
    pub(super) fn beginning(offsets: impl Iterator<Item = u64>) -> Self {
        Self { committed: (0..).zip(offsets).collect(), ..Self::default() }
    }

    /// The partitions of a member: dealt round robin to the members in their order.
    pub(crate) fn partitions_of(&self, member: &str) -> impl Iterator<Item = u32> + use<> {
        let place = self.members.iter().position(|other| &**other == member);
        let count = self.members.len();
        (0..PARTITIONS).filter(move |partition| {
            place.is_some_and(|place| *partition as usize % count == place)
        })
    }

    pub(super) fn owns(&self, claim: &Claim, partition: u32) -> bool {
        claim.generation == self.generation
            && self.partitions_of(&claim.member).any(|mine| mine == partition)
    }

    /// The next offset of a partition.
    pub(crate) fn committed(&self, partition: u32) -> u64 {
        self.committed.get(&partition).copied().unwrap_or(0)
    }

    /// Only the owner of a partition commits, never backwards, and never beyond what exists.
    fn commit_forwards(&self, claim: &Claim, (partition, offset): Place, end: u64) -> Commit {
        if !self.owns(claim, partition) {
            Commit::Fenced
        } else if offset > self.committed(partition) && offset <= end {
            Commit::Moves
        } else {
            Commit::Stays
        }
    }

    /// What is known of the event there, if it has been in the dead-letter queue.
    pub(crate) fn buried(&self, place: Place) -> Option<Buried> {
        let times = *self.times.get(&place)?;
        let waits = self.dead.contains_key(&place) || self.redriving.contains(&place);
        Some(Buried { letter: (place, times), waits })
    }

    /// How many events there are to be redriven, and on their way.
    pub(crate) fn exhausted(&self) -> u64 {
        let dead = self.dead.values().filter(|reason| **reason == Reason::Exhausted).count();
        (dead + self.redriving.len()) as u64
    }

    /// Puts an event into the dead-letter queue: how often it was, and whether it is new there. `None` if it was put there
    /// and taken out again since it was delivered: the request was under way for long, and what it asks for was done.
    pub(super) fn bury(&mut self, (place, before): Letter, reason: Reason) -> Option<(u32, bool)> {
        let times = self.times.entry(place).or_default();
        if before < *times {
            return self.dead.contains_key(&place).then_some((*times, false));
        }
        let new = self.dead.insert(place, reason).is_none();
        *times += u32::from(new);
        self.redriving.remove(&place);
        Some((*times, new))
    }

    /// An event that was taken out of the dead-letter queue is handled, unless it was put there again since.
    pub(super) fn handled(&mut self, (place, times): Letter) {
        if self.times(place) == times {
            self.redriving.remove(&place);
        }
    }

    fn take_out(&mut self, place: Place) -> bool {
        self.dead.remove(&place);
        self.redriving.insert(place);
        true
    }

    /// The next events for a member to handle again, at most `limit`, and which are taken out just now. What was taken
    /// out before and not handled comes first, whoever took it.
    pub(super) fn redrive(
        &mut self,
        member: &str,
        limit: usize,
        take_out: fn(&mut Group, Place) -> bool,
    ) -> Vec<(Place, bool)> {
        let mine = |place: &&Place| self.partitions_of(member).any(|p| p == place.0);
        let before: Vec<_> =
            self.redriving.iter().filter(mine).take(limit).map(|p| (*p, false)).collect();
        if !before.is_empty() {
            return before;
        }
        let exhausted = self.dead.iter().filter(|(_, reason)| **reason == Reason::Exhausted);
        let places: Vec<Place> =
            exhausted.map(|(place, _)| place).filter(mine).take(limit).copied().collect();
        places.into_iter().map(|place| (place, take_out(self, place))).collect()
    }

    /// How often an event was dead-lettered.
    pub(super) fn times(&self, place: Place) -> u32 {
        self.times.get(&place).copied().unwrap_or(0)
    }
}
