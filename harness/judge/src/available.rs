//! `available`: at least a share of all publishes ends ok before its client gives up waiting.
//!
//! A publish that its client had to call indeterminate was not available, even if it succeeded later. Those that the
//! harness adds after the healing do not count: they would thin the workload's own out.
//! All publishes count, whatever faults acted at the time, unless the limit names a window: while a fault acts
//! (`during`), or since it was over (`after`); a publish counts where it was invoked. The history does not say who could
//! reach a majority, so choose a limit that the scenario's faults leave room for.

use super::{
    dense::ByEvent,
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    limits::{Bound, Limit, Window},
    setup::Setup,
    variants::{Variants, heard},
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
    let (limit, window) = match setup.limits.of("available")? {
        Bound::AtLeast(limit) => (limit, None),
        Bound::AtLeastIn(limit, window) => (limit, Some(window)),
        Bound::Within(_) | Bound::Quantile(..) => return None,
    };
    Some(Box::new(Available {
        limit,
        window,
        open: window.is_none(),
        outside: ByEvent::default(),
        informed: ByEvent::default(),
        probes: ByEvent::default(),
        invoked: 0,
        ok: 0,
        first: None,
    }))
}

struct Available {
    limit: f64,
    window: Option<Window>,
    /// What is published now counts.
    open: bool,
    /// It was published outside of the window.
    outside: ByEvent<bool>,
    /// The client gave up waiting.
    informed: ByEvent<bool>,
    /// It was added by the harness.
    probes: ByEvent<bool>,
    invoked: u64,
    ok: u64,
    /// The first publish that was not available.
    first: Option<Evidence>,
}

impl Available {
    /// Whether what is published from now on counts.
    #[inline(always)]
    fn look_at_window(&mut self, evidence: &Evidence) {
        let Some(window) = self.window else { return };
        match (evidence.record.what, window) {
            (What::FaultBegan { fault, .. }, Window::During(step) | Window::Since(step))
            | (What::FaultHealed { fault }, Window::After(step))
                if fault == step =>
            {
                self.open = true;
            }
            (What::FaultHealed { fault }, Window::During(step)) if fault == step => {
                self.open = false;
            }
            _ => {}
        }
    }
}

impl Invariant for Available {
    fn hears(&self) -> Variants {
        heard![FaultBegan, FaultHealed, Probe, Publish]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        if let What::Probe { event } = evidence.record.what {
            *self.probes.entry(event) = true;
        }
        self.look_at_window(evidence);
        let What::Publish { phase, event, .. } = evidence.record.what else { return };
        if self.probes.get(event).copied().unwrap_or(false) {
            return;
        }
        if self.window.is_some() {
            if phase == Phase::Invoke {
                *self.outside.entry(event) = !self.open;
            }
            if self.outside.get(event).copied().unwrap_or(true) {
                return;
            }
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
    use super::*;
    use crate::{Judge, Limits, testing::*};

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

    fn judged(window: Window, h: &History) -> (u64, Option<String>) {
        let limits = Limits::new([("available", Bound::AtLeastIn(0.75, window))]);
        let setup = Setup { limits, ..Setup::default() };
        let mut judge = Judge::new(&setup);
        h.records().iter().for_each(|record| judge.record(record));
        let found = judge.finish(&|_| String::new());
        let facts = found.judged.iter().find(|(name, _)| *name == "available").unwrap().1;
        let broken = found.violations.into_iter().find(|found| found.invariant == "available");
        (facts, broken.map(|broken| broken.summary))
    }

    #[test]
    fn a_window_takes_what_is_published_in_it_and_nothing_else() {
        let mut h = History::new();
        // One before, two while the fault acts, one of them in vain, and one after it, which fails.
        h.publish(1).fault_began(4).ok(1, 0).publish(2).publish(3).fault_healed(4);
        h.publish(4).info(2).ok(3, 1).fail(4);
        let half = |of: &str| Some(format!("{of}, the limit is 75.0%"));
        let during = judged(Window::During(4), &h);
        assert_eq!(during, (2, half("1 of 2 publishes ended ok in time: 50.0%")));
        let since = judged(Window::Since(4), &h);
        assert_eq!(since, (3, half("1 of 3 publishes ended ok in time: 33.3%")));
        let after = judged(Window::After(4), &h);
        assert_eq!(after, (1, half("0 of 1 publishes ended ok in time: 0.0%")));
        // Of another fault there is nothing to judge.
        assert_eq!(judged(Window::During(5), &h), (0, None));
    }

    #[test]
    fn what_fails_outside_of_a_window_breaks_nothing() {
        let mut h = History::new();
        h.publish(1).fail(1).fault_began(4).publish(2).fault_healed(4).ok(2, 0).publish(3).fail(3);
        assert_eq!(judged(Window::During(4), &h), (1, None));
    }
}
