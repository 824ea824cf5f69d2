//! `delivery_count`: the count that a delivery carries is the number of deliveries, and the limit on it is kept: nothing is
//! handed out beyond it, and nothing is dead-lettered before.
//!
//! Amazon SQS Developer Guide, Dead-letter queues (`maxReceiveCount`, approximate in standard queues); RabbitMQ, Quorum
//! Queues (`x-delivery-count`, delivery limit); Redis, `XPENDING`; Google Pub/Sub, Dead-letter topics
//! (`max_delivery_attempts`). A count that begins anew with its broker never reaches the limit, and poison goes round for
//! ever.
//!
//! A queue counts before the message leaves. If it died in between, it has counted a delivery that nobody saw: for each time
//! that a node of it stopped since the delivery before, the count may be one higher. Approximate counts are held to the
//! limit only. A message that its consumer refused for good may be dead-lettered at any count.

use super::{
    dense::ByMessage,
    evidence::{Evidence, Proof},
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    promises::{Counts, DeadLetters},
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{NodeChange, NodeId, Removed, What};
use std::collections::BTreeSet;

pub(super) const ENTRY: Entry = Entry {
    name: "delivery_count",
    about: "Deliveries are counted right, and end at the limit and not before.",
    safety: true,
    layer: Layer::Delivery,
    needs: &[&["Lease"], &["Remove"]],
    promise: Some(promised::COUNTS),
    limit: None,
    judged: "each delivery of a message, and each dead letter where there is a limit",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    let queue = setup.promises.queue()?;
    let limit = match setup.promises.dead_letters {
        DeadLetters::After(limit) => Some(limit),
        DeadLetters::None | DeadLetters::Poison => None,
    };
    Some(Box::new(DeliveryCount {
        exact: queue.counts == Counts::Exact,
        limit,
        messages: ByMessage::default(),
        nodes: BTreeSet::new(),
        stops: 0,
        findings: Findings::default(),
    }))
}

#[derive(Default)]
struct Counted {
    /// The count that it carried last.
    count: u32,
    /// How often nodes of the queue had stopped then.
    stops: u32,
    /// When it was taken in, or handed out last.
    last: Option<Proof>,
    /// Its consumer refused it for good.
    refused: bool,
}

struct DeliveryCount {
    exact: bool,
    limit: Option<u32>,
    messages: ByMessage<Counted>,
    /// Nodes that are the queue: who tells of what it takes in and hands out.
    nodes: BTreeSet<NodeId>,
    /// How often one of them has stopped.
    stops: u32,
    findings: Findings,
}

impl Invariant for DeliveryCount {
    fn hears(&self) -> Variants {
        heard![Enqueue, Lease, Node, Refuse, Remove]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Enqueue { queue, message, .. } => {
                self.nodes.insert(evidence.record.node);
                let stops = self.stops;
                let known = self.messages.entry(queue, message);
                if known.last.is_none() {
                    (known.last, known.stops) = (Some(evidence.proof()), stops);
                }
            }
            What::Lease { queue, message, event, count, .. } => {
                self.nodes.insert(evidence.record.node);
                self.findings.judged(1);
                let stops = self.stops;
                let known = self.messages.entry(queue, message);
                let next = known.count.saturating_add(1);
                let most = next.saturating_add(stops - known.stops);
                let before = known.last;
                (known.count, known.stops, known.last) = (count, stops, Some(evidence.proof()));
                let proof = || before.into_iter().chain([evidence.proof()]).collect::<Vec<_>>();
                if self.exact && !(next..=most).contains(&count) {
                    self.findings.add(
                        || {
                            format!(
                                "m{message} (e{}) carries delivery count {count}, and it should be {next}",
                                event.0
                            )
                        },
                        proof,
                    );
                }
                if let Some(limit) = self.limit.filter(|limit| count > *limit) {
                    self.findings.add(
                        || {
                            format!(
                                "m{message} (e{}) is handed out for the {count}. time, the limit is {limit}",
                                event.0
                            )
                        },
                        proof,
                    );
                }
            }
            What::Refuse { queue, message, requeue: false, .. } => {
                self.messages.entry(queue, message).refused = true;
            }
            What::Remove { queue, message, event, why: Removed::DeadLettered } => {
                let Some(limit) = self.limit else { return };
                self.findings.judged(1);
                let stops = self.stops;
                let known = self.messages.entry(queue, message);
                let most = known.count.saturating_add(stops - known.stops);
                if most < limit && !known.refused {
                    let (count, before) = (known.count, known.last);
                    self.findings.add(
                        || {
                            format!(
                                "m{message} (e{}) is dead-lettered after {count} deliveries, the limit is {limit}",
                                event.0
                            )
                        },
                        || before.into_iter().chain([evidence.proof()]).collect(),
                    );
                }
            }
            What::Node { change } if change != NodeChange::Up => {
                self.stops += u32::from(self.nodes.contains(&evidence.record.node));
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
    use crate::{Counts, Storage, testing::*, testing_queues::LEASE};
    use squall_probe::Removed;

    #[test]
    fn the_count_is_not_the_number_of_deliveries() {
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 2);
        let wrong = "m1 (e1) carries delivery count 2, and it should be 1 [0, 1]";
        assert_eq!(h.violations("delivery_count"), [wrong]);
        // It begins anew with the broker.
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE).crash(0).up(0).lease(1, 1);
        assert_eq!(
            h.violations("delivery_count"),
            ["m1 (e1) carries delivery count 1, and it should be 2 [1, 4]"]
        );
        // That a consumer died excuses nothing.
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE).consumer_crash().consumer_up().lease(1, 3);
        assert_eq!(
            h.violations("delivery_count"),
            ["m1 (e1) carries delivery count 3, and it should be 2 [1, 4]"]
        );
    }

    #[test]
    fn the_limit_is_not_kept() {
        // It is three.
        let mut h = History::of_queue();
        h.enqueue(1);
        for count in 1..=4 {
            h.lease(1, count).after(LEASE);
        }
        assert_eq!(
            h.violations("delivery_count"),
            ["m1 (e1) is handed out for the 4. time, the limit is 3 [3, 4]"]
        );
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE).lease(1, 2).after(LEASE);
        h.remove(1, Removed::DeadLettered);
        assert_eq!(
            h.violations("delivery_count"),
            ["m1 (e1) is dead-lettered after 2 deliveries, the limit is 3 [2, 3]"]
        );
        // Approximate counts are held to it, too.
        let mut h = History::of_queue_that(|promises| {
            let Storage::Queue(queue) = &mut promises.storage else { unreachable!() };
            queue.counts = Counts::Approximate;
        });
        h.enqueue(1).lease(1, 2).after(LEASE).lease(1, 4);
        assert_eq!(
            h.violations("delivery_count"),
            ["m1 (e1) is handed out for the 4. time, the limit is 3 [1, 2]"]
        );
    }

    #[test]
    fn a_delivery_that_nobody_saw_may_be_counted() {
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE).crash(0).up(0).lease(1, 3).after(LEASE);
        h.remove(1, Removed::DeadLettered);
        // It stopped before the first, and before the message was given up.
        h.enqueue(2).crash(0).up(0).lease(2, 2).after(LEASE).exited(0).up(0);
        h.remove(2, Removed::DeadLettered);
        // One that was refused for good needs no count, and one that expired has none.
        h.enqueue(3).lease(3, 1).refuse(3, 1, false).remove(3, Removed::DeadLettered);
        h.enqueue(4).remove(4, Removed::ExpiredToDeadLetters);
        // A queue tells of it again when it starts.
        h.enqueue(5).crash(0).up(0).enqueue(5).lease(5, 2);
        assert_eq!(h.violations("delivery_count"), [] as [&str; 0]);
    }
}
