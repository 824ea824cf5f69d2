//! The state machine: topics, producers' sequence numbers, consumer groups. A function of the decided
//! log, so that every replica has the same.

pub(crate) mod applied;
pub(crate) mod group;
mod partition;
mod producers;

use crate::wire::{
    EventData,
    events::{Batch, PARTITIONS, Place, PlacedEvent},
    groups::{Claim, Letter, Reason},
    log::Command,
};
use applied::{Applied, Moved, Published};
use group::{Commit, Group, GroupPolicy};
use partition::Partition;
use producers::Producers;
use std::{collections::BTreeMap, sync::Arc};

/// The state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) partitions: Vec<Partition>,
    producers: Producers,
    /// Events that services made of others: where each stands.
    emitted: BTreeMap<u64, Place>,
    pub(crate) groups: BTreeMap<Arc<str>, Group>,
    policy: GroupPolicy,
}

impl Default for State {
    fn default() -> Self {
        Self::new(GroupPolicy::default())
    }
}

impl State {
    pub(super) fn new(policy: GroupPolicy) -> Self {
        Self {
            partitions: (0..PARTITIONS).map(|_| Partition::default()).collect(),
            producers: Producers::default(),
            emitted: BTreeMap::new(),
            groups: BTreeMap::new(),
            policy,
        }
    }

    /// Applies the next decided command.
    pub(super) fn apply(&mut self, command: &Command) -> Applied {
        match command {
            Command::Publish { producer, batches, at_ms } => {
                self.publish(producer, batches, *at_ms)
            }
            Command::Emit { events, at_ms } => self.emit(events, *at_ms),
            Command::Join { group, member, start } => {
                let partitions = &self.partitions;
                let begin =
                    || Group::beginning(partitions.iter().map(|partition| partition.start(*start)));
                let group = self.groups.entry(group.clone()).or_insert_with(begin);
                let rebalanced = group.members.insert(member.clone());
                group.generation += u64::from(rebalanced);
                Applied::Joined { rebalanced }
            }
            Command::Expire { group, member } => {
                let group = self.groups.entry(group.clone()).or_default();
                let rebalanced = group.members.remove(member);
                group.generation += u64::from(rebalanced);
                Applied::Expired { rebalanced }
            }
            Command::Commit { claim, offsets } => self.commit(claim, offsets),
            Command::DeadLetter { claim, letters, reason } => {
                self.dead_letter(claim, letters, *reason)
            }
            Command::Redrive { claim, handled, limit } => {
                self.redrive(claim, handled, *limit as usize)
            }
        }
    }

    /// How many dead letters a group has.
    pub(super) fn dead_letters(&self, group: &str) -> usize {
        self.groups.get(group).map_or(0, |group| group.dead.len())
    }

    /// The events of a partition from an offset on; `None` if there is no such place.
    pub(super) fn events_from(&self, (partition, offset): Place) -> Option<&[EventData]> {
        self.partitions.get(partition as usize)?.events_from(offset)
    }

    /// When the last of these events of each partition was appended.
    pub(super) fn times(&self, events: &[PlacedEvent]) -> Vec<(u32, u64)> {
        let last: BTreeMap<u32, u64> = events.iter().map(|(p, offset, _)| (*p, *offset)).collect();
        let time = |(partition, offset): Place| {
            Some((partition, self.partitions.get(partition as usize)?.time(offset)?))
        };
        last.into_iter().filter_map(time).collect()
    }

    /// How many events the groups that have members have not committed.
    pub(super) fn uncommitted(&self) -> u64 {
        let groups = self.groups.values().filter(|group| !group.members.is_empty());
        groups.map(|group| self.uncommitted_by(group)).sum()
    }

    /// How many events a group has not committed.
    pub(super) fn uncommitted_by(&self, group: &Group) -> u64 {
        let ends = (0..).zip(&self.partitions);
        // A group may begin or commit beyond the end only by mistake; then it is not behind.
        ends.map(|(partition, log)| log.end().saturating_sub(group.committed(partition))).sum()
    }

    /// Forgets what producers have sent. (Only `mistakes/` does.)
    pub(crate) fn forget_producers(&mut self) {
        self.producers.clear();
    }

    fn event(&self, place: Place) -> Option<EventData> {
        self.events_from(place)?.first().cloned()
    }

    fn commit(&mut self, claim: &Claim, offsets: &[Place]) -> Applied {
        let group = self.groups.entry(claim.group.clone()).or_default();
        let mut moved = Vec::with_capacity(offsets.len());
        for (partition, offset) in offsets.iter().copied() {
            let end = self.partitions.get(partition as usize).map_or(0, Partition::end);
            match (self.policy.commit)(group, claim, (partition, offset), end) {
                Commit::Moves => {
                    group.committed.insert(partition, offset);
                    moved.push((partition, offset));
                }
                Commit::Stays => {}
                Commit::Fenced => return Applied::Fenced,
            }
        }
        Applied::Committed(moved)
    }

    fn dead_letter(&mut self, claim: &Claim, letters: &[Letter], reason: Reason) -> Applied {
        let events: Vec<_> = letters.iter().map(|(place, _)| self.event(*place)).collect();
        let group = self.groups.entry(claim.group.clone()).or_default();
        if letters.iter().any(|((partition, _), _)| !group.owns(claim, *partition)) {
            return Applied::Fenced;
        }
        let mut moved = Vec::with_capacity(letters.len());
        for (letter, event) in letters.iter().copied().zip(events) {
            let Some(event) = event else { return Applied::Fenced };
            if let Some((times, new)) = group.bury(letter, reason) {
                moved.push(Moved { place: letter.0, event, times, new });
            }
        }
        Applied::DeadLettered(moved)
    }

    fn redrive(&mut self, claim: &Claim, handled: &[Letter], limit: usize) -> Applied {
        let Some(group) = self.groups.get_mut(&claim.group) else { return Applied::Fenced };
        if claim.generation != group.generation {
            return Applied::Fenced;
        }
        handled.iter().for_each(|letter| group.handled(*letter));
        let taken = group.redrive(&claim.member, limit, self.policy.take_out);
        let group = &self.groups[&claim.group];
        let moved = taken.into_iter().filter_map(|(place, new)| {
            Some(Moved { place, event: self.event(place)?, times: group.times(place), new })
        });
        Applied::Redriven(moved.collect())
    }

    fn emit(&mut self, events: &[(u32, EventData)], at_ms: u64) -> Applied {
        let mut published = Vec::with_capacity(events.len());
        for (partition, event) in events {
            let content = event.content();
            let known = self.emitted.get(&event.id).copied();
            let (at, new) = match known {
                Some(place) => (Some(place), false),
                None => {
                    let log = self.partitions.get_mut(*partition as usize);
                    (log.map(|log| (*partition, log.append(event, content, at_ms))), true)
                }
            };
            let Some((partition, offset)) = at else { continue };
            self.emitted.insert(event.id, (partition, offset));
            published.push(Published {
                partition,
                offset: Some(offset),
                event: event.id,
                key: event.key,
                content,
                new,
            });
        }
        Applied::Published(published)
    }

    fn publish(&mut self, producer: &Arc<str>, batches: &[Batch], at_ms: u64) -> Applied {
        if !self.producers.are_in_order(producer, batches) {
            return Applied::OutOfOrder;
        }
        let sequences = self.producers.sequences(producer);
        let mut published = Vec::with_capacity(batches.iter().map(|b| b.events.len()).sum());
        for batch in batches {
            let sequence = &mut sequences[batch.partition as usize];
            let log = &mut self.partitions[batch.partition as usize];
            for (event, number) in batch.events.iter().zip(batch.first_sequence..) {
                let content = event.content();
                let new = sequence.is_new(number);
                let offset = if new {
                    let offset = log.append(event, content, at_ms);
                    sequence.appended(number, offset);
                    Some(offset)
                } else {
                    sequence.offset_of(number)
                };
                published.push(Published {
                    partition: batch.partition,
                    offset,
                    event: event.id,
                    key: event.key,
                    content,
                    new,
                });
            }
        }
        Applied::Published(published)
    }
}

#[cfg(test)]
mod tests;
