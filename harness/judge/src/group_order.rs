//! `group_order`: in a message group nothing is handed out while an earlier message is neither acknowledged nor removed,
//! and nothing is acknowledged before it.
//!
//! Amazon SQS Developer Guide, FIFO delivery logic: while messages of a group are out, no more of it are handed out;
//! Google Pub/Sub, Order messages; Knossos' fifo-queue for what is published one after the other. Of a queue that promises
//! at most once (a Redis list), what is handed out is done.
//!
//! The order is that in which the queue took messages in (`Enqueue`), and a message whose publish began after another's was
//! acknowledged must come behind it. Messages of a group that are out to one consumer at a time are a batch: its consumer
//! handles them in order, and is held to that by its acknowledgements. An acknowledgement that was asked for may have
//! arrived, though nobody heard the answer: then the next may be handed out.

use super::{
    dense::{ByEvent, ByMessage},
    evidence::{Evidence, Proof},
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    promises::{Delivery, Order},
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{Name, Phase, What};
use std::collections::{BTreeMap, VecDeque};

pub(super) const ENTRY: Entry = Entry {
    name: "group_order",
    about: "In a message group nothing overtakes an earlier message.",
    safety: true,
    layer: Layer::Delivery,
    needs: &[&["Enqueue", "Lease"]],
    promise: Some(promised::QUEUE_ORDER),
    limit: None,
    judged: "each delivery of a message that the queue has told of",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(GroupOrder {
        total: setup.promises.order == Order::Total,
        at_once: setup.promises.delivery == Delivery::AtMostOnce,
        groups: BTreeMap::new(),
        messages: ByMessage::default(),
        published: ByEvent::default(),
        findings: Findings::default(),
    }))
}

/// A message group of a queue.
type Group = (Name, u32);

#[derive(Default)]
struct Line {
    /// Messages that may still be handed out, in the order in which they were taken in.
    messages: VecDeque<u64>,
    /// Of all that were taken in, the one whose publish began last: when, and the record that took it in.
    last_begun: Option<(u64, Proof)>,
}

#[derive(Clone, Copy)]
struct Message {
    group: u32,
    /// The last that is known of it.
    last: Proof,
    /// To whom it is out.
    out: Option<Name>,
    /// The delivery of which an acknowledgement was asked for, and has not failed.
    answered: Option<u32>,
    /// It left the queue for good.
    gone: bool,
}

#[derive(Default)]
struct Published {
    /// The place in the history where its publish began.
    begun: Option<u64>,
    acknowledged: Option<Proof>,
}

struct GroupOrder {
    total: bool,
    /// What is handed out is gone.
    at_once: bool,
    groups: BTreeMap<Group, Line>,
    messages: ByMessage<Option<Message>>,
    published: ByEvent<Published>,
    findings: Findings,
}

impl GroupOrder {
    /// The first message of the group before this one that should be done, and is not.
    fn overtaken(&self, queue: Name, message: u64, by: Option<Name>) -> Option<(u64, Proof)> {
        // What has left the line stands before nobody, and behind nobody.
        let known = self.messages.get(queue, message)?.filter(|known| !known.gone)?;
        let line = self.groups.get(&(queue, known.group))?;
        let earlier = line.messages.iter().take_while(|other| **other != message);
        earlier.copied().find_map(|other| {
            let known = (*self.messages.get(queue, other)?)?;
            let in_a_batch = by.is_some() && known.out == by;
            (!known.gone && known.answered.is_none() && !in_a_batch).then_some((other, known.last))
        })
    }

    fn change(&mut self, queue: Name, message: u64, change: impl FnOnce(&mut Message)) {
        let Some(known) = self.messages.entry(queue, message) else { return };
        change(known);
        let group = (queue, known.group);
        let Some(line) = self.groups.get_mut(&group) else { return };
        while let Some(first) = line.messages.front().copied() {
            let known = self.messages.entry(queue, first);
            if !known.is_some_and(|known| known.gone) {
                break;
            }
            line.messages.pop_front();
        }
    }

    fn take_in(&mut self, queue: Name, message: u64, group: u32, evidence: &Evidence) {
        let What::Enqueue { event, .. } = evidence.record.what else { return };
        let entry = self.messages.entry(queue, message);
        if entry.is_some() {
            return;
        }
        let (last, out) = (evidence.proof(), None);
        *entry = Some(Message { group, last, out, answered: None, gone: false });
        let line = self.groups.entry((queue, group)).or_default();
        line.messages.push_back(message);
        let Some(published) = self.published.get(event) else { return };
        if let (Some(acknowledged), Some((begun, other))) =
            (published.acknowledged, line.last_begun)
            && acknowledged.index() < begun
        {
            self.findings.add(
                || {
                    format!(
                        "e{} was acknowledged before another of its group was published, and m{message} \
                         stands behind it",
                        event.0
                    )
                },
                || vec![acknowledged, other, evidence.proof()],
            );
        }
        if let Some(begun) = published.begun
            && line.last_begun.is_none_or(|(last, _)| begun > last)
        {
            line.last_begun = Some((begun, evidence.proof()));
        }
    }
}

impl Invariant for GroupOrder {
    fn hears(&self) -> Variants {
        heard![AcknowledgeMessage, Enqueue, Lease, Publish, Remove, Requeue]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Publish { event, phase: Phase::Invoke, .. } => {
                self.published.entry(event).begun.get_or_insert(evidence.index);
            }
            What::Publish { event, phase: Phase::Ok, .. } => {
                self.published.entry(event).acknowledged.get_or_insert(evidence.proof());
            }
            What::Enqueue { queue, message, group, .. } => {
                let group = if self.total { 0 } else { group };
                self.take_in(queue, message, group, evidence);
            }
            What::Lease { queue, message, event, consumer, .. } => {
                let known = self.messages.get(queue, message).is_some_and(Option::is_some);
                self.findings.judged(u64::from(known));
                if let Some((other, last)) = self.overtaken(queue, message, Some(consumer)) {
                    self.findings.add(
                        || {
                            format!(
                                "m{message} (e{}) is handed out, and m{other}, which is before it in its \
                                 group, is not done",
                                event.0
                            )
                        },
                        || vec![last, evidence.proof()],
                    );
                }
                let gone = self.at_once;
                self.change(queue, message, |known| {
                    (known.out, known.last, known.answered) =
                        (Some(consumer), evidence.proof(), None);
                    known.gone |= gone;
                });
            }
            What::AcknowledgeMessage { queue, message, event, count, phase } => {
                if phase == Phase::Ok
                    && let Some((other, last)) = self.overtaken(queue, message, None)
                {
                    self.findings.add(
                        || {
                            format!(
                                "m{message} (e{}) is acknowledged, and m{other}, which is before it in its \
                                 group, is not done",
                                event.0
                            )
                        },
                        || vec![last, evidence.proof()],
                    );
                }
                self.change(queue, message, |known| {
                    if phase != Phase::Fail {
                        known.answered = Some(count);
                    } else if known.answered == Some(count) {
                        known.answered = None;
                    }
                    known.gone |= phase == Phase::Ok;
                });
            }
            What::Requeue { queue, message, .. } => {
                self.change(queue, message, |known| {
                    (known.out, known.last, known.answered) = (None, evidence.proof(), None);
                });
            }
            What::Remove { queue, message, .. } => {
                self.change(queue, message, |known| known.gone = true);
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
    use crate::{Delivery, Order, testing::*, testing_queues::LEASE};
    use squall_probe::{Removed, Requeued};

    #[test]
    fn a_later_message_is_handed_out_first() {
        let mut h = History::of_queue();
        h.enqueue(1).enqueue(2).lease(1, 1).lease_to(2, 1, 8);
        assert_eq!(
            h.violations("group_order"),
            ["m2 (e2) is handed out, and m1, which is before it in its group, is not done [2, 3]"]
        );
        // The first is waiting again, or its acknowledgement has failed.
        for again in [1, 2] {
            let mut h = History::of_queue();
            h.enqueue(1).enqueue(2).lease(1, 1);
            if again == 1 {
                h.after(LEASE).requeue(1, Requeued::LeaseEnded);
            } else {
                h.ack_begins(1, 1).ack_fails(1, 1);
            }
            h.lease_to(2, 1, 8);
            assert_eq!(h.violations("group_order").len(), 1);
        }
        // What is popped from a list is done, and no sooner.
        let mut h = History::of_queue_that(|promises| {
            (promises.delivery, promises.order) = (Delivery::AtMostOnce, Order::Total);
        });
        h.enqueue(1).enqueue(2).enqueue(3).lease(1, 1).lease_to(2, 1, 8).lease(3, 1);
        assert_eq!(h.violations("group_order"), [] as [&str; 0]);
        h.enqueue(4).enqueue_in(5, 7).lease(5, 1);
        assert_eq!(
            h.violations("group_order"),
            ["m5 (e5) is handed out, and m4, which is before it in its group, is not done [6, 8]"]
        );
    }

    #[test]
    fn a_batch_is_acknowledged_out_of_order() {
        let mut h = History::of_queue();
        h.enqueue(1).enqueue(2).lease(1, 1).lease(2, 1).ack(2, 1);
        assert_eq!(
            h.violations("group_order"),
            [
                "m2 (e2) is acknowledged, and m1, which is before it in its group, is not done [2, 4]"
            ]
        );
    }

    #[test]
    fn what_was_published_later_was_taken_in_first() {
        let mut h = History::of_queue();
        h.publish(1).ok_nowhere(1).publish(2).enqueue(2).enqueue(1);
        assert_eq!(
            h.violations("group_order"),
            [
                "e1 was acknowledged before another of its group was published, and m1 stands behind it \
                 [1, 3, 4]"
            ]
        );
        // They were published at the same time; and in another group.
        let mut h = History::of_queue();
        h.publish(1).publish(2).ok_nowhere(1).enqueue(2).enqueue(1);
        h.publish(3).ok_nowhere(3).publish(4).enqueue_in(4, 7).enqueue(3);
        assert_eq!(h.violations("group_order"), [] as [&str; 0]);
    }

    #[test]
    fn what_expired_is_acknowledged_late() {
        let mut h = History::of_queue();
        h.enqueue(1).enqueue(2).lease(1, 1).remove(1, Removed::Expired).lease_to(2, 1, 8).ack(1, 1);
        assert_eq!(h.violations("group_order"), [] as [&str; 0]);
    }

    #[test]
    fn one_after_the_other() {
        let mut h = History::of_queue();
        h.enqueue(1).enqueue(2).enqueue(3).enqueue_in(4, 7);
        // In a batch, and other groups beside.
        h.lease(1, 1).lease(2, 1).lease_to(4, 1, 8).ack(1, 1).ack(2, 1);
        h.lease(3, 1).requeue(3, Requeued::LeaseEnded).lease_to(3, 2, 8).ack_begins(3, 2);
        // Nobody knows whether that arrived; that of an earlier delivery fails.
        h.ack_fails(3, 1);
        h.enqueue(5).lease(5, 1).ack(5, 1).enqueue(6).enqueue(7).remove(6, Removed::DeadLettered);
        h.lease(7, 1).ack(7, 1);
        assert_eq!(h.violations("group_order"), [] as [&str; 0]);
    }
}
