//! Records in words, for evidence and timelines.

use crate::plan::PlannedFault;
use squall_judge::seconds;
use squall_probe::{
    BreakerState, Mark, NodeChange, NodeId, Phase, Record, Removed, Requeued, SagaChange, StateOf,
    Tampering, What, sim::Names,
};

/// Everything needed to put a record into words.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// Names of groups, points, signals and kinds of message.
    pub names: &'a Names,
    /// Names of nodes, by id.
    pub nodes: &'a [String],
    /// The faults of the plan.
    pub faults: &'a [PlannedFault],
}

impl Words<'_> {
    /// A node's name; the harness itself is `squall`.
    #[must_use]
    pub fn node(&self, node: NodeId) -> &str {
        if node == NodeId::HARNESS {
            return "squall";
        }
        self.nodes.get(usize::from(node.0)).map_or("?", String::as_str)
    }

    /// What happened, without when and where.
    #[must_use]
    pub fn what(&self, record: &Record) -> String {
        let name = |name| self.names.text(name);
        match record.what {
            What::Publish { phase, event, key, position } => {
                let at = position.map(|at| format!(" at {at}")).unwrap_or_default();
                let e = event.0;
                match phase {
                    Phase::Invoke => format!("publish e{e} (key {key})"),
                    Phase::Ok => format!("publish e{e} acknowledged{at}"),
                    Phase::Fail => format!("publish e{e} failed for sure"),
                    Phase::Info => format!("publish e{e} indeterminate"),
                }
            }
            What::Poison { event } => format!("e{} is poison", event.0),
            What::Lead { term } => format!("leads term {term}"),
            What::StepDown { term } => format!("no longer leads term {term}"),
            What::Rebuild => "rebuilds its log from disk".to_owned(),
            What::Append { position, event, term, .. } => {
                format!("has e{} at {position} (term {term})", event.0)
            }
            What::Acknowledge { event, position, term } => {
                let at = position.map(|at| format!(" at {at}")).unwrap_or_default();
                format!("acknowledges e{}{at} (term {term})", event.0)
            }
            What::Assign { group, partition, generation, member } => {
                let (group, member) = (name(group), name(member));
                format!("{group}: partition {partition} is {member}'s in generation {generation}")
            }
            What::Derive { event, from } => {
                format!("e{} follows from e{}", event.0, from.0)
            }
            What::Deliver { group, position, event, generation, .. } => {
                format!(
                    "{}: given e{} at {position} (generation {generation})",
                    name(group),
                    event.0
                )
            }
            What::Apply { group, position, event, .. } => {
                format!("{}: effect of e{} at {position} is durable", name(group), event.0)
            }
            What::DeadLetter { group, position, event, .. } => {
                format!("{}: e{} at {position} dead-lettered", name(group), event.0)
            }
            What::Redrive { group, position, event, .. } => {
                format!("{}: e{} at {position} redriven", name(group), event.0)
            }
            What::Saga { saga, step, change } => {
                let change = match change {
                    SagaChange::Done => "done",
                    SagaChange::Undone => "undone",
                };
                format!("saga of e{}: {} {change}", saga.0, name(step))
            }
            What::Enlist { transaction, event } => {
                format!("e{} is a part of transaction {transaction}", event.0)
            }
            What::Transaction { transaction, phase } => {
                let phase = match phase {
                    Phase::Invoke => "its commit is asked for",
                    Phase::Ok => "committed",
                    Phase::Fail => "aborted",
                    Phase::Info => "nobody knows whether it is committed",
                };
                format!("transaction {transaction}: {phase}")
            }
            What::Attempt { policy, request, number, phase } => {
                let phase = phase_word(phase, "begins");
                format!("{} {request}: attempt {number} {phase}", name(policy))
            }
            What::Call { dependency, phase } => {
                format!("a call to {} {}", name(dependency), phase_word(phase, "is made"))
            }
            What::Breaker { dependency, state } => {
                let state = match state {
                    BreakerState::Closed => "closes",
                    BreakerState::Open => "opens",
                    BreakerState::HalfOpen => "is half open",
                };
                format!("the breaker before {} {state}", name(dependency))
            }
            What::Buffered { buffer, amount } => format!("{}: {amount} wait", name(buffer)),
            What::Vote { term } => format!("follows no leader below term {term}"),
            What::Asked { client, server, phase } => {
                format!("{}: asking {} {}", name(client), name(server), phase_word(phase, "begins"))
            }
            What::WentBack { to, .. } => {
                format!("its disk is as it was at {}", seconds(to))
            }
            What::Held { bytes } => format!("holds {bytes} bytes"),
            What::Commit { group, partition, offset, .. } => {
                format!("{}: commits partition {partition} up to {offset}", name(group))
            }
            What::State { of: StateOf::Replica { partition }, position, digest } => {
                format!("partition {partition} ends at {position}, digest {digest:016x}")
            }
            What::State { of: StateOf::Projection { group }, position, digest } => {
                format!("{}: {position} effects, digest {digest:016x}", name(group))
            }
            What::State { of: StateOf::Conserved { quantity }, position, digest } => {
                format!("{}: {position}, and {digest} in the beginning", name(quantity))
            }
            What::State { of: StateOf::View { name: view }, position, digest } => {
                format!("{}: {position} taken in, digest {digest:016x}", name(view))
            }
            What::State { of: StateOf::Queue { queue }, position, digest } => {
                format!("{}: holds {position} messages, digest {digest:016x}", name(queue))
            }
            What::Signal { signal } => name(signal).to_owned(),
            What::Point { point, hit } => format!("reaches {} for the {hit}. time", name(point)),
            What::FaultBegan { fault, target } => {
                let known = self.faults.iter().find(|planned| planned.step == fault);
                let text = known.map(|known| format!(" ({})", known.fault)).unwrap_or_default();
                format!("fault {} begins on {}{text}", fault + 1, self.node(target))
            }
            What::FaultHealed { fault } => format!("fault {} is over", fault + 1),
            What::Tampered { fault, tampering, kind, to } => {
                let done = match tampering {
                    Tampering::Lost => "loses",
                    Tampering::Duplicated => "duplicates",
                    Tampering::Reordered | Tampering::Delayed => "delays",
                    Tampering::Corrupted => "damages",
                    Tampering::Reset => "resets the connection of",
                    Tampering::Replayed => "sends an old message with",
                };
                format!("fault {} {done} a {} to {}", fault + 1, name(kind), self.node(to))
            }
            What::DiskRefused { fault } => format!("fault {}: the disk refuses", fault + 1),
            What::Node { change } => match change {
                NodeChange::Up => "starts".to_owned(),
                NodeChange::Crashed => "crashes, unsynced data is lost".to_owned(),
                NodeChange::Exited => "ends by itself".to_owned(),
                NodeChange::Panicked => "panics".to_owned(),
            },
            What::Mark(mark) => match mark {
                Mark::WorkloadOffered => "the workload has been offered in full".to_owned(),
                Mark::Healed => "everything is healed; recovery begins".to_owned(),
                Mark::Converged => "drained and converged".to_owned(),
                Mark::DeadlinePassed => "the deadline has passed".to_owned(),
                Mark::Settled => "still right after the settling time".to_owned(),
            },
            What::Late { event, due } => {
                let (seconds, ms) = (due / 1_000_000, due / 1_000 % 1_000);
                format!("publish of e{} was due at {seconds}.{ms:03}s", event.0)
            }
            What::Probe { event } => format!("e{} is published to see whether that works", event.0),
            What::Absent { group, event } => {
                format!("{}: e{} is not there any more", name(group), event.0)
            }
            What::Unanswered => "does not tell its state".to_owned(),
            What::Content { event, content } => format!("e{} says {content:08x}", event.0),
            What::Request { policy, request, event } => {
                format!("{} {request} is made for e{}", name(policy), event.0)
            }
            What::Enqueue { queue, message, event, group, deduplication } => {
                let id = deduplication.map(|id| format!(", deduplication id {id}"));
                let id = id.unwrap_or_default();
                format!("{}: m{message} carries e{} (group {group}{id})", name(queue), event.0)
            }
            What::Deduplicate { queue, event, deduplication } => {
                let queue = name(queue);
                format!("{queue}: e{} is a repetition (deduplication id {deduplication})", event.0)
            }
            What::Lease { queue, message, event, consumer, count, lasts } => {
                let (queue, consumer, lasts) = (name(queue), name(consumer), lease(lasts));
                let e = event.0;
                format!(
                    "{queue}: m{message} (e{e}) is given to {consumer}, delivery {count}{lasts}"
                )
            }
            What::Extend { queue, message, event, count, lasts } => {
                let (queue, lasts) = (name(queue), lease(lasts));
                let e = event.0;
                format!("{queue}: lease of m{message} (e{e}) extended, delivery {count}{lasts}")
            }
            What::AcknowledgeMessage { queue, message, event, count, phase } => {
                let (queue, phase) = (name(queue), phase_word(phase, "begins"));
                let e = event.0;
                format!("{queue}: acknowledging m{message} (e{e}) of delivery {count} {phase}")
            }
            What::Refuse { queue, message, event, count, requeue } => {
                let what = if requeue { "to be handed out again" } else { "for good" };
                let queue = name(queue);
                format!("{queue}: refuses m{message} (e{}) of delivery {count}, {what}", event.0)
            }
            What::Requeue { queue, message, event, why } => {
                let why = match why {
                    Requeued::LeaseEnded => "its lease ended",
                    Requeued::Refused => "it was refused",
                    Requeued::Disconnected => "its consumer's connection ended",
                };
                format!("{}: m{message} (e{}) is available again: {why}", name(queue), event.0)
            }
            What::Remove { queue, message, event, why } => {
                let why = match why {
                    Removed::DeadLettered => "dead-lettered",
                    Removed::Expired => "expired",
                    Removed::ExpiredToDeadLetters => "expired and dead-lettered",
                    Removed::Refused => "removed: it was refused",
                    Removed::Purged => "purged",
                    Removed::Overflowed => "removed: the queue is full",
                };
                format!("{}: m{message} (e{}) {why}", name(queue), event.0)
            }
        }
    }

    /// One line of a timeline: seconds, node, what happened.
    #[must_use]
    pub fn line(&self, record: &Record) -> String {
        timeline_line(record.at, self.node(record.node), &self.what(record))
    }
}

/// How long a lease lasts, for the end of a sentence.
fn lease(lasts: u64) -> String {
    match lasts {
        0 => String::new(),
        us => format!(", leased for {}", seconds(us)),
    }
}

fn phase_word(phase: Phase, begins: &'static str) -> &'static str {
    match phase {
        Phase::Invoke => begins,
        Phase::Ok => "succeeds",
        Phase::Fail => "fails",
        Phase::Info => "ends nobody knows how",
    }
}

/// One line of a timeline.
#[must_use]
pub fn timeline_line(at: u64, node: &str, text: &str) -> String {
    format!("{:>4}.{:03}s  {node:<12} {text}", at / 1_000_000, at / 1_000 % 1_000)
}
