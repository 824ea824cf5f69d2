//! The state machine: topics, producers' sequence numbers, consumer groups. A function of the decided
//! log, so that every replica has the same.

use crate::wire::{Batch, EventData};
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
    },
    /// A member comes.
    Join {
        /// The group.
        group: String,
        /// The member.
        member: String,
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
    /// An event goes to the group's dead-letter queue.
    DeadLetter {
        /// The group.
        group: String,
        /// The member.
        member: String,
        /// Its generation.
        generation: u64,
        /// Where the event stands.
        partition: u32,
        /// Where the event stands.
        offset: u64,
    },
}

/// A partition's log.
#[derive(Debug, Default)]
pub(super) struct Partition {
    pub(super) events: Vec<Arc<EventData>>,
    pub(super) digest: u64,
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
    /// The dead-letter queue: where its events stand in the topic.
    pub(super) dead: Vec<(u32, u64)>,
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
    DeadLettered {
        event: u64,
    },
    /// The member does not own the partition in this generation.
    Fenced,
}

/// One event of a publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Published {
    pub(super) partition: u32,
    pub(super) offset: Option<u64>,
    pub(super) event: u64,
    pub(super) key: u32,
    /// It was appended just now, not before.
    pub(super) new: bool,
}

/// The state.
#[derive(Debug)]
pub(super) struct State {
    pub(super) partitions: Vec<Partition>,
    producers: BTreeMap<(String, u32), Sequence>,
    pub(super) groups: BTreeMap<String, Group>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            partitions: (0..PARTITIONS).map(|_| Partition::default()).collect(),
            producers: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }
}

impl State {
    /// Applies the next decided command.
    pub(super) fn apply(&mut self, command: &Command) -> Applied {
        match command {
            Command::Publish { producer, batches } => self.publish(producer, batches),
            Command::Join { group, member } => {
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
            Command::DeadLetter { group, member, generation, partition, offset } => {
                let event = self
                    .partitions
                    .get(*partition as usize)
                    .and_then(|partition| partition.events.get(usize::try_from(*offset).ok()?))
                    .map(|event| event.id);
                let group = self.groups.entry(group.clone()).or_default();
                match event {
                    Some(event) if group.owns(member, *generation, *partition) => {
                        if !group.dead.contains(&(*partition, *offset)) {
                            group.dead.push((*partition, *offset));
                        }
                        Applied::DeadLettered { event }
                    }
                    _ => Applied::Fenced,
                }
            }
        }
    }

    fn publish(&mut self, producer: &str, batches: &[Batch]) -> Applied {
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
                    let offset = log.events.len() as u64;
                    log.events.push(Arc::new(event.clone()));
                    log.digest = mix(log.digest ^ event.id);
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
            batches: vec![Batch {
                partition: 1,
                first_sequence,
                events: ids.iter().map(event).collect(),
            }],
        }
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
        let join = |member: &str| Command::Join { group: "g".into(), member: member.into() };
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
        state.apply(&Command::Join { group: "g".into(), member: "m".into() });
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
    }
}
