//! `latency`: a quantile of the time from publish to effect, over all events and groups, stays below its
//! limit. What never takes effect is `no_loss`'s business.
//!
//! The time begins when the client was asked to publish, not when it got round to it, so that a stalled
//! system is not spared (coordinated omission; Tene, 2013).

use super::{Evidence, Findings, Invariant, Setup, drains::seconds, fold::ByEvent};
use hdrhistogram::Histogram;
use squall_probe::What;

pub(super) fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    let (quantile, limit) = setup.limits.latency?;
    // Whole microseconds to three digits, growing as needed.
    let histogram = Histogram::new(3).ok()?;
    let invoked = ByEvent::default();
    Some(Box::new(Latency { quantile, limit, invoked, histogram, slowest: None }))
}

struct Latency {
    quantile: f64,
    limit: u64,
    /// When each event was asked for, in microseconds.
    invoked: ByEvent<Option<u64>>,
    histogram: Histogram<u64>,
    slowest: Option<(u64, Evidence)>,
}

impl Invariant for Latency {
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Publish { phase: squall_probe::Phase::Invoke, event, .. } => {
                *self.invoked.entry(event) = Some(evidence.record.at);
            }
            What::Apply { event, .. } => {
                let Some(invoked) = self.invoked.get(event).copied().flatten() else { return };
                let took = evidence.record.at.saturating_sub(invoked);
                // It grows: there is no value that it cannot take.
                let _ = self.histogram.record(took);
                if self.slowest.is_none_or(|(slowest, _)| took > slowest) {
                    self.slowest = Some((took, *evidence));
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self) -> Findings {
        let mut findings = Findings::default();
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
    use crate::testing::*;

    #[test]
    fn too_slow_for_too_many() {
        let mut h = History::new();
        h.publish(1).after(LIMIT * 2).apply(1, 0).publish(2).apply(2, 1);
        assert_eq!(
            h.violations("latency"),
            ["90% of effects came within 20.004s, the limit is 10.000s [1]"]
        );
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
