//! What a record can say. All that a kind of record needs to be known by stands here, and each `match` names every kind,
//! so that a new one is not forgotten.

use super::{
    identity::{EventId, Name, NodeId, Position},
    values::{
        BreakerState, Mark, NodeChange, Phase, Removed, Requeued, SagaChange, StateOf, Tampering,
    },
};
#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub enum What {
    /// A client's publish of one event. Recorded by the harness, from what the client was told.
    Publish {
        /// Where in its life the operation is.
        phase: Phase,
        /// The event.
        event: EventId,
        /// The key by which order is kept.
        key: u32,
        /// Where it was appended, when the client was told.
        position: Option<Position>,
    },
    /// The client was told to publish something that nobody can handle.
    Poison {
        /// The event.
        event: EventId,
    },
    /// The node became leader of `term`.
    Lead {
        /// Grows with every election; the same number never twice.
        term: u64,
    },
    /// The node believes no more that it leads `term`.
    StepDown {
        /// The term it led.
        term: u64,
    },
    /// The node begins to rebuild its copy of the log from its disk: what it appended before counts
    /// no more.
    Rebuild,
    /// A replica made an event visible in its copy of the committed log.
    Append {
        /// Where.
        position: Position,
        /// The event.
        event: EventId,
        /// Its key.
        key: u32,
        /// The term of the leader that the replica followed when it learnt that the entry is committed.
        term: u64,
        /// A hash of what it says; 0 if that is not told.
        content: u32,
    },
    /// A leader told a producer that its event is safe.
    Acknowledge {
        /// The event.
        event: EventId,
        /// Where it stands, if the leader knows already.
        position: Option<Position>,
        /// The term in which the leader acknowledged.
        term: u64,
    },
    /// A group's partition was given to a member, from `generation` on.
    Assign {
        /// The consumer group.
        group: Name,
        /// The partition.
        partition: u32,
        /// The group's generation.
        generation: u64,
        /// To whom.
        member: Name,
    },
    /// A consumer was handed an event (again, when `attempt` > 1 or after a redelivery).
    Deliver {
        /// The consumer group.
        group: Name,
        /// Where the event stands.
        position: Position,
        /// The event.
        event: EventId,
        /// The generation in which the member owns the partition.
        generation: u64,
        /// A hash of what it says; 0 if that is not told.
        content: u32,
    },
    /// A service decided to publish an event that follows from another.
    Derive {
        /// The event.
        event: EventId,
        /// What it follows from.
        from: EventId,
    },
    /// An effect for (event, group) became durable where it lands. Recorded by the store, not by the
    /// consumer that asked for it.
    Apply {
        /// The consumer group.
        group: Name,
        /// Where the event stands.
        position: Position,
        /// The event.
        event: EventId,
        /// The generation under which the effect was accepted.
        generation: u64,
        /// The member that asked for it.
        member: Name,
    },
    /// The event is durable in the group's dead-letter queue.
    DeadLetter {
        /// The consumer group.
        group: Name,
        /// Where the event stands in its own partition.
        position: Position,
        /// The event.
        event: EventId,
        /// How often it has been dead-lettered in the group, with this time.
        times: u32,
    },
    /// The event was taken out of the group's dead-letter queue, to be handled again.
    Redrive {
        /// The consumer group.
        group: Name,
        /// Where the event stands in its own partition.
        position: Position,
        /// The event.
        event: EventId,
        /// How often it has been dead-lettered in the group, with this time.
        times: u32,
    },
    /// Something of a saga happened, where it lands.
    Saga {
        /// The saga: the event that began it.
        saga: EventId,
        /// The step.
        step: Name,
        /// What became of it.
        change: SagaChange,
    },
    /// An attempt at a request that is repeated by a policy: it begins (`Invoke`), succeeds (`Ok`), or fails
    /// (`Fail`, and `Info` if nobody knows).
    Attempt {
        /// The policy.
        policy: Name,
        /// The request, unique on this node.
        request: u64,
        /// From 1.
        number: u32,
        /// Where in its life the attempt is.
        phase: Phase,
    },
    /// A call to a dependency that stands behind a circuit breaker: it is made (`Invoke`), succeeds (`Ok`) or
    /// fails (`Fail`, and `Info` for a timeout).
    Call {
        /// The dependency.
        dependency: Name,
        /// Where in its life the call is.
        phase: Phase,
    },
    /// This node's breaker before a dependency changed.
    Breaker {
        /// The dependency.
        dependency: Name,
        /// What it is now.
        state: BreakerState,
    },
    /// How much waits in a buffer of this node that has a bound.
    Buffered {
        /// The buffer.
        buffer: Name,
        /// How much.
        amount: u64,
    },
    /// A group's committed offset became durable: everything below `offset` is done.
    Commit {
        /// The consumer group.
        group: Name,
        /// The partition.
        partition: u32,
        /// The next offset to deliver.
        offset: u64,
        /// The generation of the member that committed.
        generation: u64,
        /// Its place among all that the replicas decided, from 1: whoever tells of this commit again, tells the
        /// same number. 0 if there is none; then whoever tells of commits must tell of all that it learns of, in
        /// their order, and of all of them again after it rebuilt its copy.
        number: u64,
    },
    /// End-of-run state, as the harness's observer was told.
    State {
        /// What it is the state of.
        of: StateOf,
        /// How far it is.
        position: u64,
        /// Equal states have equal digests.
        digest: u64,
    },
    /// Something worth counting that no other record says, by its name: `retried`, `rebalanced`, …
    Signal {
        /// The signal.
        signal: Name,
    },
    /// The code passed a fault point.
    Point {
        /// The point.
        point: Name,
        /// How often this node has passed it, from 1.
        hit: u32,
    },
    /// A fault began to act.
    FaultBegan {
        /// Its step in the scenario, from 0.
        fault: u16,
        /// The node it acts on; one record for each target.
        target: NodeId,
    },
    /// A fault is over.
    FaultHealed {
        /// Its step in the scenario, from 0.
        fault: u16,
    },
    /// A message-level fault acted on one frame. The record's node is the sender.
    Tampered {
        /// Its step in the scenario, from 0.
        fault: u16,
        /// What was done.
        tampering: Tampering,
        /// The kind of message.
        kind: Name,
        /// The receiver.
        to: NodeId,
    },
    /// A disk fault acted: an operation on the node's disk was refused.
    DiskRefused {
        /// Its step in the scenario, from 0.
        fault: u16,
    },
    /// A node started or stopped.
    Node {
        /// What became of it.
        change: NodeChange,
    },
    /// The run entered another phase.
    Mark(Mark),
    /// The next publish of this event comes later than it was due: its client was down, stalled or busy.
    /// Latency counts from when it was due (coordinated omission; Tene, 2013).
    Late {
        /// The event.
        event: EventId,
        /// When it was due, in microseconds of virtual time.
        due: u64,
    },
    /// The harness itself adds this publish, after the healing, to see whether publishing works. It is not
    /// part of the workload: limits on shares and quantiles leave it out.
    Probe {
        /// The event.
        event: EventId,
    },
    /// The harness's observer asked this node for its state, in its last look, and got no answer.
    Unanswered,
    /// What an event says, told where it is made: by the client that publishes it, or by the service that derives
    /// it.
    Content {
        /// The event.
        event: EventId,
        /// The hash that [`What::Append`] and [`What::Deliver`] tell of what is stored and handed out.
        content: u32,
    },
    /// A request that is repeated by a policy is made for this event: one record for each, before the first
    /// attempt. Another request for the event by the same policy on this node counts as the same going on, unless
    /// the one before it ended well or had its attempts spent.
    Request {
        /// The policy, as in [`What::Attempt`].
        policy: Name,
        /// The request.
        request: u64,
        /// The event.
        event: EventId,
    },
    /// A replica has told a candidate that it follows no leader of a lower term (a vote in Raft, a promise in
    /// Paxos); or it says, as it starts, below which term it follows nobody.
    Vote {
        /// The term.
        term: u64,
    },
    /// A client asked one of several servers that can serve it. Only failures in a row matter: it is told when
    /// there was no answer (`Fail`, and `Info` for a timeout), and when after that there was one (`Ok`), to a
    /// question or to a check of the server's health.
    Asked {
        /// The client, by a name that is unique on this node.
        client: Name,
        /// The server.
        server: Name,
        /// How it ended.
        phase: Phase,
    },
    /// What a node holds in queues of frames and in what it reserves. Told by the simulation when it is
    /// a good deal more than ever before, and for every node when all is drained, if it is much.
    Held {
        /// In bytes.
        bytes: u64,
    },
    /// The node's machine has no power, and its disk is as it was at an earlier time: a snapshot was put in its place; or it was
    /// emptied, and is as it was in the beginning (told of nodes that are no replicas).
    WentBack {
        /// By which step of the scenario.
        fault: u16,
        /// The time, in microseconds since the start of the run.
        to: u64,
    },
    /// A queue has taken a message in: it is as durable as it will be, and waits for a consumer. Recorded by the queue;
    /// one that tells of it again, after a restart, tells the same.
    Enqueue {
        /// The queue, by the name of its group of consumers.
        queue: Name,
        /// The message: its number, unique in the queue.
        message: u64,
        /// The event that it carries. Without deduplication an event may be in several messages.
        event: EventId,
        /// The message group whose order is kept (SQS: message group id; Pub/Sub: ordering key).
        group: u32,
        /// The id by which the queue tells repetitions of a publish, if it was given one.
        deduplication: Option<u64>,
    },
    /// A queue takes a publish for the repetition of one that it took in before: there is no message for it.
    Deduplicate {
        /// The queue.
        queue: Name,
        /// The event that was published.
        event: EventId,
        /// Its deduplication id.
        deduplication: u64,
    },
    /// A queue hands a message to a consumer, who has it leased from now on. Recorded by the queue, before the message
    /// leaves.
    Lease {
        /// The queue.
        queue: Name,
        /// The message.
        message: u64,
        /// The event that it carries.
        event: EventId,
        /// To whom: the name of its node, alone or before something else (`worker-1/3`), by which it is known whether it
        /// has died.
        consumer: Name,
        /// The delivery count that the message carries, from 1; it names this lease in later records.
        count: u32,
        /// How long the lease lasts from now on, in microseconds; 0 if it has no end of its own.
        lasts: u64,
    },
    /// A queue has extended a lease. Recorded by the queue, before it answers.
    Extend {
        /// The queue.
        queue: Name,
        /// The message.
        message: u64,
        /// The event that it carries.
        event: EventId,
        /// The delivery count of the lease.
        count: u32,
        /// How long the lease lasts from now on, in microseconds; 0 if it has no end of its own.
        lasts: u64,
    },
    /// A consumer acknowledges one message (SQS: `DeleteMessage`). Recorded by the consumer: when it asks (`Invoke`), when
    /// it is told that the message is gone for good (`Ok`), that it is not (`Fail`: the lease is over), or when it gives
    /// up waiting (`Info`). Where consumers are not told, the queue may record `Ok` when that is durable.
    AcknowledgeMessage {
        /// The queue.
        queue: Name,
        /// The message.
        message: u64,
        /// The event that it carries.
        event: EventId,
        /// The delivery count of the lease under which it was handled.
        count: u32,
        /// Where in its life the operation is.
        phase: Phase,
    },
    /// A consumer refuses one message (AMQP: `basic.nack`). Recorded by the consumer, when it asks.
    Refuse {
        /// The queue.
        queue: Name,
        /// The message.
        message: u64,
        /// The event that it carries.
        event: EventId,
        /// The delivery count of the lease.
        count: u32,
        /// It shall be handed out again.
        requeue: bool,
    },
    /// A message is available again: whoever it was handed to has it no more. Recorded by the queue.
    Requeue {
        /// The queue.
        queue: Name,
        /// The message.
        message: u64,
        /// The event that it carries.
        event: EventId,
        /// Why.
        why: Requeued,
    },
    /// A message has left its queue without having been acknowledged. Recorded by the queue, when that is durable.
    Remove {
        /// The queue.
        queue: Name,
        /// The message.
        message: u64,
        /// The event that it carries.
        event: EventId,
        /// Why, and what became of it.
        why: Removed,
    },
    /// A client has read all that the system holds, when everything was over, and an event that was acknowledged was not
    /// there: whatever was told of it before, this group is not done with it.
    Absent {
        /// The group.
        group: Name,
        /// The event.
        event: EventId,
    },
    /// An event is published as a part of a transaction. Recorded by whoever publishes it, before it is sent. One that is
    /// published again, after a transaction was aborted, is a part of another one then.
    Enlist {
        /// The transaction: a number that is unique in the run.
        transaction: u64,
        /// The event.
        event: EventId,
    },
    /// The end of a transaction. Recorded when its commit is asked for (`Invoke`), when it is durably committed (`Ok`), when
    /// it surely is not and never will be (`Fail`: it is aborted), or when who asked gives up waiting (`Info`). Whoever
    /// decides may tell how it ended, or who asked, or both.
    Transaction {
        /// The transaction, as in [`What::Enlist`].
        transaction: u64,
        /// Where it is.
        phase: Phase,
    },
}

impl What {
    /// What it is, in one word that does not change with what it speaks of.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Publish { phase, .. } => match phase {
                Phase::Invoke => "publish",
                Phase::Ok => "publish_ok",
                Phase::Fail => "publish_fail",
                Phase::Info => "publish_info",
            },
            Self::Poison { .. } => "poison",
            Self::Lead { .. } => "lead",
            Self::StepDown { .. } => "step_down",
            Self::Rebuild => "rebuild",
            Self::Append { .. } => "append",
            Self::Acknowledge { .. } => "acknowledge",
            Self::Assign { .. } => "assign",
            Self::Derive { .. } => "derive",
            Self::Deliver { .. } => "deliver",
            Self::Apply { .. } => "apply",
            Self::DeadLetter { .. } => "dead_letter",
            Self::Redrive { .. } => "redrive",
            Self::Saga { change, .. } => match change {
                SagaChange::Done => "saga_done",
                SagaChange::Undone => "saga_undone",
            },
            Self::Attempt { .. } => "attempt",
            Self::Call { .. } => "call",
            Self::Breaker { .. } => "breaker",
            Self::Buffered { .. } => "buffered",
            Self::Commit { .. } => "commit",
            Self::State { .. } => "state",
            Self::Signal { .. } => "signal",
            Self::Point { .. } => "point",
            Self::FaultBegan { .. } => "fault_began",
            Self::FaultHealed { .. } => "fault_healed",
            Self::Tampered { .. } => "tampered",
            Self::DiskRefused { .. } => "disk_refused",
            Self::Node { change } => match change {
                NodeChange::Up => "up",
                NodeChange::Crashed => "crash",
                NodeChange::Exited => "exit",
                NodeChange::Panicked => "panic",
            },
            Self::Mark(mark) => match mark {
                Mark::WorkloadOffered => "offered",
                Mark::Healed => "healed",
                Mark::Converged => "converged",
                Mark::DeadlinePassed => "deadline",
                Mark::Settled => "settled",
            },
            Self::Late { .. } => "late",
            Self::Probe { .. } => "probe",
            Self::Unanswered => "unanswered",
            Self::Content { .. } => "content",
            Self::Request { .. } => "request",
            Self::Vote { .. } => "vote",
            Self::Asked { .. } => "asked",
            Self::Held { .. } => "held",
            Self::WentBack { .. } => "went_back",
            Self::Enqueue { .. } => "enqueue",
            Self::Deduplicate { .. } => "deduplicate",
            Self::Lease { .. } => "lease",
            Self::Extend { .. } => "extend",
            Self::AcknowledgeMessage { .. } => "acknowledge_message",
            Self::Refuse { .. } => "refuse",
            Self::Requeue { .. } => "requeue",
            Self::Remove { .. } => "remove",
            Self::Absent { .. } => "absent",
            Self::Enlist { .. } => "enlist",
            Self::Transaction { phase, .. } => match phase {
                Phase::Invoke => "transaction",
                Phase::Ok => "transaction_committed",
                Phase::Fail => "transaction_aborted",
                Phase::Info => "transaction_info",
            },
        }
    }

    /// The events that it speaks of, the one that it is about first.
    pub fn events(&self) -> impl Iterator<Item = EventId> + use<> {
        let (event, other) = match *self {
            Self::Derive { event, from } => (Some(event), Some(from)),
            Self::Publish { event, .. }
            | Self::Poison { event }
            | Self::Late { event, .. }
            | Self::Probe { event }
            | Self::Append { event, .. }
            | Self::Acknowledge { event, .. }
            | Self::Deliver { event, .. }
            | Self::Apply { event, .. }
            | Self::DeadLetter { event, .. }
            | Self::Redrive { event, .. }
            | Self::Content { event, .. }
            | Self::Request { event, .. }
            | Self::Enqueue { event, .. }
            | Self::Deduplicate { event, .. }
            | Self::Lease { event, .. }
            | Self::Extend { event, .. }
            | Self::AcknowledgeMessage { event, .. }
            | Self::Refuse { event, .. }
            | Self::Requeue { event, .. }
            | Self::Remove { event, .. }
            | Self::Absent { event, .. }
            | Self::Enlist { event, .. }
            | Self::Saga { saga: event, .. } => (Some(event), None),
            Self::Lead { .. }
            | Self::StepDown { .. }
            | Self::Rebuild
            | Self::Assign { .. }
            | Self::Attempt { .. }
            | Self::Call { .. }
            | Self::Breaker { .. }
            | Self::Buffered { .. }
            | Self::Commit { .. }
            | Self::State { .. }
            | Self::Signal { .. }
            | Self::Point { .. }
            | Self::FaultBegan { .. }
            | Self::FaultHealed { .. }
            | Self::Tampered { .. }
            | Self::DiskRefused { .. }
            | Self::Node { .. }
            | Self::Unanswered
            | Self::Vote { .. }
            | Self::Asked { .. }
            | Self::Held { .. }
            | Self::WentBack { .. }
            | Self::Transaction { .. }
            | Self::Mark(_) => (None, None),
        };
        event.into_iter().chain(other)
    }

    /// The names that it has, to be given others: each process numbers its own.
    pub fn names_mut(&mut self) -> impl Iterator<Item = &mut Name> {
        let (name, other) = match self {
            Self::Assign { group, member, .. } | Self::Apply { group, member, .. } => {
                (Some(group), Some(member))
            }
            Self::Asked { client, server, .. } => (Some(client), Some(server)),
            Self::Lease { queue, consumer, .. } => (Some(queue), Some(consumer)),
            Self::Deliver { group: name, .. }
            | Self::Absent { group: name, .. }
            | Self::DeadLetter { group: name, .. }
            | Self::Redrive { group: name, .. }
            | Self::Saga { step: name, .. }
            | Self::Attempt { policy: name, .. }
            | Self::Call { dependency: name, .. }
            | Self::Breaker { dependency: name, .. }
            | Self::Buffered { buffer: name, .. }
            | Self::Commit { group: name, .. }
            | Self::Signal { signal: name }
            | Self::Point { point: name, .. }
            | Self::Tampered { kind: name, .. }
            | Self::Request { policy: name, .. }
            | Self::Enqueue { queue: name, .. }
            | Self::Deduplicate { queue: name, .. }
            | Self::Extend { queue: name, .. }
            | Self::AcknowledgeMessage { queue: name, .. }
            | Self::Refuse { queue: name, .. }
            | Self::Requeue { queue: name, .. }
            | Self::Remove { queue: name, .. }
            | Self::State {
                of:
                    StateOf::Projection { group: name }
                    | StateOf::Conserved { quantity: name }
                    | StateOf::View { name }
                    | StateOf::Queue { queue: name },
                ..
            } => (Some(name), None),
            Self::State { of: StateOf::Replica { .. }, .. }
            | Self::Publish { .. }
            | Self::Poison { .. }
            | Self::Lead { .. }
            | Self::StepDown { .. }
            | Self::Rebuild
            | Self::Append { .. }
            | Self::Acknowledge { .. }
            | Self::Derive { .. }
            | Self::FaultBegan { .. }
            | Self::FaultHealed { .. }
            | Self::DiskRefused { .. }
            | Self::Node { .. }
            | Self::Mark(_)
            | Self::Late { .. }
            | Self::Probe { .. }
            | Self::Unanswered
            | Self::Content { .. }
            | Self::Vote { .. }
            | Self::Held { .. }
            | Self::Enlist { .. }
            | Self::Transaction { .. }
            | Self::WentBack { .. } => (None, None),
        };
        name.into_iter().chain(other)
    }

    /// It tells the story of a run; the rest is traffic.
    #[must_use]
    pub const fn is_milestone(&self) -> bool {
        match self {
            Self::Lead { .. }
            | Self::StepDown { .. }
            | Self::Rebuild
            | Self::WentBack { .. }
            | Self::Point { .. }
            | Self::FaultBegan { .. }
            | Self::FaultHealed { .. }
            | Self::DiskRefused { .. }
            | Self::Breaker { .. }
            | Self::Assign { .. }
            | Self::Node { .. }
            | Self::Mark(_)
            | Self::State { .. }
            | Self::Unanswered
            | Self::Absent { .. }
            | Self::Transaction { phase: Phase::Info | Phase::Fail, .. }
            | Self::Publish { phase: Phase::Info | Phase::Fail, .. } => true,
            Self::Publish { phase: Phase::Invoke | Phase::Ok, .. }
            | Self::Poison { .. }
            | Self::Append { .. }
            | Self::Acknowledge { .. }
            | Self::Deliver { .. }
            | Self::Derive { .. }
            | Self::Apply { .. }
            | Self::DeadLetter { .. }
            | Self::Redrive { .. }
            | Self::Saga { .. }
            | Self::Attempt { .. }
            | Self::Call { .. }
            | Self::Buffered { .. }
            | Self::Commit { .. }
            | Self::Signal { .. }
            | Self::Tampered { .. }
            | Self::Late { .. }
            | Self::Probe { .. }
            | Self::Content { .. }
            | Self::Request { .. }
            | Self::Vote { .. }
            | Self::Asked { .. }
            | Self::Held { .. }
            | Self::Enqueue { .. }
            | Self::Deduplicate { .. }
            | Self::Lease { .. }
            | Self::Extend { .. }
            | Self::AcknowledgeMessage { .. }
            | Self::Refuse { .. }
            | Self::Requeue { .. }
            | Self::Remove { .. }
            | Self::Enlist { .. }
            | Self::Transaction { phase: Phase::Invoke | Phase::Ok, .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What replays choose by: a story is told of the events that the evidence speaks of.
    #[test]
    fn a_record_speaks_of_its_events() {
        let (group, position, event) = (Name(0), Position::new(0, 1), EventId(7));
        let of = |what: What| what.events().map(|event| event.0).collect::<Vec<_>>();
        assert_eq!(of(What::Redrive { group, position, event, times: 1 }), [7]);
        assert_eq!(of(What::Poison { event }), [7]);
        assert_eq!(of(What::Derive { event, from: EventId(3) }), [7, 3]);
        assert_eq!(of(What::Rebuild), [] as [u64; 0]);
    }
}
