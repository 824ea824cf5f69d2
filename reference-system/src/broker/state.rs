//! The state machine: topics, producers' sequence numbers, consumer groups. A function of the decided
//! log, so that every replica has the same.

use crate::wire::{Batch, EventData, Reason, Start};
use serde::{Deserialize, Serialize};
use squall_probe::mix;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

/// Partitions of the topic.
pub const PARTITIONS: u32 = 4;

/// How many positions are remembered for each producer and partition: a retry of anything older is
/// answered without its position.
const REMEMBERED: usize = 1024;

/// What the log's entries ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Append events.
    Publish {
        /// Who.
        producer: String,
        /// What.
        batches: Vec<Batch>,
        /// When, by the leader's clock, in milliseconds since the Unix epoch.
        at_ms: u64,
    },
    /// Append events that were not appended yet.
    Emit {
        /// What, and to which partition.
        events: Vec<(u32, EventData)>,
        /// When, by the leader's clock, in milliseconds since the Unix epoch.
        at_ms: u64,
    },
    /// A member comes.
    Join {
        /// The group.
        group: String,
        /// The member.
        member: String,
        /// Where the group begins, if it is new.
        start: Start,
    },
    /// A member was silent for too long.
    Expire {
        /// The group.
        group: String,
        /// The member.
        member: String,
    },
    /// Offsets are done.
    Commit {
        /// The group.
        group: String,
        /// The member.
        member: String,
        /// Its generation.
        generation: u64,
        /// Next offset of each partition.
        offsets: Vec<(u32, u64)>,
    },
    /// Events go to the group's dead-letter queue.
    DeadLetter {
        /// The group.
        group: String,
        /// The member.
        member: String,
        /// Its generation.
        generation: u64,
        /// Where they stand.
        places: Vec<(u32, u64)>,
        /// Why.
        reason: Reason,
    },
    /// Events are taken out of the group's dead-letter queue.
    Redrive {
        /// The group.
        group: String,
        /// The member.
        member: String,
        /// Its generation.
        generation: u64,
        /// Those that were taken and are handled.
        handled: Vec<(u32, u64)>,
        /// At most so many.
        limit: u32,
    },
}

/// A partition's log.
#[derive(Debug, Default)]
pub(super) struct Partition {
    pub(super) events: Vec<Arc<EventData>>,
    /// When each was appended.
    times: Vec<u64>,
    pub(super) digest: u64,
}

impl Partition {
    fn append(&mut self, event: &EventData, at_ms: u64) -> u64 {
        let offset = self.events.len() as u64;
        self.events.push(Arc::new(event.clone()));
        // Clocks of leaders differ; time in the log does not go back.
        self.times.push(at_ms.max(self.times.last().copied().unwrap_or(0)));
        let content = u64::from(event.content());
        self.digest = mix(mix(self.digest ^ event.id) ^ content);
        offset
    }

    fn start(&self, start: Start) -> u64 {
        match start {
            Start::Earliest => 0,
            Start::Offset(offset) => offset.min(self.events.len() as u64),
            Start::Time(at) => self.times.partition_point(|time| *time < at) as u64,
        }
    }
}

#[derive(Debug, Default)]
struct Sequence {
    next: u64,
    /// (sequence number, offset) of the last events.
    recent: VecDeque<(u64, u64)>,
}

/// A consumer group.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) generation: u64,
    pub(super) members: BTreeSet<String>,
    /// Next offset of each partition.
    pub(super) committed: BTreeMap<u32, u64>,
    /// The dead-letter queue: where its events stand in the topic, and why they are in it.
    pub(super) dead: BTreeMap<(u32, u64), Reason>,
    /// Taken out of it, and not handled yet.
    redriving: BTreeSet<(u32, u64)>,
    /// How often each was dead-lettered.
    times: BTreeMap<(u32, u64), u32>,
}

impl Group {
    /// The partitions of a member: dealt round robin to the members in their order.
    pub(super) fn partitions_of(&self, member: &str) -> Vec<u32> {
        let Some(place) = self.members.iter().position(|other| other == member) else {
            return Vec::new();
        };
        let count = self.members.len();
        (0..PARTITIONS).filter(|partition| *partition as usize % count == place).collect()
    }

    /// The event there is in the dead-letter queue, or on its way out of it.
    pub(super) fn is_dead(&self, place: (u32, u64)) -> bool {
        self.dead.contains_key(&place) || self.redriving.contains(&place)
    }

    /// How much there is to redrive, and on its way.
    pub(super) fn exhausted(&self) -> u64 {
        let dead = self.dead.values().filter(|reason| **reason == Reason::Exhausted).count();
        (dead + self.redriving.len()) as u64
    }

    fn owns(&self, member: &str, generation: u64, partition: u32) -> bool {
        generation == self.generation && self.partitions_of(member).contains(&partition)
    }
}

/// What a command has come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// Position and event of each; `None` where it is too old to be remembered. New ones are marked.
    Published(Vec<Published>),
    OutOfOrder,
    Joined {
        rebalanced: bool,
    },
    Expired {
        rebalanced: bool,
    },
    /// The offsets that moved.
    Committed(Vec<(u32, u64)>),
    /// The dead letters, new or not.
    DeadLettered(Vec<Moved>),
    /// What was taken out of the dead-letter queue, now or before.
    Redriven(Vec<Moved>),
    /// The member does not own the partition in this generation.
    Fenced,
}

/// A dead letter, going into the queue or out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) partition: u32,
    pub(super) offset: u64,
    pub(super) event: Arc<EventData>,
    /// How often it has been dead-lettered.
    pub(super) times: u32,
    /// It moved just now, not before.
    pub(super) new: bool,
}

/// One event of a publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) partition: u32,
    pub(super) offset: Option<u64>,
    pub(super) event: u64,
    pub(super) key: u32,
    /// A hash of what it says.
    pub(super) content: u32,
    /// It was appended just now, not before.
    pub(super) new: bool,
}

/// The state.
#[derive(Debug)]
pub(super) struct State {
    pub(super) partitions: Vec<Partition>,
    producers: BTreeMap<(String, u32), Sequence>,
    /// Events that services made of others: where each stands.
    emitted: BTreeMap<u64, (u32, u64)>,
    pub(super) groups: BTreeMap<String, Group>,
    /// A known mistake: any commit is believed.
    pub(super) commits_anything: bool,
    /// A known mistake: dead letters stay in the queue when they are redriven.
    pub(super) redrive_copies: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            partitions: (0..PARTITIONS).map(|_| Partition::default()).collect(),
            producers: BTreeMap::new(),
            emitted: BTreeMap::new(),
            commits_anything: false,
            redrive_copies: false,
            groups: BTreeMap::new(),
        }
    }
}

impl State {
    /// Applies the next decided command.
    pub(super) fn apply(&mut self, command: &Command) -> Applied {
        match command {
            Command::Publish { producer, batches, at_ms } => {
                self.publish(producer, batches, *at_ms)
            }
            Command::Emit { events, at_ms } => self.emit(events, *at_ms),
            Command::Join { group, member, start } => {
                if !self.groups.contains_key(group) {
                    let starts = self.partitions.iter().map(|partition| partition.start(*start));
                    let committed = (0..).zip(starts).collect();
                    self.groups.insert(group.clone(), Group { committed, ..Group::default() });
                }
                let group = self.groups.entry(group.clone()).or_default();
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
            Command::Commit { group, member, generation, offsets } => {
                let ends: Vec<u64> =
                    self.partitions.iter().map(|partition| partition.events.len() as u64).collect();
                let group = self.groups.entry(group.clone()).or_default();
                let mut moved = Vec::new();
                for (partition, offset) in offsets {
                    if self.commits_anything {
                        group.committed.insert(*partition, *offset);
                        moved.push((*partition, *offset));
                        continue;
                    }
                    if !group.owns(member, *generation, *partition) {
                        return Applied::Fenced;
                    }
                    let end = ends.get(*partition as usize).copied().unwrap_or(0);
                    let committed = group.committed.entry(*partition).or_default();
                    // Never backwards, and never beyond what exists.
                    if offset > committed && *offset <= end {
                        *committed = *offset;
                        moved.push((*partition, *offset));
                    }
                }
                Applied::Committed(moved)
            }
            Command::DeadLetter { group, member, generation, places, reason } => {
                self.dead_letter((group, member, *generation), places, *reason)
            }
            Command::Redrive { group, member, generation, handled, limit } => {
                self.redrive((group, member, *generation), handled, *limit as usize)
            }
        }
    }

    /// How many dead letters a group has.
    pub(super) fn dead_letters(&self, group: &str) -> usize {
        self.groups.get(group).map_or(0, |group| group.dead.len())
    }

    /// When the last of these events of each partition was appended.
    pub(super) fn times(&self, events: &[(u32, u64, EventData)]) -> Vec<(u32, u64)> {
        let last: BTreeMap<u32, u64> = events.iter().map(|(p, offset, _)| (*p, *offset)).collect();
        let time = |(partition, offset): (u32, u64)| {
            let log = self.partitions.get(partition as usize)?;
            Some((partition, *log.times.get(usize::try_from(offset).ok()?)?))
        };
        last.into_iter().filter_map(time).collect()
    }

    /// How many events the groups that have members have not committed.
    pub(super) fn uncommitted(&self) -> u64 {
        let groups = self.groups.values().filter(|group| !group.members.is_empty());
        let behind = groups.flat_map(|group| {
            self.partitions.iter().zip(0..).map(|(log, partition)| {
                let committed = group.committed.get(&partition).copied().unwrap_or(0);
                (log.events.len() as u64).saturating_sub(committed)
            })
        });
        behind.sum()
    }

    fn event(&self, (partition, offset): (u32, u64)) -> Option<Arc<EventData>> {
        let partition = self.partitions.get(partition as usize)?;
        partition.events.get(usize::try_from(offset).ok()?).cloned()
    }

    fn dead_letter(
        &mut self,
        (group, member, generation): (&str, &str, u64),
        places: &[(u32, u64)],
        reason: Reason,
    ) -> Applied {
        let events: Vec<_> = places.iter().map(|place| self.event(*place)).collect();
        let group = self.groups.entry(group.to_owned()).or_default();
        if places.iter().any(|(partition, _)| !group.owns(member, generation, *partition)) {
            return Applied::Fenced;
        }
        let mut moved = Vec::with_capacity(places.len());
        for (place, event) in places.iter().zip(events) {
            let Some(event) = event else { return Applied::Fenced };
            let times = group.times.entry(*place).or_default();
            let new = group.dead.insert(*place, reason).is_none();
            *times += u32::from(new);
            group.redriving.remove(place);
            let (partition, offset) = *place;
            moved.push(Moved { partition, offset, event, times: *times, new });
        }
        Applied::DeadLettered(moved)
    }

    /// What was taken out before and not handled comes first, whoever took it.
    fn redrive(
        &mut self,
        (group, member, generation): (&str, &str, u64),
        handled: &[(u32, u64)],
        limit: usize,
    ) -> Applied {
        let Some(state) = self.groups.get_mut(group) else { return Applied::Fenced };
        if generation != state.generation {
            return Applied::Fenced;
        }
        let mine = state.partitions_of(member);
        for place in handled {
            state.redriving.remove(place);
        }
        let is_mine = |place: &(u32, u64)| mine.contains(&place.0);
        let mut taken: Vec<((u32, u64), bool)> =
            state.redriving.iter().filter(|place| is_mine(place)).map(|p| (*p, false)).collect();
        taken.truncate(limit);
        if taken.is_empty() {
            let dead = state
                .dead
                .iter()
                .filter(|(place, reason)| **reason == Reason::Exhausted && is_mine(place));
            taken = dead.take(limit).map(|(place, _)| (*place, true)).collect();
            if self.redrive_copies {
                taken.iter_mut().for_each(|(_, new)| *new = false);
            }
            for (place, _) in taken.iter().filter(|(_, new)| *new) {
                state.dead.remove(place);
                state.redriving.insert(*place);
            }
        }
        let times: Vec<u32> =
            taken.iter().map(|(place, _)| state.times.get(place).copied().unwrap_or(0)).collect();
        let moved = taken.into_iter().zip(times).filter_map(|((place, new), times)| {
            let (partition, offset) = place;
            Some(Moved { partition, offset, event: self.event(place)?, times, new })
        });
        Applied::Redriven(moved.collect())
    }

    fn emit(&mut self, events: &[(u32, EventData)], at_ms: u64) -> Applied {
        let mut published = Vec::with_capacity(events.len());
        for (partition, event) in events {
            let known = self.emitted.get(&event.id).copied();
            let (at, new) = match known {
                Some(place) => (Some(place), false),
                None => {
                    let log = self.partitions.get_mut(*partition as usize);
                    (log.map(|log| (*partition, log.append(event, at_ms))), true)
                }
            };
            let Some((partition, offset)) = at else { continue };
            self.emitted.insert(event.id, (partition, offset));
            published.push(Published {
                partition,
                offset: Some(offset),
                event: event.id,
                key: event.key,
                content: event.content(),
                new,
            });
        }
        Applied::Published(published)
    }

    /// A known mistake: what producers have sent is forgotten.
    pub(super) fn forget_producers(&mut self) {
        self.producers.clear();
    }

    fn publish(&mut self, producer: &str, batches: &[Batch], at_ms: u64) -> Applied {
        // All or nothing: a gap in one batch refuses them all, so that a retry finds none half done.
        for batch in batches {
            let next = self
                .producers
                .get(&(producer.to_owned(), batch.partition))
                .map_or(0, |sequence| sequence.next);
            if batch.first_sequence > next || batch.partition >= PARTITIONS {
                return Applied::OutOfOrder;
            }
        }
        let mut published = Vec::new();
        for batch in batches {
            let sequence =
                self.producers.entry((producer.to_owned(), batch.partition)).or_default();
            let log = &mut self.partitions[batch.partition as usize];
            for (event, number) in batch.events.iter().zip(batch.first_sequence..) {
                let new = number >= sequence.next;
                let offset = if new {
                    let offset = log.append(event, at_ms);
                    sequence.next = number + 1;
                    sequence.recent.push_back((number, offset));
                    if sequence.recent.len() > REMEMBERED {
                        sequence.recent.pop_front();
                    }
                    Some(offset)
                } else {
                    let found = sequence.recent.iter().find(|(known, _)| *known == number);
                    found.map(|(_, offset)| *offset)
                };
                published.push(Published {
                    partition: batch.partition,
                    offset,
                    event: event.id,
                    key: event.key,
                    content: event.content(),
                    new,
                });
            }
        }
        Applied::Published(published)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(state.partitions[1].events.len(), 3);
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
            group: "g".into(),
            member: "m".into(),
            generation,
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
            assert_eq!(state.groups[&group].committed[&1], expected, "{start:?}");
            // An old group does not move.
            state.apply(&join(&group, "n", Start::Earliest));
            assert_eq!(state.groups[&group].committed[&1], expected);
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
            group: "g".into(),
            member: "m".into(),
            generation: 1,
            places: vec![(1, offset)],
            reason,
        };
        let redrive = |handled: &[(u32, u64)]| Command::Redrive {
            group: "g".into(),
            member: "m".into(),
            generation: 1,
            handled: handled.to_vec(),
            limit: 10,
        };
        let taken = |applied: Applied| match applied {
            Applied::Redriven(moved) => {
                moved.into_iter().map(|moved| (moved.offset, moved.new)).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        state.apply(&dead(0, Reason::Poison));
        state.apply(&dead(1, Reason::Exhausted));
        assert_eq!(taken(state.apply(&redrive(&[]))), [(1, true)]);
        assert_eq!(taken(state.apply(&redrive(&[]))), [(1, false)]);
        assert_eq!(taken(state.apply(&redrive(&[(1, 1)]))), []);
        assert_eq!(state.groups["g"].dead.len(), 1);
        assert_eq!(state.groups["g"].times[&(1, 1)], 1);
    }
}
