//! `durability`: what was acknowledged is in the log in the end, in the copy of a replica that lives; also after all
//! replicas crashed at once.
//!
//! This is where a broker is caught that acknowledges before its disk has the data: as long as one replica
//! lives, its memory hides the mistake. (Jepsen's analysis of NATS JetStream 2.12.1.) What the log has in the end is
//! what living replicas told of since they last rebuilt their copies, and not beyond the ends that they told the
//! observer (the final read). What nobody applied is `no_loss`'s business.

use super::{
    dense::ByEvent,
    evidence::{Evidence, Proof},
    fold::{End, named, share},
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{NodeChange, Phase, Position, What};

pub(super) const ENTRY: Entry = Entry {
    name: "durability",
    about: "What was acknowledged is in the log in the end, also after all replicas crashed at once.",
    safety: true,
    layer: Layer::Log,
    needs: &[&["Publish", "Append"]],
    promise: Some(promised::LOG),
    limit: None,
    judged: "each acknowledged event",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(Durability {
        setup: setup.clone(),
        up: vec![true; setup.replicas.len()],
        outage: None,
        events: ByEvent::default(),
    }))
}

struct Durability {
    setup: Setup,
    /// A crashed replica is down; one that ended by itself has its files, and counts as up.
    up: Vec<bool>,
    /// The record with which the last replica went down, the last time all were.
    outage: Option<Proof>,
    events: ByEvent<Acknowledged>,
}

#[derive(Default)]
struct Acknowledged {
    acked: Option<Proof>,
    position: Option<Position>,
}

impl Invariant for Durability {
    fn hears(&self) -> Variants {
        heard![Append, Node, Publish]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let replica = self.setup.replica_index(evidence.record.node);
        match (evidence.record.what, replica) {
            (What::Publish { phase: Phase::Ok, event, position, .. }, _) => {
                let entry = self.events.entry(event);
                entry.acked.get_or_insert(evidence.proof());
                entry.position = entry.position.or(position);
            }
            (What::Append { event, position, .. }, Some(_)) => {
                self.events.entry(event).position = Some(position);
            }
            (What::Node { change }, Some(replica)) => match change {
                NodeChange::Up => self.up[replica] = true,
                NodeChange::Crashed => {
                    self.up[replica] = false;
                    if !self.up.contains(&true) {
                        self.outage = Some(evidence.proof());
                    }
                }
                NodeChange::Exited | NodeChange::Panicked => {}
            },
            _ => {}
        }
    }

    fn finish(&mut self, end: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        let (mut after, mut otherwise) = (None, None);
        let mut judged = 0;
        for (id, event) in self.events.iter() {
            let Some(acked) = event.acked else { continue };
            let there =
                end.has(id) || event.position.is_some_and(|position| end.copies.has(position, id));
            // A system that tells nothing of its log is not judged by it.
            let known = end.copies.told
                || event.position.is_some_and(|at| end.copies.is_known(at.partition));
            judged += usize::from(there || known);
            if there || !known {
                continue;
            }
            let crashed = self.outage.is_some_and(|outage| acked.index() < outage.index());
            let (events, _) =
                if crashed { &mut after } else { &mut otherwise }.get_or_insert((vec![], acked));
            events.push(id);
        }
        findings.judged(judged as u64);
        if let Some((events, acked)) = after {
            findings.add(
                || {
                    let (share, named) = (share(events.len(), judged), named(&events));
                    format!("{share} in no log after all replicas crashed at once: {named}")
                },
                || [acked].into_iter().chain(self.outage).collect(),
            );
        }
        if let Some((events, acked)) = otherwise {
            findings.add(
                || {
                    let (share, named) = (share(events.len(), judged), named(&events));
                    format!("{share} in the log of no living replica in the end: {named}")
                },
                || vec![acked],
            );
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    fn with_power_failure(down: &[u16]) -> History {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).deliver(1, 0).apply(1, 0);
        for node in down {
            h.crash(*node);
        }
        for node in down {
            h.up(*node).rebuild(*node);
        }
        h
    }

    #[test]
    fn everybody_crashed_and_nobody_has_it() {
        let mut h = with_power_failure(&[0, 1, 2]);
        assert_eq!(
            h.violations("durability"),
            [
                "1 of 1 acknowledged event is in no log after all replicas crashed at once: e1 [4, 9, 15]"
            ]
        );
    }

    #[test]
    fn somebody_has_it_or_somebody_lived() {
        let mut h = with_power_failure(&[0, 1, 2]);
        h.append(2, 1, 0);
        assert_eq!(h.violations("durability"), [] as [&str; 0]);
        assert_eq!(with_power_failure(&[0, 1]).violations("durability"), [] as [&str; 0]);
        // Somebody has it elsewhere than was told last.
        let mut h = History::new();
        h.publish(1).append(0, 1, 0).append(1, 1, 5).ok(1, 0).crash(1);
        assert_eq!(h.violations("durability"), [] as [&str; 0]);
    }

    #[test]
    fn the_log_is_empty_in_the_end() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).deliver(1, 0).apply(1, 0).healed();
        h.replica(0, 0, 0).replica(1, 0, 0).replica(2, 0, 0).projection(1, 9).converged();
        assert_eq!(
            h.violations("durability"),
            ["1 of 1 acknowledged event is in the log of no living replica in the end: e1 [4, 10]"]
        );
        // The same by their own word: they began anew, and tell of nothing.
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).apply(1, 0).rebuild(0).rebuild(1).rebuild(2);
        assert_eq!(
            h.violations("durability"),
            ["1 of 1 acknowledged event is in the log of no living replica in the end: e1 [4, 8]"]
        );
        // One of them ends where it should.
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).apply(1, 0).healed();
        h.replica(0, 0, 0).replica(1, 1, 0).replica(2, 0, 0).converged();
        assert_eq!(h.violations("durability"), [] as [&str; 0]);
    }

    #[test]
    fn a_replica_that_is_down_holds_nothing() {
        let mut h = History::new();
        h.publish(1).append(2, 1, 0).ok(1, 0).apply(1, 0).append(0, 7, 1).crash(2).healed();
        assert_eq!(
            h.violations("durability"),
            ["1 of 1 acknowledged event is in the log of no living replica in the end: e1 [2, 5]"]
        );
        // Another has it, or it came back; it ended by itself and has its files.
        let mut h = History::new();
        h.publish(1).append(2, 1, 0).append(1, 1, 0).ok(1, 0).crash(2).healed();
        assert_eq!(h.violations("durability"), [] as [&str; 0]);
        let mut h = History::new();
        h.publish(1).append(2, 1, 0).ok(1, 0).crash(2).up(2).rebuild(2).append(2, 1, 0).healed();
        assert_eq!(h.violations("durability"), [] as [&str; 0]);
        let mut h = History::new();
        h.publish(1).append(2, 1, 0).ok(1, 0).exited(2).healed();
        assert_eq!(h.violations("durability"), [] as [&str; 0]);
    }

    #[test]
    fn what_is_told_of_a_log_only_by_its_end() {
        // Nobody tells of appends: the ends are believed.
        let mut h = History::new();
        h.publish(1).ok(1, 0).publish(2).ok(2, 1).replica(0, 1, 0).replica(1, 1, 0).converged();
        assert_eq!(
            h.violations("durability"),
            ["1 of 2 acknowledged events is in the log of no living replica in the end: e2 [3]"]
        );
        // One that tells of none has it, where another who is down told that it stands.
        let mut h = History::new();
        h.publish(1).append(0, 1, 0).ok_nowhere(1).crash(0).replica(1, 1, 0).converged();
        assert_eq!(h.violations("durability"), [] as [&str; 0]);
        // Or nothing at all is told.
        let mut h = History::new();
        h.publish(1).ok(1, 0).converged();
        assert_eq!(h.violations("durability"), [] as [&str; 0]);
        // After the deadline an answer may be older than what was appended since.
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).healed().deadline().replica(0, 0, 0);
        h.replica(1, 0, 0).replica(2, 0, 0);
        assert_eq!(h.violations("durability"), [] as [&str; 0]);
    }
}
