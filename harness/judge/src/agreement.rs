//! `agreement`: whoever looks at a place of the log, sees the same event there.
//!
//! After Jepsen's kafka checker ("inconsistent offsets") and the state machine safety property of the
//! Raft paper (§5.4.3). Observers are replicas, as they make events visible, consumers, and
//! those who are told where their event stands: an acknowledgement that names another's place is a lie.
//!
//! And what an event says there is what was published: who makes an event tells a hash of its content.

use super::{
    dense::{ByEvent, ByPlace},
    evidence::{Evidence, Proof},
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{EventId, Phase, What};

pub(super) const ENTRY: Entry = Entry {
    name: "agreement",
    about: "All replicas and consumers see the same event at the same place of the log.",
    safety: true,
    layer: Layer::Log,
    needs: &[&["Append"]],
    promise: Some(promised::LOG),
    limit: None,
    judged: "each further look at a place of the log that somebody has seen before",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(Agreement {
        setup: setup.clone(),
        log: ByPlace::default(),
        said: ByEvent::default(),
        findings: Findings::default(),
    }))
}

struct Agreement {
    setup: Setup,
    /// For each partition, by offset: what was first seen there.
    log: ByPlace<Place>,
    /// What was published, if that was told, and whether it was found changed.
    said: ByEvent<Option<(u32, Proof, bool)>>,
    findings: Findings,
}

/// What was first seen at a place of the log.
#[derive(Default)]
struct Place {
    event: Option<(EventId, Proof)>,
    /// What it said, if that was told.
    content: Option<(u32, Proof)>,
}

impl Invariant for Agreement {
    fn hears(&self) -> Variants {
        heard![Acknowledge, Append, Apply, Content, Deliver, Publish]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let (position, event, content) = match evidence.record.what {
            What::Content { event, content } => {
                self.said.entry(event).get_or_insert((content, evidence.proof(), false));
                return;
            }
            What::Append { position, event, content, .. }
            | What::Deliver { position, event, content, .. } => (position, event, content),
            What::Apply { position, event, .. }
            | What::Acknowledge { position: Some(position), event, .. }
            | What::Publish { phase: Phase::Ok, position: Some(position), event, .. } => {
                (position, event, 0)
            }
            _ => return,
        };
        if content != 0
            && let Some((published, proof, changed)) = self.said.entry(event)
            && *published != content
            && !std::mem::replace(changed, true)
        {
            let proof = *proof;
            self.findings.add(
                || {
                    let a = self.setup.node(proof.node);
                    let b = self.setup.node(evidence.record.node);
                    format!("e{} as {b} has it at {position} is not what {a} published", event.0)
                },
                || vec![proof, evidence.proof()],
            );
        }
        let place = self.log.entry(position);
        if content != 0 {
            let (first, proof) = place.content.get_or_insert((content, evidence.proof()));
            if *first != content {
                self.findings.add(
                    || {
                        let a = self.setup.node(proof.node);
                        let b = self.setup.node(evidence.record.node);
                        format!("at {position} {a} and {b} saw e{} say different things", event.0)
                    },
                    || vec![*proof, evidence.proof()],
                );
                return;
            }
        }
        let (first, proof) = place.event.get_or_insert((event, evidence.proof()));
        self.findings.judged(u64::from(proof.index() != evidence.index));
        if *first != event {
            self.findings.add(
                || {
                    let a = self.setup.node(proof.node);
                    let b = self.setup.node(evidence.record.node);
                    format!("at {position} {a} saw e{} and {b} saw e{}", first.0, event.0)
                },
                || vec![*proof, evidence.proof()],
            );
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn two_events_at_one_place() {
        let mut h = History::new();
        h.publish(1).publish(2).append(0, 1, 0).append(1, 2, 0);
        assert_eq!(h.violations("agreement"), ["at 0:0 r0 saw e1 and r1 saw e2 [2, 3]"]);

        let mut h = History::new();
        h.publish(1).publish(2).append_all(1, 0).deliver(2, 0);
        assert_eq!(h.violations("agreement"), ["at 0:0 r0 saw e1 and c saw e2 [2, 5]"]);
    }

    #[test]
    fn a_producer_is_told_the_place_of_another_event() {
        let mut h = History::new();
        h.publish(1).publish(2).append_all(1, 0).append_all(2, 1).ok(1, 0).ok(2, 0);
        assert_eq!(h.violations("agreement"), ["at 0:0 r0 saw e1 and p saw e2 [2, 9]"]);

        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).publish(2).append_all(2, 1).ok_nowhere(2);
        assert_eq!(h.violations("agreement"), [] as [&str; 0]);
    }

    #[test]
    fn one_event_that_says_two_things() {
        let mut h = History::new();
        h.publish(1).append_saying(0, 1, 0, 7).append_saying(1, 1, 0, 8);
        assert_eq!(
            h.violations("agreement"),
            ["at 0:0 r0 and r1 saw e1 say different things [1, 2]"]
        );
        let mut h = History::new();
        h.publish(1).append_saying(0, 1, 0, 7).append_saying(1, 1, 0, 7).append(2, 1, 0);
        assert_eq!(h.violations("agreement"), [] as [&str; 0]);
    }

    #[test]
    fn what_is_stored_is_not_what_was_published() {
        let mut h = History::new();
        h.publish(1).content(1, 7);
        for replica in 0..3 {
            h.append_saying(replica, 1, 0, 8);
        }
        assert_eq!(
            h.violations("agreement"),
            ["e1 as r0 has it at 0:0 is not what p published [1, 2]"]
        );
        let mut h = History::new();
        h.publish(1).content(1, 7).content(1, 7).append_saying(0, 1, 0, 7);
        h.publish(2).content(2, 8).append(0, 2, 1).append_saying(0, 3, 2, 9);
        assert_eq!(h.violations("agreement"), [] as [&str; 0]);
    }

    #[test]
    fn the_same_everywhere_and_again_after_a_restart() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).rebuild(1).append(1, 1, 0).deliver(1, 0).deliver(1, 0);
        assert_eq!(h.violations("agreement"), [] as [&str; 0]);
    }
}
