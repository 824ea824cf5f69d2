//! Histories written by hand, and random ones: a correct system's, and the same with one lie in it.

use super::{Bound, CATALOGUE, Judge, Limit, Limits, Setup};
use crate::{BreakerPolicy, DeadLetters, Promises, RetryPolicy};
use proptest::prelude::*;
use squall_probe::{
    BreakerState, EventId, Mark, Name, NodeChange, NodeId, Phase, Position, Record, SagaChange,
    StateOf, What, mix,
};
use std::time::Duration;

/// The limit of every liveness invariant, in microseconds.
pub(crate) const LIMIT: u64 = 10_000_000;

/// The bound of the buffer `queue`.
pub(crate) const BOUND: u64 = 10;

/// The most that the consumer may hold, in bytes.
pub(crate) const MEMORY: u64 = 1000;

/// Names of what is promised; groups come first.
const RESERVE: Name = Name(100);
const CHARGE: Name = Name(101);
const CALLS: Name = Name(102);
const BANK: Name = Name(103);
const QUEUE: Name = Name(104);

const REPLICAS: u16 = 3;
const PRODUCER: NodeId = NodeId(3);
const CONSUMER: NodeId = NodeId(4);
pub(crate) const STORE: NodeId = NodeId(5);

/// A history: replicas r0, r1, r2, a producer p, a consumer c, a store s; one partition, group g.
/// Time passes only by `after`.
#[derive(Clone)]
pub(crate) struct History {
    records: Vec<Record>,
    groups: Vec<String>,
    /// The nodes of the dependency `bank`, if that is known.
    bank: Vec<NodeId>,
    /// How it retries, if it promises that.
    retries: Option<RetryPolicy>,
    /// A fault makes timers late.
    stalls: bool,
    /// Clients may give up what nobody knows.
    gives_up: bool,
    /// How many probes a breaker may make at a time.
    probes: u32,
    /// What is promised, where it is not what logs promise here.
    promises: Option<Promises>,
    now: u64,
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl History {
    pub(crate) fn new() -> Self {
        Self::with_groups(&["g"])
    }

    pub(crate) fn with_groups(groups: &[&str]) -> Self {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        let retries = RetryPolicy {
            name: "calls",
            first: Duration::from_millis(100),
            factor: 2.0,
            cap: Duration::from_millis(400),
            jitter: 1.0,
            attempts: Some(5),
        };
        Self {
            records: Vec::new(),
            groups,
            bank: Vec::new(),
            retries: Some(retries),
            stalls: false,
            gives_up: false,
            probes: 1,
            promises: None,
            now: 0,
        }
    }

    /// There is another group.
    pub(crate) fn also(&mut self, group: &str) -> &mut Self {
        self.groups.push(group.to_owned());
        self
    }

    /// Of a system that promises this.
    pub(crate) fn promising(promises: Promises) -> Self {
        Self { promises: Some(promises), ..Self::new() }
    }

    pub(crate) fn add(&mut self, node: NodeId, what: What) -> &mut Self {
        self.records.push(Record { at: self.now, node, what });
        self
    }

    /// What was told last, was told by this node.
    pub(crate) fn by(&mut self, node: u16) -> &mut Self {
        self.records.last_mut().unwrap().node = NodeId(node);
        self
    }

    fn ended(
        &mut self,
        phase: Phase,
        event: u64,
        key: u32,
        position: Option<Position>,
    ) -> &mut Self {
        self.add(PRODUCER, What::Publish { phase, event: EventId(event), key, position })
    }

    pub(crate) fn after(&mut self, us: u64) -> &mut Self {
        self.now += us;
        self
    }

    pub(crate) fn publish(&mut self, event: u64) -> &mut Self {
        self.ended(Phase::Invoke, event, 0, None)
    }

    pub(crate) fn publish_key(&mut self, event: u64, key: u32) -> &mut Self {
        self.ended(Phase::Invoke, event, key, None)
    }

    pub(crate) fn ok(&mut self, event: u64, offset: u64) -> &mut Self {
        self.ended(Phase::Ok, event, 0, Some(Position::new(0, offset)))
    }

    pub(crate) fn ok_in(&mut self, event: u64, partition: u32, offset: u64) -> &mut Self {
        self.ended(Phase::Ok, event, 0, Some(Position::new(partition, offset)))
    }

    pub(crate) fn ok_nowhere(&mut self, event: u64) -> &mut Self {
        self.ended(Phase::Ok, event, 0, None)
    }

    pub(crate) fn info(&mut self, event: u64) -> &mut Self {
        self.ended(Phase::Info, event, 0, None)
    }

    pub(crate) fn fail(&mut self, event: u64) -> &mut Self {
        self.ended(Phase::Fail, event, 0, None)
    }

    pub(crate) fn append(&mut self, replica: u16, event: u64, offset: u64) -> &mut Self {
        self.append_in(replica, event, offset, 1)
    }

    pub(crate) fn append_in(
        &mut self,
        replica: u16,
        event: u64,
        offset: u64,
        term: u64,
    ) -> &mut Self {
        let position = Position::new(0, offset);
        let (event, content) = (EventId(event), 0);
        self.add(NodeId(replica), What::Append { position, event, key: 0, term, content })
    }

    pub(crate) fn append_saying(
        &mut self,
        replica: u16,
        event: u64,
        offset: u64,
        content: u32,
    ) -> &mut Self {
        let (position, event) = (Position::new(0, offset), EventId(event));
        self.add(NodeId(replica), What::Append { position, event, key: 0, term: 1, content })
    }

    pub(crate) fn append_key(
        &mut self,
        replica: u16,
        event: u64,
        offset: u64,
        key: u32,
    ) -> &mut Self {
        let (position, event) = (Position::new(0, offset), EventId(event));
        self.add(NodeId(replica), What::Append { position, event, key, term: 1, content: 0 })
    }

    pub(crate) fn append_all(&mut self, event: u64, offset: u64) -> &mut Self {
        for replica in 0..REPLICAS {
            self.append(replica, event, offset);
        }
        self
    }

    /// A service makes an event of another.
    pub(crate) fn derive(&mut self, event: u64, from: u64) -> &mut Self {
        self.add(STORE, What::Derive { event: EventId(event), from: EventId(from) })
    }

    pub(crate) fn rebuild(&mut self, replica: u16) -> &mut Self {
        self.add(NodeId(replica), What::Rebuild)
    }

    pub(crate) fn lead(&mut self, replica: u16, term: u64) -> &mut Self {
        self.add(NodeId(replica), What::Lead { term })
    }

    pub(crate) fn acknowledge(
        &mut self,
        replica: u16,
        event: u64,
        offset: u64,
        term: u64,
    ) -> &mut Self {
        let position = Some(Position::new(0, offset));
        self.add(NodeId(replica), What::Acknowledge { event: EventId(event), position, term })
    }

    pub(crate) fn deliver(&mut self, event: u64, offset: u64) -> &mut Self {
        self.deliver_in(0, event, offset)
    }

    pub(crate) fn deliver_in(&mut self, group: u16, event: u64, offset: u64) -> &mut Self {
        let (group, position) = (Name(group), Position::new(0, offset));
        self.add(
            CONSUMER,
            What::Deliver { group, position, event: EventId(event), generation: 1, content: 0 },
        )
    }

    pub(crate) fn apply(&mut self, event: u64, offset: u64) -> &mut Self {
        self.apply_in(0, event, offset)
    }

    pub(crate) fn apply_in(&mut self, group: u16, event: u64, offset: u64) -> &mut Self {
        let (group, position) = (Name(group), Position::new(0, offset));
        self.add(
            STORE,
            What::Apply { group, position, event: EventId(event), generation: 1, member: Name(7) },
        )
    }

    pub(crate) fn apply_by(
        &mut self,
        event: u64,
        offset: u64,
        generation: u64,
        member: u16,
    ) -> &mut Self {
        let (group, position, member) = (Name(0), Position::new(0, offset), Name(member));
        let event = EventId(event);
        self.add(STORE, What::Apply { group, position, event, generation, member })
    }

    pub(crate) fn deliver_gen(&mut self, event: u64, offset: u64, generation: u64) -> &mut Self {
        let (group, position) = (Name(0), Position::new(0, offset));
        let (event, content) = (EventId(event), 0);
        self.add(CONSUMER, What::Deliver { group, position, event, generation, content })
    }

    pub(crate) fn commit(&mut self, replica: u16, offset: u64) -> &mut Self {
        self.commit_in(0, replica, offset)
    }

    pub(crate) fn commit_in(&mut self, group: u16, replica: u16, offset: u64) -> &mut Self {
        let (group, partition) = (Name(group), 0);
        self.add(
            NodeId(replica),
            What::Commit { group, partition, offset, generation: 1, number: 0 },
        )
    }

    pub(crate) fn late(&mut self, event: u64, due: u64) -> &mut Self {
        self.add(PRODUCER, What::Late { event: EventId(event), due })
    }

    pub(crate) fn probe(&mut self, event: u64) -> &mut Self {
        self.add(NodeId::HARNESS, What::Probe { event: EventId(event) })
    }

    pub(crate) fn poison(&mut self, event: u64) -> &mut Self {
        self.add(PRODUCER, What::Poison { event: EventId(event) })
    }

    pub(crate) fn redrive(&mut self, event: u64, offset: u64) -> &mut Self {
        self.redrive_in(0, event, offset)
    }

    pub(crate) fn redrive_in(&mut self, group: u16, event: u64, offset: u64) -> &mut Self {
        let position = Position::new(0, offset);
        let (group, event) = (Name(group), EventId(event));
        self.add(NodeId(0), What::Redrive { group, position, event, times: 1 })
    }

    pub(crate) fn fault_began(&mut self, fault: u16) -> &mut Self {
        self.add(NodeId::HARNESS, What::FaultBegan { fault, target: NodeId(0) })
    }

    pub(crate) fn fault_healed(&mut self, fault: u16) -> &mut Self {
        self.add(NodeId::HARNESS, What::FaultHealed { fault })
    }

    fn step(&mut self, saga: u64, step: u16, change: SagaChange) -> &mut Self {
        let step = Name(RESERVE.0 + step);
        self.add(STORE, What::Saga { saga: EventId(saga), step, change })
    }

    pub(crate) fn step_done(&mut self, saga: u64, step: u16) -> &mut Self {
        self.step(saga, step, SagaChange::Done)
    }

    pub(crate) fn step_undone(&mut self, saga: u64, step: u16) -> &mut Self {
        self.step(saga, step, SagaChange::Undone)
    }

    pub(crate) fn conserved(&mut self, now: u64, before: u64) -> &mut Self {
        let of = StateOf::Conserved { quantity: Name(99) };
        self.add(STORE, What::State { of, position: now, digest: before })
    }

    pub(crate) fn attempt(&mut self, request: u64, number: u32) -> &mut Self {
        let phase = Phase::Invoke;
        self.add(CONSUMER, What::Attempt { policy: CALLS, request, number, phase })
    }

    pub(crate) fn attempt_failed(&mut self, request: u64, number: u32) -> &mut Self {
        let phase = Phase::Fail;
        self.add(CONSUMER, What::Attempt { policy: CALLS, request, number, phase })
    }

    pub(crate) fn call(&mut self) -> &mut Self {
        self.add(CONSUMER, What::Call { dependency: BANK, phase: Phase::Invoke })
    }

    pub(crate) fn call_ok(&mut self) -> &mut Self {
        self.add(CONSUMER, What::Call { dependency: BANK, phase: Phase::Ok })
    }

    pub(crate) fn call_failed(&mut self) -> &mut Self {
        self.add(CONSUMER, What::Call { dependency: BANK, phase: Phase::Fail })
    }

    pub(crate) fn breaker_opens(&mut self) -> &mut Self {
        self.add(CONSUMER, What::Breaker { dependency: BANK, state: BreakerState::Open })
    }

    pub(crate) fn consumer_crash(&mut self) -> &mut Self {
        self.add(CONSUMER, What::Node { change: NodeChange::Crashed })
    }

    pub(crate) fn consumer_up(&mut self) -> &mut Self {
        self.add(CONSUMER, What::Node { change: NodeChange::Up })
    }

    pub(crate) fn buffered(&mut self, amount: u64) -> &mut Self {
        self.add(CONSUMER, What::Buffered { buffer: QUEUE, amount })
    }

    pub(crate) fn held(&mut self, bytes: u64) -> &mut Self {
        self.add(CONSUMER, What::Held { bytes })
    }

    fn asked(&mut self, server: u16, phase: Phase) -> &mut Self {
        let (client, server) = (Name(110), Name(111 + server));
        self.add(CONSUMER, What::Asked { client, server, phase })
    }

    pub(crate) fn asked_in_vain(&mut self, server: u16) -> &mut Self {
        self.asked(server, Phase::Fail)
    }

    pub(crate) fn answered(&mut self, server: u16) -> &mut Self {
        self.asked(server, Phase::Ok)
    }

    pub(crate) fn vote(&mut self, replica: u16, term: u64) -> &mut Self {
        self.add(NodeId(replica), What::Vote { term })
    }

    pub(crate) fn dead_letter(&mut self, event: u64, offset: u64) -> &mut Self {
        self.dead_letter_in(0, event, offset)
    }

    pub(crate) fn dead_letter_in(&mut self, group: u16, event: u64, offset: u64) -> &mut Self {
        let (group, position) = (Name(group), Position::new(0, offset));
        self.add(NodeId(0), What::DeadLetter { group, position, event: EventId(event), times: 1 })
    }

    /// For the second time.
    pub(crate) fn dead_letter_again(&mut self, event: u64, offset: u64) -> &mut Self {
        let (group, position, event) = (Name(0), Position::new(0, offset), EventId(event));
        self.add(NodeId(0), What::DeadLetter { group, position, event, times: 2 })
    }

    /// The dependency is this node.
    pub(crate) fn bank_at(&mut self, node: u16) -> &mut Self {
        self.bank = vec![NodeId(node)];
        self
    }

    pub(crate) fn probes(&mut self, probes: u32) -> &mut Self {
        self.probes = probes;
        self
    }

    /// Clients may give up what nobody knows.
    pub(crate) fn gives_up(&mut self) -> &mut Self {
        self.gives_up = true;
        self
    }

    pub(crate) fn stalls(&mut self) -> &mut Self {
        self.stalls = true;
        self
    }

    pub(crate) fn wait(&mut self, first: u64, jitter: f64) -> &mut Self {
        let retries = self.retries.as_mut().unwrap();
        (retries.first, retries.jitter) = (Duration::from_micros(first), jitter);
        self
    }

    /// The system promises nothing of retries.
    pub(crate) fn no_retries(&mut self) -> &mut Self {
        self.retries = None;
        self
    }

    pub(crate) fn crash(&mut self, replica: u16) -> &mut Self {
        self.add(NodeId(replica), What::Node { change: NodeChange::Crashed })
    }

    pub(crate) fn content(&mut self, event: u64, content: u32) -> &mut Self {
        self.add(PRODUCER, What::Content { event: EventId(event), content })
    }

    pub(crate) fn request(&mut self, request: u64, event: u64) -> &mut Self {
        self.add(CONSUMER, What::Request { policy: CALLS, request, event: EventId(event) })
    }

    pub(crate) fn attempt_ok(&mut self, request: u64, number: u32) -> &mut Self {
        let phase = Phase::Ok;
        self.add(CONSUMER, What::Attempt { policy: CALLS, request, number, phase })
    }

    pub(crate) fn enlist(&mut self, transaction: u64, event: u64) -> &mut Self {
        self.add(PRODUCER, What::Enlist { transaction, event: EventId(event) })
    }

    fn transaction(&mut self, transaction: u64, phase: Phase) -> &mut Self {
        self.add(PRODUCER, What::Transaction { transaction, phase })
    }

    pub(crate) fn commits(&mut self, transaction: u64) -> &mut Self {
        self.transaction(transaction, Phase::Invoke)
    }

    pub(crate) fn committed(&mut self, transaction: u64) -> &mut Self {
        self.transaction(transaction, Phase::Ok)
    }

    pub(crate) fn commit_unknown(&mut self, transaction: u64) -> &mut Self {
        self.transaction(transaction, Phase::Info)
    }

    pub(crate) fn aborted(&mut self, transaction: u64) -> &mut Self {
        self.transaction(transaction, Phase::Fail)
    }

    pub(crate) fn assign(&mut self, generation: u64) -> &mut Self {
        let (group, partition, member) = (Name(0), 0, Name(7));
        self.add(STORE, What::Assign { group, partition, generation, member })
    }

    /// Commits an offset in a generation, as the so-manieth decision.
    pub(crate) fn commit_as(
        &mut self,
        replica: u16,
        offset: u64,
        generation: u64,
        number: u64,
    ) -> &mut Self {
        let (group, partition) = (Name(0), 0);
        self.add(NodeId(replica), What::Commit { group, partition, offset, generation, number })
    }

    pub(crate) fn fault_on(&mut self, fault: u16, target: u16) -> &mut Self {
        let target = NodeId(target);
        self.add(NodeId::HARNESS, What::FaultBegan { fault, target })
    }

    pub(crate) fn producer_down(&mut self) -> &mut Self {
        self.add(PRODUCER, What::Node { change: NodeChange::Crashed })
    }

    pub(crate) fn absent(&mut self, event: u64) -> &mut Self {
        self.add(NodeId::HARNESS, What::Absent { group: Name(0), event: EventId(event) })
    }

    pub(crate) fn unanswered(&mut self, node: u16) -> &mut Self {
        self.add(NodeId(node), What::Unanswered)
    }

    pub(crate) fn exited(&mut self, replica: u16) -> &mut Self {
        self.add(NodeId(replica), What::Node { change: NodeChange::Exited })
    }

    pub(crate) fn up(&mut self, replica: u16) -> &mut Self {
        self.add(NodeId(replica), What::Node { change: NodeChange::Up })
    }

    /// A node's disk is as it was when the fault began there, which was at this time.
    pub(crate) fn went_back(&mut self, node: u16, fault: u16, to: u64) -> &mut Self {
        self.add(NodeId(node), What::WentBack { fault, to })
    }

    pub(crate) fn healed(&mut self) -> &mut Self {
        self.add(NodeId::HARNESS, What::Mark(Mark::Healed))
    }

    pub(crate) fn converged(&mut self) -> &mut Self {
        self.add(NodeId::HARNESS, What::Mark(Mark::Converged))
    }

    pub(crate) fn deadline(&mut self) -> &mut Self {
        self.add(NodeId::HARNESS, What::Mark(Mark::DeadlinePassed))
    }

    pub(crate) fn replica(&mut self, replica: u16, position: u64, digest: u64) -> &mut Self {
        let of = StateOf::Replica { partition: 0 };
        self.add(NodeId(replica), What::State { of, position, digest })
    }

    pub(crate) fn projection(&mut self, position: u64, digest: u64) -> &mut Self {
        self.projection_of(0, position, digest)
    }

    pub(crate) fn projection_of(&mut self, group: u16, position: u64, digest: u64) -> &mut Self {
        let of = StateOf::Projection { group: Name(group) };
        self.add(STORE, What::State { of, position, digest })
    }

    pub(crate) fn judgement(&self) -> super::Judgement {
        self.judge().finish(&|_| "money".to_owned())
    }

    fn of_a_log(&self) -> Promises {
        Promises {
            key_has_one_partition: true,
            dead_letters: DeadLetters::Poison,
            transactions: true,
            saga: vec!["reserve", "charge"],
            retries: self.retries.into_iter().collect(),
            breakers: vec![BreakerPolicy {
                dependency: "bank",
                failures: 3,
                cooldown: Duration::from_millis(500),
                probes: self.probes,
            }],
            buffers: vec![("queue", BOUND)],
            memory: vec![("consumer", MEMORY)],
            rotation: Some(2),
            ..Promises::default()
        }
    }

    /// A judge who has taken all of it in.
    pub(crate) fn judge(&self) -> Judge {
        let names = ["r0", "r1", "r2", "p", "c", "s"];
        let setup = Setup {
            groups: (0..).map(Name).take(self.groups.len()).collect(),
            group_names: self.groups.clone(),
            replicas: (0..REPLICAS).map(NodeId).collect(),
            nodes: names.map(str::to_owned).to_vec(),
            limits: Limits::new(CATALOGUE.iter().filter_map(|entry| {
                let bound = match entry.limit? {
                    Limit::Within { .. } => Bound::Within(LIMIT),
                    Limit::AtLeast => Bound::AtLeast(0.75),
                    Limit::Quantile => Bound::Quantile(0.9, LIMIT),
                };
                Some((entry.name, bound))
            })),
            promises: self.promises.clone().unwrap_or_else(|| self.of_a_log()),
            sagas: vec![RESERVE, CHARGE],
            policies: self.retries.iter().map(|_| CALLS).collect(),
            dependencies: vec![BANK],
            dependency_nodes: vec![self.bank.clone()],
            buffers: vec![QUEUE],
            memory: (0..names.len())
                .map(|node| (node == usize::from(CONSUMER.0)).then_some(MEMORY))
                .collect(),
            stalls: self.stalls,
            gives_up: self.gives_up,
        };
        let mut judge = Judge::new(&setup);
        for record in &self.records {
            judge.record(record);
        }
        judge
    }

    /// Without the record at this place.
    pub(crate) fn without(&mut self, place: usize) -> &mut Self {
        self.records.remove(place);
        self
    }

    /// With these records only.
    pub(crate) fn only(&self, which: impl Fn(&Record) -> bool) -> Self {
        let mut h = self.clone();
        h.records.retain(which);
        h
    }

    /// Judged by other promises.
    pub(crate) fn promised(&self, promises: Promises) -> Self {
        Self { promises: Some(promises), ..self.clone() }
    }

    /// With a record that nobody would tell.
    pub(crate) fn with(&mut self, record: Record) {
        self.records.push(record);
    }

    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// How many facts an invariant judges.
    pub(crate) fn judged(&mut self, invariant: &str) -> u64 {
        let judged = self.judgement().judged;
        judged.into_iter().find(|(name, _)| *name == invariant).map_or(0, |(_, facts)| facts)
    }

    /// What an invariant finds: the summary and, in brackets, the places of its evidence.
    pub(crate) fn violations(&mut self, invariant: &str) -> Vec<String> {
        self.judgement()
            .violations
            .into_iter()
            .filter(|violation| violation.invariant == invariant)
            .map(|violation| {
                let places: Vec<_> = violation.evidence.iter().map(|e| e.index).collect();
                format!("{} {places:?}", violation.summary)
            })
            .collect()
    }

    /// Since when an invariant is violated, for each violation.
    pub(crate) fn since(&self, invariant: &str) -> Vec<u64> {
        let violations = self.judgement().violations;
        let found = violations.iter().filter(|violation| violation.invariant == invariant);
        found.map(|violation| violation.since).collect()
    }

    pub(crate) fn broken(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.judgement().violations.iter().map(|v| v.invariant).collect();
        names.dedup();
        names
    }
}

/// What happens to one event of a correct system.
#[derive(Clone, Debug)]
struct EventLife {
    indeterminate: bool,
    appended: bool,
    dead: bool,
    redelivered: bool,
    restart: Option<u16>,
}

prop_compose! {
    fn life()(
        indeterminate in any::<bool>(), appended in prop::bool::weighted(0.9),
        dead in prop::bool::weighted(0.1), redelivered in any::<bool>(),
        restart in prop::option::weighted(0.1, 0..REPLICAS),
    ) -> EventLife {
        EventLife { indeterminate, appended, dead, redelivered, restart }
    }
}

/// The history of a correct system, and for each event that is in its log the event.
fn correct(lives: &[EventLife]) -> (History, Vec<u64>) {
    let mut h = History::new();
    let mut log: Vec<u64> = Vec::new();
    // Enough that ended ok at once for `available`.
    for event in 1_000..1_000 + 4 * lives.len() as u64 {
        h.publish(event);
        let offset = log.len() as u64;
        log.push(event);
        h.append_all(event, offset).acknowledge(0, event, offset, 1).ok(event, offset);
        h.deliver(event, offset).apply(event, offset).commit(0, offset + 1);
    }
    let mut dead = 0;
    for (life, event) in lives.iter().zip(1..) {
        if life.dead {
            h.poison(event);
        }
        h.publish(event).after(1);
        if life.indeterminate {
            h.info(event);
        }
        if !life.appended {
            if !life.indeterminate {
                h.fail(event);
            }
            continue;
        }
        let offset = log.len() as u64;
        log.push(event);
        h.append_all(event, offset);
        if !life.indeterminate {
            h.acknowledge(0, event, offset, 1).ok(event, offset);
        }
        if let Some(replica) = life.restart {
            h.crash(replica).up(replica).rebuild(replica);
            for (event, offset) in log.iter().zip(0..) {
                h.append(replica, *event, offset);
            }
        }
        h.deliver(event, offset);
        if life.dead {
            h.dead_letter(event, offset);
            dead += 1;
        } else {
            h.apply(event, offset);
        }
        if life.redelivered {
            h.deliver(event, offset);
        }
        h.commit(0, offset + 1);
        h.step_done(event, 0);
        if life.indeterminate {
            h.step_undone(event, 0);
        } else {
            h.step_done(event, 1);
        }
        h.attempt(event, 1);
        if life.redelivered {
            h.attempt_failed(event, 1).after(100_000 + event % 7 * 10_000).attempt(event, 2);
        }
        h.call().call_ok().buffered(event % BOUND);
    }
    h.healed();
    let digest = log.iter().fold(0, |digest, event| mix(digest ^ event));
    for replica in 0..REPLICAS {
        h.replica(replica, log.len() as u64, digest);
    }
    h.projection(log.len() as u64 - dead, 1).converged();
    (h, log)
}

/// What happens to one event of a correct system of several partitions, groups, generations and replicas.
#[derive(Clone, Debug)]
struct Wide {
    partition: u32,
    /// Its client is told that nobody knows, and then that it is safe.
    late: bool,
    /// A replica loses power before it has the event, and builds its copy anew.
    restart: Option<u16>,
    /// A new generation begins, in one group or the other.
    rebalanced: [bool; 2],
    /// The first group gives it up in an outage and redrives it later.
    given_up: bool,
    /// Who tells of the commit.
    tells: u16,
    /// Calls straggle, while the breaker opens and closes again.
    straggles: bool,
}

prop_compose! {
    fn wide()(
        partition in 0..3_u32, late in prop::bool::weighted(0.3),
        restart in prop::option::weighted(0.2, 0..REPLICAS), rebalanced in any::<[bool; 2]>(),
        given_up in prop::bool::weighted(0.3), tells in 0..REPLICAS,
        straggles in prop::bool::weighted(0.2),
    ) -> Wide {
        Wide { partition, late, restart, rebalanced, given_up, tells, straggles }
    }
}

/// What a wide history has come to.
#[derive(Default)]
struct Widely {
    h: History,
    logs: [Vec<u64>; 3],
    generations: [[u64; 3]; 2],
    /// Of each partition and group: offset, generation, number.
    commits: Vec<(u32, u16, u64, u64, u64)>,
    dead: Vec<(u64, Position)>,
}

impl Widely {
    fn copy(&mut self, replica: u16, partition: u32, offset: u64, event: u64) {
        let (position, content) = (Position::new(partition, offset), event as u32);
        let (event, term) = (EventId(event), 1);
        self.h
            .add(NodeId(replica), What::Append { position, event, key: partition, term, content });
    }

    /// A replica tells again of all that it learns anew.
    fn restart(&mut self, replica: u16) {
        self.h.crash(replica).up(replica).rebuild(replica);
        for (partition, log) in (0..).zip(self.logs.clone()) {
            for (offset, event) in (0..).zip(log) {
                self.copy(replica, partition, offset, event);
            }
        }
        for (partition, group, offset, generation, number) in self.commits.clone() {
            self.commit(replica, (partition, group, offset, generation, number));
        }
        for (event, position) in self.dead.clone() {
            let (group, event) = (Name(0), EventId(event));
            self.h.add(NodeId(replica), What::DeadLetter { group, position, event, times: 1 });
        }
    }

    fn commit(
        &mut self,
        replica: u16,
        (partition, group, offset, generation, number): (u32, u16, u64, u64, u64),
    ) {
        let group = Name(group);
        self.h.add(NodeId(replica), What::Commit { group, partition, offset, generation, number });
    }

    /// Five attempts fail while the bank is away; later it is asked again.
    fn give_up(&mut self, event: u64, position: Position) {
        let (group, id) = (Name(0), EventId(event));
        self.h.fault_on(3, STORE.0).request(event, event);
        for (number, wait) in (1..=5).zip([150_000, 270_000 + event * 1_000, 500_000, 700_000, 0]) {
            self.h.attempt(event, number).attempt_failed(event, number).after(wait);
        }
        self.h.fault_healed(3).after(7_000_000 * (event % 2));
        self.h.add(NodeId(0), What::DeadLetter { group, position, event: id, times: 1 });
        self.dead.push((event, position));
        self.h.add(NodeId(1), What::Redrive { group, position, event: id, times: 1 });
        let again = 1_000_000 + event;
        self.h.request(again, event).attempt(again, 1).attempt_ok(again, 1);
    }

    fn event(&mut self, event: u64, life: &Wide, living: &[u16]) {
        let partition = life.partition;
        let key = partition;
        let offset = self.logs[partition as usize].len() as u64;
        let position = Position::new(partition, offset);
        self.h.content(event, event as u32).publish_key(event, key);
        if life.late {
            self.h.info(event);
        }
        if let Some(replica) = life.restart.filter(|replica| living.contains(replica)) {
            self.restart(replica);
        }
        self.logs[partition as usize].push(event);
        for replica in living {
            self.copy(*replica, partition, offset, event);
        }
        self.h.ended(Phase::Ok, event, key, Some(position));
        for group in 0..2_u16 {
            let generation = &mut self.generations[usize::from(group)][partition as usize];
            if life.rebalanced[usize::from(group)] || *generation == 0 {
                *generation += 1;
                let (generation, member, group) = (*generation, Name(7 + group), Name(group));
                self.h.add(STORE, What::Assign { group, partition, generation, member });
            }
            let generation = self.generations[usize::from(group)][partition as usize];
            let (name, id, content) = (Name(group), EventId(event), event as u32);
            let given = What::Deliver { group: name, position, event: id, generation, content };
            self.h.add(CONSUMER, given);
            if life.given_up && group == 0 {
                self.give_up(event, position);
            }
            let member = Name(7 + group);
            let done = What::Apply { group: name, position, event: id, generation, member };
            self.h.add(STORE, done);
            let number = self.commits.len() as u64 + 1;
            let commit = (partition, group, offset + 1, generation, number);
            self.commits.push(commit);
            self.commit(living[usize::from(life.tells) % living.len()], commit);
        }
        if life.straggles {
            self.h.call().call().call().call().call_failed().call_failed().call_failed();
            self.h.breaker_opens().after(500_000).call().call_ok();
            if event.is_multiple_of(2) {
                self.h.call_ok()
            } else {
                self.h.call_failed()
            };
            self.h.call().call_ok();
        }
    }
}

/// The history of a correct system of three partitions and two groups. One replica may be left out in the end.
fn widely_correct(lives: &[Wide], left_out: Option<u16>) -> History {
    let mut wide = Widely { h: History::with_groups(&["g", "h"]), ..Widely::default() };
    wide.h.bank_at(STORE.0);
    let plain = Wide {
        partition: 0,
        late: false,
        restart: None,
        rebalanced: [false; 2],
        given_up: false,
        tells: 0,
        straggles: false,
    };
    let mut next = 1;
    for life in lives {
        wide.event(next, life, &[0, 1, 2]);
        // Enough that ended ok at once for `available`.
        for (partition, event) in [0, 1, 2, 1].into_iter().zip(next + 1..) {
            wide.event(event, &Wide { partition, ..plain.clone() }, &[0, 1, 2]);
        }
        next += 5;
    }
    let living: Vec<u16> = (0..REPLICAS).filter(|node| Some(*node) != left_out).collect();
    if let Some(left_out) = left_out {
        wide.h.crash(left_out);
    }
    wide.h.healed();
    // Publishing is tried.
    wide.event(next, &plain, &living);
    wide.h.after(5_000_000);
    for replica in living {
        for (partition, log) in (0..).zip(wide.logs.clone()) {
            let of = StateOf::Replica { partition };
            let (position, digest) = (log.len() as u64, log.iter().fold(1, |d, e| mix(d ^ e)));
            wide.h.add(NodeId(replica), What::State { of, position, digest });
        }
    }
    let position = wide.logs.iter().map(Vec::len).sum::<usize>() as u64;
    for group in [Name(0), Name(1)] {
        let of = StateOf::Projection { group };
        wide.h.add(STORE, What::State { of, position, digest: 1 });
    }
    wide.h.converged();
    wide.h
}

/// One lie.
#[derive(Clone, Copy, Debug)]
enum Lie {
    LoseEffect,
    DoubleEffect,
    Phantom,
    SwapOnOneReplica,
    AppendTwice,
    SecondLeader,
    PowerFailure,
    OneReplicaBehind,
    Skip,
    DirtyRead,
    CommitAhead,
    Zombie,
    DeadAndApplied,
    HalfASaga,
    HalfATransaction,
    NoBackoff,
    IgnoredBreaker,
    Overflow,
    Slow,
    Inverted,
    Undrained,
    NeverBack,
    Unavailable,
    EmptyInTheEnd,
    OnlyADeadReplicaHasIt,
    DoneAfterUndone,
    CommitsBackElsewhere,
    CommitsInAnOldGeneration,
    GivenUpWithoutAnAttempt,
    AsksAnewInsteadOfAgain,
    EffectsThatNobodyTells,
    HangsAfterTheHealing,
    DoesNotAnswer,
    StoresSomethingElse,
    AgreesTooLate,
    ClosedByAStraggler,
}

impl Lie {
    const ALL: [Self; 36] = [
        Self::LoseEffect,
        Self::DoubleEffect,
        Self::Phantom,
        Self::SwapOnOneReplica,
        Self::AppendTwice,
        Self::SecondLeader,
        Self::PowerFailure,
        Self::OneReplicaBehind,
        Self::Skip,
        Self::DirtyRead,
        Self::CommitAhead,
        Self::Zombie,
        Self::DeadAndApplied,
        Self::HalfASaga,
        Self::HalfATransaction,
        Self::NoBackoff,
        Self::IgnoredBreaker,
        Self::Overflow,
        Self::Slow,
        Self::Inverted,
        Self::Undrained,
        Self::NeverBack,
        Self::Unavailable,
        Self::EmptyInTheEnd,
        Self::OnlyADeadReplicaHasIt,
        Self::DoneAfterUndone,
        Self::CommitsBackElsewhere,
        Self::CommitsInAnOldGeneration,
        Self::GivenUpWithoutAnAttempt,
        Self::AsksAnewInsteadOfAgain,
        Self::EffectsThatNobodyTells,
        Self::HangsAfterTheHealing,
        Self::DoesNotAnswer,
        Self::StoresSomethingElse,
        Self::AgreesTooLate,
        Self::ClosedByAStraggler,
    ];

    fn breaks(self) -> &'static str {
        match self {
            Self::LoseEffect => "no_loss",
            Self::DoubleEffect => "idempotency",
            Self::Phantom => "no_phantom",
            Self::SwapOnOneReplica => "agreement",
            Self::AppendTwice => "no_duplicate_append",
            Self::SecondLeader => "single_leader",
            Self::PowerFailure => "durability",
            Self::OneReplicaBehind => "eventual_consistency",
            Self::Skip => "no_skip",
            Self::DirtyRead => "no_dirty_read",
            Self::CommitAhead => "commit_after_apply",
            Self::Zombie => "single_owner",
            Self::DeadAndApplied => "dead_letters",
            Self::HalfASaga => "saga_atomicity",
            Self::HalfATransaction => "transaction_atomicity",
            Self::NoBackoff => "retry_policy",
            Self::IgnoredBreaker => "breaker",
            Self::Overflow => "bounded_memory",
            Self::Slow => "latency",
            Self::Inverted => "order",
            Self::Undrained => "drains",
            Self::NeverBack => "recovers_within",
            Self::Unavailable => "available",
            Self::EmptyInTheEnd => "durability",
            Self::OnlyADeadReplicaHasIt => "durability",
            Self::DoneAfterUndone => "saga_atomicity",
            Self::CommitsBackElsewhere => "commit_after_apply",
            Self::CommitsInAnOldGeneration => "commit_after_apply",
            Self::GivenUpWithoutAnAttempt => "dead_letters",
            Self::AsksAnewInsteadOfAgain => "retry_policy",
            Self::EffectsThatNobodyTells => "eventual_consistency",
            Self::HangsAfterTheHealing => "progress",
            Self::DoesNotAnswer => "converges",
            Self::StoresSomethingElse => "agreement",
            Self::AgreesTooLate => "eventual_consistency",
            Self::ClosedByAStraggler => "breaker",
        }
    }

    /// Tells it about an acknowledged event, at its offset.
    fn tell(self, h: &mut History, event: u64, offset: u64, end: u64) {
        let is_apply = |record: &Record| matches!(record.what, What::Apply { event: EventId(id), .. } if id == event);
        match self {
            Self::LoseEffect => h.records.retain(|record| !is_apply(record)),
            Self::DoubleEffect => {
                h.apply(event, offset);
            }
            Self::Phantom => {
                h.deliver(999_999, end);
            }
            Self::SwapOnOneReplica => {
                h.rebuild(1).append(1, event + 1, offset);
            }
            Self::AppendTwice => {
                h.append_all(event, end);
            }
            Self::SecondLeader => {
                h.lead(0, 7).lead(1, 7);
            }
            Self::PowerFailure => {
                h.crash(0).crash(1).crash(2).up(0).rebuild(0).up(1).rebuild(1).up(2).rebuild(2);
            }
            Self::OneReplicaBehind => {
                h.replica(2, offset, 0);
            }
            Self::Skip => {
                h.deliver(event, end + 1);
            }
            Self::DirtyRead => {
                h.publish(999_999).deliver(999_999, end);
            }
            Self::CommitAhead => {
                h.commit(0, end + 1);
            }
            Self::Zombie => {
                h.deliver_gen(event, offset, 2).apply_by(event, offset, 1, 7);
            }
            Self::DeadAndApplied => {
                h.dead_letter(event, offset);
            }
            Self::HalfASaga => {
                h.step_done(999_999, 0);
            }
            Self::HalfATransaction => {
                h.enlist(7, event).enlist(7, 999_999).commits(7).deliver(event, offset).converged();
            }
            Self::NoBackoff => {
                h.attempt(999_999, 1).attempt_failed(999_999, 1).attempt(999_999, 2);
            }
            Self::IgnoredBreaker => {
                for _ in 0..4 {
                    h.call().call_failed();
                }
            }
            Self::Overflow => {
                h.buffered(BOUND + 1);
            }
            Self::Inverted => {
                h.publish(999_998).publish(999_999);
                h.append_all(999_999, end).append_all(999_998, end + 1);
                h.ok(999_998, end + 1).ok(999_999, end);
            }
            Self::Undrained => {
                h.publish(999_999).append_all(999_999, end).ok(999_999, end).deadline();
            }
            Self::NeverBack => {
                h.publish(999_999).append_all(999_999, end).after(LIMIT + 1);
                h.ok(999_999, end).apply(999_999, end);
            }
            Self::Unavailable => {
                for late in 0..end * 2 {
                    h.publish(1_000_000 + late).info(1_000_000 + late);
                }
            }
            Self::EmptyInTheEnd => {
                h.replica(0, 0, 0).replica(1, 0, 0).replica(2, 0, 0);
            }
            Self::OnlyADeadReplicaHasIt => {
                h.rebuild(0).rebuild(1).crash(2);
            }
            Self::DoneAfterUndone => {
                h.step_undone(999_999, 0).step_done(999_999, 0);
            }
            Self::CommitsBackElsewhere => {
                h.commit(0, end).commit_as(1, offset, 2, 0);
            }
            Self::CommitsInAnOldGeneration => {
                h.assign(2).commit_as(0, offset + 1, 1, 1);
            }
            Self::GivenUpWithoutAnAttempt => {
                h.fault_began(0).publish(999_999).append_all(999_999, end).ok(999_999, end);
                h.deliver(999_999, end).dead_letter(999_999, end);
            }
            Self::AsksAnewInsteadOfAgain => {
                h.request(999_998, event).attempt(999_998, 1).attempt_failed(999_998, 1);
                h.request(999_999, event).attempt(999_999, 1);
            }
            Self::EffectsThatNobodyTells => h.records.retain(|record| {
                !matches!(record.what, What::State { of: StateOf::Projection { .. }, .. })
            }),
            Self::HangsAfterTheHealing => {
                h.publish(999_999);
            }
            Self::DoesNotAnswer => {
                h.unanswered(5);
            }
            Self::StoresSomethingElse => {
                h.content(999_999, 7).publish(999_999).append_saying(0, 999_999, end, 8);
            }
            Self::AgreesTooLate => {
                h.after(LIMIT + 1).rebuild(1).append(1, event, offset);
            }
            Self::ClosedByAStraggler => {
                h.call().call().call().call().call_failed().call_failed().call_failed();
                h.call_ok().call();
            }
            Self::Slow => {
                h.after(100 * LIMIT);
                for late in 0..end {
                    h.apply(event, offset + late);
                }
            }
        }
    }
}

/// For each invariant of logs a history, and how many facts it judges in it; for some of them several.
pub(crate) fn facts() -> Vec<(&'static str, u64, History)> {
    let mut all = Vec::new();
    let mut case = |name, facts, tell: &dyn Fn(&mut History)| {
        let mut h = History::new();
        tell(&mut h);
        all.push((name, facts, h));
    };
    case("no_loss", 1, &|h| {
        h.publish(1).ok_nowhere(1).absent(1);
    });
    case("no_loss", 1, &|h| {
        h.publish(1).append(0, 1, 0).ok(1, 0).publish(2).info(2);
    });
    case("no_loss", 1, &|h| {
        h.publish(1).ok(1, 0).deliver(1, 0);
    });
    case("no_loss", 1, &|h| {
        h.publish(1).ok(1, 0).apply(1, 0);
    });
    case("no_loss", 1, &|h| {
        h.publish(1).ok(1, 0).dead_letter(1, 0);
    });
    case("no_phantom", 2, &|h| {
        h.append_all(1, 0).deliver(1, 0).apply(1, 0).deliver(2, 1);
    });
    case("idempotency", 2, &|h| {
        h.apply(1, 0).apply(2, 1);
    });
    case("no_duplicate_append", 1, &|h| {
        h.append_all(1, 0);
    });
    case("agreement", 3, &|h| {
        h.append_all(1, 0).deliver(1, 0).append(0, 2, 1);
    });
    case("order", 4, &|h| {
        h.publish(1).publish(2).publish(3).ok(1, 0).ok(2, 1).ok(3, 2);
        h.apply(1, 0).apply(2, 1).apply(3, 2);
    });
    case("no_skip", 1, &|h| {
        h.deliver(1, 0).deliver(2, 1).deliver_gen(3, 2, 2);
    });
    case("no_dirty_read", 1, &|h| {
        h.deliver(1, 0).deliver(1, 0);
    });
    case("commit_after_apply", 2, &|h| {
        h.commit(0, 1).commit(1, 1);
    });
    case("single_owner", 1, &|h| {
        h.deliver(1, 0).apply(1, 0);
    });
    case("dead_letters", 2, &|h| {
        h.poison(1).dead_letter(1, 0).dead_letter(1, 0).apply(2, 1);
    });
    case("transaction_atomicity", 2, &|h| {
        h.enlist(7, 1).commits(7).deliver(1, 0).deliver(1, 0).apply(2, 1);
    });
    case("transaction_atomicity", 1, &|h| {
        h.enlist(7, 1).enlist(7, 2).apply(2, 1).aborted(7);
    });
    case("transaction_atomicity", 1, &|h| {
        h.enlist(7, 1).enlist(7, 2).dead_letter(2, 1);
    });
    case("saga_atomicity", 2, &|h| {
        h.step_done(1, 0).step_done(1, 1).step_done(2, 0);
    });
    case("conserved", 1, &|h| {
        h.conserved(7, 7);
    });
    case("retry_policy", 1, &|h| {
        h.attempt(1, 1).attempt_failed(1, 1).after(150_000).attempt(1, 2).attempt(2, 1);
    });
    case("breaker", 1, &|h| {
        h.call().call_failed().call().call_failed().call().call_failed();
    });
    case("rotation", 2, &|h| {
        h.asked_in_vain(1).answered(1).asked_in_vain(1);
    });
    case("bounded_memory", 2, &|h| {
        h.buffered(1).buffered(0);
    });
    case("bounded_memory", 1, &|h| {
        h.held(MEMORY);
    });
    case("single_leader", 3, &|h| {
        h.lead(0, 1).lead(1, 2).acknowledge(1, 1, 0, 2).append_all(1, 0);
    });
    case("votes_kept", 2, &|h| {
        h.vote(1, 2).lead(0, 2);
    });
    case("durability", 1, &|h| {
        h.publish(1).append_all(1, 0).ok(1, 0).publish(2).append_all(2, 1).info(2);
    });
    case("eventual_consistency", 3, &|h| {
        h.replica(0, 1, 7).projection(1, 1).deadline();
        h.crash(1);
    });
    case("drains", 2, &|h| {
        h.append_all(1, 0).append_all(2, 1).healed();
    });
    case("converges", 3, &|h| {
        h.healed().replica(0, 1, 7).projection(1, 1).unanswered(1).deadline();
    });
    case("progress", 2, &|h| {
        h.publish(1).publish(2).info(2).healed().publish(3);
    });
    case("recovers_within", 5, &|h| {
        h.publish(1).append_all(2, 0).append_all(3, 1).append_all(5, 2).healed().publish(4);
    });
    case("available", 2, &|h| {
        h.publish(1).publish(2);
    });
    case("latency", 1, &|h| {
        h.publish(1).apply(1, 0).apply(2, 1);
    });
    all
}

/// What is broken, the cause first, with the cause of each that follows.
fn told(h: &History) -> Vec<String> {
    let mut all: Vec<String> = h
        .judgement()
        .violations
        .iter()
        .map(|violation| match violation.consequence_of {
            Some(cause) => format!("{} (of {cause})", violation.invariant),
            None => violation.invariant.to_owned(),
        })
        .collect();
    all.dedup();
    all
}

#[test]
fn the_cause_comes_first() {
    // A power failure takes an acknowledged event: durability broke then, and the rest follows.
    let mut h = History::new();
    h.publish(1).append_all(1, 0).ok(1, 0).deliver(1, 0);
    h.crash(0).crash(1).crash(2).up(0).rebuild(0).up(1).rebuild(1).up(2).rebuild(2);
    h.publish(2).append_all(2, 0).ok(2, 0).deliver(2, 0).apply(2, 0).healed().converged();
    assert_eq!(
        told(&h),
        [
            "durability",
            "no_dirty_read (of durability)",
            "no_loss (of durability)",
            "agreement (of durability)",
            "drains (of durability)",
            "eventual_consistency (of durability)",
            "recovers_within (of durability)",
        ]
    );
    // What goes wrong before something else does not follow from it.
    let mut h = History::new();
    h.publish(1).append_all(1, 0).ok(1, 0).apply(1, 0).apply(1, 0).append(0, 2, 0).healed();
    let told_of = told(&h);
    assert_eq!(told_of[0], "idempotency");
    assert!(told_of.contains(&"agreement".to_owned()), "{told_of:?}");
    // A group that lags explains that nothing comes to it; impatient retries do not explain a double effect.
    let mut h = History::new();
    h.attempt(1, 1).attempt_failed(1, 1).attempt(1, 2);
    h.publish(1).append_all(1, 0).ok(1, 0).publish(2).append_all(2, 1).ok(2, 1);
    h.apply(1, 0).apply(1, 0).healed();
    assert_eq!(told(&h)[..2], ["retry_policy", "drains (of retry_policy)"]);
    assert!(told(&h).contains(&"idempotency".to_owned()), "{:?}", told(&h));
    let mut h = History::new();
    h.publish(1).append_all(1, 0).ok(1, 0).step_done(1, 0).healed().deadline();
    assert_eq!(told(&h)[..3], ["drains", "no_loss (of drains)", "saga_atomicity (of drains)"]);
}

/// Each invariant with its cause, of violations that began at these places.
fn causes(broken: &[(&'static str, u64)]) -> Vec<(&'static str, Option<&'static str>)> {
    let mut violations: Vec<crate::Violation> = broken
        .iter()
        .map(|(invariant, since)| crate::Violation {
            invariant,
            summary: String::new(),
            evidence: Vec::new(),
            since: *since,
            consequence_of: None,
        })
        .collect();
    crate::by_cause(&mut violations);
    violations.iter().map(|violation| (violation.invariant, violation.consequence_of)).collect()
}

#[test]
fn what_explains_what() {
    const NEVER: u64 = crate::NEVER;
    // A panic comes before what goes wrong with the same record, and explains only what never happens.
    assert_eq!(
        causes(&[("votes_kept", 5), ("no_panic", 5)]),
        [("no_panic", None), ("votes_kept", None)]
    );
    // One effect does not explain another.
    assert_eq!(
        causes(&[("idempotency", 3), ("no_loss", 5)]),
        [("idempotency", None), ("no_loss", None)]
    );
    // What does not come about explains only those who speak of the whole.
    assert_eq!(
        causes(&[("available", NEVER), ("eventual_consistency", NEVER), ("converges", NEVER)]),
        [
            ("eventual_consistency", None),
            ("converges", Some("eventual_consistency")),
            ("available", None),
        ]
    );
    // A standstill explains all that never happens.
    assert_eq!(
        causes(&[("available", NEVER), ("no_loss", NEVER), ("drains", NEVER)]),
        [("drains", None), ("no_loss", Some("drains")), ("available", Some("drains"))]
    );
}

#[test]
fn a_panic_explains_what_never_came_after_it() {
    let mut h = History::new();
    h.publish(1).append_all(1, 0).ok(1, 0).publish(2).append_all(2, 1).ok(2, 1);
    h.deliver(1, 0).deliver(2, 1).apply(2, 1);
    let mut violations = h.judgement().violations;
    assert_eq!(violations[0].invariant, "no_loss");
    violations.push(crate::Violation {
        invariant: "no_panic",
        summary: String::new(),
        evidence: Vec::new(),
        since: crate::NEVER,
        consequence_of: None,
    });
    crate::by_cause(&mut violations);
    assert_eq!(violations[0].invariant, "no_panic");
    assert!(violations[1..].iter().all(|other| other.consequence_of == Some("no_panic")));
}

#[test]
fn what_judged_nothing_says_what_is_missing() {
    let mut h = History::new();
    h.publish(1).append(0, 1, 0).ok(1, 0).attempt(1, 1);
    let judgement = h.judgement();
    assert_eq!(judgement.why_idle("no_loss"), None);
    assert_eq!(
        judgement.why_idle("idempotency").as_deref(),
        Some("idempotency was named under expect and judged nothing: no Apply was recorded")
    );
    assert_eq!(
        judgement.why_idle("retry_policy").as_deref(),
        Some(
            "retry_policy was named under expect and judged nothing: it judges each attempt that follows \
             another of the same request, and there was none"
        )
    );
    let nothing_promised = Judge::new(&Setup::default()).finish(&|_| String::new());
    assert_eq!(
        nothing_promised.why_idle("retry_policy").as_deref(),
        Some(
            "retry_policy was named under expect and judged nothing: the system does not promise that \
             `retries` has a policy"
        )
    );
}

#[test]
fn where_the_log_went_back_the_history_is_told_as_it_was() {
    let mut h = History::new();
    h.publish(1).append_all(1, 0).ok(1, 0).deliver(1, 0);
    assert_eq!(h.judge().put_back(), None);
    assert_eq!(h.judgement().history, h.records);
    h.after(1).fault_on(1, 0).fault_on(1, 1).after(1).publish(2).append(0, 2, 1).ok(2, 1).after(1);
    h.went_back(0, 1, 1).went_back(1, 1, 1).rebuild(2).append(2, 1, 0);
    let (records, gone) = h.judge().put_back().unwrap();
    assert_eq!(gone, [EventId(2)].into());
    let mut expected = h.records.clone();
    // The client of e2 was told by those who then forgot it.
    let ok = expected.iter_mut().rfind(|record| record.at == 2 && record.node == PRODUCER);
    ok.unwrap().what =
        What::Publish { phase: Phase::Info, event: EventId(2), key: 0, position: None };
    expected.retain(|record| record.at != 2 || record.node == PRODUCER);
    assert_eq!(records, expected);
    let judgement = h.judgement();
    assert_eq!(judgement.history, h.records);
    assert_eq!(
        judgement.why_idle("no_skip").as_deref(),
        Some(
            "no_skip was named under expect and judged nothing: it judges each delivery after the first of an \
             assignment, and there was none"
        )
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_correct_history_breaks_nothing(lives in prop::collection::vec(life(), 1..40)) {
        let (h, _) = correct(&lives);
        prop_assert_eq!(h.broken(), Vec::<&str>::new());
    }

    #[test]
    fn a_correct_history_of_many_breaks_nothing(
        lives in prop::collection::vec(wide(), 1..20),
        left_out in prop::option::of(0..REPLICAS),
    ) {
        let h = widely_correct(&lives, left_out);
        prop_assert_eq!(h.broken(), Vec::<&str>::new());
    }

    #[test]
    fn one_lie_breaks_its_invariant(
        lives in prop::collection::vec(life(), 1..20),
        lie in prop::sample::select(&Lie::ALL[..]),
        place in any::<prop::sample::Index>(),
    ) {
        let (mut h, log) = correct(&lives);
        // The first events all ended ok and were applied.
        let offset = place.index(4 * lives.len());
        lie.tell(&mut h, log[offset], offset as u64, log.len() as u64);
        prop_assert!(h.broken().contains(&lie.breaks()), "{:?}: {:?}", lie, h.broken());
    }
}
