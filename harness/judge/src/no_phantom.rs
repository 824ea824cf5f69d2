//! `no_phantom`: nothing appears that was never published, and nothing whose publish surely failed.
//!
//! After Jepsen's total-queue checker ("unexpected"). An event whose publish is indeterminate may appear.
//! A client that says "failed" and is later contradicted has lied: that `Fail` comes after the event was
//! seen is a violation as well.

use super::{
    dense::ByEvent,
    evidence::{Evidence, Proof},
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{Phase, What};

pub(super) const ENTRY: Entry = Entry {
    name: "no_phantom",
    about: "Nothing is delivered that was not published, or whose publish surely failed.",
    safety: true,
    layer: Layer::Log,
    needs: &[&["Append"], &["Deliver"], &["Apply"], &["DeadLetter"], &["Enqueue"], &["Lease"]],
    promise: None,
    limit: None,
    judged: "each event that shows up in a log or queue, at a consumer or as an effect",
    make,
};

fn make(_: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(NoPhantom { events: ByEvent::default(), findings: Findings::default() }))
}

struct NoPhantom {
    events: ByEvent<Known>,
    findings: Findings,
}

#[derive(Default)]
struct Known {
    invoked: bool,
    failed: Option<Proof>,
    seen: Option<Proof>,
    told: bool,
}

impl Invariant for NoPhantom {
    fn hears(&self) -> Variants {
        heard![Append, Apply, DeadLetter, Deliver, Derive, Enqueue, Lease, Publish]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let (id, entry) = match evidence.record.what {
            What::Publish { phase, event, .. } => {
                let entry = self.events.entry(event);
                match phase {
                    Phase::Invoke => entry.invoked = true,
                    Phase::Fail => {
                        entry.failed = Some(evidence.proof());
                    }
                    Phase::Ok | Phase::Info => return,
                }
                (event, entry)
            }
            // What a service makes of an event is published by it.
            What::Derive { event, .. } => {
                self.events.entry(event).invoked = true;
                return;
            }
            What::Append { event, .. }
            | What::Deliver { event, .. }
            | What::Apply { event, .. }
            | What::DeadLetter { event, .. }
            | What::Enqueue { event, .. }
            | What::Lease { event, .. } => {
                let entry = self.events.entry(event);
                self.findings.judged(u64::from(entry.seen.is_none()));
                entry.seen.get_or_insert(evidence.proof());
                (event, entry)
            }
            _ => return,
        };
        let Some(seen) = entry.seen.filter(|_| !entry.told) else { return };
        if let Some(failed) = entry.failed {
            entry.told = true;
            self.findings.add(
                || format!("the publish of e{} failed for sure, and there it is", id.0),
                || vec![failed, seen],
            );
        } else if !entry.invoked {
            entry.told = true;
            self.findings.add(|| format!("e{} was never published", id.0), || vec![seen]);
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
    fn from_nowhere_and_from_the_dead() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).deliver(1, 0).deliver(7, 1);
        assert_eq!(h.violations("no_phantom"), ["e7 was never published [6]"]);

        let mut h = History::new();
        h.publish(1).fail(1).append(0, 1, 0);
        let expected = ["the publish of e1 failed for sure, and there it is [1, 2]"];
        assert_eq!(h.violations("no_phantom"), expected);

        let mut h = History::new();
        h.publish(1).append(0, 1, 0).fail(1);
        assert_eq!(h.violations("no_phantom"), expected);
    }

    #[test]
    fn an_indeterminate_event_may_appear_or_not() {
        let mut h = History::new();
        h.publish(1).info(1).append_all(1, 0).deliver(1, 0).apply(1, 0).publish(2).info(2);
        assert_eq!(h.violations("no_phantom"), [] as [&str; 0]);
        // And what a service has made of another.
        let mut h = History::new();
        h.derive(2, 1).append_all(2, 0);
        assert_eq!(h.violations("no_phantom"), [] as [&str; 0]);
    }
}
