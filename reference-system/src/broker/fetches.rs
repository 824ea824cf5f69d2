//! Reading: what consumers are given, at once or when there is something.

use super::{log::SharedLog, policy::BeyondCommit, state::State};
use crate::{
    calls::Caller,
    wire::{
        broker::BrokerReply,
        events::{Place, PlacedEvent},
        groups::Claim,
    },
};
use squall_probe::time::Instant;
use std::time::Duration;

/// How long a fetch without events waits for one.
const LONG_POLL: Duration = Duration::from_millis(250);

/// How far a replica is: entries applied to its state, and entries in its log. While both stand still, a fetch that
/// waits has nothing new to find.
pub(super) type Progress = (usize, usize);

#[derive(Debug)]
struct Fetch {
    caller: Caller,
    claim: Claim,
    /// In order, each partition once.
    positions: Vec<Place>,
    limit: u32,
    until: Instant,
    /// When it was last looked after.
    looked: Option<Progress>,
}

/// Fetches that wait.
#[derive(Debug, Default)]
pub(super) struct Fetches(Vec<Fetch>);

impl Fetches {
    pub(super) fn add(
        &mut self,
        caller: Caller,
        claim: Claim,
        mut positions: Vec<Place>,
        limit: u32,
    ) {
        positions.sort_unstable();
        positions.dedup();
        let until = Instant::now() + LONG_POLL;
        self.0.push(Fetch { caller, claim, positions, limit, until, looked: None });
    }

    /// Sends all who wait elsewhere.
    pub(super) fn dismiss(&mut self) {
        for fetch in self.0.drain(..) {
            fetch.caller.answer("deliver", BrokerReply::NotLeader(None));
        }
    }

    /// Answers those for whom there is something, or who have waited long enough.
    pub(super) fn serve(
        &mut self,
        state: &State,
        log: &SharedLog,
        progress: Progress,
        beyond_commit: BeyondCommit,
    ) {
        let now = Instant::now();
        self.0.retain_mut(|fetch| {
            if fetch.caller.is_gone() {
                return false;
            }
            if fetch.looked == Some(progress) && now < fetch.until {
                return true;
            }
            fetch.looked = Some(progress);
            let group = state.groups.get(&fetch.claim.group);
            let Some(group) = group.filter(|group| group.generation == fetch.claim.generation)
            else {
                fetch.caller.answer("deliver", BrokerReply::Rebalanced);
                return false;
            };
            let (mut events, lag) = events_for(state, &fetch.positions, fetch.limit);
            if events.is_empty() {
                events = beyond_commit(state, log, progress.0, &fetch.positions);
            }
            if events.is_empty() && now < fetch.until && fetch.limit > 0 {
                return true;
            }
            let places = events.iter().map(|(partition, offset, _)| (*partition, *offset));
            let buried = places.filter_map(|place| group.buried(place)).collect();
            let behind = |(partition, next): &Place| group.committed(*partition) < *next;
            let uncommitted = fetch.positions.iter().any(behind);
            let reply = BrokerReply::Events { events, lag, buried, uncommitted, times: Vec::new() };
            fetch.caller.answer("deliver", reply);
            false
        });
    }
}

/// Answers a read without a group.
pub(super) fn read(state: &State, mut positions: Vec<Place>, limit: u32) -> BrokerReply {
    positions.sort_unstable();
    positions.dedup();
    let (events, lag) = events_for(state, &positions, limit);
    let times = state.times(&events);
    BrokerReply::Events { events, lag, buried: Vec::new(), uncommitted: false, times }
}

/// Committed events from the wanted positions on, evenly from all partitions, up to the limit; and how many lie
/// behind them.
fn events_for(state: &State, positions: &[Place], limit: u32) -> (Vec<PlacedEvent>, u64) {
    let share = (limit as usize / positions.len().max(1)).max(1);
    let mut lag = 0;
    let mut events = Vec::new();
    if limit == 0 {
        return (events, lag);
    }
    for (partition, from) in positions.iter().copied() {
        let Some(rest) = state.events_from((partition, from)) else { continue };
        let taken = rest.len().min(share);
        lag += (rest.len() - taken) as u64;
        let places = (from..).zip(&rest[..taken]);
        events.extend(places.map(|(offset, event)| (partition, offset, event.clone())));
    }
    (events, lag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{EventData, events::Batch, log::Command};

    fn state(events: u64) -> State {
        let mut state = State::default();
        for partition in 0..2 {
            let event = |id| EventData { id, key: partition, payload: bytes::Bytes::new() };
            let events = (0..events).map(event).collect();
            let batches = vec![Batch { partition, first_sequence: 0, events }];
            state.apply(&Command::Publish { producer: "p".into(), batches, at_ms: 0 });
        }
        state
    }

    fn places(state: &State, positions: &[Place], limit: u32) -> (Vec<Place>, u64) {
        let (events, lag) = events_for(state, positions, limit);
        (events.iter().map(|(partition, offset, _)| (*partition, *offset)).collect(), lag)
    }

    #[test]
    fn partitions_share_the_limit_and_what_lies_behind_is_counted() {
        let state = state(5);
        let (found, lag) = places(&state, &[(0, 0), (1, 3)], 4);
        assert_eq!(found, [(0, 0), (0, 1), (1, 3), (1, 4)]);
        assert_eq!(lag, 3);
    }

    #[test]
    fn nothing_is_given_beyond_the_end_or_without_a_limit() {
        let state = state(2);
        assert_eq!(places(&state, &[(0, 2), (1, 9), (77, 0)], 4), (vec![], 0));
        assert_eq!(places(&state, &[(0, 0)], 0), (vec![], 0));
    }

    #[test]
    fn even_a_limit_below_the_number_of_partitions_lets_each_go_on() {
        let (found, _) = places(&state(3), &[(0, 0), (1, 0)], 1);
        assert_eq!(found, [(0, 0), (1, 0)]);
    }
}
