//! Reading again what a projection has missed, through a consumer group of its own that begins at an offset or
//! at a time of the log.
//!
//! A group begins all its partitions at one offset or time, so it is given events that were taken in before,
//! and passes them over; it ends where the projection has begun to follow.

use super::member::tell_delivery;
use crate::{
    client::Brokers,
    wire::{BrokerReply, BrokerRequest, EventData, Start},
};
use rand::RngExt as _;
use std::{collections::BTreeMap, time::Duration};

const REQUEST: Duration = Duration::from_millis(600);

/// Events in one answer.
const LIMIT: u32 = 64;

/// A member of a group that exists for one replay.
#[derive(Debug)]
pub(super) struct Replay {
    group: String,
    member: String,
    start: Start,
    /// While it is a member.
    generation: Option<u64>,
    /// Next offset of each partition; empty before it was a member.
    positions: BTreeMap<u32, u64>,
    /// A known mistake: the event with which following begins is replayed too.
    ends_late: bool,
}

impl Replay {
    pub(super) fn new(member: &str, start: Start, ends_late: bool) -> Self {
        // A group that exists would go on where it was.
        let life: u64 = squall_probe::rng("replay").random();
        let (group, member) = (format!("replay {member} {life:016x}"), member.to_owned());
        Self { group, member, start, generation: None, positions: BTreeMap::new(), ends_late }
    }

    /// The next events from `behind` on and before `ends`, or before where the group begins, if that is later;
    /// `None` if there is no answer.
    pub(super) async fn read(
        &mut self,
        brokers: &mut Brokers,
        behind: &mut BTreeMap<u32, u64>,
        ends: &BTreeMap<u32, u64>,
    ) -> Option<Vec<(u32, u64, EventData)>> {
        let generation = match self.generation {
            Some(generation) => generation,
            None => self.join(brokers, behind, ends).await?,
        };
        let end = |partition: &u32| ends.get(partition).copied().unwrap_or(0);
        let wanted = self.positions.iter().filter(|(p, _)| behind.get(p).copied() < Some(end(p)));
        let request = BrokerRequest::Fetch {
            group: self.group.clone(),
            member: self.member.clone(),
            generation,
            positions: wanted.map(|(partition, offset)| (*partition, *offset)).collect(),
            commits: Vec::new(),
            limit: LIMIT,
        };
        let events = match brokers.ask("fetch", request, REQUEST).await {
            Ok(BrokerReply::Events { events, .. }) => events,
            Ok(BrokerReply::Rebalanced) => {
                // It was silent for too long.
                self.generation = None;
                return None;
            }
            Ok(_) | Err(_) => return None,
        };
        let mut missed = Vec::new();
        for (partition, offset, event) in events {
            let Some(position) = self.positions.get_mut(&partition) else { continue };
            if *position != offset {
                continue;
            }
            *position += 1;
            tell_delivery(&self.group, generation, partition, offset, &event);
            let known = behind.get(&partition).is_some_and(|next| offset < *next);
            if !known && offset < end(&partition) + u64::from(self.ends_late) {
                missed.push((partition, offset, event));
            }
        }
        Some(missed)
    }

    async fn join(
        &mut self,
        brokers: &mut Brokers,
        behind: &mut BTreeMap<u32, u64>,
        ends: &BTreeMap<u32, u64>,
    ) -> Option<u64> {
        let (group, member) = (self.group.clone(), self.member.clone());
        let request = BrokerRequest::Join { group, member, start: self.start };
        let Ok(BrokerReply::Joined { generation, partitions }) =
            brokers.ask("group", request, REQUEST).await
        else {
            return None;
        };
        if self.positions.is_empty() {
            self.positions = partitions.into_iter().collect();
            for (partition, next) in behind.iter_mut() {
                let end = ends.get(partition).copied().unwrap_or(0);
                let begin = self.positions.get(partition).copied().unwrap_or(0);
                // What lies before the group's begin is said to have been taken in.
                *next = begin.min(end).max(*next);
            }
        }
        self.generation = Some(generation);
        Some(generation)
    }

    /// All is read. If nobody hears it, the brokers will find out.
    pub(super) async fn end(self, brokers: &mut Brokers) {
        let leave = BrokerRequest::Leave { group: self.group, member: self.member };
        let _ = brokers.ask("group", leave, REQUEST).await;
    }
}
