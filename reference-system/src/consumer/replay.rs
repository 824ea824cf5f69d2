//! Reading again what a projection has missed, through a consumer group of its own that begins at an offset or
//! at a time of the log.
//!
//! A group begins all its partitions at one offset or time, so it is given events that were taken in before,
//! and passes them over; it ends where the projection has begun to follow.

use super::delivered::tell_delivery;
use crate::{
    client::rotation::Brokers,
    wire::{
        Start,
        broker::{BrokerReply, BrokerRequest},
        events::PlacedEvent,
        groups::Claim,
    },
};
use rand::RngExt as _;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

const REQUEST: Duration = Duration::from_millis(600);

/// The largest number of events in one answer.
const LIMIT: u32 = 64;

/// A member of a group that exists for one replay.
#[derive(Debug)]
pub(super) struct Replay {
    group: Arc<str>,
    member: Arc<str>,
    start: Start,
    /// Under which it is a member; `None` while it is none.
    claim: Option<Claim>,
    /// Next offset of each partition; empty before it was a member.
    positions: BTreeMap<u32, u64>,
    /// Where the replay ends, given the offset with which following has begun.
    to: fn(u64) -> u64,
}

impl Replay {
    pub(super) fn new(member: &str, start: Start, to: fn(u64) -> u64) -> Self {
        // A group that exists would go on where it was.
        let life: u64 = squall_probe::rng("replay").random();
        let group = format!("replay {member} {life:016x}").into();
        Self { group, member: member.into(), start, claim: None, positions: BTreeMap::new(), to }
    }

    /// The next events from `behind` on and before `ends`, or before where the group begins, if that is later;
    /// `None` if there is no answer.
    pub(super) async fn read(
        &mut self,
        brokers: &mut Brokers,
        behind: &mut BTreeMap<u32, u64>,
        ends: &BTreeMap<u32, u64>,
    ) -> Option<Vec<PlacedEvent>> {
        let claim = match &self.claim {
            Some(claim) => claim.clone(),
            None => self.join(brokers, behind, ends).await?,
        };
        let end = |partition: &u32| ends.get(partition).copied().unwrap_or(0);
        let wanted = self.positions.iter().filter(|(p, _)| behind.get(p).copied() < Some(end(p)));
        let request = BrokerRequest::Fetch {
            claim: claim.clone(),
            positions: wanted.map(|(partition, offset)| (*partition, *offset)).collect(),
            commits: Vec::new(),
            limit: LIMIT,
        };
        let events = match brokers.ask("fetch", &request, REQUEST).await {
            Ok(BrokerReply::Events { events, .. }) => events,
            Ok(BrokerReply::Rebalanced) => {
                // It was silent for longer than a session.
                self.claim = None;
                return None;
            }
            Ok(_) | Err(_) => return None,
        };
        let mut missed = events;
        missed.retain(|(partition, offset, _)| match self.positions.get_mut(partition) {
            Some(expected) if expected == offset => {
                *expected += 1;
                true
            }
            _ => false,
        });
        tell_delivery(&claim, &missed);
        missed.retain(|(partition, offset, _)| {
            let known = behind.get(partition).is_some_and(|next| offset < next);
            !known && *offset < (self.to)(end(partition))
        });
        Some(missed)
    }

    async fn join(
        &mut self,
        brokers: &mut Brokers,
        behind: &mut BTreeMap<u32, u64>,
        ends: &BTreeMap<u32, u64>,
    ) -> Option<Claim> {
        let (group, member) = (self.group.clone(), self.member.clone());
        let request =
            BrokerRequest::Join { group: group.clone(), member: member.clone(), start: self.start };
        let Ok(BrokerReply::Joined { generation, partitions }) =
            brokers.ask("group", &request, REQUEST).await
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
        self.claim = Some(Claim { group, member, generation });
        self.claim.clone()
    }

    /// All is read. If nobody hears it, the brokers will find out.
    pub(super) async fn end(self, brokers: &mut Brokers) {
        let leave = BrokerRequest::Leave { group: self.group, member: self.member };
        let _ = brokers.ask("group", &leave, REQUEST).await;
    }
}
