//! The one task that owns the consensus protocol and the state machine.
//!
//! A turn: take what has come in, let the protocol think, make its log durable, and only then let
//! anything leave: messages to peers, answers to clients.

use super::{
    config::BrokerConfig,
    fetches::{self, Fetches},
    input::Input,
    link::Link,
    pending::{Pending, Waiting},
    policy::BrokerPolicy,
    records,
    recover::Known,
    replication::Replication,
    sessions::Sessions,
    state::{
        State,
        applied::{Applied, Published},
        group::Group,
    },
};
use crate::{
    Error,
    calls::Caller,
    domain::MAX_PAYLOAD,
    metrics::Metrics,
    wire::{
        broker::{BrokerReply, BrokerRequest},
        events::{Batch, Place},
        log::Command,
        peers::Copied,
    },
};
use omnipaxos::ballot_leader_election::Ballot;
use squall_probe::{
    EventId, Position, What, point, record,
    time::{Instant, MissedTickBehavior, interval},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc::Receiver;

/// The protocol's clock.
const TICK: Duration = Duration::from_millis(50);

/// The largest number of inputs handled in one turn.
const TURN: usize = 256;

/// The broker.
pub(super) struct Core {
    me: u64,
    replication: Replication,
    state: State,
    pending: Pending,
    fetches: Fetches,
    sessions: Sessions,
    /// The term in which I lead.
    leading: Option<u64>,
    /// Peers that want a copy of the log, once all of it is durable.
    copies: Vec<Caller>,
    policy: BrokerPolicy,
    metrics: Metrics,
}

impl Core {
    pub(super) fn open(config: &BrokerConfig) -> Result<Self, Error> {
        let replication = Replication::open(config)?;
        Ok(Self {
            me: config.id,
            replication,
            state: State::new(config.policy.groups),
            pending: Pending::default(),
            fetches: Fetches::default(),
            sessions: Sessions::default(),
            leading: None,
            copies: Vec::new(),
            policy: config.policy,
            metrics: config.metrics.clone(),
        })
    }

    /// From now on messages to this peer go over this link.
    pub(super) fn connect(&mut self, peer: u64, link: Link) {
        self.replication.connect(peer, link);
    }

    /// Says which promises it knows of, as a broker that has been there before: from here on it keeps them.
    pub(super) fn rejoin(&self) {
        record(What::Vote { term: self.replication.term() });
    }

    /// All that is known of the log.
    pub(super) fn copied(&self) -> Copied {
        self.replication.copied()
    }

    /// What can be told of others.
    pub(super) fn known(&self) -> Known {
        let log = self.replication.log().lock();
        Known { log: None, heard: log.heard().clone(), promise: log.promise() }
    }

    /// Promises to follow this ballot, if it is newer than what was promised.
    pub(super) fn promising(
        self,
        config: &BrokerConfig,
        to: Option<Ballot>,
    ) -> Result<Self, Error> {
        if !self.replication.log().lock().promise_newer(to)? {
            return Ok(self);
        }
        // The protocol reads its promise when it is made.
        drop(self);
        Self::open(config)
    }

    /// The log is known to be older than it should be.
    pub(super) fn is_old(&self) -> bool {
        self.replication.log().lock().is_old()
    }

    /// Remembers that the log is older than it should be.
    pub(super) fn found_old(&self) -> Result<(), Error> {
        Ok(self.replication.log().lock().found_old()?)
    }

    /// How often the log had been synced when it was opened.
    pub(super) fn found_age(&self) -> u64 {
        self.replication.log().lock().found_age()
    }

    /// Takes turns until the disk fails or the broker is asked to stop.
    pub(super) async fn run(mut self, mut inputs: Receiver<Input>) -> Result<(), Error> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut turn = Vec::with_capacity(TURN);
        let stop = squall_probe::stop_asked();
        tokio::pin!(stop);
        loop {
            let ticked = tokio::select! {
                biased;
                count = inputs.recv_many(&mut turn, TURN) => {
                    if count == 0 {
                        return Err("the broker's inputs are closed".into());
                    }
                    false
                }
                _ = ticks.tick() => true,
                // What was acknowledged is on disk, and what was not its sender will ask again.
                () = &mut stop => return Ok(()),
            };
            self.turn(&mut turn, ticked).await?;
        }
    }

    async fn turn(&mut self, inputs: &mut Vec<Input>, ticked: bool) -> Result<(), Error> {
        let proposals = self.replication.proposals();
        for input in inputs.drain(..) {
            self.take(input)?;
        }
        if ticked {
            self.tick();
        }
        self.replication.flush()?;
        self.hand_out_copies();
        if self.replication.proposals() > proposals {
            point("broker.appended").await;
        }
        if self.replication.send() {
            point("broker.promised").await;
        }
        (self.policy.answered_undecided)(&mut self.pending);
        self.apply_decided().await;
        self.watch_leadership();
        let Self { replication, state, policy, .. } = self;
        let progress = replication.progress();
        self.fetches.serve(state, replication.log(), progress, policy.beyond_commit);
        Ok(())
    }

    fn take(&mut self, input: Input) -> Result<(), Error> {
        match input {
            Input::LinkUp(peer) => self.replication.make_up(peer),
            Input::Peer { from, connection, message } => {
                self.replication.hear(from, connection, message)?;
            }
            Input::Request { request, caller, connection } => {
                self.request(request, caller, connection);
            }
        }
        Ok(())
    }

    fn tick(&mut self) {
        let now = Instant::now();
        self.replication.tick(now);
        self.pending.forget_old(now);
        if self.leading.is_some() {
            for (group, member) in self.sessions.expired(&self.state.groups, now) {
                self.propose(Command::Expire { group, member }, None);
            }
        }
    }

    fn propose(&mut self, command: Command, waiting: Option<Waiting>) {
        if let (Some(number), Some(waiting)) = (self.replication.propose(command), waiting) {
            self.pending.add(number, waiting);
        }
    }

    fn request(&mut self, request: BrokerRequest, caller: Caller, connection: u64) {
        match request {
            // Any broker answers these.
            BrokerRequest::Describe => caller.answer("describe", self.described()),
            BrokerRequest::Copy => self.copies.push(caller),
            BrokerRequest::Heard { by } => {
                self.replication.begins_anew(by, connection);
                caller.answer("copy", self.known().told_to(by));
            }
            BrokerRequest::Health => {
                let healthy = self.replication.leader().is_some();
                caller.answer("describe", BrokerReply::Healthy(healthy));
            }
            BrokerRequest::Read { positions, limit } => {
                caller.answer("deliver", fetches::read(&self.state, positions, limit));
            }
            request if self.replication.leads() => self.lead(request, caller),
            request => {
                let publishes =
                    matches!(request, BrokerRequest::Publish { .. } | BrokerRequest::Emit { .. });
                let kind = if publishes { "publish_ack" } else { "group_ack" };
                let leader = self.replication.leader().filter(|leader| *leader != self.me);
                caller.answer(kind, BrokerReply::NotLeader(leader));
            }
        }
    }

    /// What only the leader does.
    fn lead(&mut self, request: BrokerRequest, caller: Caller) {
        match request {
            BrokerRequest::Publish { producer, batches } => self.publish(producer, batches, caller),
            BrokerRequest::Emit { events } => {
                let command = Command::Emit { events, at_ms: now_ms() };
                self.propose(command, Some(Waiting::Emit { caller }));
            }
            BrokerRequest::Join { group, member, start } => {
                self.sessions.heard(&group, &member);
                match self.joined(&group, &member) {
                    Some(joined) => caller.answer("group_ack", joined),
                    None => {
                        let waiting =
                            Waiting::Join { caller, group: group.clone(), member: member.clone() };
                        self.propose(Command::Join { group, member, start }, Some(waiting));
                    }
                }
            }
            BrokerRequest::Fetch { claim, positions, commits, limit } => {
                self.sessions.heard(&claim.group, &claim.member);
                if !commits.is_empty() {
                    self.propose(Command::Commit { claim: claim.clone(), offsets: commits }, None);
                }
                self.fetches.add(caller, claim, positions, limit);
            }
            BrokerRequest::Leave { group, member } => {
                self.propose(Command::Expire { group, member }, Some(Waiting::Group { caller }));
            }
            BrokerRequest::DeadLetter { claim, letters, reason } => {
                self.sessions.heard(&claim.group, &claim.member);
                let command = Command::DeadLetter { claim, letters, reason };
                self.propose(command, Some(Waiting::Group { caller }));
            }
            BrokerRequest::Redrive { claim, handled, limit } => {
                // Asking is a proposal: only if there is something in the queue.
                let group = self.state.groups.get(&claim.group);
                if group.is_none_or(|group| group.exhausted() == 0) {
                    return caller.answer("group_ack", BrokerReply::Redriven(Vec::new()));
                }
                let command = Command::Redrive { claim, handled, limit };
                self.propose(command, Some(Waiting::Group { caller }));
            }
            BrokerRequest::Copy
            | BrokerRequest::Heard { .. }
            | BrokerRequest::Health
            | BrokerRequest::Read { .. }
            | BrokerRequest::Describe => unreachable!("any broker answers these"),
        }
    }

    fn publish(&mut self, producer: Arc<str>, batches: Vec<Batch>, caller: Caller) {
        let mut events = batches.iter().flat_map(|batch| &batch.events);
        if events.any(|event| event.payload.len() > MAX_PAYLOAD) {
            let reason = format!("a payload is larger than {MAX_PAYLOAD} bytes");
            self.metrics.failed();
            return caller.answer("publish_ack", BrokerReply::Refused(reason));
        }
        let command = Command::Publish { producer, batches, at_ms: now_ms() };
        self.propose(command, Some(Waiting::Publish { caller }));
    }

    fn described(&self) -> BrokerReply {
        let partitions = (0..).zip(&self.state.partitions);
        BrokerReply::Described {
            partitions: partitions.map(|(p, log)| (p, log.end(), log.digest())).collect(),
            leader: self.leading.is_some(),
            exhausted: self.state.groups.values().map(Group::exhausted).sum(),
            uncommitted: self.state.uncommitted(),
        }
    }

    fn joined(&self, group: &str, member: &str) -> Option<BrokerReply> {
        let group = self.state.groups.get(group)?;
        group.members.contains(member).then(|| BrokerReply::Joined {
            generation: group.generation,
            partitions: group
                .partitions_of(member)
                .map(|partition| (partition, group.committed(partition)))
                .collect(),
        })
    }

    fn hand_out_copies(&mut self) {
        for caller in std::mem::take(&mut self.copies) {
            caller.answer("copy", BrokerReply::Copied(Box::new(self.replication.copied())));
        }
    }

    async fn apply_decided(&mut self) {
        let (before, entries) = self.replication.take_decided();
        let recovering = before == 0 && !entries.is_empty();
        let (term, leads) = (self.replication.term(), self.leading.is_some());
        for (entry, number) in entries.iter().zip(before as u64 + 1..) {
            let command = &entry.0.command;
            let applied = self.state.apply(command);
            let waiting = self.replication.mine(entry).and_then(|mine| self.pending.take(mine));
            self.count(command, &applied);
            records::tell(number, command, &applied, term, leads);
            if let Some(waiting) = waiting {
                self.answer(waiting, applied).await;
            }
        }
        if !entries.is_empty() {
            // By every replica, and whether or not anybody fetches: a group that is gone has lag all the same.
            for (name, group) in &self.state.groups {
                self.metrics.lag(name, self.state.uncommitted_by(group));
            }
        }
        if recovering {
            (self.policy.forgotten)(&mut self.state);
        }
    }

    fn count(&self, command: &Command, applied: &Applied) {
        if let Applied::Published(published) = applied {
            self.metrics.handled(published.iter().filter(|event| event.new).count());
        }
        if let Command::DeadLetter { claim, .. } | Command::Redrive { claim, .. } = command {
            self.metrics.dead_letters(&claim.group, self.state.dead_letters(&claim.group));
        }
    }

    /// Tells whoever has waited for a command what came of it.
    async fn answer(&mut self, waiting: Waiting, applied: Applied) {
        match (waiting, applied) {
            (Waiting::Publish { caller }, Applied::Published(published)) => {
                point("broker.acknowledging").await;
                let term = self.replication.term();
                for Published { partition, offset, event, .. } in &published {
                    let position = offset.map(|offset| Position::new(*partition, offset));
                    record(What::Acknowledge { event: EventId(*event), position, term });
                }
                let place = |event: &Published| Some((event.partition, event.offset?));
                let places: Option<Vec<Place>> = published.iter().map(place).collect();
                // No places are told if one of them is too old to be known.
                caller.answer("publish_ack", BrokerReply::Published(places.unwrap_or_default()));
            }
            (Waiting::Emit { caller }, Applied::Published(_)) => {
                caller.answer("publish_ack", BrokerReply::Published(Vec::new()));
            }
            (Waiting::Publish { caller }, Applied::OutOfOrder) => {
                caller.answer("publish_ack", BrokerReply::OutOfOrder);
            }
            (Waiting::Join { caller, group, member }, _) => {
                if let Some(joined) = self.joined(&group, &member) {
                    caller.answer("group_ack", joined);
                }
            }
            (Waiting::Group { caller }, applied) => {
                let reply = match applied {
                    Applied::DeadLettered(_) => BrokerReply::DeadLettered,
                    Applied::Redriven(moved) => {
                        let letters = moved.into_iter().map(|letter| {
                            let (partition, offset) = letter.place;
                            ((partition, offset, letter.event), letter.times)
                        });
                        BrokerReply::Redriven(letters.collect())
                    }
                    Applied::Expired { .. } => BrokerReply::Left,
                    _ => BrokerReply::Rebalanced,
                };
                caller.answer("group_ack", reply);
            }
            _ => {}
        }
    }

    fn watch_leadership(&mut self) {
        let leading = self.replication.leads().then(|| self.replication.term());
        if leading == self.leading {
            return;
        }
        if let Some(term) = self.leading {
            record(What::StepDown { term });
            self.pending.clear();
            self.fetches.dismiss();
        }
        if let Some(term) = leading {
            record(What::Lead { term });
            self.sessions.clear();
        }
        self.leading = leading;
        self.metrics.leading(leading.is_some());
    }
}

/// The time by this node's clock, in milliseconds since the Unix epoch.
fn now_ms() -> u64 {
    let now = squall_probe::clock::since_epoch().as_millis();
    u64::try_from(now).expect("the clock is not set to half a billion years from now")
}

#[cfg(test)]
mod tests;
