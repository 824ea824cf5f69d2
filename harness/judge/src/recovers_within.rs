//! `recovers_within`: so long after the healing, a publish has been acknowledged (if there was one to
//! acknowledge) and no group lags.
//!
//! It measures from the end of the last fault, as availability targets do (time to recovery). A run in
//! which nothing was owed at the healing has recovered at once.

use super::{
    Evidence, Findings, Invariant, Setup,
    drains::seconds,
    fold::{ByEvent, Lag},
};
use squall_probe::{Mark, Phase, What};

pub(super) fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    let limit = setup.limits.recovers_within?;
    Some(Box::new(RecoversWithin {
        limit,
        lag: Lag::new(setup),
        waiting: ByEvent::default(),
        open: 0,
        healed: None,
        wanted: false,
        acked: None,
        facts: 0,
    }))
}

struct RecoversWithin {
    limit: u64,
    lag: Lag,
    /// Somebody waits for the publish to end.
    waiting: ByEvent<bool>,
    /// How many publishes somebody waits for.
    open: u64,
    healed: Option<Evidence>,
    /// A publish was open at the healing, or was invoked later.
    wanted: bool,
    /// The first acknowledgement since.
    acked: Option<Evidence>,
    /// Publishes that were open at the healing or came later, and effects that were owed then.
    facts: u64,
}

impl Invariant for RecoversWithin {
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Mark(Mark::Healed) => {
                self.healed = Some(*evidence);
                self.wanted = self.open > 0;
                self.facts = self.open + self.lag.owed();
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
                    self.wanted = true;
                    self.facts += u64::from(!was_open);
                }
                if phase == Phase::Ok && self.healed.is_some() {
                    self.acked.get_or_insert(*evidence);
                }
            }
            _ => {}
        }
        self.lag.record(&evidence.record);
    }

    fn finish(&mut self) -> Findings {
        let mut findings = Findings::default();
        let Some(healed) = self.healed else { return findings };
        findings.judged(self.facts);
        let since = healed.record.at;
        let limit = seconds(self.limit);
        if self.wanted {
            match self.acked {
                None if self.open > 0 => findings.add(
                    || "no publish was acknowledged after the healing".to_owned(),
                    || vec![healed],
                ),
                Some(acked) if acked.record.at > since + self.limit => findings.add(
                    || {
                        let late = seconds(acked.record.at - since);
                        format!("the first acknowledgement came {late} after the healing, the limit is {limit}")
                    },
                    || vec![healed, acked],
                ),
                _ => {}
            }
        }
        if !self.lag.is_caught_up() {
            findings.add(|| "a group lagged to the end".to_owned(), || vec![healed]);
        } else if self.lag.caught_up > since + self.limit {
            let late = seconds(self.lag.caught_up - since);
            findings.add(
                || {
                    format!(
                        "everything was caught up {late} after the healing, the limit is {limit}"
                    )
                },
                || vec![healed],
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
                "everything was caught up 10.000s after the healing, the limit is 10.000s [1]",
            ]
        );
        let mut h = History::new();
        h.publish(1).healed();
        assert_eq!(
            h.violations("recovers_within"),
            ["no publish was acknowledged after the healing [1]", "a group lagged to the end [1]"]
        );
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
}
