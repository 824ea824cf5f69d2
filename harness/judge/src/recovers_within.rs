//! `recovers_within`: within the limit after the healing, a publish has been acknowledged (if there was one to
//! acknowledge), every publish has ended or is known to be indeterminate, and no group lags. What begins later has
//! the limit from then on.
//!
//! It measures from the end of the last fault, as availability targets do (time to recovery). A run in
//! which nothing was owed at the healing has recovered at once.

use super::{
    dense::ByEvent,
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    limits::Limit,
    setup::Setup,
    time::seconds,
    variants::{Variants, heard},
};
use squall_probe::{Mark, Phase, What};

pub(super) const ENTRY: Entry = Entry {
    name: "recovers_within",
    about: "After the healing, publishing works and nothing lags within the limit.",
    safety: false,
    layer: Layer::End,
    needs: &[&["Publish", "Mark"], &["Append", "Mark"], &["Enqueue", "Mark"]],
    promise: None,
    limit: Some(Limit::Within { default: None }),
    judged: "each publish that was open at the healing or came later, and each effect that was owed then",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    let limit = setup.limits.within("recovers_within")?;
    Some(Box::new(RecoversWithin {
        limit,
        waiting: ByEvent::default(),
        open: 0,
        healed: None,
        wanted: None,
        given_up: false,
        acked: None,
        facts: 0,
    }))
}

struct RecoversWithin {
    limit: u64,
    /// Somebody waits for the publish to end.
    waiting: ByEvent<bool>,
    /// How many publishes somebody waits for.
    open: u64,
    healed: Option<Evidence>,
    /// Since when an acknowledgement is wanted: since the healing if a publish was open then, or since one was
    /// invoked later.
    wanted: Option<u64>,
    /// A publish was called indeterminate since.
    given_up: bool,
    /// The first acknowledgement since.
    acked: Option<Evidence>,
    /// Publishes that were open at the healing or came later, and effects that were owed then.
    facts: u64,
}

impl Invariant for RecoversWithin {
    fn hears(&self) -> Variants {
        heard![Mark, Publish]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Mark(Mark::Healed) => {
                self.healed = Some(*evidence);
                self.wanted = (self.open > 0).then_some(evidence.record.at);
                self.facts = self.open;
            }
            What::Publish { phase, event, .. } => {
                // Nobody waits any more for what was called indeterminate.
                let open = phase == Phase::Invoke;
                let was_open = std::mem::replace(self.waiting.entry(event), open);
                match (was_open, open) {
                    (false, true) => self.open += 1,
                    (true, false) => self.open -= 1,
                    _ => {}
                }
                if open && self.healed.is_some() {
                    self.wanted.get_or_insert(evidence.record.at);
                    self.facts += u64::from(!was_open);
                }
                self.given_up |= phase == Phase::Info && self.wanted.is_some();
                if phase == Phase::Ok && self.healed.is_some() {
                    self.acked.get_or_insert(*evidence);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, end: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        let Some(healed) = self.healed else { return findings };
        findings.judged(self.facts + end.lag.owed_at_healing());
        let limit = seconds(self.limit);
        if let Some(wanted) = self.wanted {
            match self.acked {
                None if self.open > 0 || self.given_up => findings.add(
                    || "no publish was acknowledged after the healing".to_owned(),
                    || vec![healed],
                ),
                Some(acked) if acked.record.at.saturating_sub(wanted) > self.limit => findings.add(
                    || {
                        let late = seconds(acked.record.at - wanted);
                        format!("the first acknowledgement came {late} after the healing, the limit is {limit}")
                    },
                    || vec![healed, acked],
                ),
                _ => {}
            }
        }
        if !end.lag.is_drained() || end.lag.open() > 0 {
            findings.add(|| "a group lagged to the end".to_owned(), || vec![healed]);
            return findings;
        }
        let waits = [end.lag.behind, end.lag.waited].into_iter().flatten();
        if let Some((late, last)) =
            waits.max_by_key(|(late, _)| *late).filter(|(late, _)| *late > self.limit)
        {
            findings.add(
                || {
                    let late = seconds(late);
                    format!(
                        "everything was caught up {late} after the healing, the limit is {limit}"
                    )
                },
                || vec![healed, last],
            );
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn too_late_or_never() {
        let mut h = History::new();
        h.publish(1).healed().after(LIMIT + 1).append_all(1, 0).ok(1, 0).apply(1, 0);
        assert_eq!(
            h.violations("recovers_within"),
            [
                "the first acknowledgement came 10.000s after the healing, the limit is 10.000s [1, 5]",
                "everything was caught up 10.000s after the healing, the limit is 10.000s [1, 5]",
            ]
        );
        let mut h = History::new();
        h.publish(1).healed();
        assert_eq!(
            h.violations("recovers_within"),
            ["no publish was acknowledged after the healing [1]", "a group lagged to the end [1]"]
        );
        let mut h = History::new();
        h.publish(1).append_all(1, 0).healed().ok(1, 0);
        assert_eq!(h.violations("recovers_within"), ["a group lagged to the end [4]"]);
    }

    #[test]
    fn in_time_or_nothing_to_do() {
        let mut h = History::new();
        h.publish(1).healed().after(LIMIT).append_all(1, 0).ok(1, 0).apply(1, 0);
        assert_eq!(h.violations("recovers_within"), [] as [&str; 0]);
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).apply(1, 0).healed().after(LIMIT * 2);
        assert_eq!(h.violations("recovers_within"), [] as [&str; 0]);
    }

    #[test]
    fn what_is_published_later_has_its_own_time() {
        let mut h = History::new();
        h.healed().after(LIMIT * 2).publish(1).after(LIMIT).append_all(1, 0).ok(1, 0);
        h.after(LIMIT).apply(1, 0);
        assert_eq!(h.violations("recovers_within"), [] as [&str; 0]);
        let mut h = History::new();
        h.healed().after(LIMIT * 2).publish(1).after(LIMIT + 1).append_all(1, 0).ok(1, 0);
        h.apply(1, 0);
        assert_eq!(
            h.violations("recovers_within"),
            [
                "the first acknowledgement came 10.000s after the healing, the limit is 10.000s [0, 5]",
                "everything was caught up 10.000s after the healing, the limit is 10.000s [0, 5]",
            ]
        );
        // What somebody waited for at the healing failed: there is nothing to acknowledge.
        let mut h = History::new();
        h.publish(1).healed().fail(1);
        assert_eq!(h.violations("recovers_within"), [] as [&str; 0]);
        // Clients that give up are no recovery, and neither is what was acknowledged before.
        let mut h = History::new();
        h.publish(1).ok(1, 0).healed().publish(2).info(2).publish(3).info(3);
        assert_eq!(
            h.violations("recovers_within"),
            ["no publish was acknowledged after the healing [2]"]
        );
        let mut h = History::new();
        h.healed().publish(1).info(1);
        assert_eq!(
            h.violations("recovers_within"),
            ["no publish was acknowledged after the healing [0]"]
        );
        let mut h = History::new();
        h.publish(1).info(1).healed().publish(2).fail(2);
        assert_eq!(h.violations("recovers_within"), [] as [&str; 0]);
    }
}
