//! The one task that owns the consensus protocol and the state machine.
//!
//! A turn: take what has come in, let the protocol think, make its log durable, and only then let
//! anything leave: messages to peers, answers to clients.

use super::{
    BrokerConfig, Command, Entry, Proposal,
    link::Link,
    log::{LogStore, SharedLog},
    serve::Caller,
    state::{Applied, Group, Published, State},
};
use crate::{
    Error,
    defects::Defects,
    domain::{GROUPS, MAX_PAYLOAD},
    metrics::Metrics,
    wire::{BrokerReply, BrokerRequest, EventData, PeerMessage},
};
use omnipaxos::{
    ClusterConfig, OmniPaxos, OmniPaxosConfig, ServerConfig,
    ballot_leader_election::Ballot,
    messages::{
        Message,
        sequence_paxos::{PaxosMessage, PaxosMsg},
    },
};
use rand::RngExt as _;
use squall_probe::{EventId, Position, What, name, point, record, signal};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    time::{Instant, MissedTickBehavior, interval},
};

/// The protocol's clock.
const TICK: Duration = Duration::from_millis(50);
/// Ticks of one election round; a leader that is silent for two is replaced.
const ELECTION_TICKS: u64 = 5;
/// How long a fetch without events waits for one.
const LONG_POLL: Duration = Duration::from_millis(250);
/// A member that was silent for so long has left.
const SESSION: Duration = Duration::from_millis(1500);
/// A proposal without an outcome is forgotten after this; its client has long asked again.
const PROPOSAL: Duration = Duration::from_secs(5);
/// A known mistake: after so long without its quorum a leader acknowledges alone.
const STALE: Duration = Duration::from_millis(250);
/// A follower whose log has not moved for so long, while its leader's has, asks again.
const STUCK: Duration = Duration::from_secs(1);
/// Inputs handled in one turn.
const TURN: usize = 256;

/// What comes in.
#[derive(Debug)]
pub(super) enum Input {
    Peer { from: u64, connection: u64, message: PeerMessage },
    LinkUp(u64),
    Request { request: BrokerRequest, caller: Caller },
}

#[derive(Debug)]
enum Waiting {
    Publish {
        caller: Caller,
    },
    Emit {
        caller: Caller,
    },
    Join {
        caller: Caller,
        group: String,
        member: String,
    },
    /// A change of a group, of which its caller is told what came of it.
    Group {
        caller: Caller,
    },
    Nobody,
}

#[derive(Debug)]
struct Fetch {
    caller: Caller,
    group: String,
    generation: u64,
    positions: Vec<(u32, u64)>,
    limit: u32,
    until: Instant,
}

/// The broker.
pub(super) struct Core {
    me: u64,
    consensus: OmniPaxos<Entry, SharedLog>,
    log: SharedLog,
    state: State,
    applied: usize,
    inputs: Sender<Input>,
    links: BTreeMap<u64, Link>,
    /// The newest connection of each peer; what an older one still brings is void.
    connections: BTreeMap<u64, u64>,
    /// Who I am as a proposer, in this life.
    proposer: u64,
    proposals: u64,
    waiting: BTreeMap<u64, (Waiting, Instant)>,
    /// Publishes proposed in this turn, for a known mistake: numbers and events.
    early: Vec<(Caller, Vec<u64>)>,
    fetches: Vec<Fetch>,
    /// When each member was last heard of; only the leader's counts.
    heard: BTreeMap<(String, String), Instant>,
    leading: Option<u64>,
    moved: Instant,
    /// Peers that want a copy of the log, once all of it is durable.
    copies: Vec<Caller>,
    defects: Defects,
    metrics: Metrics,
}

impl Core {
    pub(super) fn open(config: &BrokerConfig) -> Result<(Self, Receiver<Input>), Error> {
        let log = LogStore::open(&config.data, &config.defects)?;
        let log = SharedLog::new(log);
        record(What::Rebuild);
        let consensus = OmniPaxosConfig {
            cluster_config: ClusterConfig {
                configuration_id: 1,
                nodes: (1..=config.brokers.len() as u64).collect(),
                flexible_quorum: None,
            },
            server_config: ServerConfig {
                pid: config.id,
                election_tick_timeout: ELECTION_TICKS,
                resend_message_tick_timeout: 10,
                ..ServerConfig::default()
            },
        }
        .build(log.clone())
        .map_err(|error| format!("the cluster's configuration is wrong: {error}"))?;
        let (inputs, receiver) = channel(4096);
        let links = config
            .brokers
            .iter()
            .zip(1..)
            .filter(|(_, peer)| *peer != config.id)
            .map(|(address, peer)| {
                (peer, Link::start(config.id, peer, address.clone(), inputs.clone()))
            })
            .collect();
        let mut core = Self {
            me: config.id,
            consensus,
            log,
            state: State::default(),
            applied: 0,
            inputs,
            links,
            connections: BTreeMap::new(),
            proposer: squall_probe::rng("proposer").random(),
            proposals: 0,
            waiting: BTreeMap::new(),
            early: Vec::new(),
            fetches: Vec::new(),
            heard: BTreeMap::new(),
            leading: None,
            moved: Instant::now(),
            copies: Vec::new(),
            defects: config.defects.clone(),
            metrics: config.metrics.clone(),
        };
        core.state.commits_anything = config.defects.commits_go_backwards;
        core.state.redrive_copies = config.defects.redrive_copies;
        if config.rejoins {
            // What it knows of its promises in this life.
            record(What::Vote { term: core.term() });
        }
        Ok((core, receiver))
    }

    pub(super) fn inputs(&self) -> Sender<Input> {
        self.inputs.clone()
    }

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
            let proposals = self.proposals;
            for input in turn.drain(..) {
                self.take(input);
            }
            if ticked {
                self.tick();
            }
            self.log.lock().flush()?;
            self.hand_out_copies();
            if self.proposals > proposals {
                point("broker.appended").await;
            }
            if self.send_messages() {
                point("broker.promised").await;
            }
            self.acknowledge_early();
            self.apply_decided().await;
            self.watch_leadership();
            self.serve_fetches();
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::LinkUp(peer) => self.consensus.reconnected(peer),
            Input::Peer { from, connection, message } => {
                let newest = self.connections.entry(from).or_default();
                if connection < *newest {
                    return;
                }
                *newest = connection;
                match message {
                    PeerMessage::Consensus(message) if self.defects.unclean_election => {
                        self.consensus.handle_incoming(deaf(message));
                    }
                    PeerMessage::Consensus(message) => self.consensus.handle_incoming(message),
                    PeerMessage::Beat { .. } => {}
                }
            }
            Input::Request { request, caller } => self.request(request, caller),
        }
    }

    fn tick(&mut self) {
        self.consensus.tick();
        let now = Instant::now();
        if self.defects.stale_leader_acks && self.leading.is_some() {
            self.acknowledge_stale(now);
        }
        self.waiting.retain(|_, (_, since)| now - *since < PROPOSAL);
        for (peer, link) in &mut self.links {
            if link.take_overflow() {
                self.consensus.reconnected(*peer);
            }
        }
        let length = self.consensus.get_accepted_idx();
        if length == self.applied {
            self.moved = now;
        } else if now - self.moved > STUCK {
            // Accepted and not known to be decided for so long: word of it was lost.
            self.moved = now;
            let peers: Vec<u64> = self.links.keys().copied().collect();
            for peer in peers {
                self.consensus.reconnected(peer);
            }
        }
        if self.leading.is_some() {
            self.expire_members(now);
        }
    }

    fn expire_members(&mut self, now: Instant) {
        let mut gone = Vec::new();
        for (group, state) in &self.state.groups {
            for member in &state.members {
                let key = (group.clone(), member.clone());
                let heard = *self.heard.entry(key).or_insert(now);
                if now - heard > SESSION {
                    gone.push((group.clone(), member.clone()));
                }
            }
        }
        for (group, member) in gone {
            // Once is enough: it is asked again if it is not decided by then.
            self.heard.insert((group.clone(), member.clone()), now);
            self.propose(Command::Expire { group, member }, Waiting::Nobody);
        }
    }

    fn is_leader(&self) -> bool {
        self.consensus.get_current_leader() == Some((self.me, true))
    }

    fn propose(&mut self, command: Command, waiting: Waiting) {
        self.proposals += 1;
        let number = self.proposals;
        let proposal = Proposal { proposer: self.proposer, number, command };
        if self.consensus.append(Entry(Arc::new(proposal))).is_ok() {
            self.waiting.insert(number, (waiting, Instant::now()));
        }
    }

    fn request(&mut self, request: BrokerRequest, caller: Caller) {
        match request {
            BrokerRequest::Describe => return self.describe(&caller),
            BrokerRequest::Copy => return self.copies.push(caller),
            BrokerRequest::Health => {
                let well = self.consensus.get_current_leader().is_some();
                return caller.answer("describe", BrokerReply::Healthy(well));
            }
            BrokerRequest::Read { positions, limit } => {
                let reply = self.events(&positions, limit);
                return caller.answer("deliver", reply);
            }
            _ => {}
        }
        if !self.is_leader() {
            let leader = self.consensus.get_current_leader().map(|(leader, _)| leader);
            let publishes =
                matches!(request, BrokerRequest::Publish { .. } | BrokerRequest::Emit { .. });
            let kind = if publishes { "publish_ack" } else { "group_ack" };
            return caller
                .answer(kind, BrokerReply::NotLeader(leader.filter(|leader| *leader != self.me)));
        }
        match request {
            BrokerRequest::Publish { producer, batches } => self.publish(producer, batches, caller),
            BrokerRequest::Emit { events } => {
                let at_ms = now_ms();
                self.propose(Command::Emit { events, at_ms }, Waiting::Emit { caller });
            }
            BrokerRequest::Join { group, member, start } => {
                self.heard.insert((group.clone(), member.clone()), Instant::now());
                match self.joined(&group, &member) {
                    Some(joined) => caller.answer("group_ack", joined),
                    None => {
                        let waiting =
                            Waiting::Join { caller, group: group.clone(), member: member.clone() };
                        self.propose(Command::Join { group, member, start }, waiting);
                    }
                }
            }
            BrokerRequest::Fetch { group, member, generation, positions, commits, limit } => {
                self.heard.insert((group.clone(), member.clone()), Instant::now());
                if !commits.is_empty() {
                    let commit = Command::Commit {
                        group: group.clone(),
                        member,
                        generation,
                        offsets: commits,
                    };
                    self.propose(commit, Waiting::Nobody);
                }
                let until = Instant::now() + LONG_POLL;
                self.fetches.push(Fetch { caller, group, generation, positions, limit, until });
            }
            BrokerRequest::Leave { group, member } => {
                self.propose(Command::Expire { group, member }, Waiting::Group { caller });
            }
            BrokerRequest::DeadLetter { group, member, generation, places, reason } => {
                self.heard.insert((group.clone(), member.clone()), Instant::now());
                let command = Command::DeadLetter { group, member, generation, places, reason };
                self.propose(command, Waiting::Group { caller });
            }
            BrokerRequest::Redrive { group, member, generation, handled, limit } => {
                // Asking is a proposal: only if there is something in the queue.
                let any = self.state.groups.get(&group).is_some_and(|group| group.exhausted() > 0);
                if !any {
                    return caller.answer("group_ack", BrokerReply::Redriven(Vec::new()));
                }
                let command = Command::Redrive { group, member, generation, handled, limit };
                self.propose(command, Waiting::Group { caller });
            }
            BrokerRequest::Copy
            | BrokerRequest::Health
            | BrokerRequest::Read { .. }
            | BrokerRequest::Describe => {}
        }
    }

    fn describe(&self, caller: &Caller) {
        let partitions = self
            .state
            .partitions
            .iter()
            .zip(0..)
            .map(|(log, number)| (number, log.events.len() as u64, log.digest))
            .collect();
        let leader = self.leading.is_some();
        let exhausted = self.state.groups.values().map(Group::exhausted).sum();
        let uncommitted = self.state.uncommitted();
        let described = BrokerReply::Described { partitions, leader, exhausted, uncommitted };
        caller.answer("describe", described);
    }

    fn events(&self, positions: &[(u32, u64)], limit: u32) -> BrokerReply {
        let (events, lag) = events_for(&self.state, positions, limit);
        let times = self.state.times(&events);
        BrokerReply::Events { events, lag, dead: Vec::new(), times }
    }

    fn hand_out_copies(&mut self) {
        for caller in std::mem::take(&mut self.copies) {
            let copied = Box::new(self.log.lock().copied());
            caller.answer("copy", BrokerReply::Copied(copied));
        }
    }

    fn publish(&mut self, producer: String, batches: Vec<crate::wire::Batch>, caller: Caller) {
        let mut events = batches.iter().flat_map(|batch| &batch.events);
        if events.any(|event| event.payload.len() > MAX_PAYLOAD) {
            let reason = format!("a payload is larger than {MAX_PAYLOAD} bytes");
            self.metrics.failed();
            return caller.answer("publish_ack", BrokerReply::Refused(reason));
        }
        let waiting = if self.defects.ack_before_quorum {
            let events =
                batches.iter().flat_map(|batch| &batch.events).map(|event| event.id).collect();
            self.early.push((caller, events));
            Waiting::Nobody
        } else {
            Waiting::Publish { caller }
        };
        let at_ms = now_ms();
        self.propose(Command::Publish { producer, batches, at_ms }, waiting);
    }

    fn joined(&self, group: &str, member: &str) -> Option<BrokerReply> {
        let group = self.state.groups.get(group)?;
        group.members.contains(member).then(|| BrokerReply::Joined {
            generation: group.generation,
            partitions: group
                .partitions_of(member)
                .into_iter()
                .map(|partition| (partition, group.committed.get(&partition).copied().unwrap_or(0)))
                .collect(),
        })
    }

    /// Whether a promise to follow a new leader was among them.
    fn send_messages(&mut self) -> bool {
        let mut promised = false;
        let mut messages = Vec::new();
        self.consensus.take_outgoing_messages(&mut messages);
        for message in messages {
            if let Message::SequencePaxos(PaxosMessage {
                msg: PaxosMsg::Promise(promise), ..
            }) = &message
            {
                record(What::Vote { term: term_of(promise.n) });
                promised = true;
            }
            if let Some(link) = self.links.get_mut(&message.get_receiver()) {
                link.send(PeerMessage::Consensus(message));
            }
        }
        promised
    }

    /// A known mistake: the leader acknowledges alone.
    fn acknowledge_early(&mut self) {
        let term = self.term();
        for (caller, events) in std::mem::take(&mut self.early) {
            for event in &events {
                record(What::Acknowledge { event: EventId(*event), position: None, term });
            }
            caller.answer("publish_ack", BrokerReply::Published(Vec::new()));
        }
    }

    /// A known mistake: whoever has led for long enough believes that it still does.
    fn acknowledge_stale(&mut self, now: Instant) {
        let stale: Vec<u64> = self
            .waiting
            .iter()
            .filter(|(_, (waiting, since))| {
                matches!(waiting, Waiting::Publish { .. }) && now - *since > STALE
            })
            .map(|(number, _)| *number)
            .collect();
        for number in stale {
            if let Some((Waiting::Publish { caller }, _)) = self.waiting.remove(&number) {
                caller.answer("publish_ack", BrokerReply::Published(Vec::new()));
            }
        }
    }

    fn term(&self) -> u64 {
        term_of(self.consensus.get_promise())
    }

    async fn apply_decided(&mut self) {
        let decided = self.consensus.get_decided_idx();
        if decided <= self.applied {
            return;
        }
        self.moved = Instant::now();
        let entries = self.log.lock().slice(self.applied, decided);
        let recovering = self.applied == 0 && decided > 0;
        let before = std::mem::replace(&mut self.applied, decided);
        for (entry, number) in entries.into_iter().zip(before as u64 + 1..) {
            let applied = self.state.apply(&entry.0.command);
            let mine = entry.0.proposer == self.proposer;
            let waiting = if mine { self.waiting.remove(&entry.0.number) } else { None };
            self.tell(number, &entry.0.command, &applied);
            if let Some((waiting, _)) = waiting {
                self.answer(waiting, applied).await;
            }
        }
        if recovering && self.defects.producer_state_forgotten {
            self.state.forget_producers();
        }
    }

    /// Records what the command did to this replica's state. Decisions are numbered from 1.
    fn tell(&self, number: u64, command: &Command, applied: &Applied) {
        let term = self.term();
        match (command, applied) {
            (_, Applied::Published(published)) => {
                self.metrics.handled(published.iter().filter(|event| event.new).count());
                for Published { partition, offset, event, key, content, new } in published {
                    if let (true, Some(offset)) = (new, offset) {
                        let position = Position::new(*partition, *offset);
                        let (event, key, content) = (EventId(*event), *key, *content);
                        record(What::Append { position, event, key, term, content });
                    }
                }
            }
            // Every replica tells of a dead letter, each time it learns of it: one may be all that is left.
            (Command::DeadLetter { group, .. }, Applied::DeadLettered(moved)) => {
                self.metrics.dead_letters(group, self.state.dead_letters(group));
                for letter in moved {
                    record(What::DeadLetter {
                        group: name(group),
                        position: Position::new(letter.partition, letter.offset),
                        event: EventId(letter.event.id),
                        times: letter.times,
                    });
                }
            }
            (Command::Redrive { group, .. }, Applied::Redriven(moved)) => {
                self.metrics.dead_letters(group, self.state.dead_letters(group));
                for letter in moved.iter().filter(|letter| letter.new) {
                    record(What::Redrive {
                        group: name(group),
                        position: Position::new(letter.partition, letter.offset),
                        event: EventId(letter.event.id),
                        times: letter.times,
                    });
                }
            }
            (Command::Commit { group, generation, .. }, Applied::Committed(moved))
                if self.leading.is_some() =>
            {
                for (partition, offset) in moved {
                    record(What::Commit {
                        group: name(group),
                        partition: *partition,
                        offset: *offset,
                        generation: *generation,
                        number,
                    });
                }
            }
            // A group that only replays has one member, to whom nothing is dealt anew.
            (
                Command::Join { group, .. } | Command::Expire { group, .. },
                Applied::Joined { rebalanced: true } | Applied::Expired { rebalanced: true },
            ) if self.leading.is_some() && GROUPS.contains(&group.as_str()) => {
                signal("rebalanced");
            }
            _ => {}
        }
    }

    async fn answer(&mut self, waiting: Waiting, applied: Applied) {
        match (waiting, applied) {
            (Waiting::Publish { caller }, Applied::Published(published)) => {
                point("broker.acknowledging").await;
                let term = self.term();
                for Published { partition, offset, event, .. } in &published {
                    let position = offset.map(|offset| Position::new(*partition, offset));
                    record(What::Acknowledge { event: EventId(*event), position, term });
                }
                let known: Option<Vec<_>> = published
                    .iter()
                    .map(|p| p.offset.map(|offset| (p.partition, offset)))
                    .collect();
                caller.answer("publish_ack", BrokerReply::Published(known.unwrap_or_default()));
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
                    Applied::Redriven(moved) => BrokerReply::Redriven(
                        moved
                            .into_iter()
                            .map(|letter| {
                                (letter.partition, letter.offset, (*letter.event).clone())
                            })
                            .collect(),
                    ),
                    Applied::Expired { .. } => BrokerReply::Left,
                    _ => BrokerReply::Rebalanced,
                };
                caller.answer("group_ack", reply);
            }
            _ => {}
        }
    }

    fn watch_leadership(&mut self) {
        let leading = self.is_leader().then(|| self.term());
        if leading == self.leading {
            return;
        }
        if let Some(term) = self.leading {
            record(What::StepDown { term });
            // What waits may or may not be decided by another leader: the clients will ask it.
            self.waiting.clear();
            for fetch in self.fetches.drain(..) {
                fetch.caller.answer("deliver", BrokerReply::NotLeader(None));
            }
        }
        if let Some(term) = leading {
            record(What::Lead { term });
            // Everybody gets a fresh session: the leader before has heard of them, not I.
            self.heard.clear();
        }
        self.leading = leading;
        self.metrics.leading(leading.is_some());
    }

    fn serve_fetches(&mut self) {
        let now = Instant::now();
        let state = &self.state;
        let (reads_uncommitted, metrics) = (self.defects.reads_uncommitted, &self.metrics);
        self.fetches.retain(|fetch| {
            if fetch.caller.is_gone() {
                return false;
            }
            let current = state.groups.get(&fetch.group).map(|group| group.generation);
            if current != Some(fetch.generation) {
                fetch.caller.answer("deliver", BrokerReply::Rebalanced);
                return false;
            }
            let (mut events, lag) = events_for(state, &fetch.positions, fetch.limit);
            metrics.lag(&fetch.group, lag + events.len() as u64);
            if reads_uncommitted && events.is_empty() {
                events = uncommitted(state, &self.log, self.applied, &fetch.positions);
            }
            if events.is_empty() && now < fetch.until && fetch.limit > 0 {
                return true;
            }
            let group = state.groups.get(&fetch.group);
            let is_dead = |place: &(u32, u64)| group.is_some_and(|group| group.is_dead(*place));
            let dead = events.iter().map(|(p, o, _)| (*p, *o)).filter(is_dead).collect();
            let reply = BrokerReply::Events { events, lag, dead, times: Vec::new() };
            fetch.caller.answer("deliver", reply);
            false
        });
    }
}

/// A ballot as records call it.
fn term_of(ballot: Ballot) -> u64 {
    u64::from(ballot.n) << 16 | (ballot.pid & 0xffff)
}

/// The time by this node's clock, in milliseconds since the Unix epoch.
fn now_ms() -> u64 {
    u64::try_from(squall_probe::clock::since_epoch().as_millis()).unwrap_or(u64::MAX)
}

/// A known mistake: a new leader does not hear what its followers have that it lacks.
fn deaf(message: Message<Entry>) -> Message<Entry> {
    match message {
        Message::SequencePaxos(PaxosMessage { from, to, msg: PaxosMsg::Promise(mut promise) }) => {
            promise.n_accepted = Ballot::default();
            promise.accepted_idx = 0;
            promise.decided_idx = 0;
            promise.log_sync = None;
            Message::SequencePaxos(PaxosMessage { from, to, msg: PaxosMsg::Promise(promise) })
        }
        other => other,
    }
}

/// A known mistake: events that are in the leader's log and not committed, at the places that they would have.
fn uncommitted(
    state: &State,
    log: &SharedLog,
    applied: usize,
    positions: &[(u32, u64)],
) -> Vec<(u32, u64, EventData)> {
    let mut ends: BTreeMap<u32, u64> =
        state.partitions.iter().zip(0..).map(|(log, p)| (p, log.events.len() as u64)).collect();
    let wanted: BTreeMap<u32, u64> = positions.iter().copied().collect();
    let mut events = Vec::new();
    for entry in log.lock().slice(applied, usize::MAX) {
        let Command::Publish { batches, .. } = &entry.0.command else { continue };
        for batch in batches {
            for event in &batch.events {
                let end = ends.entry(batch.partition).or_default();
                if wanted.get(&batch.partition).is_some_and(|from| from <= end) {
                    events.push((batch.partition, *end, event.clone()));
                }
                *end += 1;
            }
        }
    }
    events
}

/// Committed events from the wanted positions on, evenly from all partitions, up to the limit; and how many lie
/// behind them.
fn events_for(
    state: &State,
    positions: &[(u32, u64)],
    limit: u32,
) -> (Vec<(u32, u64, EventData)>, u64) {
    let wanted: BTreeSet<(u32, u64)> = positions.iter().copied().collect();
    let share = limit as usize / wanted.len().max(1);
    let mut lag = 0;
    let mut events = Vec::new();
    if limit == 0 {
        return (events, lag);
    }
    for (partition, from) in wanted {
        let Some(log) = state.partitions.get(partition as usize) else { continue };
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let Some(rest) = log.events.get(from..) else { continue };
        let taken = rest.len().min(share.max(1));
        lag += (rest.len() - taken) as u64;
        let places = (from as u64..).zip(&rest[..taken]);
        events.extend(places.map(|(offset, event)| (partition, offset, (**event).clone())));
    }
    (events, lag)
}
