//! `durability`: what was acknowledged is still in some replica's log after all replicas crashed at once.
//!
//! This is where a broker is caught that acknowledges before its disk has the data: as long as one replica
//! lives, its memory hides the mistake. (Jepsen's analysis of NATS JetStream 2.12.1.) What is lost without
//! such a crash is `no_loss`'s business.

use super::{Evidence, Findings, Invariant, Setup, fold::ByEvent};
use squall_probe::{NodeChange, Phase, What};

pub(super) fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
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
    outage: Option<Evidence>,
    events: ByEvent<Event>,
}

#[derive(Default)]
struct Event {
    acked: Option<Evidence>,
    /// Replicas that hold it, a bit each.
    held: u64,
}

impl Invariant for Durability {
    fn record(&mut self, evidence: &Evidence) {
        let replica = self.setup.replica_index(evidence.record.node);
        match (evidence.record.what, replica) {
            (What::Publish { phase: Phase::Ok, event, .. }, _) => {
                self.events.entry(event).acked.get_or_insert(*evidence);
            }
            (What::Append { event, .. }, Some(replica)) => {
                self.events.entry(event).held |= 1 << (replica % 64);
            }
            (What::Rebuild, Some(replica)) => {
                for event in self.events.values_mut() {
                    event.held &= !(1 << (replica % 64));
                }
            }
            (What::Node { change }, Some(replica)) => match change {
                NodeChange::Up => self.up[replica] = true,
                NodeChange::Crashed => {
                    self.up[replica] = false;
                    if !self.up.contains(&true) {
                        self.outage = Some(*evidence);
                    }
                }
                NodeChange::Exited | NodeChange::Panicked => {}
            },
            _ => {}
        }
    }

    fn finish(&mut self) -> Findings {
        let mut findings = Findings::default();
        let Some(outage) = self.outage else { return findings };
        for (id, event) in self.events.iter() {
            let Some(acked) = event.acked else { continue };
            findings.judged(u64::from(acked.index < outage.index));
            if event.held == 0 && acked.index < outage.index {
                findings.add(
                    || {
                        format!(
                            "e{} was acknowledged, and after all replicas crashed at once none has it",
                            id.0
                        )
                    },
                    || vec![acked, outage],
                );
            }
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
            ["e1 was acknowledged, and after all replicas crashed at once none has it [4, 9, 15]"]
        );
    }

    #[test]
    fn somebody_has_it_or_somebody_lived() {
        let mut h = with_power_failure(&[0, 1, 2]);
        h.append(2, 1, 0);
        assert_eq!(h.violations("durability"), [] as [&str; 0]);
        assert_eq!(with_power_failure(&[0, 1]).violations("durability"), [] as [&str; 0]);
    }
}
