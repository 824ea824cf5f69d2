//! `fair`: no message waits longer than the limit while others that the queue took in after it are handed out.
//!
//! Consumers were free: they took something else. After the waiting times of queueing theory, and what RabbitMQ and SQS say
//! of the order in which waiting messages are handed out (in general the oldest first); a message that is requeued and
//! always passed over starves, and no total of throughput shows it.
//!
//! A wait counts from when the first that was taken in later is handed out, to when the message itself is. A message
//! is available when it was taken in or requeued; where groups keep an order, when those before it in its group are
//! done. That what was requeued goes before what waits is no wait: it was taken in earlier. What is leased when its queue forgets to take it back is `lease_respected`'s business.

use super::{
    dense::ByMessage,
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    limits::{Bound, Limit},
    promised,
    promises::Order,
    setup::Setup,
    time::seconds,
    variants::{Variants, heard},
};
use squall_probe::{Name, Phase, What};
use std::collections::{BTreeMap, VecDeque};

pub(super) const ENTRY: Entry = Entry {
    name: "fair",
    about: "No message waits longer than the limit while later ones are handed out.",
    safety: false,
    layer: Layer::End,
    needs: &[&["Enqueue", "Lease"]],
    promise: Some(promised::QUEUE),
    limit: Some(Limit::Quantile),
    judged: "each delivery of a message that was known to be available",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    let Bound::Quantile(quantile, limit) = setup.limits.of("fair")? else { return None };
    Some(Box::new(Fair {
        quantile,
        limit,
        order: setup.promises.order,
        groups: BTreeMap::new(),
        taken_in: ByMessage::default(),
        places: 0,
        queues: BTreeMap::new(),
        late: 0,
        worst: None,
        findings: Findings::default(),
    }))
}

/// A wait that counts: the message, when it was passed over first, and by which delivery.
type Passed = (u64, Evidence);

#[derive(Default)]
struct Waiting {
    /// Available messages that nothing later has passed, by their places.
    fresh: BTreeMap<u64, u64>,
    /// Available messages that something later has passed.
    passed: BTreeMap<u64, Passed>,
}

struct Fair {
    quantile: f64,
    /// In microseconds.
    limit: u64,
    order: Order,
    /// Where groups keep an order: the messages of each that are not gone.
    groups: BTreeMap<(Name, u32), VecDeque<u64>>,
    /// Of each message that was taken in: its place among all, and its group.
    taken_in: ByMessage<Option<(u64, u32)>>,
    places: u64,
    queues: BTreeMap<Name, Waiting>,
    /// Waits that were longer than the limit.
    late: u64,
    worst: Option<(u64, u64, Evidence, Evidence)>,
    findings: Findings,
}

impl Fair {
    fn place(&self, queue: Name, message: u64) -> Option<u64> {
        Some((*self.taken_in.get(queue, message)?)?.0)
    }

    fn available(&mut self, queue: Name, message: u64) {
        let Some(place) = self.place(queue, message) else { return };
        let waiting = self.queues.entry(queue).or_default();
        if !waiting.passed.contains_key(&message) {
            waiting.fresh.insert(place, message);
        }
    }

    /// It waits no more; whether it was available, and since when it was passed over.
    fn taken(&mut self, queue: Name, place: u64, message: u64) -> (bool, Option<Passed>) {
        let waiting = self.queues.entry(queue).or_default();
        let fresh = waiting.fresh.remove(&place).is_some();
        let passed = waiting.passed.remove(&message);
        (fresh || passed.is_some(), passed)
    }

    fn waited(&mut self, message: u64, passed: Option<Passed>, end: &Evidence) {
        self.findings.judged(1);
        let Some((since, by)) = passed else { return };
        let wait = end.record.at.saturating_sub(since);
        self.late += u64::from(wait > self.limit);
        if self.worst.is_none_or(|(worst, ..)| wait > worst) {
            self.worst = Some((wait, message, by, *end));
        }
    }

    fn gone(&mut self, queue: Name, message: u64) {
        let Some((place, group)) = self.taken_in.get(queue, message).copied().flatten() else {
            return;
        };
        self.taken(queue, place, message);
        let Some(line) = self.groups.get_mut(&(queue, group)) else { return };
        let was_first = line.front() == Some(&message);
        line.retain(|other| *other != message);
        if was_first && let Some(next) = line.front().copied() {
            self.available(queue, next);
        }
    }
}

impl Invariant for Fair {
    fn hears(&self) -> Variants {
        heard![AcknowledgeMessage, Enqueue, Lease, Remove, Requeue]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Enqueue { queue, message, group, .. } => {
                let known = self.taken_in.entry(queue, message);
                if known.is_some() {
                    return;
                }
                let group = if self.order == Order::Total { 0 } else { group };
                *known = Some((self.places, group));
                self.places += 1;
                if self.order == Order::None {
                    return self.available(queue, message);
                }
                let line = self.groups.entry((queue, group)).or_default();
                line.push_back(message);
                if line.len() == 1 {
                    self.available(queue, message);
                }
            }
            What::Requeue { queue, message, .. } => self.available(queue, message),
            What::Lease { queue, message, .. } => {
                let Some(place) = self.place(queue, message) else { return };
                let (was_available, passed) = self.taken(queue, place, message);
                if was_available {
                    self.waited(message, passed, evidence);
                }
                let waiting = self.queues.entry(queue).or_default();
                let later = waiting.fresh.split_off(&place);
                for (_, earlier) in std::mem::replace(&mut waiting.fresh, later) {
                    waiting.passed.insert(earlier, (evidence.record.at, *evidence));
                }
            }
            What::AcknowledgeMessage { queue, message, phase: Phase::Ok, .. }
            | What::Remove { queue, message, .. } => self.gone(queue, message),
            _ => {}
        }
    }

    fn finish(&mut self, end: &End<'_>) -> Findings {
        // What still waits has waited until now.
        let still: Vec<(u64, Passed)> = self
            .queues
            .values_mut()
            .flat_map(|waiting| std::mem::take(&mut waiting.passed))
            .collect();
        for (message, (since, by)) in still {
            let wait = end.now.saturating_sub(since);
            if wait > self.limit {
                self.findings.judged(1);
                self.late += 1;
                if self.worst.is_none_or(|(worst, ..)| wait > worst) {
                    self.worst = Some((wait, message, by, by));
                }
            }
        }
        let mut findings = std::mem::take(&mut self.findings);
        let allowed = (1.0 - self.quantile) * findings.judged as f64;
        if let Some((wait, message, by, end)) = self.worst
            && self.late as f64 > allowed
        {
            let (late, of, limit) = (self.late, findings.judged, seconds(self.limit));
            findings.add(
                || {
                    format!(
                        "{late} of {of} messages waited longer than {limit} while later ones were handed out, \
                         m{message} for {}",
                        seconds(wait)
                    )
                },
                || if by == end { vec![by] } else { vec![by, end] },
            );
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::{Order, testing::*, testing_queues::LEASE};
    use squall_probe::Requeued;

    fn unordered() -> History {
        History::of_queue_that(|promises| promises.order = Order::None)
    }

    #[test]
    fn a_message_is_always_passed_over() {
        // The limit is ten seconds for nine of ten.
        let mut h = unordered();
        h.enqueue(1)
            .after(1)
            .enqueue(2)
            .after(100 * LIMIT)
            .lease(2, 1)
            .after(LIMIT + 1)
            .lease(1, 1);
        assert_eq!(
            h.violations("fair"),
            [
                "1 of 2 messages waited longer than 10.000s while later ones were handed out, m1 for 10.000s \
                 [2, 3]"
            ]
        );
        // It still waits in the end.
        let mut h = unordered();
        h.enqueue(1).after(1).enqueue(2).lease(2, 1).after(LIMIT + 1).deadline();
        assert_eq!(h.violations("fair").len(), 1);
        // It was requeued, and is forgotten.
        let mut h = unordered();
        h.enqueue(1).lease(1, 1).after(LEASE).requeue(1, Requeued::LeaseEnded).after(1).enqueue(2);
        h.lease(2, 1).after(LIMIT + 1).lease(1, 2);
        assert_eq!(h.violations("fair").len(), 1);
    }

    #[test]
    fn what_was_requeued_goes_first() {
        let mut h = unordered();
        h.enqueue(1).enqueue(2).enqueue(3).lease(1, 1).after(1).requeue(1, Requeued::LeaseEnded);
        h.lease(1, 2).after(2 * LIMIT).lease(2, 1).lease(3, 1);
        assert_eq!(h.violations("fair"), [] as [&str; 0]);
    }

    #[test]
    fn nobody_was_free_or_it_was_not_available() {
        // Nothing was handed out meanwhile that came later; and then it was just in time.
        let mut h = unordered();
        h.enqueue(1).after(1).enqueue(2).after(100 * LIMIT).lease(2, 1).after(LIMIT).lease(1, 1);
        assert_eq!(h.violations("fair"), [] as [&str; 0]);
        // One that waits for others of its group is not available.
        let mut h = History::of_queue();
        h.enqueue(1).after(1).enqueue(2).after(1).enqueue_in(3, 7).lease(1, 1).lease(3, 1);
        h.after(2 * LIMIT).ack(1, 1).lease(2, 1);
        assert_eq!(h.violations("fair"), [] as [&str; 0]);
        let mut h = History::of_queue();
        h.enqueue(1).after(1).enqueue(2).after(1).enqueue_in(3, 7).enqueue_in(4, 8).lease(1, 1);
        h.ack(1, 1).after(1).enqueue_in(5, 9).lease(5, 1).after(LIMIT + 1).lease(2, 1);
        assert_eq!(h.violations("fair").len(), 1);
    }
}
