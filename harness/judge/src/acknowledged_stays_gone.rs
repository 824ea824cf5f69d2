//! `acknowledged_stays_gone`: what was acknowledged, and confirmed, is not handed out again.
//!
//! Google Pub/Sub, exactly-once delivery: no redelivery after an acknowledgement that was confirmed. Amazon SQS, FIFO
//! queues: what was deleted is not received again (a standard queue may hand out a copy that missed the deletion, and does
//! not promise this). Jepsen's total-queue checker: a duplicate.
//!
//! An acknowledgement whose end nobody knows (the consumer gave up waiting, or died) promises nothing: the message may come
//! again. Of a queue that promises at most once, handing out is the acknowledgement.

use super::{
    dense::ByMessage,
    evidence::{Evidence, Proof},
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    promises::Delivery,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{Phase, What};

pub(super) const ENTRY: Entry = Entry {
    name: "acknowledged_stays_gone",
    about: "No message is handed out again after its acknowledgement was confirmed.",
    safety: true,
    layer: Layer::Delivery,
    needs: &[&["AcknowledgeMessage"], &["Lease"]],
    promise: Some(promised::FINAL),
    limit: None,
    judged: "each acknowledgement that was confirmed; at most once: each delivery",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(StaysGone {
        at_once: setup.promises.delivery == Delivery::AtMostOnce,
        gone: ByMessage::default(),
        findings: Findings::default(),
    }))
}

struct StaysGone {
    /// What is handed out is gone.
    at_once: bool,
    gone: ByMessage<Option<Proof>>,
    findings: Findings,
}

impl Invariant for StaysGone {
    fn hears(&self) -> Variants {
        heard![AcknowledgeMessage, Lease]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::AcknowledgeMessage { queue, message, phase: Phase::Ok, .. } if !self.at_once => {
                self.findings.judged(1);
                self.gone.entry(queue, message).get_or_insert(evidence.proof());
            }
            What::Lease { queue, message, event, count, .. } => {
                self.findings.judged(u64::from(self.at_once));
                let gone = self.gone.entry(queue, message);
                if let Some(gone) = *gone {
                    let how = if self.at_once { "handed out" } else { "acknowledged" };
                    self.findings.add(
                        || {
                            format!(
                                "m{message} (e{}) had been {how}, and is handed out again, delivery {count}",
                                event.0
                            )
                        },
                        || vec![gone, evidence.proof()],
                    );
                } else if self.at_once {
                    *gone = Some(evidence.proof());
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Delivery, testing::*, testing_queues::LEASE};

    #[test]
    fn a_message_comes_again_that_was_acknowledged() {
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).ack(1, 1).after(LEASE).lease(1, 2);
        assert_eq!(
            h.violations("acknowledged_stays_gone"),
            ["m1 (e1) had been acknowledged, and is handed out again, delivery 2 [2, 3]"]
        );
        // It was out to another when that was confirmed, and comes for the third time.
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE).lease(1, 2).ack(1, 1).after(LEASE).lease(1, 3);
        assert_eq!(h.violations("acknowledged_stays_gone").len(), 1);
        let mut h = History::of_queue_that(|promises| promises.delivery = Delivery::AtMostOnce);
        h.enqueue(1).lease(1, 1).after(LEASE).lease(1, 2);
        assert_eq!(
            h.violations("acknowledged_stays_gone"),
            ["m1 (e1) had been handed out, and is handed out again, delivery 2 [1, 2]"]
        );
    }

    #[test]
    fn what_was_not_confirmed_may_come_again() {
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).ack_begins(1, 1).ack_unknown(1, 1).after(LEASE).lease(1, 2);
        h.ack_begins(1, 2).ack_fails(1, 2).after(LEASE).lease(1, 3).ack_begins(1, 3);
        // Its consumer died; and the last one is told.
        h.after(LEASE).lease(1, 4).ack(1, 4).enqueue(2).lease(2, 1);
        assert_eq!(h.violations("acknowledged_stays_gone"), [] as [&str; 0]);
    }
}
