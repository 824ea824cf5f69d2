//! The state machine: topics, producers' sequence numbers, consumer groups. A function of the decided
//! log, so that every replica has the same.

pub(crate) mod applied;
pub(crate) mod group;
mod partition;
mod producers;

use crate::wire::{
    EventData,
    events::{Batch, PARTITIONS, Place, PlacedEvent},
    groups::{Claim, Reason},
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
            Command::DeadLetter { claim, places, reason } => {
                self.dead_letter(claim, places, *reason)
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
        let behind = groups.flat_map(|group| {
            let ends = (0..).zip(&self.partitions);
            // A group may begin or commit beyond the end only by mistake; then it is not behind.
            ends.map(|(partition, log)| log.end().saturating_sub(group.committed(partition)))
        });
        behind.sum()
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

    fn dead_letter(&mut self, claim: &Claim, places: &[Place], reason: Reason) -> Applied {
        let events: Vec<_> = places.iter().map(|place| self.event(*place)).collect();
        let group = self.groups.entry(claim.group.clone()).or_default();
        if places.iter().any(|(partition, _)| !group.owns(claim, *partition)) {
            return Applied::Fenced;
        }
        let mut moved = Vec::with_capacity(places.len());
        for (place, event) in places.iter().copied().zip(events) {
            let Some(event) = event else { return Applied::Fenced };
            let (times, new) = group.bury(place, reason);
            moved.push(Moved { place, event, times, new });
        }
        Applied::DeadLettered(moved)
    }

    fn redrive(&mut self, claim: &Claim, handled: &[Place], limit: usize) -> Applied {
        let Some(group) = self.groups.get_mut(&claim.group) else { return Applied::Fenced };
        if claim.generation != group.generation {
            return Applied::Fenced;
        }
        handled.iter().for_each(|place| group.handled(*place));
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
mod tests {
    use super::{producers::REMEMBERED, *};
    use crate::wire::Start;

    fn publish(first_sequence: u64, ids: &[u64]) -> Command {
        let event = |id: &u64| EventData { id: *id, key: 0, payload: bytes::Bytes::new() };
        Command::Publish {
            producer: "p".into(),
            at_ms: first_sequence,
            batches: vec![Batch {
                partition: 1,
                first_sequence,
                events: ids.iter().map(event).collect(),
            }],
        }
    }

    fn join(group: &str, member: &str, start: Start) -> Command {
        Command::Join { group: group.into(), member: member.into(), start }
    }

    fn claim(member: &str, generation: u64) -> Claim {
        Claim { group: "g".into(), member: member.into(), generation }
    }

    fn offsets(applied: Applied) -> Vec<(Option<u64>, bool)> {
        match applied {
            Applied::Published(published) => {
                published.into_iter().map(|p| (p.offset, p.new)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_retry_is_answered_with_the_first_position() {
        let mut state = State::default();
        assert_eq!(
            offsets(state.apply(&publish(0, &[10, 11]))),
            [(Some(0), true), (Some(1), true)]
        );
        assert_eq!(
            offsets(state.apply(&publish(0, &[10, 11]))),
            [(Some(0), false), (Some(1), false)]
        );
        assert_eq!(
            offsets(state.apply(&publish(1, &[11, 12]))),
            [(Some(1), false), (Some(2), true)]
        );
        assert_eq!(state.apply(&publish(9, &[13])), Applied::OutOfOrder);
        assert_eq!(state.partitions[1].end(), 3);
    }

    #[test]
    fn partitions_are_dealt_to_all_and_to_one_each() {
        let mut state = State::default();
        let join = |member: &str| join("g", member, Start::Earliest);
        for members in 1..=5_u32 {
            state.apply(&join(&format!("m{members}")));
            let group = &state.groups["g"];
            let mut dealt: Vec<u32> =
                group.members.iter().flat_map(|member| group.partitions_of(member)).collect();
            dealt.sort_unstable();
            assert_eq!(dealt, [0, 1, 2, 3]);
            assert_eq!(group.generation, u64::from(members));
        }
    }

    #[test]
    fn commits_of_strangers_and_backwards_are_refused() {
        let mut state = State::default();
        state.apply(&publish(0, &[1, 2, 3]));
        state.apply(&join("g", "m", Start::Earliest));
        let commit = |generation, offset| Command::Commit {
            claim: claim("m", generation),
            offsets: vec![(1, offset)],
        };
        assert_eq!(state.apply(&commit(1, 2)), Applied::Committed(vec![(1, 2)]));
        assert_eq!(state.apply(&commit(1, 1)), Applied::Committed(vec![]));
        assert_eq!(state.apply(&commit(1, 9)), Applied::Committed(vec![]));
        assert_eq!(state.apply(&commit(0, 3)), Applied::Fenced);
        assert_eq!(state.uncommitted(), 1);
    }

    #[test]
    fn a_new_group_begins_where_it_says() {
        let mut state = State::default();
        state.apply(&publish(0, &[1, 2]));
        state.apply(&publish(2, &[3]));
        state.apply(&publish(3, &[4]));
        for (start, expected) in [
            (Start::Earliest, 0),
            (Start::Offset(1), 1),
            (Start::Offset(99), 4),
            (Start::Time(1), 2),
            (Start::Time(3), 3),
            (Start::Time(9), 4),
        ] {
            let group = format!("{start:?}");
            state.apply(&join(&group, "m", start));
            assert_eq!(state.groups[&*group].committed[&1], expected, "{start:?}");
            // An old group does not move.
            state.apply(&join(&group, "n", Start::Earliest));
            assert_eq!(state.groups[&*group].committed[&1], expected);
        }
    }

    #[test]
    fn what_follows_is_appended_once() {
        let mut state = State::default();
        let event = EventData { id: 7, key: 0, payload: bytes::Bytes::new() };
        let emit = Command::Emit { events: vec![(1, event)], at_ms: 0 };
        assert_eq!(offsets(state.apply(&emit)), [(Some(0), true)]);
        assert_eq!(offsets(state.apply(&emit)), [(Some(0), false)]);
    }

    #[test]
    fn dead_letters_are_redriven_until_they_are_handled() {
        let mut state = State::default();
        state.apply(&publish(0, &[1, 2, 3]));
        state.apply(&join("g", "m", Start::Earliest));
        let dead = |offset, reason| Command::DeadLetter {
            claim: claim("m", 1),
            places: vec![(1, offset)],
            reason,
        };
        let redrive = |handled: &[(u32, u64)]| Command::Redrive {
            claim: claim("m", 1),
            handled: handled.to_vec(),
            limit: 10,
        };
        let taken = |applied: Applied| match applied {
            Applied::Redriven(moved) => {
                moved.into_iter().map(|moved| (moved.place.1, moved.new)).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        state.apply(&dead(0, Reason::Poison));
        state.apply(&dead(1, Reason::Exhausted));
        assert_eq!(taken(state.apply(&redrive(&[]))), [(1, true)]);
        assert_eq!(taken(state.apply(&redrive(&[]))), [(1, false)]);
        assert_eq!(taken(state.apply(&redrive(&[(1, 1)]))), []);
        assert_eq!(state.groups["g"].dead.len(), 1);
        assert_eq!(state.groups["g"].times((1, 1)), 1);
    }

    #[test]
    fn a_retry_of_what_is_too_old_to_be_remembered_is_not_appended_again() {
        let mut state = State::default();
        let ids: Vec<u64> = (0..=REMEMBERED as u64).collect();
        state.apply(&publish(0, &ids));
        assert_eq!(offsets(state.apply(&publish(0, &ids[..2]))), [(None, false), (Some(1), false)]);
        assert_eq!(state.partitions[1].end(), ids.len() as u64);
    }

    #[test]
    fn a_gap_in_one_batch_refuses_all_of_them() {
        let mut state = State::default();
        let Command::Publish { producer, mut batches, at_ms } = publish(0, &[1]) else { panic!() };
        batches.push(Batch { partition: 2, first_sequence: 5, events: batches[0].events.clone() });
        let gap = Command::Publish { producer: producer.clone(), batches: batches.clone(), at_ms };
        assert_eq!(state.apply(&gap), Applied::OutOfOrder);
        assert!(state.partitions.iter().all(|partition| partition.end() == 0));
        batches[1].first_sequence = 0;
        state.apply(&Command::Publish { producer, batches, at_ms });
        assert_eq!(state.uncommitted(), 0);
        assert_eq!([state.partitions[1].end(), state.partitions[2].end()], [1, 1]);
    }

    #[test]
    fn a_partition_that_does_not_exist_is_refused() {
        let mut state = State::default();
        let Command::Publish { producer, mut batches, at_ms } = publish(0, &[1]) else { panic!() };
        batches[0].partition = PARTITIONS;
        let command = Command::Publish { producer, batches, at_ms };
        assert_eq!(state.apply(&command), Applied::OutOfOrder);
    }

    #[test]
    fn whoever_lost_a_partition_in_a_rebalance_can_neither_commit_nor_dead_letter_in_it() {
        let mut state = State::default();
        state.apply(&publish(0, &[1, 2]));
        state.apply(&join("g", "a", Start::Earliest));
        let commit = |claim, offset| Command::Commit { claim, offsets: vec![(1, offset)] };
        assert_eq!(state.apply(&commit(claim("a", 1), 1)), Applied::Committed(vec![(1, 1)]));
        // `b` gets every second partition.
        state.apply(&join("g", "b", Start::Earliest));
        assert_eq!(state.apply(&commit(claim("a", 1), 2)), Applied::Fenced);
        assert_eq!(state.apply(&commit(claim("a", 2), 2)), Applied::Fenced);
        let dead =
            |claim| Command::DeadLetter { claim, places: vec![(1, 1)], reason: Reason::Poison };
        assert_eq!(state.apply(&dead(claim("a", 2))), Applied::Fenced);
        assert_eq!(state.dead_letters("g"), 0);
        // What was committed is where the new owner begins.
        assert_eq!(state.groups["g"].committed(1), 1);
        assert_eq!(state.apply(&commit(claim("b", 2), 2)), Applied::Committed(vec![(1, 2)]));
        // Once `b` is gone, `a` owns all of them again, under a new generation.
        state.apply(&Command::Expire { group: "g".into(), member: "b".into() });
        assert_eq!(state.apply(&commit(claim("b", 2), 2)), Applied::Fenced);
        assert!(matches!(state.apply(&dead(claim("a", 3))), Applied::DeadLettered(_)));
    }

    #[test]
    fn what_is_redriven_and_fails_again_returns_to_the_queue_and_is_counted_again() {
        let mut state = State::default();
        state.apply(&publish(0, &[1]));
        state.apply(&join("g", "m", Start::Earliest));
        let dead = Command::DeadLetter {
            claim: claim("m", 1),
            places: vec![(1, 0)],
            reason: Reason::Exhausted,
        };
        let redrive = Command::Redrive { claim: claim("m", 1), handled: Vec::new(), limit: 10 };
        let times = |applied| match applied {
            Applied::DeadLettered(moved) | Applied::Redriven(moved) => {
                moved.iter().map(|moved| (moved.times, moved.new)).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(times(state.apply(&dead)), [(1, true)]);
        // Asked for again because the answer was lost.
        assert_eq!(times(state.apply(&dead)), [(1, false)]);
        assert_eq!(times(state.apply(&redrive)), [(1, true)]);
        assert!(state.groups["g"].is_dead((1, 0)));
        assert_eq!(times(state.apply(&dead)), [(2, true)]);
        assert_eq!(state.groups["g"].exhausted(), 1);
        // A member of an older generation takes nothing out.
        state.apply(&join("g", "n", Start::Earliest));
        assert_eq!(state.apply(&redrive), Applied::Fenced);
    }

    #[test]
    fn replicas_that_apply_the_same_log_have_the_same_digests() {
        let (mut one, mut other) = (State::default(), State::default());
        for command in [publish(0, &[1, 2]), publish(0, &[1, 2]), publish(2, &[3])] {
            one.apply(&command);
            other.apply(&command);
        }
        assert_eq!(one.partitions[1].digest(), other.partitions[1].digest());
        other.apply(&publish(3, &[4]));
        assert_ne!(one.partitions[1].digest(), other.partitions[1].digest());
    }
}
