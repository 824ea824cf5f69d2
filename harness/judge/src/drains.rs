//! `drains`: after the healing, every event of the log is applied or dead-lettered in every group within the
//! limit after the healing, or after it was appended (or redriven), if that was later.
//!
//! TigerBeetle's liveness mode: once a core of the cluster is healthy, work that exists must be finished.
//! Events that nobody promised anything about count as soon as they are in the log. Of a queue: every message is
//! acknowledged by a consumer, or removed.

use super::{
    dense::ByEvent,
    evidence::{Evidence, Proof},
    fold::{End, bit},
    invariant::{Entry, Findings, Invariant, Layer},
    limits::{DEFAULT_WITHIN, Limit},
    messages::Undrained,
    promised,
    setup::Setup,
    time::seconds,
    variants::{Variants, heard},
};
use squall_probe::{Mark, Position, What};

pub(super) const ENTRY: Entry = Entry {
    name: "drains",
    about: "After the healing, no group lags behind the log, and no message waits, by the deadline.",
    safety: false,
    layer: Layer::End,
    needs: &[&["Append", "Mark"], &["Enqueue", "Mark"]],
    promise: Some(promised::KEEPS),
    limit: Some(Limit::Within { default: Some(DEFAULT_WITHIN) }),
    judged: "each event of the log",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    if !setup.promises.is_log() {
        return Some(Box::new(Undrained::new(setup)));
    }
    Some(Box::new(Drains { setup: setup.clone(), healed: None }))
}

struct Drains {
    setup: Setup,
    healed: Option<Evidence>,
}

impl Invariant for Drains {
    fn hears(&self) -> Variants {
        heard![Mark]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        if let What::Mark(Mark::Healed) = evidence.record.what {
            self.healed = Some(*evidence);
        }
    }

    fn finish(&mut self, end: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        let Some(healed) = self.healed else { return findings };
        if !self.setup.groups.is_empty() {
            let committed = end.lag.events().filter(|(_, owed)| owed.committed.is_some()).count();
            findings.judged(committed as u64);
        }
        let limit = self.setup.limits.always_within("drains");
        if end.lag.is_drained() {
            if let Some((late, last)) = end.lag.behind.filter(|(late, _)| *late > limit) {
                findings.add(
                    || {
                        format!(
                            "the last group caught up {} after the healing, the limit is {}",
                            seconds(late),
                            seconds(limit)
                        )
                    },
                    || vec![healed, last],
                );
            }
            return findings;
        }
        let mut positions: ByEvent<Option<(Position, Proof)>> = ByEvent::default();
        (end.each)(heard![Append], &mut |evidence| {
            if let What::Append { event, position, .. } = evidence.record.what {
                positions.entry(event).get_or_insert((position, evidence.proof()));
            }
        });
        for (index, _) in self.setup.groups.iter().enumerate() {
            let bit = bit(index);
            let mut owed: Vec<_> = end
                .lag
                .events()
                .filter(|(_, owed)| owed.committed.is_some() && owed.done & bit == 0)
                .filter_map(|(event, _)| Some(((*positions.get(event)?)?, event)))
                .collect();
            owed.sort_by_key(|((position, _), _)| *position);
            if let Some(((position, append), event)) = owed.first() {
                findings.add(
                    || {
                        format!(
                            "{} lags {} events behind the log, the first is e{} at {position}",
                            self.setup.group(index),
                            owed.len(),
                            event.0
                        )
                    },
                    || vec![*append, healed.proof()],
                );
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn a_group_lags() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).publish(2).append_all(2, 1).info(2).apply(1, 0);
        h.healed().deadline();
        assert_eq!(
            h.violations("drains"),
            ["g lags 1 events behind the log, the first is e2 at 0:1 [6, 11]"]
        );
        // Each for itself; the first is the one that stands first.
        let mut h = History::with_groups(&["g", "h"]);
        h.publish(2).append(0, 2, 1).publish(1).append(0, 1, 0).apply(1, 0).healed();
        assert_eq!(
            h.violations("drains"),
            [
                "g lags 1 events behind the log, the first is e2 at 0:1 [1, 5]",
                "h lags 2 events behind the log, the first is e1 at 0:0 [3, 5]",
            ]
        );
    }

    #[test]
    fn a_group_catches_up_in_time_or_too_late() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).healed().after(LIMIT).apply(1, 0);
        assert_eq!(h.violations("drains"), [] as [&str; 0]);

        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).healed().after(LIMIT + 1).apply(1, 0);
        assert_eq!(
            h.violations("drains"),
            ["the last group caught up 10.000s after the healing, the limit is 10.000s [5, 6]"]
        );
    }

    #[test]
    fn what_begins_after_the_healing_has_its_own_limit() {
        let mut h = History::new();
        h.healed().after(LIMIT).publish(1).append_all(1, 0).ok(1, 0).after(LIMIT - 4).apply(1, 0);
        assert_eq!(h.violations("drains"), [] as [&str; 0]);
        h.publish(2).append_all(2, 1).ok(2, 1).after(LIMIT + 1).apply(2, 1);
        assert_eq!(
            h.violations("drains"),
            ["the last group caught up 10.000s after the healing, the limit is 10.000s [0, 12]"]
        );
        // So has what was given up before, and is taken up again.
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).dead_letter(1, 0).healed().after(LIMIT);
        h.redrive(1, 0).after(LIMIT).apply(1, 0);
        assert_eq!(h.violations("drains"), [] as [&str; 0]);
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).dead_letter(1, 0).healed().after(LIMIT);
        h.redrive(1, 0).after(LIMIT + 1).apply(1, 0);
        assert_eq!(
            h.violations("drains"),
            ["the last group caught up 10.000s after the healing, the limit is 10.000s [6, 8]"]
        );
    }
}
