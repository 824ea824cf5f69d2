//! `latency`: a quantile of the time from publish to effect, over all events and groups, stays below its
//! limit. What never takes effect is `no_loss`'s business.
//!
//! The time begins when the publish was due, not when its client got round to it, so that a stalled system is not
//! spared (coordinated omission; Tene, 2013). Publishes that the harness added itself do not count.

use super::{
    dense::ByEvent,
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    limits::{Bound, Limit},
    setup::Setup,
    time::seconds,
    variants::{Variants, heard},
};
use hdrhistogram::Histogram;
use squall_probe::What;

pub(super) const ENTRY: Entry = Entry {
    name: "latency",
    about: "A quantile of the time from publish to effect stays below the limit.",
    safety: false,
    layer: Layer::End,
    needs: &[&["Publish", "Apply"]],
    promise: None,
    limit: Some(Limit::Quantile),
    judged: "each effect of a published event",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    let Bound::Quantile(quantile, limit) = setup.limits.of("latency")? else { return None };
    // Whole microseconds to three digits, growing as needed.
    let histogram = Histogram::new(3).ok()?;
    let due = ByEvent::default();
    Some(Box::new(Latency { quantile, limit, due, histogram, slowest: None }))
}

struct Latency {
    quantile: f64,
    limit: u64,
    /// When each publish was due, in microseconds; of one that does not count there is nothing.
    due: ByEvent<Due>,
    histogram: Histogram<u64>,
    slowest: Option<(u64, Evidence)>,
}

#[derive(Clone, Copy, Default)]
enum Due {
    #[default]
    Unknown,
    At(u64),
    Probe,
}

impl Invariant for Latency {
    fn hears(&self) -> Variants {
        heard![Apply, Late, Probe, Publish]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Probe { event } => *self.due.entry(event) = Due::Probe,
            What::Late { event, due } => {
                let entry = self.due.entry(event);
                if matches!(entry, Due::Unknown) {
                    *entry = Due::At(due);
                }
            }
            What::Publish { phase: squall_probe::Phase::Invoke, event, .. } => {
                let entry = self.due.entry(event);
                if matches!(entry, Due::Unknown) {
                    *entry = Due::At(evidence.record.at);
                }
            }
            What::Apply { event, .. } => {
                let Some(Due::At(due)) = self.due.get(event).copied() else { return };
                let took = evidence.record.at.saturating_sub(due);
                // It grows: there is no value that it cannot take.
                let _ = self.histogram.record(took);
                if self.slowest.is_none_or(|(slowest, _)| took > slowest) {
                    self.slowest = Some((took, *evidence));
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        findings.judged(self.histogram.len());
        let found = self.histogram.value_at_quantile(self.quantile);
        if let Some((_, slowest)) = self.slowest.filter(|_| found > self.limit) {
            findings.add(
                || {
                    format!(
                        "{}% of effects came within {}, the limit is {}",
                        self.quantile * 100.0,
                        seconds(found),
                        seconds(self.limit)
                    )
                },
                || vec![slowest],
            );
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Judge, Limits, testing::*};

    #[test]
    fn too_slow_for_too_many() {
        let mut h = History::new();
        h.publish(1).after(LIMIT * 2).apply(1, 0).publish(2).apply(2, 1);
        assert_eq!(
            h.violations("latency"),
            ["90% of effects came within 20.004s, the limit is 10.000s [1]"]
        );
        // The first of the slowest is the proof.
        let mut h = History::new();
        h.publish(1).after(LIMIT * 2).apply(1, 0).publish(2).after(LIMIT * 2).apply(2, 1);
        h.publish(3).after(LIMIT).apply(3, 2);
        assert_eq!(
            h.violations("latency"),
            ["90% of effects came within 20.004s, the limit is 10.000s [1]"]
        );
    }

    #[test]
    fn exactly_the_limit_is_in_time() {
        let judged = |took: u64| {
            let setup = Setup {
                limits: Limits::new([("latency", Bound::Quantile(0.5, 1_000))]),
                ..Setup::default()
            };
            let mut judge = Judge::new(&setup);
            let mut h = History::new();
            h.publish(1).after(took).apply(1, 0);
            h.records().iter().for_each(|record| judge.record(record));
            let violations = judge.finish(&|_| String::new()).violations;
            violations
                .into_iter()
                .find(|found| found.invariant == "latency")
                .map(|found| found.summary)
        };
        assert_eq!(judged(1_000), None);
        assert_eq!(
            judged(1_001).as_deref(),
            Some("50% of effects came within 0.001s, the limit is 0.001s")
        );
    }

    #[test]
    fn what_was_due_before_its_client_got_round_to_it() {
        let mut h = History::new();
        h.after(LIMIT * 2).late(1, 0).publish(1).apply(1, 0);
        assert_eq!(
            h.violations("latency"),
            ["90% of effects came within 20.004s, the limit is 10.000s [2]"]
        );
        // What the harness adds is no part of the workload.
        let mut h = History::new();
        h.probe(1).publish(1).after(LIMIT * 2).apply(1, 0).publish(2).apply(2, 1);
        assert_eq!(h.violations("latency"), [] as [&str; 0]);
    }

    #[test]
    fn one_in_ten_may_be_slow() {
        let mut h = History::new();
        h.publish(1).after(LIMIT * 2).apply(1, 0);
        for event in 2..=10 {
            h.publish(event).apply(event, event - 1);
        }
        assert_eq!(h.violations("latency"), [] as [&str; 0]);
    }
}
