//! A member of a consumer group: fetches, handles, commits.
//!
//! Delivery is at least once; that an effect happens once is the store's doing, which applies and marks
//! in one transaction and refuses members of an older generation, and the gateway's, which knows its payments
//! by their keys.

use super::{
    delivered::{Delivered, tell_delivery},
    landing::Rejoin,
    membership::{IN_FLIGHT, Membership, REQUEST, Stage},
    services,
};
use crate::{
    domain::Message,
    wire::{
        Start,
        broker::{BrokerReply, BrokerRequest},
        events::{Place, PlacedEvent},
        groups::{Buried, Letter, Reason},
    },
};
use squall_probe::time::Instant;
use squall_probe::{What, name, point, record, reserve, signal};
use std::{collections::BTreeMap, time::Duration};

/// What events in flight wait in, as records call it.
pub const IN_FLIGHT_BUFFER: &str = "events in flight";

/// How often dead letters that can be handled again are asked for.
const REDRIVE: Duration = Duration::from_millis(700);

/// The largest number of redrives in a row: events that were never given up wait meanwhile.
const REDRIVES: u32 = 4;

/// A member of one service's group.
pub(super) struct Member {
    membership: Membership,
    /// The next offset to fetch of each partition that is mine.
    positions: BTreeMap<u32, u64>,
    /// When dead letters were last asked for.
    redriven: Instant,
}

impl Member {
    pub(super) fn new(membership: Membership) -> Self {
        Self { membership, positions: BTreeMap::new(), redriven: Instant::now() }
    }

    /// Handles events until it is asked to stop; then it commits what is done, and leaves the group.
    pub(super) async fn run(mut self) {
        let stop = squall_probe::stop_asked();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = self.join() => {}
            }
            loop {
                let turn = tokio::select! {
                    biased;
                    () = &mut stop => {
                        self.leave().await;
                        return;
                    }
                    turn = self.turn() => turn,
                };
                if turn.is_err() {
                    break;
                }
            }
            signal("rejoined");
        }
    }

    async fn leave(&mut self) {
        let commits = self.take_commits();
        let Membership { claim, brokers, .. } = &mut self.membership;
        let commit =
            BrokerRequest::Fetch { claim: claim.clone(), positions: Vec::new(), commits, limit: 0 };
        let _ = brokers.ask("fetch", &commit, REQUEST).await;
        let (group, member) = (claim.group.clone(), claim.member.clone());
        let _ = brokers.ask("group", &BrokerRequest::Leave { group, member }, REQUEST).await;
    }

    fn take_commits(&mut self) -> Vec<Place> {
        std::mem::take(&mut self.membership.commits).into_iter().collect()
    }

    /// Becomes a member, and makes sure that nobody who owned these partitions before still acts.
    async fn join(&mut self) {
        let claim = &self.membership.claim;
        let (group, member) = (claim.group.clone(), claim.member.clone());
        let request = BrokerRequest::Join { group, member, start: Start::Earliest };
        loop {
            let answer = self.membership.brokers.ask("group", &request, REQUEST).await;
            if let Ok(BrokerReply::Joined { generation, partitions }) = answer {
                self.membership.claim.generation = generation;
                self.positions = partitions.into_iter().collect();
                self.membership.commits.clear();
                let partitions = self.positions.keys().copied().collect();
                if self.membership.store().fence(partitions).await {
                    self.membership.retries.reset();
                    return;
                }
            }
            self.membership.retries.wait().await;
        }
    }

    /// One fetch and what comes of it.
    async fn turn(&mut self) -> Result<(), Rejoin> {
        self.redrive().await?;
        let commits = self.take_commits();
        if !commits.is_empty() {
            point("consumer.committing").await;
        }
        let positions = self.positions.iter().map(|(p, o)| (*p, *o)).collect();
        let fetch = self.membership.fetch(positions, commits, self.membership.policy.in_flight);
        match self.membership.brokers.ask("fetch", &fetch, REQUEST).await {
            Ok(BrokerReply::Events { events, lag, buried, uncommitted, .. }) => {
                self.membership.retries.reset();
                if events.is_empty() && uncommitted {
                    // A leader that was replaced took the commit with it.
                    self.membership.reached(Stage::Applied, &self.positions).await;
                }
                self.handle(events, lag, &buried).await
            }
            Ok(BrokerReply::Rebalanced) => Err(Rejoin),
            Ok(_) | Err(_) => {
                self.membership.retries.wait().await;
                // The commit may be lost with the request; what was done again is found done.
                Err(Rejoin)
            }
        }
    }

    /// Handles what was fetched. `lag` is the number of events behind it; `buried` says which of it was given up before.
    async fn handle(
        &mut self,
        events: Vec<PlacedEvent>,
        lag: u64,
        buried: &[Buried],
    ) -> Result<(), Rejoin> {
        let (fresh, next) = self.fresh(events);
        if fresh.is_empty() {
            return Ok(());
        }
        let member = &mut self.membership;
        let _memory = reserve(fresh.iter().map(|(_, _, event)| event.payload.len()).sum());
        record(What::Buffered { buffer: name(IN_FLIGHT_BUFFER), amount: fresh.len() as u64 });
        member.retries.metrics.lag(&member.claim.group, lag + fresh.len() as u64);
        if lag > 0 && fresh.len() >= IN_FLIGHT as usize {
            signal("backpressured");
        }
        tell_delivery(&member.claim, &fresh);
        member.reached(Stage::Delivered, &next).await;
        point("consumer.delivered").await;
        let mut messages = Vec::with_capacity(fresh.len());
        let mut poison = Vec::new();
        for (partition, offset, event) in fresh {
            let place = (partition, offset);
            let known = buried.iter().find(|buried| buried.letter.0 == place);
            if known.is_some_and(|buried| buried.waits) {
                // It was given up before, and the commit got lost: the dead-letter queue sees to it.
                continue;
            }
            let buried = known.map_or(0, |buried| buried.letter.1);
            match Message::decode(&event.payload) {
                Some(message) => {
                    messages.push(Delivered { partition, offset, buried, event, message });
                }
                None => poison.push((place, buried)),
            }
        }
        if !poison.is_empty() {
            member.reached(Stage::PoisonFound, &next).await;
            member.dead_letter(poison, Reason::Poison).await?;
        }
        services::act(member, messages, lag, &next).await?;
        point("consumer.effect_applied").await;
        member.reached(Stage::Applied, &next).await;
        // What was in hand is done.
        member.retries.metrics.lag(&member.claim.group, lag);
        self.positions = next;
        Ok(())
    }

    /// The events that come next, and the positions behind them. A message that comes late or twice may bring what is
    /// already behind us.
    fn fresh(&self, events: Vec<PlacedEvent>) -> (Vec<PlacedEvent>, BTreeMap<u32, u64>) {
        let mut next = self.positions.clone();
        let mut fresh = events;
        fresh.retain(|(partition, offset, _)| match next.get_mut(partition) {
            Some(expected) if expected == offset => {
                *expected += 1;
                true
            }
            _ => false,
        });
        (fresh, next)
    }

    /// Handles again what calls were exhausted for, once the gateway seems well.
    async fn redrive(&mut self) -> Result<(), Rejoin> {
        let member = &mut self.membership;
        if !member.service.calls_gateway()
            || self.redriven.elapsed() < REDRIVE
            || !member.bank.lock().await.may_call()
        {
            return Ok(());
        }
        self.redriven = Instant::now();
        let mut handled = Vec::new();
        for _ in 0..REDRIVES {
            let request = BrokerRequest::Redrive {
                claim: member.claim.clone(),
                handled: std::mem::take(&mut handled),
                limit: IN_FLIGHT,
            };
            let events = match member.brokers.ask("group", &request, REQUEST).await {
                Ok(BrokerReply::Redriven(events)) if events.is_empty() => return Ok(()),
                Ok(BrokerReply::Redriven(events)) => events,
                Ok(BrokerReply::Rebalanced) => return Err(Rejoin),
                // Later.
                Ok(_) | Err(_) => return Ok(()),
            };
            let letters: Vec<Letter> =
                events.iter().map(|((p, o, _), buried)| ((*p, *o), *buried)).collect();
            let messages: Vec<Delivered> = events
                .into_iter()
                .filter_map(|((partition, offset, event), buried)| {
                    let message = Message::decode(&event.payload)?;
                    Some(Delivered { partition, offset, buried, event, message })
                })
                .collect();
            services::act(member, messages, 0, &self.positions).await?;
            handled = letters;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
