//! `available`: at least a share of all publishes ends ok before its client gives up waiting.
//!
//! A publish that its client had to call indeterminate was not available, even if it succeeded later. Those that the
//! harness adds after the healing do not count: they would thin the workload's own out.
//! All publishes count, whatever faults acted at the time: the history does not say who could reach a
//! majority, so choose a limit that the scenario's faults leave room for.

use super::{
    dense::ByEvent,
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    limits::{Bound, Limit},
    setup::Setup,
};
use squall_probe::{Phase, What};

pub(super) const ENTRY: Entry = Entry {
    name: "available",
    about: "At least this share of publishes ends ok in time.",
    safety: false,
    layer: Layer::End,
    needs: &[&["Publish"]],
    promise: None,
    limit: Some(Limit::AtLeast),
    judged: "each publish",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    let Bound::AtLeast(limit) = setup.limits.of("available")? else { return None };
    Some(Box::new(Available {
        limit,
        informed: ByEvent::default(),
        probes: ByEvent::default(),
        invoked: 0,
        ok: 0,
        first: None,
    }))
}

struct Available {
    limit: f64,
    /// The client gave up waiting.
    informed: ByEvent<bool>,
    /// It was added by the harness.
    probes: ByEvent<bool>,
    invoked: u64,
    ok: u64,
    /// The first publish that was not available.
    first: Option<Evidence>,
}

impl Invariant for Available {
    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        if let What::Probe { event } = evidence.record.what {
            *self.probes.entry(event) = true;
        }
        let What::Publish { phase, event, .. } = evidence.record.what else { return };
        if self.probes.get(event).copied().unwrap_or(false) {
            return;
        }
        match phase {
            Phase::Invoke => self.invoked += 1,
            Phase::Ok => self.ok += u64::from(!*self.informed.entry(event)),
            Phase::Fail => {
                self.first.get_or_insert(*evidence);
            }
            Phase::Info => {
                *self.informed.entry(event) = true;
                self.first.get_or_insert(*evidence);
            }
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn finish(&mut self, _: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        findings.judged(self.invoked);
        let share = self.ok as f64 / self.invoked as f64;
        // Where nothing was published it is not a number, which is below no limit.
        if share < self.limit {
            findings.add(
                || {
                    format!(
                        "{} of {} publishes ended ok in time: {:.1}%, the limit is {:.1}%",
                        self.ok,
                        self.invoked,
                        share * 100.0,
                        self.limit * 100.0
                    )
                },
                || self.first.into_iter().collect(),
            );
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn half_is_too_little_and_exactly_enough_is_enough() {
        let mut h = History::new();
        h.publish(1).ok(1, 0).publish(2).info(2).ok(2, 1);
        assert_eq!(
            h.violations("available"),
            ["1 of 2 publishes ended ok in time: 50.0%, the limit is 75.0% [3]"]
        );
        // What the harness adds does not thin it out.
        h.probe(3).publish(3).ok(3, 2).probe(4).publish(4).ok(4, 3);
        assert_eq!(
            h.violations("available"),
            ["1 of 2 publishes ended ok in time: 50.0%, the limit is 75.0% [3]"]
        );
        let mut h = History::new();
        h.publish(1).ok(1, 0).publish(2).ok(2, 1).publish(3).ok(3, 2).publish(4).fail(4);
        assert_eq!(h.violations("available"), [] as [&str; 0]);
    }
}
