//! `one_lease`: no message is out under two live leases at once.
//!
//! Amazon SQS: a message is invisible to other consumers during its visibility timeout (Developer Guide, Visibility
//! timeout; of FIFO queues, and a best effort of standard ones). RabbitMQ: a message that is unacknowledged is with one
//! consumer. Google Pub/Sub, exactly-once delivery: no redelivery while the acknowledgement deadline runs. Jepsen's queues
//! call what two consumers handled a duplicate, and cannot tell whose fault it is.
//!
//! A lease ends when its time is over, in virtual time and within the tolerance that is promised; a lease that ends at the
//! instant of the next has ended; so has that of a consumer whose node has stopped. It may be over as soon as its consumer asks for an acknowledgement or refuses the
//! message: that nobody heard the answer says nothing. What the queue takes back, and says so, is out no more: whether it
//! might take it back is `lease_respected`'s business.

use super::{
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    leases::{Leases, Suspicions},
    promised,
    promises::Lease,
    setup::Setup,
    time::seconds,
    variants::{Variants, heard},
};
use squall_probe::What;

pub(super) const ENTRY: Entry = Entry {
    name: "one_lease",
    about: "No message is out under two live leases at once.",
    safety: true,
    layer: Layer::Delivery,
    needs: &[&["Lease"]],
    promise: Some(promised::EXCLUSIVE),
    limit: None,
    judged: "each delivery of a message",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    let queue = setup.promises.queue()?;
    Some(Box::new(OneLease {
        setup: setup.clone(),
        tolerance: queue.tolerance.as_micros() as u64,
        with_connection: queue.lease == Lease::Connection,
        leases: Leases::default(),
        suspicions: Suspicions::default(),
        findings: Findings::default(),
    }))
}

struct OneLease {
    setup: Setup,
    /// In microseconds.
    tolerance: u64,
    /// Leases end with connections.
    with_connection: bool,
    leases: Leases,
    suspicions: Suspicions,
    findings: Findings,
}

impl Invariant for OneLease {
    fn hears(&self) -> Variants {
        heard![Lease].and(Leases::HEARS).and(Suspicions::HEARS)
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        if let What::Lease { queue, message, event, count, .. } = evidence.record.what {
            self.findings.judged(1);
            let out = self.leases.out(queue, message).copied();
            if let Some(out) = out.filter(|out| out.is_live(evidence.record.at, self.tolerance)) {
                let until = if self.with_connection || out.until == u64::MAX {
                    "is out".to_owned()
                } else {
                    format!("is out until {}", seconds(out.until))
                };
                let summary = format!(
                    "m{message} (e{}) is handed out, delivery {count}, while delivery {} {until}",
                    event.0, out.count
                );
                self.suspicions.add(out, evidence, summary);
            }
        }
        self.leases.record(evidence);
        self.suspicions.record(evidence);
    }

    fn finish(&mut self, end: &End<'_>) -> Findings {
        self.suspicions.tell(&self.setup, end, &mut self.findings);
        std::mem::take(&mut self.findings)
    }
}

#[cfg(test)]
mod tests {
    use crate::{testing::*, testing_queues::LEASE};
    use squall_probe::Requeued;

    #[test]
    fn two_consumers_have_one_message() {
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE / 2).lease_to(1, 2, 8);
        assert_eq!(
            h.violations("one_lease"),
            ["m1 (e1) is handed out, delivery 2, while delivery 1 is out until 1.000s [1, 2]"]
        );
        // The lease was extended, and what was extended counts.
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE / 2).extend(1, 1).after(LEASE * 3 / 4).lease(1, 2);
        assert_eq!(
            h.violations("one_lease"),
            ["m1 (e1) is handed out, delivery 2, while delivery 1 is out until 1.500s [2, 3]"]
        );
        // An acknowledgement that surely failed has ended nothing, and one of another delivery neither.
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE).lease(1, 2).ack_begins(1, 1).after(1).lease(1, 3);
        assert_eq!(
            h.violations("one_lease"),
            ["m1 (e1) is handed out, delivery 3, while delivery 2 is out until 2.000s [2, 4]"]
        );
    }

    #[test]
    fn a_consumer_that_has_died_has_no_lease() {
        let mut h = History::of_queue();
        h.enqueue(1).consumer_crash().consumer_up().lease(1, 1).consumer_crash().lease(1, 2);
        for (consumer, broken) in
            [("c", false), ("c/2", false), ("c2", true), ("p", true), ("other", true)]
        {
            let found = h.judge().finish(&|_| consumer.to_owned()).violations;
            let found = found.iter().any(|violation| violation.invariant == "one_lease");
            assert_eq!(found, broken, "{consumer}");
        }
        // It had died before.
        let mut h = History::of_queue();
        h.enqueue(1).consumer_crash().consumer_up().lease(1, 1).lease(1, 2);
        let found = h.judge().finish(&|_| "c".to_owned()).violations;
        assert!(found.iter().any(|violation| violation.invariant == "one_lease"));
    }

    #[test]
    fn a_lease_that_may_be_over_is_none() {
        let mut h = History::of_queue();
        // It ended at this instant, or its queue's timer is within the tolerance.
        h.enqueue(1).lease(1, 1).after(LEASE).lease(1, 2).after(LEASE - 100_000).lease(1, 3);
        // The consumer asked for an acknowledgement, and never hears how that ended.
        h.ack_begins(1, 3).ack_unknown(1, 3).lease(1, 4);
        h.refuse(1, 4, true).lease(1, 5).requeue(1, Requeued::Disconnected).lease(1, 6);
        // Another message, and this one of another queue.
        h.enqueue(2).lease(2, 1).lease_of(1, 1, 1);
        assert_eq!(h.violations("one_lease"), [] as [&str; 0]);
        // A microsecond more than the tolerance.
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE - 100_001).lease(1, 2);
        assert_eq!(h.violations("one_lease").len(), 1);
    }
}
