//! `lease_respected`: a message does not come back before its lease has ended, and comes back when it has.
//!
//! Amazon SQS Developer Guide, Visibility timeout; Google Pub/Sub, Lease management; RabbitMQ, Consumer Acknowledgements
//! (a message is requeued when its channel closes, and not before). A queue that takes a message back early has it
//! handled twice although nobody failed; one that forgets to take it back loses it with its consumer.
//!
//! Early is: the queue says that the message is available again (`Requeue`) while its lease runs, within the tolerance that
//! is promised, though its consumer's node has not stopped, and it has neither refused the message nor asked for an
//! acknowledgement. That a connection ended is a reason only where leases end with connections. Judged only where leases
//! are exclusive. Never is: a lease has ended, and since then, or since the healing if that was later, the time of `drains`
//! has passed without the message having been handed out, acknowledged or removed.

use super::{
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    leases::{Leases, Suspicions},
    outstanding::Outstanding,
    promised,
    promises::Lease,
    setup::Setup,
    time::seconds,
    variants::{Variants, heard},
};
use squall_probe::{Mark, Name, Requeued, What};
use std::collections::BTreeSet;

pub(super) const ENTRY: Entry = Entry {
    name: "lease_respected",
    about: "A message does not come back before its lease has ended, and does when it has.",
    safety: true,
    layer: Layer::Delivery,
    needs: &[&["Lease"]],
    promise: Some(promised::LEASES),
    limit: None,
    judged: "each delivery of a message",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    let queue = *setup.promises.queue()?;
    Some(Box::new(LeaseRespected {
        setup: setup.clone(),
        exclusive: queue.exclusive,
        tolerance: queue.tolerance.as_micros() as u64,
        with_connection: queue.lease == Lease::Connection,
        patience: setup.limits.always_within("drains"),
        leases: Leases::default(),
        suspicions: Suspicions::default(),
        outstanding: Outstanding::default(),
        healed: None,
        findings: Findings::default(),
    }))
}

struct LeaseRespected {
    setup: Setup,
    exclusive: bool,
    /// In microseconds.
    tolerance: u64,
    /// Leases end with connections.
    with_connection: bool,
    /// How long a message may take to come back, in microseconds.
    patience: u64,
    leases: Leases,
    suspicions: Suspicions,
    outstanding: Outstanding,
    healed: Option<u64>,
    findings: Findings,
}

impl Invariant for LeaseRespected {
    fn hears(&self) -> Variants {
        heard![Lease, Mark, Requeue]
            .and(Leases::HEARS)
            .and(Suspicions::HEARS)
            .and(Outstanding::HEARS)
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let now = evidence.record.at;
        match evidence.record.what {
            What::Lease { .. } => self.findings.judged(1),
            What::Mark(Mark::Healed) => self.healed = Some(now),
            What::Requeue { queue, message, event, why } if self.exclusive => {
                let out = self.leases.out(queue, message).copied();
                let excused = why == Requeued::Disconnected && self.with_connection;
                let out = out.filter(|out| !excused && out.is_live(now, self.tolerance));
                if let Some(out) = out {
                    let end = match out.until {
                        u64::MAX => "its lease has no end of its own".to_owned(),
                        until => format!("it is leased until {}", seconds(until)),
                    };
                    let summary = format!(
                        "m{message} (e{}) of delivery {} is available again, and {end}",
                        event.0, out.count
                    );
                    self.suspicions.add(out, evidence, summary);
                }
            }
            _ => {}
        }
        self.leases.record(evidence);
        self.suspicions.record(evidence);
        self.outstanding.record(&evidence.record);
    }

    fn finish(&mut self, end: &End<'_>) -> Findings {
        let mut findings = std::mem::take(&mut self.findings);
        self.suspicions.tell(&self.setup, end, &mut findings);
        let Some(healed) = self.healed else { return findings };
        let undone: BTreeSet<(Name, u64)> =
            self.outstanding.undone().map(|(queue, message, _)| (queue, message)).collect();
        for (queue, message, out) in self.leases.all() {
            let over = out.until.max(healed);
            // One that is out twice may be done by the other.
            if !undone.contains(&(queue, message)) {
                continue;
            }
            if out.until == u64::MAX || end.now < over.saturating_add(self.patience) {
                continue;
            }
            let waited = seconds(end.now - over);
            findings.add_missing(
                || {
                    format!(
                        "the lease of m{message}, delivery {}, ended at {}, and {waited} later nobody has \
                         been given it again",
                        out.count,
                        seconds(out.until)
                    )
                },
                || vec![out.by],
            );
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::{testing::*, testing_queues::LEASE};
    use squall_probe::{Removed, Requeued};

    #[test]
    fn it_comes_back_too_early() {
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE / 2).requeue(1, Requeued::LeaseEnded);
        let early = "m1 (e1) of delivery 1 is available again, and it is leased until 1.000s";
        assert_eq!(h.violations("lease_respected"), [format!("{early} [1, 2]")]);
        // It was extended, and that is forgotten.
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE / 2).extend(1, 1).after(LEASE / 2);
        h.requeue(1, Requeued::LeaseEnded);
        assert_eq!(
            h.violations("lease_respected"),
            ["m1 (e1) of delivery 1 is available again, and it is leased until 1.500s [2, 3]"]
        );
        // Nobody has refused it, and leases do not end with connections.
        for why in [Requeued::Refused, Requeued::Disconnected] {
            let mut h = History::of_queue();
            h.enqueue(1).lease(1, 1).after(LEASE / 2).requeue(1, why);
            assert_eq!(h.violations("lease_respected"), [format!("{early} [1, 2]")]);
        }
    }

    #[test]
    fn it_comes_back_early_from_a_consumer_that_has_died() {
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).consumer_crash().requeue(1, Requeued::Disconnected);
        let broken = |consumer: &str| {
            let found = h.judge().finish(&|_| consumer.to_owned()).violations;
            found.iter().any(|violation| violation.invariant == "lease_respected")
        };
        assert!(!broken("c") && broken("p"));
    }

    #[test]
    fn it_never_comes_back() {
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE / 2).healed().after(LEASE / 2 + LIMIT).deadline();
        assert_eq!(
            h.violations("lease_respected"),
            [
                "the lease of m1, delivery 1, ended at 1.000s, and 10.000s later nobody has been given it \
                 again [1]"
            ]
        );
        assert_eq!(h.since("lease_respected"), [crate::NEVER]);
        // It still had time, from the end of the lease or from the healing.
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE / 2).healed().after(LEASE / 2 + LIMIT - 1).deadline();
        assert_eq!(h.violations("lease_respected"), [] as [&str; 0]);
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(2 * LEASE).healed().after(LIMIT - 1).deadline();
        assert_eq!(h.violations("lease_respected"), [] as [&str; 0]);
    }

    #[test]
    fn it_comes_back_in_time_or_has_gone() {
        let mut h = History::of_queue();
        h.enqueue(1).lease(1, 1).after(LEASE).requeue(1, Requeued::LeaseEnded);
        h.lease(1, 2).after(LEASE - 100_000).requeue(1, Requeued::LeaseEnded);
        h.lease(1, 3).refuse(1, 3, true).requeue(1, Requeued::Refused);
        // The acknowledgement was asked for, and the queue had not heard it.
        h.lease(1, 4).ack_begins(1, 4).requeue(1, Requeued::Disconnected);
        h.enqueue(2).lease(2, 1).ack(2, 1).enqueue(3).lease(3, 1).remove(3, Removed::DeadLettered);
        h.enqueue(4).lease(4, 1).ack_begins(4, 1).ack_unknown(4, 1);
        // It was out twice, and one of the two is done with it, or may be.
        h.enqueue(5).lease(5, 1).lease(5, 2).ack(5, 1);
        h.enqueue(6).lease(6, 1).lease(6, 2).ack_begins(6, 1).ack_unknown(6, 1);
        h.healed().after(2 * LIMIT).deadline();
        assert_eq!(h.violations("lease_respected"), [] as [&str; 0]);
    }
}
