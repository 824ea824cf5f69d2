//! Who has which message of a queue, and until when.

use crate::{
    dense::ByMessage,
    evidence::{Evidence, Proof},
    fold::End,
    invariant::Findings,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{Name, NodeChange, NodeId, Phase, What};

/// A lease that has not ended by anything but time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out {
    /// The delivery count that it was given with.
    pub(super) count: u32,
    /// To whom.
    pub(super) consumer: Name,
    /// The place in the history at which it was given.
    pub(super) given: u64,
    /// When it ends, in microseconds of virtual time, whatever clocks say; `u64::MAX` if it has no end of its own.
    pub(super) until: u64,
    /// The lease, or what extended it last.
    pub(super) by: Proof,
}

impl Out {
    /// It has not ended by then, give or take.
    pub(super) fn is_live(&self, at: u64, tolerance: u64) -> bool {
        self.until > at.saturating_add(tolerance)
    }
}

/// The leases of all messages. One that may be over counts no more: a consumer that has asked for an acknowledgement may
/// have got it, though it never hears so.
#[derive(Debug, Default)]
pub(super) struct Leases(ByMessage<Vec<Out>>);

fn end(at: u64, lasts: u64) -> u64 {
    if lasts == 0 { u64::MAX } else { at.saturating_add(lasts) }
}

impl Leases {
    pub(super) const HEARS: Variants =
        heard![AcknowledgeMessage, Extend, Lease, Refuse, Remove, Requeue];

    /// The lease of a message that lasts longest.
    pub(super) fn out(&self, queue: Name, message: u64) -> Option<&Out> {
        self.0.get(queue, message)?.iter().max_by_key(|out| out.until)
    }

    /// The last lease of each message that has one.
    pub(super) fn all(&self) -> impl Iterator<Item = (Name, u64, &Out)> {
        self.0.iter().filter_map(|(queue, message, all)| Some((queue, message, all.last()?)))
    }

    pub(super) fn record(&mut self, evidence: &Evidence) {
        let at = evidence.record.at;
        match evidence.record.what {
            What::Lease { queue, message, count, lasts, consumer, .. } => {
                let (until, by, given) = (end(at, lasts), evidence.proof(), evidence.index);
                let out = Out { count, consumer, given, until, by };
                let all = self.0.entry(queue, message);
                all.retain(|old| old.until > at);
                all.push(out);
            }
            What::Extend { queue, message, count, lasts, .. } => {
                let mut all = self.0.entry(queue, message).iter_mut();
                if let Some(out) = all.find(|out| out.count == count) {
                    (out.until, out.by) = (end(at, lasts), evidence.proof());
                }
            }
            What::AcknowledgeMessage { queue, message, phase: Phase::Ok, .. } => {
                self.0.entry(queue, message).clear();
            }
            What::AcknowledgeMessage { queue, message, count, phase, .. } => {
                if phase != Phase::Fail {
                    self.0.entry(queue, message).retain(|out| out.count != count);
                }
            }
            What::Refuse { queue, message, count, .. } => {
                self.0.entry(queue, message).retain(|out| out.count != count);
            }
            What::Requeue { queue, message, .. } | What::Remove { queue, message, .. } => {
                self.0.entry(queue, message).clear();
            }
            _ => {}
        }
    }
}

/// Something that is wrong if the consumer that had the message lived: a consumer that has died needs no lease.
struct Suspicion {
    out: Out,
    /// The record by which the message was there again.
    again: Proof,
    summary: String,
}

/// What is wrong with leases, once it is known which consumers had died.
#[derive(Default)]
pub(super) struct Suspicions {
    all: Vec<Suspicion>,
    /// Each time that a node stopped.
    stops: Vec<Proof>,
}

impl Suspicions {
    pub(super) const HEARS: Variants = heard![Node];

    pub(super) fn record(&mut self, evidence: &Evidence) {
        if let What::Node { change } = evidence.record.what
            && change != NodeChange::Up
        {
            self.stops.push(evidence.proof());
        }
    }

    /// The message is there again although it is out.
    pub(super) fn add(&mut self, out: Out, again: &Evidence, summary: String) {
        self.all.push(Suspicion { out, again: again.proof(), summary });
    }

    /// Adds what is wrong. A consumer is known to have died if it has the name of a node, alone or before something else
    /// (`worker-1/3`), and that node stopped while the consumer had the message.
    pub(super) fn tell(&mut self, setup: &Setup, end: &End<'_>, findings: &mut Findings) {
        for Suspicion { out, again, summary } in std::mem::take(&mut self.all) {
            let consumer = (end.names)(out.consumer);
            let is_on = |node: NodeId| {
                let rest = consumer.strip_prefix(setup.node(node));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '.', '#']))
            };
            let had_it = out.given..again.index();
            let died = |stop: &Proof| had_it.contains(&stop.index()) && is_on(stop.node);
            if !self.stops.iter().any(died) {
                findings.add(|| summary, || vec![out.by, again]);
            }
        }
    }
}
